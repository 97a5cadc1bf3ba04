/// Keeps states and timers in memory.
///
/// Keys are entries of a list, which ``KeyIndex`` finds. The timers of a key are chained in the order of their times, and only
/// the first of them is in the heap of all keys.
///
/// It is also the upper tier of a ``TieredStateStore``: then an entry may have a record below, which it goes before.
@safe
package struct MemoryStateStore: ~Copyable, KeyedStateStore {
    @safe
    struct Entry {
        let key: KeyWords
        /// Owned; nil where the key is short.
        let longKey: UnsafeMutableRawPointer?
        /// Owned; nil where there is no state.
        var value: UnsafeMutableRawPointer?
        var valueCount: Int32 = 0
        var valueCapacity: Int32 = 0
        var writtenAt: Int64 = 0
        /// The first and the last timer plus one; 0: none.
        var firstTimer = 0
        var lastTimer = 0
        var timerCount = 0
        /// Tells it from others that had its number, and orders keys by when they came.
        var serial: Int64
        /// That of its record in the tier below; 0: it has none.
        var storedSerial: Int64 = 0
        /// Whether ``expiries`` knows when it was last written, or before that.
        var isExpiring = false
        /// Whether the tier below does.
        var isExpiryStored = false
        /// Whether its record in the tier below isn't the same.
        var isChanged = true
        /// Whether it was asked for since it was last passed over.
        var isAsked = false
        /// Whether it has nothing, and is only here because of its record.
        var isGone = false
        var isLive = true
        /// Whether it is among the ``NotedChanges``.
        var isNoted = false
        /// Whether a checkpoint may hold its key.
        var isHeld = false
    }

    struct Timer {
        var time: Int64
        /// The next of its key plus one.
        var next: Int
    }

    private(set) var index = KeyIndex()
    var entries: [Entry] = []
    private(set) var freeEntries: [Int] = []
    private(set) var timers: [Timer] = []
    private(set) var freeTimers: [Int] = []
    private(set) var nextSerial: Int64 = 1
    private var goneCount = 0

    /// Entries that have a record in the tier below.
    var storedCount = 0

    /// When the first timer of a key is due.
    var due = TimerHeap()

    /// When states were written; nil where nobody asks.
    private(set) var expiries: TimerHeap?
    private(set) var heldBytes = 0

    /// What has changed since it was last handed over; nil where nobody asks.
    var changes: NotedChanges?

    /// Where the search for entries to put away goes on.
    var hand = 0

    /// States that one call of ``dropSome(writtenUpTo:)`` drops at most.
    static let dropCount = 1_024

    /// What heaps may hold beyond what is needed before they are made anew.
    private static let garbageAllowed = 1_024

    /// - Parameter expires: Whether states are ever dropped for their age.
    package init(expires: Bool) {
        self.expiries = expires ? TimerHeap() : nil
    }

    /// Takes the place of another, whose keys are older, with room for so many.
    init(expires: Bool, behind serial: Int64, room: Int) {
        self.init(expires: expires)
        self.nextSerial = serial
        self.index = KeyIndex(room: room)
        self.entries.reserveCapacity(room)
    }

    deinit {
        for entry in self.entries where entry.isLive {
            unsafe entry.longKey?.deallocate()
            unsafe entry.value?.deallocate()
        }
    }

    package var keyCount: Int { self.entryCount - self.goneCount }

    /// Keys that have an entry, whatever is in it.
    var entryCount: Int { self.entries.count - self.freeEntries.count }

    package var bytes: Int {
        self.heldBytes + self.entries.capacity * MemoryLayout<Entry>.stride + self.index.bytes
            + (self.freeEntries.capacity + self.freeTimers.capacity) * MemoryLayout<Int>.stride
            + self.timers.capacity * MemoryLayout<Timer>.stride
            + (self.due.capacity + (self.expiries?.capacity ?? 0)) * MemoryLayout<TimerHeap.Timer>.stride
            + (self.changes?.bytes ?? 0)
    }

    package var diskBytes: Int64 { 0 }
    package var spills: StateSpills { StateSpills() }

    /// Bytes that it takes while the next key or timer makes it grow, if that one does.
    var bytesSoon: Int {
        var growing = self.index.isAboutToGrow ? 2 * self.index.bytes : 0
        if self.freeEntries.isEmpty, self.entries.count == self.entries.capacity {
            growing += 2 * self.entries.capacity * MemoryLayout<Entry>.stride
        }
        if self.freeTimers.isEmpty, self.timers.count == self.timers.capacity {
            growing += 2 * self.timers.capacity * MemoryLayout<Timer>.stride
        }
        return self.bytes + growing
    }

    /// What the allocator takes for so many bytes: with its header, and in steps.
    private static func allocated(_ count: Int) -> Int { max((count + 8 + 15) & ~15, 32) }

    // MARK: Keys

    package func fetch(_ key: StateKey) {}
    package func relieve() {}

    func find(_ key: StateKey) -> Int? {
        self.index.find(hash: key.words.hash) { number in
            let entry = self.entries[number]
            guard entry.key.a == key.words.a, entry.key.b == key.words.b else { return false }
            guard let mine = unsafe entry.longKey, let other = unsafe key.longKey else { return true }
            let count = key.words.count
            return unsafe Bytes.areEqual(
                Bytes(start: UnsafeRawPointer(mine).assumingMemoryBound(to: UInt8.self), count: count),
                Bytes(start: other.assumingMemoryBound(to: UInt8.self), count: count)
            )
        }
    }

    private mutating func findOrAdd(_ key: StateKey) -> Int {
        guard let known = self.find(key) else {
            let number = self.add(key, serial: self.nextSerial)
            self.nextSerial += 1
            self.note(number)
            return number
        }
        self.entries[known].isChanged = true
        self.note(known)
        guard self.entries[known].isGone else { return known }
        self.entries[known].isGone = false
        self.entries[known].isExpiring = false
        self.entries[known].isExpiryStored = false
        self.entries[known].serial = self.nextSerial
        self.nextSerial += 1
        self.goneCount -= 1
        return known
    }

    /// Adds an entry for a key that has none.
    mutating func add(_ key: StateKey, serial: Int64) -> Int {
        var longKey: UnsafeMutableRawPointer?
        if let bytes = unsafe key.longKey {
            let copy = UnsafeMutableRawPointer.allocate(byteCount: key.words.count, alignment: 8)
            unsafe copy.copyMemory(from: bytes, byteCount: key.words.count)
            unsafe longKey = unsafe copy
            self.heldBytes += Self.allocated(key.words.count)
        }
        var entry = unsafe Entry(key: key.words, longKey: longKey, serial: serial)
        let number: Int
        if let free = self.freeEntries.popLast() {
            number = free
            entry.isNoted = self.entries[number].isNoted
            self.entries[number] = entry
        } else {
            number = self.entries.count
            self.entries.append(entry)
        }
        self.index.insert(number, hash: key.words.hash)
        return number
    }

    /// Forgets a key that has nothing, once nothing is below that would come up instead.
    private mutating func removeIfEmpty(_ number: Int) {
        self.entries[number].isChanged = true
        self.note(number)
        let entry = self.entries[number]
        guard unsafe entry.value == nil, entry.timerCount == 0, !entry.isGone else { return }
        guard entry.storedSerial == 0 else {
            self.entries[number].isGone = true
            self.goneCount += 1
            return
        }
        self.remove(number)
        self.tidyExpiries()
    }

    /// Forgets an entry and what it has.
    mutating func remove(_ number: Int) {
        self.free(number)
        self.removeTimers(of: number)
        let entry = self.entries[number]
        self.index.remove(number, hash: entry.key.hash)
        if entry.isHeld { self.noteRemoved(number) }
        if let longKey = unsafe entry.longKey {
            unsafe longKey.deallocate()
            self.heldBytes -= Self.allocated(entry.key.count)
        }
        if entry.isGone { self.goneCount -= 1 }
        self.entries[number].isLive = false
        self.freeEntries.append(number)
    }

    /// Its places in the heap of all keys stay until they are due.
    private mutating func removeTimers(of number: Int) {
        var timer = self.entries[number].firstTimer
        while timer > 0 {
            self.freeTimers.append(timer - 1)
            timer = self.timers[timer - 1].next
        }
        self.entries[number].firstTimer = 0
        self.entries[number].lastTimer = 0
        self.entries[number].timerCount = 0
    }

    func key(_ number: Int) -> StateKey {
        let entry = self.entries[number]
        return unsafe StateKey(entry.key, longKey: entry.longKey.map { UnsafeRawPointer($0) })
    }

    // MARK: States

    package func state(of key: StateKey) -> StoredState? { self.find(key).flatMap { self.state($0) } }

    func state(_ number: Int) -> StoredState? {
        let entry = self.entries[number]
        guard let value = unsafe entry.value else { return nil }
        let start = unsafe UnsafeRawPointer(value).assumingMemoryBound(to: UInt8.self)
        return unsafe StoredState(
            value: Bytes(start: start, count: Int(entry.valueCount)),
            writtenAt: entry.writtenAt
        )
    }

    package mutating func setState(of key: StateKey, to value: Bytes, writtenAt: Int64) {
        let number = self.findOrAdd(key)
        self.setValue(of: number, to: value)
        self.wrote(number, at: writtenAt)
    }

    mutating func setValue(of number: Int, to value: Bytes) {
        self.reserve(value.count, of: number)
        if let target = unsafe self.entries[number].value {
            unsafe target.copyMemory(from: value.start, byteCount: value.count)
        }
        self.entries[number].valueCount = Int32(value.count)
    }

    package mutating func appendState(of key: StateKey, _ value: Bytes, writtenAt: Int64) {
        let number = self.findOrAdd(key)
        let count = Int(self.entries[number].valueCount)
        self.grow(number, to: count + value.count)
        if let target = unsafe self.entries[number].value {
            unsafe (target + count).copyMemory(from: value.start, byteCount: value.count)
        }
        self.entries[number].valueCount = Int32(count + value.count)
        self.wrote(number, at: writtenAt)
    }

    private mutating func wrote(_ number: Int, at writtenAt: Int64) {
        self.entries[number].writtenAt = writtenAt
        guard self.expiries != nil, !self.entries[number].isExpiring, !self.entries[number].isExpiryStored else {
            return
        }
        self.expire(number)
    }

    /// Notes when a state was written.
    mutating func expire(_ number: Int) {
        self.entries[number].isExpiring = true
        self.expiries?.push(time: self.entries[number].writtenAt, number, self.entries[number].serial)
    }

    /// Room for a value, in place where the one before it had as much and not far more.
    private mutating func reserve(_ count: Int, of number: Int) {
        let entry = self.entries[number]
        let had = Int(entry.valueCapacity)
        let isFit = unsafe entry.value != nil && had >= count && had <= 4 * count + 64
        guard !isFit else { return }
        self.free(number)
        let capacity = unsafe max(count + (entry.value == nil ? 0 : count / 2), 8)
        unsafe self.entries[number].value = .allocate(byteCount: capacity, alignment: 8)
        self.entries[number].valueCapacity = Int32(capacity)
        self.heldBytes += Self.allocated(capacity)
    }

    /// Room for a longer value, of which what is there stays.
    private mutating func grow(_ number: Int, to count: Int) {
        let entry = self.entries[number]
        guard unsafe entry.value == nil || Int(entry.valueCapacity) < count else { return }
        let capacity = unsafe max(count + (entry.value == nil ? 0 : count / 2), 8)
        let value = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 8)
        if let old = unsafe entry.value {
            unsafe value.copyMemory(from: old, byteCount: Int(entry.valueCount))
            unsafe old.deallocate()
            self.heldBytes -= Self.allocated(Int(entry.valueCapacity))
        }
        unsafe self.entries[number].value = unsafe value
        self.entries[number].valueCapacity = Int32(capacity)
        self.heldBytes += Self.allocated(capacity)
    }

    package mutating func removeAll(of key: StateKey) {
        guard let number = self.find(key), !self.entries[number].isGone else { return }
        self.removeTimers(of: number)
        self.drop(number)
    }

    mutating func free(_ number: Int) {
        guard let value = unsafe self.entries[number].value else { return }
        unsafe value.deallocate()
        self.heldBytes -= Self.allocated(Int(self.entries[number].valueCapacity))
        unsafe self.entries[number].value = nil
        self.entries[number].valueCount = 0
        self.entries[number].valueCapacity = 0
    }

    package mutating func removeState(of key: StateKey) {
        guard let number = self.find(key) else { return }
        self.drop(number)
    }

    package mutating func dropSome(writtenUpTo time: Int64) -> Bool {
        for _ in 0..<Self.dropCount {
            guard let first = self.expiries?.first, first.time <= time else { return false }
            self.expiries?.removeFirst()
            let entry = self.entries[first.number]
            guard entry.isLive, entry.serial == first.serial else { continue }
            guard unsafe entry.value != nil else {
                self.entries[first.number].isExpiring = false
                continue
            }
            guard entry.writtenAt <= time else {
                self.expire(first.number)
                continue
            }
            self.entries[first.number].isExpiring = false
            self.drop(first.number)
        }
        return true
    }

    /// Drops a state.
    mutating func drop(_ number: Int) {
        self.free(number)
        self.removeIfEmpty(number)
    }

    /// Keys that came and went leave their places in the heap until they are due.
    mutating func tidyExpiries() {
        guard let count = self.expiries?.count, count > 2 * self.entryCount + Self.garbageAllowed else { return }
        var fresh = TimerHeap()
        for number in self.entries.indices where self.entries[number].isLive {
            guard self.entries[number].isExpiring else { continue }
            fresh.push(time: self.entries[number].writtenAt, number, self.entries[number].serial)
        }
        self.expiries = fresh
    }

    // MARK: Timers

    package mutating func addTimer(at time: Int64, of key: StateKey) {
        self.addTimer(at: time, of: self.findOrAdd(key))
    }

    mutating func addTimer(at time: Int64, of number: Int) {
        var before = 0
        var next = self.entries[number].firstTimer
        if let last = self.lastTime(of: self.entries[number]), last <= time {
            guard last < time else { return }
            before = self.entries[number].lastTimer
            next = 0
        }
        while next > 0, self.timers[next - 1].time < time {
            before = next
            next = self.timers[next - 1].next
        }
        if next > 0, self.timers[next - 1].time == time { return }
        let added = self.makeTimer(Timer(time: time, next: next)) + 1
        self.entries[number].timerCount += 1
        if next == 0 { self.entries[number].lastTimer = added }
        guard before == 0 else {
            self.timers[before - 1].next = added
            return
        }
        self.entries[number].firstTimer = added
        self.due.push(time: time, number, self.entries[number].serial)
        self.tidyDue()
    }

    private func lastTime(of entry: Entry) -> Int64? {
        entry.lastTimer == 0 ? nil : self.timers[entry.lastTimer - 1].time
    }

    private mutating func makeTimer(_ timer: Timer) -> Int {
        guard let free = self.freeTimers.popLast() else {
            self.timers.append(timer)
            return self.timers.count - 1
        }
        self.timers[free] = timer
        return free
    }

    package mutating func nextTimer(upTo time: Int64) -> KeyedTimer? {
        while let first = self.due.first, first.time <= time {
            let entry = self.entries[first.number]
            let isCurrent =
                entry.isLive && entry.serial == first.serial && entry.firstTimer > 0
                && self.timers[entry.firstTimer - 1].time == first.time
            if isCurrent { return KeyedTimer(key: self.key(first.number), time: first.time, number: first.number) }
            self.due.removeFirst()
        }
        return nil
    }

    package mutating func removeTimer(_ timer: KeyedTimer) {
        // A timer that was set since may be earlier and lie before it.
        var before = 0
        var current = self.entries[timer.number].firstTimer
        while current > 0, self.timers[current - 1].time != timer.time {
            before = current
            current = self.timers[current - 1].next
        }
        guard current > 0 else { return }
        let next = self.timers[current - 1].next
        self.freeTimers.append(current - 1)
        self.entries[timer.number].timerCount -= 1
        if next == 0 { self.entries[timer.number].lastTimer = before }
        if before > 0 {
            self.timers[before - 1].next = next
        } else {
            self.entries[timer.number].firstTimer = next
            let serial = self.entries[timer.number].serial
            if next > 0 { self.due.push(time: self.timers[next - 1].time, timer.number, serial) }
        }
        self.removeIfEmpty(timer.number)
    }

    package func timerCount(of key: StateKey) -> Int {
        self.find(key).map { self.entries[$0].timerCount } ?? 0
    }

    /// Timers that came before the first one of their key leave its place in the heap.
    mutating func tidyDue() {
        guard self.due.count > 2 * (self.timers.count - self.freeTimers.count) + Self.garbageAllowed else { return }
        var fresh = TimerHeap()
        for number in self.entries.indices where self.entries[number].isLive {
            let first = self.entries[number].firstTimer
            guard first > 0 else { continue }
            fresh.push(time: self.timers[first - 1].time, number, self.entries[number].serial)
        }
        self.due = fresh
    }

    // MARK: Everything

    /// The times of an entry's timers, in their order.
    func times(_ number: Int) -> [Int64] {
        var times: [Int64] = []
        var next = self.entries[number].firstTimer
        while next > 0 {
            times.append(self.timers[next - 1].time)
            next = self.timers[next - 1].next
        }
        return times
    }
}
