/// Keeps states and timers in memory, and on disk what doesn't fit there.
///
/// While everything fits it is a ``MemoryStateStore`` and no more. The first time it doesn't, all keys move to disk; from then
/// on memory holds those that were asked for lately, and what became of them goes to disk when others need the room.
package struct TieredStateStore: ~Copyable, KeyedStateStore {
    private var upper: MemoryStateStore

    /// Nil while everything fits in memory.
    private var lower: ColdStates?
    private let spill: KeyedSpill?
    private let expires: Bool

    /// - Parameters:
    ///   - expires: Whether states are ever dropped for their age.
    ///   - spill: Where states go; nil: everything stays in memory.
    package init(expires: Bool, spill: KeyedSpill?) {
        self.upper = MemoryStateStore(expires: expires)
        self.spill = spill
        self.expires = expires
    }

    package var keyCount: Int {
        guard let lower = self.lower else { return self.upper.keyCount }
        return lower.keyCount - self.upper.storedCount + self.upper.keyCount
    }

    package var bytes: Int { self.upper.bytes + (self.lower?.memoryBytes ?? 0) }
    package var diskBytes: Int64 { self.lower?.figures.storedBytes ?? 0 }
    package var spills: StateSpills { self.lower?.spills ?? StateSpills() }

    // MARK: Tiers

    package mutating func fetch(_ key: StateKey) throws(SpillError) {
        guard let lower = self.lower, !self.upper.ask(for: key) else { return }
        guard let record = try lower.record(of: key) else { return }
        self.upper.add(record, of: key)
    }

    package mutating func relieve() throws(SpillError) {
        guard let spill = self.spill else { return }
        guard let lower = self.lower else {
            guard self.upper.bytesSoon > spill.bytesLimit, self.upper.entryCount > 0 else { return }
            return try self.moveDown(spill)
        }
        guard self.upper.usedBytes > spill.upperBytes, self.upper.entryCount > 0 else { return }
        try self.upper.putAway(to: lower, leaving: spill.upperBytes / 8 * 7)
    }

    private mutating func moveDown(_ spill: KeyedSpill) throws(SpillError) {
        let lower = ColdStates(
            try spill.tier.makeTable(memoryBytes: spill.lowerBytes),
            expires: self.expires,
            filterBytes: spill.filterBytes
        )
        try self.upper.writeChanges(to: lower)
        self.upper = MemoryStateStore(
            expires: self.expires,
            behind: self.upper.nextSerial,
            roomBytes: spill.upperBytes
        )
        self.lower = lower
    }

    // MARK: Checkpoints

    package mutating func freeze() throws(SpillError) -> any FrozenState {
        guard let lower = self.lower else { return self.upper.freeze() }
        try self.upper.writeChanges(to: lower)
        let snapshot = try lower.table.makeSnapshot()
        try lower.noteChanges()
        return FrozenKeys(snapshot: snapshot)
    }

    package mutating func freezeChanges() throws(SpillError) -> FrozenChanges? {
        guard let lower = self.lower else { return self.upper.freezeChanges() }
        try self.upper.writeChanges(to: lower)
        return try lower.freezeChanges()
    }

    package mutating func noteChanges() throws(SpillError) {
        guard let lower = self.lower else { return self.upper.noteChanges() }
        try lower.noteChanges()
    }

    // MARK: States

    package func state(of key: StateKey) -> StoredState? { self.upper.state(of: key) }

    package mutating func setState(of key: StateKey, to value: Bytes, writtenAt: Int64) {
        self.upper.setState(of: key, to: value, writtenAt: writtenAt)
    }

    package mutating func appendState(of key: StateKey, _ value: Bytes, writtenAt: Int64) {
        self.upper.appendState(of: key, value, writtenAt: writtenAt)
    }

    package mutating func removeState(of key: StateKey) { self.upper.removeState(of: key) }
    package mutating func removeAll(of key: StateKey) { self.upper.removeAll(of: key) }

    package mutating func dropSome(writtenUpTo time: Int64) throws(SpillError) -> Bool {
        let hasMore = self.upper.dropSome(writtenUpTo: time)
        guard let lower = self.lower, !lower.expiries.isEmpty(upTo: time) else { return hasMore }
        for _ in 0..<MemoryStateStore.dropCount {
            guard let due = try lower.expiries.first(upTo: time, of: lower.table) else { break }
            let key = try ColdKey.key(lower.expiries.firstKey)
            lower.expiries.removeFirst(from: lower.table)
            try self.drop(key, due.serial, writtenUpTo: time, lower)
        }
        try lower.commit()
        return hasMore || !lower.expiries.isEmpty(upTo: time)
    }

    /// Drops the state of a key that was in the queue of expiries, or has it there again where it was written since.
    private mutating func drop(
        _ key: StateKey,
        _ serial: Int64,
        writtenUpTo time: Int64,
        _ lower: ColdStates
    ) throws(SpillError) {
        guard !self.upper.dropQueued(key, serial, writtenUpTo: time) else { return }
        guard let record = try lower.record(of: key), record.serial == serial else { return }
        if let state = record.state, state.writtenAt > time {
            return lower.expire(key, serial, writtenAt: state.writtenAt)
        }
        guard !record.times.isEmpty else { return lower.remove(key) }
        lower.put(ColdRecord(serial: serial, state: nil, times: record.times, isExpiryStored: false), of: key)
    }

    // MARK: Timers

    package mutating func addTimer(at time: Int64, of key: StateKey) { self.upper.addTimer(at: time, of: key) }
    package mutating func removeTimer(_ timer: KeyedTimer) { self.upper.removeTimer(timer) }
    package func timerCount(of key: StateKey) -> Int { self.upper.timerCount(of: key) }

    package mutating func nextTimer(upTo time: Int64) throws(SpillError) -> KeyedTimer? {
        while true {
            let next = self.upper.nextTimer(upTo: time)
            guard let lower = self.lower, !lower.timers.isEmpty(upTo: next?.time ?? time) else { return next }
            guard let due = try lower.timers.first(upTo: time, of: lower.table) else { return next }
            if let next, self.upper.place(of: next) <= due { return next }
            try self.bringUp(due, lower)
        }
    }

    /// Fetches the key of the first entry in the queue of timers where its timer is due, or else removes the entry.
    private mutating func bringUp(_ due: ColdQueue.Place, _ lower: ColdStates) throws(SpillError) {
        let key = try ColdKey.key(lower.timers.firstKey)
        // A key in memory has no timer so early any more, or it would have been the next one.
        if !self.upper.ask(for: key), let record = try lower.record(of: key), record.serial == due.serial,
            record.times.first == due.time
        {
            return self.upper.add(record, of: key)
        }
        lower.timers.removeFirst(from: lower.table)
    }
}

