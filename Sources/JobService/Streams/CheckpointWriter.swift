internal import Engine
internal import Environment
internal import Platform
internal import Storage
internal import Synchronization

/// What a checkpoint is written from.
struct CheckpointDraft: Sendable {
    /// Everything but blobs and pieces.
    let manifest: CheckpointManifest
    let states: [(owner: StateOwner, snapshot: StageSnapshot)]
}

/// Writes and removes checkpoints, one after the other, on a thread of its own: encoding, compression and the disk hold
/// nobody up.
///
/// Isolation: one thread posts, waits and closes.
final class CheckpointWriter: Sendable {
    enum Work: Sendable {
        case store(CheckpointDraft)
        case remove(Int64)
    }

    private struct State {
        var waiting: [Work] = []
        var isBusy = false
        var isClosed = false
    }

    private let store: any CheckpointStore
    private let state = Mutex(State())
    private let doorbell = Doorbell()
    private let idleBell = Doorbell()
    private let threads = Mutex<PinnedThreads?>(nil)

    init(_ store: any CheckpointStore) {
        self.store = store
    }

    /// Starts the thread; `base` is a checkpoint whose pieces later ones may name, and `report` gets the manifest of each
    /// checkpoint that exists, or why it doesn't.
    func start(
        base: CheckpointManifest?,
        _ report: @escaping @Sendable (Int64, Result<CheckpointManifest, CheckpointError>) -> Void
    ) throws(EnvironmentError) {
        try self.threads.withLock { threads throws(EnvironmentError) in
            threads = try PinnedThreads(count: 1, name: "weir-state", isPinned: false, givesWay: true) { _ in
                self.run(base, report)
            }
        }
    }

    /// As many wait as the coordinator wants done at once: one checkpoint, and the removal of some.
    func post(_ work: Work) {
        self.state.withLock { $0.waiting.append(work) }
        self.doorbell.ring()
    }

    /// Returns when everything that was posted is done.
    func waitUntilIdle() {
        while self.state.withLock({ $0.isBusy || !$0.waiting.isEmpty }) { self.idleBell.wait() }
    }

    /// Ends the thread when everything that was posted is done.
    func close() {
        self.state.withLock { $0.isClosed = true }
        self.doorbell.ring()
        self.threads.withLock { $0.take()?.join() }
    }

    private func run(
        _ base: CheckpointManifest?,
        _ report: (Int64, Result<CheckpointManifest, CheckpointError>) -> Void
    ) {
        // The blobs that the newest checkpoint consists of: later ones name what hasn't changed since.
        var known = base?.blobs ?? []
        self.store.removeLeftovers()
        while true {
            let (work, isClosed) = self.next()
            switch work {
            case .store(let draft):
                do throws(CheckpointError) {
                    let manifest = try self.write(draft, known)
                    if !manifest.isSavepoint { known = manifest.blobs }
                    report(manifest.number, .success(manifest))
                } catch {
                    report(draft.manifest.number, .failure(error))
                }
            case .remove(let number):
                Failpoint.removalBegun.reach()
                self.store.remove(number)
                Failpoint.removalEnded.reach()
            case nil:
                self.idleBell.ring()
                if isClosed { return }
                self.doorbell.wait()
            }
        }
    }

    private func next() -> (work: Work?, isClosed: Bool) {
        self.state.withLock { state in
            state.isBusy = !state.waiting.isEmpty
            return (state.isBusy ? state.waiting.removeFirst() : nil, state.isClosed)
        }
    }

    private func write(
        _ draft: CheckpointDraft,
        _ known: [CheckpointManifest.Blob]
    ) throws(CheckpointError) -> CheckpointManifest {
        var manifest = draft.manifest
        for (owner, snapshot) in draft.states {
            for piece in snapshot.pieces {
                manifest.pieces.append(
                    CheckpointManifest.Piece(
                        owner: owner,
                        checkpoint: piece.id.checkpoint,
                        index: piece.id.index,
                        name: piece.name,
                        keyCount: Int64(piece.keyCount)
                    )
                )
            }
            let named = Set(snapshot.pieces.filter { $0.content == nil }.map(\.id.checkpoint))
            manifest.blobs += known.filter { $0.owner == owner && named.contains($0.checkpoint) }
            manifest.blobs.append(try self.writeBlob(owner, snapshot, manifest))
        }
        Failpoint.stateWritten.reach()
        try self.store.commit(manifest)
        Failpoint.manifestWritten.reach()
        return manifest
    }

    private func writeBlob(
        _ owner: StateOwner,
        _ snapshot: StageSnapshot,
        _ manifest: CheckpointManifest
    ) throws(CheckpointError) -> CheckpointManifest.Blob {
        try self.store.writeBlob(of: owner, checkpoint: manifest.number, isSavepoint: manifest.isSavepoint) {
            (writer) throws(CheckpointError) in
            for piece in snapshot.pieces {
                do {
                    try piece.content?.encode { chunk in try writer.append(chunk, ofPiece: piece.id.index) }
                } catch {
                    throw error as? CheckpointError ?? .state("\(error)")
                }
            }
        }
    }
}
