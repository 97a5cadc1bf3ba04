/// The lower tier of a ``TieredStateStore``: what is kept of keys, in a table on disk.
///
/// | key of the table             | value                                                                               |
/// | ---------------------------- | ----------------------------------------------------------------------------------- |
/// | 1, ``ColdKey``               | i64 serial; u8 flags: 1 has a state, 2 is in the queue of expiries, 4 has timers;     |
/// |                              | i64 when the state was written; u32 number of timers, i64 each; the state            |
/// | 2, time of the first timer   | ``ColdKey``; see ``ColdQueue``                                                        |
/// | 3, time it was written       | the same, of states that may be dropped                                              |
/// | 4, number                    | a chunk of ``ColdChanges``                                                            |
///
/// Entries of the queues are looked at when they are due, and only count if the key says the same: whoever changes a key
/// leaves them where they are. A key with timers has an entry at its first timer, one with a state that expires an entry
/// when it was written or before that.
final class ColdStates {
    static let keyMark: UInt8 = 1

    let table: any ColdTable
    var timers = ColdQueue(mark: 2)
    var expiries = ColdQueue(mark: 3)

    /// Keys that have a record.
    private(set) var keyCount = 0
    private(set) var spills = StateSpills()
    private(set) var figures: (memoryBytes: Int, storedBytes: Int64) = (0, 0)

    private let expires: Bool
    private var filter: ColdFilter

    /// What has been written since it was last handed over; nil where nobody asks.
    private var changes: ColdChanges?
    private var key = ByteBuffer()
    private var value = ByteBuffer()

    /// Bytes that are gathered before they are written.
    private static let batchBytes = 1 << 20

    /// What buffers keep of a large state.
    private static let bufferBytesLimit = 1 << 20

    /// `filterBytes`: Of memory for knowing which keys have no record.
    init(_ table: any ColdTable, expires: Bool, filterBytes: Int) {
        self.table = table
        self.expires = expires
        self.filter = ColdFilter(bytes: filterBytes)
    }

    /// Bytes that it takes in memory.
    var memoryBytes: Int { self.figures.memoryBytes + self.filter.bytes }

    private func setKey(_ key: StateKey) {
        self.key.removeAll(capacityLimit: Self.bufferBytesLimit)
        self.key.append(Self.keyMark)
        ColdKey.append(key, to: &self.key)
    }

    // MARK: Reading

    /// What is kept of a key: good until the next call.
    func record(of key: StateKey) throws(SpillError) -> ColdRecord? {
        guard self.filter.mayContain(key.words.hash) else { return nil }
        self.setKey(key)
        self.value.removeAll(capacityLimit: Self.bufferBytesLimit)
        guard try self.table.read(self.key.bytes, into: &self.value) else { return nil }
        return try ColdRecord(self.value.bytes)
    }

    // MARK: Writing

    /// Puts an entry of the upper tier into the next batch, where it has changed.
    ///
    /// - Returns: Whether it has an entry in the queue of expiries then.
    func put(_ number: Int, of upper: borrowing MemoryStateStore) throws(SpillError) -> Bool {
        let entry = upper.entries[number]
        guard entry.isChanged else { return entry.isExpiryStored }
        let key = upper.key(number)
        guard !entry.isGone else {
            self.remove(key)
            try self.commitIfLarge()
            return false
        }
        let state = upper.state(number)
        let times = upper.times(number)
        let isQueued = entry.isExpiryStored || (self.expires && state != nil)
        self.put(ColdRecord(serial: entry.serial, state: state, times: times, isExpiryStored: isQueued), of: key)
        if entry.storedSerial == 0 {
            self.keyCount += 1
            self.filter.insert(key.words.hash)
        }
        if let state, isQueued, !entry.isExpiryStored { self.expire(key, entry.serial, writtenAt: state.writtenAt) }
        if let first = times.first {
            let place = ColdQueue.Place(time: first, serial: entry.serial)
            self.timers.add(place, of: self.key.bytes.slice(1, self.key.count), to: self.table)
        }
        try self.commitIfLarge()
        return isQueued
    }

    /// Replaces what is kept of a key that isn't in the upper tier.
    func put(_ record: ColdRecord, of key: StateKey) {
        self.setKey(key)
        self.value.removeAll(capacityLimit: Self.bufferBytesLimit)
        record.append(to: &self.value)
        self.table.put(self.key.bytes, self.value.bytes)
        self.changes?.append(key, record.state, record.times, to: self.table)
    }

    func remove(_ key: StateKey) {
        self.setKey(key)
        self.table.remove(self.key.bytes)
        self.keyCount -= 1
        self.changes?.appendRemoval(of: key, to: self.table)
    }

    func expire(_ key: StateKey, _ serial: Int64, writtenAt: Int64) {
        self.setKey(key)
        let place = ColdQueue.Place(time: writtenAt, serial: serial)
        self.expiries.add(place, of: self.key.bytes.slice(1, self.key.count), to: self.table)
    }

    private func commitIfLarge() throws(SpillError) {
        if self.table.gatheredBytes >= Self.batchBytes { try self.commit() }
    }

