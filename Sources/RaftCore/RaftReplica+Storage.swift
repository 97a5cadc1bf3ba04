import CoreTypes

/// Which writes are under way, and what is durable.
struct StorageProgress: Sendable {
    struct PendingWrite: Sendable {
        let id: WriteID
        let startedAt: Int64

        /// The last entry it makes durable; lowered when entries are replaced before they are durable.
        var throughIndex: LogIndex
    }

    /// The log through this index is durable, and no write is under way that replaces any of it.
    private(set) var durableIndex: LogIndex
    private(set) var lastWrite = WriteID.zero
    private(set) var acknowledgedWrite = WriteID.zero
    private(set) var pending: [PendingWrite] = []

    /// What the next write contains.
    var isHardStateDirty = false
    private(set) var dirtyFrom: LogIndex?
    private(set) var resetTo: LogPosition?

    /// The newest write that contains the hard state.
    var hardStateWrite = WriteID.zero

    init(durableIndex: LogIndex) {
        self.durableIndex = durableIndex
    }

    /// The one that this step's changes go into.
    var upcomingWrite: WriteID { self.lastWrite.next() }
    var isHardStateDurable: Bool { self.hardStateWrite <= self.acknowledgedWrite }
    var isDirty: Bool { self.isHardStateDirty || self.dirtyFrom != nil || self.resetTo != nil }

    mutating func entriesChanged(from index: LogIndex) {
        self.dirtyFrom = min(self.dirtyFrom ?? index, index)
    }

    /// Entries from `index` on are replaced.
    ///
    /// A write that is under way says nothing about what takes their places, even if it is equal again (the ABA problem).
    mutating func truncated(from index: LogIndex, isClamping: Bool) {
        self.durableIndex = min(self.durableIndex, index.previous())
        guard isClamping else { return }
        for position in self.pending.indices {
            self.pending[position].throughIndex = min(self.pending[position].throughIndex, index.previous())
        }
    }

    /// An installed snapshot is all there is: it is durable, and no write under way matters.
    mutating func reset(to base: LogPosition) {
        self.durableIndex = base.index
        for position in self.pending.indices { self.pending[position].throughIndex = .zero }
        self.dirtyFrom = nil
        self.resetTo = base
    }

    /// A snapshot stands for the log through `index`, durable or not.
    mutating func covered(through index: LogIndex) { self.durableIndex = max(self.durableIndex, index) }

    mutating func began(throughIndex: LogIndex, now: Int64) {
        self.lastWrite = self.lastWrite.next()
        self.pending.append(PendingWrite(id: self.lastWrite, startedAt: now, throughIndex: throughIndex))
        self.isHardStateDirty = false
        self.dirtyFrom = nil
        self.resetTo = nil
    }

    mutating func acknowledge(_ write: WriteID) {
        guard write > self.acknowledgedWrite, write <= self.lastWrite else { return }
        self.acknowledgedWrite = write
        let count = self.pending.prefix { $0.id <= write }.count
        for done in self.pending.prefix(count) { self.durableIndex = max(self.durableIndex, done.throughIndex) }
        self.pending.removeFirst(count)
    }
}

/// A message that says something which isn't durable yet.
struct HeldMessage: Sendable {
    let write: WriteID
    let message: RaftMessage
}

extension RaftReplica {
    /// The write for what this step changed; nil if nothing that must last.
    mutating func takeWrite() -> LogWrite? {
        guard self.storage.isDirty else { return nil }
        var write = LogWrite(id: self.storage.upcomingWrite)
        if self.storage.isHardStateDirty { write.hardState = self.hardState }
        write.reset = self.storage.resetTo
        if let first = self.storage.dirtyFrom {
            write.entries = self.log.entries(from: first, through: self.log.lastIndex, countLimit: .max)
        }
        self.storage.began(throughIndex: write.entries.last?.index ?? .zero, now: self.now)
        return write
    }

    mutating func changeHardState(_ change: (inout HardState) -> Void) {
        change(&self.hardState)
        self.storage.isHardStateDirty = true
        self.storage.hardStateWrite = self.storage.upcomingWrite
    }

    mutating func stored(through write: WriteID) {
        self.storage.acknowledge(write)
        self.releaseHeldMessages()
        self.clearRepairFloor()
        if self.role == .candidate && self.storage.isHardStateDurable { self.countVote(of: self.id, isGranted: true) }
        if self.role == .leader { self.advanceCommit() }
        self.acceptWhatIsDurable()
    }

    /// Sends at once if the hard state is durable, as every message says at least that its term was reached.
    mutating func send(_ body: RaftMessage.Body, to receiver: ReplicaID, term: Term? = nil) {
        let message = RaftMessage(sender: self.id, receiver: receiver, term: term ?? self.term, body: body)
        guard !self.storage.isHardStateDurable else {
            self.effects.append(.send(message))
            return
        }
        guard self.held.count < self.configuration.heldMessagesLimit else { return }
        self.held.append(HeldMessage(write: self.storage.hardStateWrite, message: message))
    }

    private mutating func releaseHeldMessages() {
        guard !self.held.isEmpty else { return }
        let count = self.held.prefix { $0.write <= self.storage.acknowledgedWrite }.count
        for item in self.held.prefix(count) { self.effects.append(.send(item.message)) }
        self.held.removeFirst(count)
    }

    /// The log is as up to date again as it was before it was damaged: through that position, it came from a leader.
    private mutating func clearRepairFloor() {
        guard let floor = self.hardState.repairFloor,
            let term = self.log.term(at: self.storage.durableIndex),
            LogPosition(term: term, index: self.storage.durableIndex) >= floor
        else { return }
        self.changeHardState { $0.repairFloor = nil }
    }

    /// Whether storage is too slow to lead: commits need what it doesn't do, and heartbeats would hide that.
    var isStorageStalled: Bool {
        guard let oldest = self.storage.pending.first else { return false }
        return self.now - oldest.startedAt > self.configuration.storageStallLimit
    }
}
