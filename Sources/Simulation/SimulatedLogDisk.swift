package import CoreTypes
package import RaftCore
import RaftStorage

/// The disk of one replica: the storage that nodes use, on a simulated disk, and beside it what must be durable there.
///
/// A write is durable when its sync is over; a crash keeps or loses what was under way, sector by sector.
package struct SimulatedLogDisk {
    package struct StoredSnapshot: Sendable {
        package var metadata: SnapshotMetadata
        package var bytes: [UInt8]

        package init(metadata: SnapshotMetadata, bytes: [UInt8]) {
            self.metadata = metadata
            self.bytes = bytes
        }
    }

    package private(set) var hardState = HardState()

    /// The index before the first entry that is stored.
    private var baseIndex = LogIndex.zero
    private var entries: [LogEntry] = []
    package private(set) var snapshot: StoredSnapshot?

    private let disk = SimulatedDisk()
    private let configuration: RaftLogStore.Configuration

    /// Nil while no process runs.
    private var store: RaftLogStore?

    /// A fault changed some of its bytes, and nobody has looked since.
    private var isTouched = false
    private static let directory = "raft"
    private static let damageAttempts = 32

    /// Written, and not durable yet.
    private var pending: [LogWrite] = []
    private var syncEnd: Int64 = 0
    private var nextSyncEnd: Int64 = 0

    /// No sync ends before then: the disk is full, or hangs.
    package var stalledUntil: Int64 = 0

    /// The next write fails.
    package var isFailing = false

    /// Crashes that kept a part of what was under way.
    package private(set) var partialCount = 0

    /// The disk of a replica that begins with a new group.
    package init(founding membership: Membership?, segmentBytes: Int) {
        var configuration = RaftLogStore.Configuration()
        configuration.segmentBytes = segmentBytes
        self.configuration = configuration
        let state = membership.map { RecoveredState.founding($0) } ?? RecoveredState()
        self.hardState = state.hardState
        self.entries = state.entries
        let disk = self.disk
        Self.perform {
            try RaftLogStore.create(state, disk: disk, directory: Self.directory, configuration: configuration)
        }
    }

    /// The simulated disk refuses nothing as long as it has power.
    @discardableResult
    private static func perform<Result>(_ body: () throws -> Result) -> Result {
        do {
            return try body()
        } catch {
            preconditionFailure("the storage fails: \(error)")
        }
    }

    // MARK: Writing

    /// Takes a write and says when it is durable; writes that come during a sync share the next one (group commit).
    package mutating func submit(_ write: LogWrite, now: Int64, syncTime: Int64) -> Int64 {
        self.pending.append(write)
        if now >= self.syncEnd {
            self.syncEnd = max(now >= self.nextSyncEnd ? now : self.nextSyncEnd, self.stalledUntil) + syncTime
            return self.syncEnd
        }
        if self.nextSyncEnd <= self.syncEnd { self.nextSyncEnd = max(self.syncEnd, self.stalledUntil) + syncTime }
        return self.nextSyncEnd
    }

    /// A sync is over: everything through this write is durable.
    package mutating func complete(through write: WriteID) {
        let count = self.pending.prefix { $0.id <= write }.count
        if let store = self.store, count > 0 {
            let batch = Array(self.pending.prefix(count))
            Self.perform {
                try store.write(batch)
                try store.synchronize()
            }
        }
        for done in self.pending.prefix(count) {
            if let hardState = done.hardState { self.hardState = hardState }
            self.storeEntries(of: done, count: done.entries.count)
        }
        self.pending.removeFirst(count)
    }

    private mutating func storeEntries(of write: LogWrite, count: Int) {
        if let reset = write.reset {
            self.entries = []
            self.baseIndex = reset.index
        }
        // A snapshot may have come to stand for entries whose write was still under way.
        let entries = write.entries.prefix(count).drop { $0.index <= self.baseIndex }
        guard let first = entries.first else { return }
        self.truncate(from: first.index)
        self.entries += entries
    }

    private mutating func truncate(from index: LogIndex) {
        let kept = self.baseIndex.distance(to: index) - 1
        precondition(kept >= 0 && kept <= self.entries.count, "a log has no gaps")
        self.entries.removeSubrange(kept...)
    }

    package mutating func discardLog(through index: LogIndex) {
        let count = min(max(0, self.baseIndex.distance(to: index)), self.entries.count)
        self.entries.removeFirst(count)
        self.baseIndex = max(self.baseIndex, index)
        if let store = self.store { Self.perform { try store.discard(through: index) } }
    }

    package mutating func store(_ snapshot: StoredSnapshot) {
        self.snapshot = snapshot
        guard let store = self.store else { return }
        Self.perform {
            var writer = try store.makeSnapshot()
            try writer.append(snapshot.bytes)
            try store.install(
                writer,
                position: snapshot.metadata.position,
                membership: snapshot.metadata.membership
            )
        }
    }

    // MARK: Faults

    /// The machine stops: of what wasn't durable, a part drawn from `random` is.
    package mutating func crash(_ random: inout SplitMix64) {
        let count = self.pending.isEmpty ? 0 : random.next(in: 0..<(self.pending.count + 1))
        if let store = self.store, count > 0 {
            self.partialCount += 1
            if random.chance(percent: 50) { self.disk.failPower(afterCalls: random.next(in: 0..<12)) }
            try? store.write(Array(self.pending.prefix(count)))
        }
        self.store = nil
        self.disk.losePower(&random)
        self.pending = []
        self.syncEnd = 0
        self.nextSyncEnd = 0
        self.isFailing = false
    }

    /// Flips a bit of the log; nobody notices before it is read.
    ///
    /// - Returns: Whether there was one that is read at all.
    package mutating func damageLog(_ random: inout SplitMix64) -> Bool {
        // The newest batch can be told from a torn one when somebody has noted that it is complete.
        guard let store = self.store else { return false }
        Self.perform { try store.noteEnd() }
        return self.flipBit(of: "log-", &random)
    }

    package mutating func damageSnapshot(_ random: inout SplitMix64) -> Bool { self.flipBit(of: "snapshot-", &random) }

    private mutating func flipBit(of prefix: String, _ random: inout SplitMix64) -> Bool {
        let paths = self.disk.paths.filter { $0.hasPrefix("\(Self.directory)/\(prefix)") }
        guard !paths.isEmpty else { return false }
        let path = paths[random.next(in: 0..<paths.count)]
        let content = self.disk.content(path) ?? []
        guard !content.isEmpty else { return false }
        // Most of it is what fills blocks up, and damage there is none.
        let places = (0..<Self.damageAttempts).map { _ in random.next(in: 0..<content.count) }
        let place = places.first { content[$0] != 0 } ?? places[0]
        let bit = UInt8(1) << UInt8(random.next(in: 0..<8))
        self.disk.change(path) { $0[place] ^= bit }
        self.isTouched = true
        return true
    }

    /// The log and the snapshot of a replica that was removed from its group are deleted; what it voted stays, and where
    /// its log ended, as candidates that don't know of the removal may still ask for its vote.
    package mutating func eraseLog() {
        _ = self.recover()
        if let store = self.store { Self.perform { try store.erase() } }
        self.store = nil
        self.hardState.repairFloor = max(self.lastPosition, self.hardState.repairFloor ?? .zero)
        self.entries = []
        self.baseIndex = .zero
        self.snapshot = nil
        self.pending = []
    }

    // MARK: Reading

    /// What a starting process finds: whatever survived is durable from here on.
    package mutating func recover() -> RecoveredState {
        let (disk, configuration) = (self.disk, self.configuration)
        let (store, state) = Self.perform {
            try RaftLogStore.open(disk: disk, directory: Self.directory, configuration: configuration)
        }
        self.store = store
        self.isTouched = false
        self.hardState = state.hardState
        self.entries = state.entries
        self.snapshot = store.snapshot.map { file in
            let bytes = Self.perform { try file.read(at: 0, count: file.metadata.byteCount) }
            return StoredSnapshot(metadata: file.metadata, bytes: bytes)
        }
        self.baseIndex = state.entries.first?.index.previous() ?? state.snapshot?.position.index ?? .zero
        if let end = state.damagedEnd, end > self.lastPosition {
            // Its replica notes that before it says anything.
            self.hardState.repairFloor = max(end, self.hardState.repairFloor ?? .zero)
        }
        return state
    }

    /// A part of the snapshot; nil where it is damaged.
    package func readSnapshot(at offset: Int, count: Int) -> [UInt8]? {
        try? self.store?.snapshot?.read(at: offset, count: count)
    }

    /// Whether something is damaged, found or not.
    package var isDamaged: Bool {
        self.isTouched || self.hardState.repairFloor != nil
    }

    package var lastPosition: LogPosition {
        self.entries.last?.position ?? self.snapshot?.metadata.position ?? .zero
    }

    package var hasEntries: Bool { !self.entries.isEmpty }

    /// Whether the entry at a position is durable here, or a snapshot that stands for it.
    package func holds(_ position: LogPosition) -> Bool {
        if let snapshot = self.snapshot, position.index <= snapshot.metadata.position.index { return true }
        let offset = self.baseIndex.distance(to: position.index) - 1
        return self.entries.indices.contains(offset) && self.entries[offset].term == position.term
    }
}
