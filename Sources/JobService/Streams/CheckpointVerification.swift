internal import Environment
internal import Platform
internal import Storage
internal import Synchronization

/// Reads everything that a checkpoint names, before anything is done on its word: blob by blob, on all processors.
///
/// Isolation: its threads take blobs from ``State``; one caller waits for them.
final class CheckpointVerification: Sendable {
    private struct State {
        var blobs: ArraySlice<CheckpointManifest.Blob>
        var damage: CheckpointError?
    }

    private let manifest: CheckpointManifest
    private let store: any CheckpointStore
    private let state: Mutex<State>

    /// State of fewer bytes is read before threads have been made.
    private static let bytesForThreads: Int64 = 4 << 20

    init(_ manifest: CheckpointManifest, of store: any CheckpointStore) {
        self.manifest = manifest
        self.store = store
        self.state = Mutex(State(blobs: manifest.blobs[...]))
    }

    /// - Throws: Something is damaged, or isn't there.
    func run() throws(CheckpointError) {
        let bytes = self.manifest.blobs.reduce(0) { $0 &+ $1.storedByteCount }
        let count = bytes < Self.bytesForThreads ? 1 : min(self.manifest.blobs.count, Processors.count)
        if count > 1, let threads = try? PinnedThreads(count: count, name: "weir-verify", body: { _ in self.readAll() })
        {
            threads.join()
        } else {
            self.readAll()
        }
        if let damage = self.state.withLock({ $0.damage }) { throw damage }
    }

    private func readAll() {
        while let blob = self.state.withLock({ $0.damage == nil ? $0.blobs.popFirst() : nil }) {
            do throws(CheckpointError) {
                try self.store.check(blob, in: self.manifest)
            } catch {
                self.state.withLock { state in state.damage = state.damage ?? error }
            }
        }
    }
}