    func commit() throws(SpillError) {
        self.spills.bytes += Int64(self.table.gatheredBytes)
        try self.table.commit()
    }

    /// A round of keys was put away.
    func endRound() throws(SpillError) {
        if let count = self.changes?.keyCount, count > self.mostChanges {
            self.changes?.removeAll(from: self.table)
            self.changes = nil
        }
        try self.commit()
        self.spills.tables += 1
        self.figures = self.table.figures
    }

    // MARK: Checkpoints

    /// Keys beyond which everything is as good as what has changed.
    private var mostChanges: Int { max(self.keyCount / 2, Self.changesAllowed) }
    private static let changesAllowed = 1_024

    /// Notes from now on what is written.
    func noteChanges() throws(SpillError) {
        self.changes?.removeAll(from: self.table)
        self.changes = ColdChanges()
        try self.commit()
    }

    /// Hands over what was written since anything was last handed over.
    ///
    /// - Returns: Nil where nobody noted it, or it is too much.
    func freezeChanges() throws(SpillError) -> FrozenChanges? {
        guard let changes = self.changes else { return nil }
        let content = try changes.freeze(self.table) { () throws(SpillError) in try self.commit() }
        try self.noteChanges()
        return FrozenChanges(content: content, keyCount: changes.keyCount)
    }
}

/// How the table calls a key: u8 1 where it is text, and its bytes.
enum ColdKey {
    static func append(_ key: StateKey, to buffer: inout ByteBuffer) {
        buffer.append(key.words.isText ? 1 : 0)
        key.appendBytes(to: &buffer)
    }

    /// The key that has these bytes, which it points at.
    static func key(_ bytes: Bytes) throws(SpillError) -> StateKey {
        guard bytes.count > 0, bytes[0] <= 1 else { throw .unreadableState("a key has an impossible mark") }
        let start = unsafe UnsafeRawPointer(bytes.start + 1)
        let words = unsafe KeyWords(start, count: bytes.count - 1, isText: bytes[0] == 1)
        return unsafe StateKey(words, longKey: words.isLong ? start : nil)
    }
}

/// What is kept of a key in a table on disk.
struct ColdRecord {
    let serial: Int64
    let state: StoredState?
    let times: [Int64]
    let isExpiryStored: Bool

    private enum Flag {
        static let state: UInt8 = 1
        static let expiry: UInt8 = 2
        static let timers: UInt8 = 4
    }

    init(serial: Int64, state: StoredState?, times: [Int64], isExpiryStored: Bool) {
        self.serial = serial
        self.state = state
        self.times = times
        self.isExpiryStored = isExpiryStored
    }

    init(_ bytes: Bytes) throws(SpillError) {
        do {
            var reader = StateReader(bytes)
            self.serial = try reader.number(Int64.self)
            let flags = try reader.number(UInt8.self)
            let writtenAt = flags & Flag.state == 0 ? nil : try reader.number(Int64.self)
            var times: [Int64] = []
            if flags & Flag.timers != 0 {
                let count = try reader.number(UInt32.self)
                guard count <= ProcessLimits.timers else { throw ValueDecodingError.impossible(offset: reader.offset) }
                for _ in 0..<count { times.append(try reader.number(Int64.self)) }
            }
            let value = bytes.slice(reader.offset, bytes.count)
            self.state = writtenAt.map { StoredState(value: value, writtenAt: $0) }
            self.times = times
            self.isExpiryStored = flags & Flag.expiry != 0
        } catch {
            throw .unreadableState("\(error)")
        }
    }

    func append(to buffer: inout ByteBuffer) {
        var flags: UInt8 = self.isExpiryStored ? Flag.expiry : 0
        if self.state != nil { flags |= Flag.state }
        if !self.times.isEmpty { flags |= Flag.timers }
        buffer.append(littleEndian: self.serial)
        buffer.append(flags)
        if let state = self.state { buffer.append(littleEndian: state.writtenAt) }
        if !self.times.isEmpty {
            buffer.append(littleEndian: UInt32(self.times.count))
            for time in self.times { buffer.append(littleEndian: time) }
        }
        if let state = self.state { buffer.append(state.value) }
    }
}

extension SpillError {
    static func unreadableState(_ what: String) -> SpillError {
        SpillError(
            .corrupt,
            "can't read the state of keys back from disk: \(what); check the disk, and run the job again"
        )
    }
}

/// States and timers on disk as they were once, for whoever writes a checkpoint.
struct FrozenKeys: FrozenState {
    let snapshot: any ColdSnapshot

    func encode(_ write: ([UInt8]) throws -> Void) throws {
        var writer = ProcessSnapshotWriter(.everything)
        let range = ColdRange(first: [ColdStates.keyMark], end: [ColdStates.keyMark + 1])
        let cursor = try self.snapshot.makeCursor(range)
        while !cursor.isAtEnd {
            let key = try ColdKey.key(cursor.key.slice(1, cursor.key.count))
            let record = try ColdRecord(cursor.value)
            try writer.append(key, record.state, record.times, write)
            try cursor.advance()
        }
        try writer.end(write)
    }
}