/// Where a keyed stage puts what doesn't fit in its share of memory.
package struct KeyedSpill: Sendable {
    let tier: any ColdTier

    /// Bytes that the states and timers of one subtask take in memory.
    let bytesLimit: Int

    package init(_ tier: any ColdTier, bytesLimit: Int) {
        self.tier = tier
        self.bytesLimit = bytesLimit
    }

    /// Of it for keys that were asked for lately, once others are on disk.
    var upperBytes: Int { self.bytesLimit / 8 * 3 }

    /// Of it for the table on disk: an eighth is left for what nobody counts.
    var lowerBytes: Int { self.bytesLimit / 8 * 3 }

    /// Of it for knowing which keys aren't on disk.
    var filterBytes: Int { self.bytesLimit / 8 }
}

/// The upper tier.
extension MemoryStateStore {
    /// Bytes of an entry and of what finds it.
    private static var entryBytes: Int { MemoryLayout<Entry>.stride + KeyIndex.bytesPerNumber }

    /// Takes the place of one that was put away, with room for as many entries as these bytes hold.
    init(expires: Bool, behind serial: Int64, roomBytes: Int) {
        self.init(expires: expires, behind: serial, room: roomBytes / Self.entryBytes + 1)
    }

    /// Bytes of what is kept, without room that is free.
    var usedBytes: Int {
        self.entryCount * Self.entryBytes + self.heldBytes
            + (self.timers.count - self.freeTimers.count) * MemoryLayout<Timer>.stride
            + (self.due.count + (self.expiries?.count ?? 0)) * MemoryLayout<TimerHeap.Timer>.stride
    }

    /// Whether a key has an entry, which then counts as asked for.
    mutating func ask(for key: StateKey) -> Bool {
        guard let number = self.find(key) else { return false }
        self.entries[number].isAsked = true
        return true
    }

    /// Adds a key as it is kept below.
    mutating func add(_ record: ColdRecord, of key: StateKey) {
        let number = self.add(key, serial: record.serial)
        if let state = record.state {
            self.setValue(of: number, to: state.value)
            self.entries[number].writtenAt = state.writtenAt
        }
        for time in record.times { self.addTimer(at: time, of: number) }
        self.entries[number].storedSerial = record.serial
        self.entries[number].isExpiryStored = record.isExpiryStored
        self.entries[number].isChanged = false
        self.storedCount += 1
    }

    /// Puts keys away until no more bytes are used than these: those first that weren't asked for since the last round.
    ///
    /// Source: Corbató, "A Paging Experiment with the Multics System", 1968, known as CLOCK.
    mutating func putAway(to lower: ColdStates, leaving bytes: Int) throws(SpillError) {
        while self.usedBytes > bytes, self.entryCount > 0 {
            if self.hand >= self.entries.count { self.hand = 0 }
            let number = self.hand
            self.hand += 1
            guard self.entries[number].isLive else { continue }
            guard !self.entries[number].isAsked else {
                self.entries[number].isAsked = false
                continue
            }
            _ = try lower.put(number, of: self)
            self.remove(number)
            if self.entries[number].storedSerial != 0 { self.storedCount -= 1 }
        }
        self.tidyExpiries()
        self.tidyDue()
        try lower.endRound()
    }

    /// Writes every entry that has changed, and keeps it.
    mutating func writeChanges(to lower: ColdStates) throws(SpillError) {
        for number in self.entries.indices where self.entries[number].isLive && self.entries[number].isChanged {
            let isQueued = try lower.put(number, of: self)
            if self.entries[number].storedSerial == 0 { self.storedCount += 1 }
            guard !self.entries[number].isGone else {
                self.remove(number)
                self.storedCount -= 1
                continue
            }
            self.entries[number].storedSerial = self.entries[number].serial
            self.entries[number].isExpiryStored = isQueued
            self.entries[number].isChanged = false
        }
        try lower.endRound()
    }

    /// The entry of a key in the queue of expiries below is gone: drops its state if it was written up to a time.
    ///
    /// - Returns: False where the key isn't here.
    mutating func dropQueued(_ key: StateKey, _ serial: Int64, writtenUpTo time: Int64) -> Bool {
        guard let number = self.find(key) else { return false }
        let entry = self.entries[number]
        guard entry.serial == serial, !entry.isGone else { return true }
        self.entries[number].isExpiryStored = false
        self.entries[number].isChanged = true
        if entry.writtenAt <= time {
            self.drop(number)
        } else if unsafe entry.value != nil, !entry.isExpiring {
            self.expire(number)
        }
        return true
    }

    /// Where a timer is among those of all keys.
    func place(of timer: KeyedTimer) -> ColdQueue.Place {
        ColdQueue.Place(time: timer.time, serial: self.entries[timer.number].serial)
    }
}
