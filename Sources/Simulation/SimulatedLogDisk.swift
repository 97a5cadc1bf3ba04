package import CoreTypes
package import RaftCore

/// The disk of one replica, at the level of the records that a replica writes.
///
/// A write is durable when its sync is over; a crash keeps or loses what was under way. Entries are a chained log: behind
/// one that is missing or torn, nothing is readable. Hard states lie in slots of their own, and one is durable before
/// entries that were written after it.
package struct SimulatedLogDisk {
    package struct StoredSnapshot: Sendable {
        package var metadata: SnapshotMetadata
        package var bytes: [UInt8]
        package var isDamaged = false

        package init(metadata: SnapshotMetadata, bytes: [UInt8]) {
            self.metadata = metadata
            self.bytes = bytes
        }
    }

    package private(set) var hardState = HardState()

    /// The index before the first entry that is stored.
    private var baseIndex = LogIndex.zero
    private var entries: [LogEntry] = []
    private var damagedIndexes: [LogIndex] = []
    package private(set) var snapshot: StoredSnapshot?

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
    package init(founding membership: Membership?) {
        guard let membership else { return }
        let state = RecoveredState.founding(membership)
        self.hardState = state.hardState
        self.entries = state.entries
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
        for done in self.pending.prefix(count) {
            if let hardState = done.hardState { self.hardState = hardState }
            self.storeEntries(of: done, count: done.entries.count)
        }
        self.pending.removeFirst(count)
    }

    private mutating func storeEntries(of write: LogWrite, count: Int) {
        if let reset = write.reset {
            self.entries = []
            self.damagedIndexes = []
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
        self.damagedIndexes.removeAll { $0 >= index }
    }

    package mutating func discardLog(through index: LogIndex) {
        let count = min(max(0, self.baseIndex.distance(to: index)), self.entries.count)
        self.entries.removeFirst(count)
        self.damagedIndexes.removeAll { $0 <= index }
        self.baseIndex = max(self.baseIndex, index)
    }

    package mutating func store(_ snapshot: StoredSnapshot) { self.snapshot = snapshot }

    // MARK: Faults

    /// The process or the machine stops: of what wasn't durable, a part drawn from `random` is.
    package mutating func crash(_ random: inout SplitMix64) {
        let durableCount = self.pending.isEmpty ? 0 : random.next(in: 0..<(self.pending.count + 1))
        for write in self.pending.prefix(durableCount) {
            if let hardState = write.hardState { self.hardState = hardState }
            self.storeEntries(of: write, count: write.entries.count)
        }
        let rest = self.pending.dropFirst(durableCount)
        if durableCount > 0 && !rest.isEmpty { self.partialCount += 1 }
        if let torn = rest.first, random.chance(percent: 50) {
            if let hardState = torn.hardState { self.hardState = hardState }
            if torn.reset == nil, torn.entries.count > 1 {
                self.storeEntries(of: torn, count: random.next(in: 0..<torn.entries.count))
            }
        }
        // A hard state may get there before entries that were written earlier.
        if let last = rest.last(where: { $0.hardState != nil })?.hardState, random.chance(percent: 25) {
            self.hardState = last
        }
        self.pending = []
        self.syncEnd = 0
        self.nextSyncEnd = 0
        self.isFailing = false
    }

    /// Flips a bit of a stored entry; nobody notices before it is read.
    package mutating func damageEntry(_ random: inout SplitMix64) {
        guard !self.entries.isEmpty else { return }
        let offset = random.next(in: 0..<self.entries.count)
        self.damagedIndexes.append(self.entries[offset].index)
    }

    package mutating func damageSnapshot() { self.snapshot?.isDamaged = true }

    /// The log and the snapshot of a replica that was removed from its group are deleted; what it voted stays, and where
    /// its log ended, as candidates that don't know of the removal may still ask for its vote.
    package mutating func eraseLog() {
        self.hardState.repairFloor = max(self.lastPosition, self.hardState.repairFloor ?? .zero)
        self.entries = []
        self.damagedIndexes = []
        self.baseIndex = .zero
        self.snapshot = nil
        self.pending = []
    }

    // MARK: Reading

    /// What a starting process finds; what is damaged is cut off, and the hard state remembers that it was there.
    package mutating func recover() -> RecoveredState {
        let end = self.lastPosition
        var damagedEnd: LogPosition?
        if let damaged = self.damagedIndexes.min() {
            damagedEnd = end
            self.truncate(from: damaged)
        }
        if let snapshot = self.snapshot, snapshot.isDamaged {
            damagedEnd = end
            self.snapshot = nil
        }
        self.alignWithSnapshot()
        if let damagedEnd, damagedEnd > self.lastPosition {
            self.hardState.repairFloor = max(damagedEnd, self.hardState.repairFloor ?? .zero)
        }
        var state = RecoveredState()
        state.hardState = self.hardState
        state.entries = self.entries
        state.snapshot = self.snapshot?.metadata
        state.appliedIndex = state.snapshot?.position.index ?? .zero
        state.damagedEnd = damagedEnd
        return state
    }

    /// A log that doesn't follow the snapshot is of no use: its reset was lost, or what lay between was.
    private mutating func alignWithSnapshot() {
        let base = self.snapshot?.metadata.position ?? .zero
        let offset = self.baseIndex.distance(to: base.index) - 1
        let follows = offset < 0 ? self.baseIndex == base.index : self.entries.indices.contains(offset)
        if follows && (offset < 0 || self.entries[offset].term == base.term) { return }
        self.entries = []
        self.damagedIndexes = []
        self.baseIndex = base.index
    }

    /// Whether something is damaged, found or not.
    package var isDamaged: Bool {
        !self.damagedIndexes.isEmpty || self.snapshot?.isDamaged == true || self.hardState.repairFloor != nil
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
