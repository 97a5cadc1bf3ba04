/// Keeps states and timers in memory.
///
/// Keys are entries of a list, which ``KeyIndex`` finds. The timers of a key are chained in the order of their times, and only
/// the first of them is in the heap of all keys.
@safe
package struct MemoryStateStore: ~Copyable, KeyedStateStore {
    @safe
    private struct Entry {
        let key: KeyWords
        /// Owned; nil where the key is short.
        let longKey: UnsafeMutableRawPointer?
        /// Owned; nil where there is no state.
        var value: UnsafeMutableRawPointer?
        var valueCount = 0
        var valueCapacity = 0
        var writtenAt: Int64 = 0
        /// The first and the last timer plus one; 0: none.
        var firstTimer = 0
        var lastTimer = 0
        var timerCount = 0
        /// Tells it from others that had its number.
        let serial: Int64
        /// Whether ``expiries`` knows when it was last written, or before that.
        var isExpiring = false
        var isLive = true
    }

    private struct Timer {
        var time: Int64
        /// The next of its key plus one.
        var next: Int
    }

    private var index = KeyIndex()
    private var entries: [Entry] = []
    private var freeEntries: [Int] = []
    private var timers: [Timer] = []
    private var freeTimers: [Int] = []
    private var nextSerial: Int64 = 1

    /// When the first timer of a key is due.
    private var due = TimerHeap()

    /// When states were written; nil where nobody asks.
    private var expiries: TimerHeap?
    private var heldBytes = 0

    /// States that one call of ``dropSome(writtenUpTo:)`` drops at most.
    private static let dropCount = 1_024

    /// What heaps may hold beyond what is needed before they are made anew.
    private static let garbageAllowed = 1_024

    /// - Parameter expires: Whether states are ever dropped for their age.
    package init(expires: Bool) {
        self.expiries = expires ? TimerHeap() : nil
    }

    deinit {
        for entry in self.entries where entry.isLive {
            unsafe entry.longKey?.deallocate()
            unsafe entry.value?.deallocate()
        }
    }

    package var keyCount: Int { self.entries.count - self.freeEntries.count }

    package var bytes: Int {
        self.heldBytes + self.entries.count * MemoryLayout<Entry>.stride + self.index.bytes
            + self.timers.count * MemoryLayout<Timer>.stride
            + (self.due.count + (self.expiries?.count ?? 0)) * MemoryLayout<TimerHeap.Timer>.stride
    }

    // MARK: Keys

    private func find(_ key: StateKey) -> Int? {
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
        if let known = self.find(key) { return known }
        var longKey: UnsafeMutableRawPointer?
        if let bytes = unsafe key.longKey {
            let copy = UnsafeMutableRawPointer.allocate(byteCount: key.words.count, alignment: 8)
            unsafe copy.copyMemory(from: bytes, byteCount: key.words.count)
            unsafe longKey = unsafe copy
            self.heldBytes += key.words.count
        }
        let entry = unsafe Entry(key: key.words, longKey: longKey, serial: self.nextSerial)
        self.nextSerial += 1
        let number: Int
        if let free = self.freeEntries.popLast() {
            number = free
            self.entries[number] = entry
        } else {
            number = self.entries.count
            self.entries.append(entry)
        }
        self.index.insert(number, hash: key.words.hash)
        return number
    }

    /// Forgets a key that has nothing.
    private mutating func removeIfEmpty(_ number: Int) {
        let entry = self.entries[number]
        guard unsafe entry.value == nil, entry.timerCount == 0 else { return }
        self.index.remove(number, hash: entry.key.hash)
        if let longKey = unsafe entry.longKey {
            unsafe longKey.deallocate()
            self.heldBytes -= entry.key.count
        }
        self.entries[number].isLive = false
        self.freeEntries.append(number)
        self.tidyExpiries()
    }

    private func key(_ number: Int) -> StateKey {
        let entry = self.entries[number]
        return unsafe StateKey(entry.key, longKey: entry.longKey.map { UnsafeRawPointer($0) })
    }

    // MARK: States

    package func state(of key: StateKey) -> StoredState? { self.find(key).flatMap { self.state($0) } }

    private func state(_ number: Int) -> StoredState? {
        let entry = self.entries[number]
        guard let value = unsafe entry.value else { return nil }
        let start = unsafe UnsafeRawPointer(value).assumingMemoryBound(to: UInt8.self)
        return unsafe StoredState(
            value: Bytes(start: start, count: entry.valueCount),
            writtenAt: entry.writtenAt
        )
    }

    package mutating func setState(of key: StateKey, to value: Bytes, writtenAt: Int64) {
        let number = self.findOrAdd(key)
        self.reserve(value.count, of: number)
        if let target = unsafe self.entries[number].value {
            unsafe target.copyMemory(from: value.start, byteCount: value.count)
        }
        self.entries[number].valueCount = value.count
        self.wrote(number, at: writtenAt)
    }

    package mutating func appendState(of key: StateKey, _ value: Bytes, writtenAt: Int64) {
        let number = self.findOrAdd(key)
        let count = self.entries[number].valueCount
        self.grow(number, to: count + value.count)
        if let target = unsafe self.entries[number].value {
            unsafe (target + count).copyMemory(from: value.start, byteCount: value.count)
        }
        self.entries[number].valueCount = count + value.count
        self.wrote(number, at: writtenAt)
    }

    private mutating func wrote(_ number: Int, at writtenAt: Int64) {
        self.entries[number].writtenAt = writtenAt
        guard self.expiries != nil, !self.entries[number].isExpiring else { return }
        self.entries[number].isExpiring = true
        self.expiries?.push(time: writtenAt, number, self.entries[number].serial)
    }

    /// Room for a value, in place where the one before it had as much and not far more.
    private mutating func reserve(_ count: Int, of number: Int) {
        let entry = self.entries[number]
        let isFit = unsafe entry.value != nil && entry.valueCapacity >= count && entry.valueCapacity <= 4 * count + 64
        guard !isFit else { return }
        self.free(number)
        let capacity = unsafe max(count + (entry.value == nil ? 0 : count / 2), 8)
        unsafe self.entries[number].value = .allocate(byteCount: capacity, alignment: 8)
        self.entries[number].valueCapacity = capacity
        self.heldBytes += capacity
    }

    /// Room for a longer value, of which what is there stays.
    private mutating func grow(_ number: Int, to count: Int) {
        let entry = self.entries[number]
        guard unsafe entry.value == nil || entry.valueCapacity < count else { return }
        let capacity = unsafe max(count + (entry.value == nil ? 0 : count / 2), 8)
        let value = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 8)
        if let old = unsafe entry.value {
            unsafe value.copyMemory(from: old, byteCount: entry.valueCount)
            unsafe old.deallocate()
        }
        unsafe self.entries[number].value = unsafe value
        self.entries[number].valueCapacity = capacity
        self.heldBytes += capacity - entry.valueCapacity
    }

    private mutating func free(_ number: Int) {
        guard let value = unsafe self.entries[number].value else { return }
        unsafe value.deallocate()
        self.heldBytes -= self.entries[number].valueCapacity
        unsafe self.entries[number].value = nil
        self.entries[number].valueCount = 0
        self.entries[number].valueCapacity = 0
    }

    package mutating func removeState(of key: StateKey) {
        guard let number = self.find(key) else { return }
        self.free(number)
        self.removeIfEmpty(number)
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
                self.expiries?.push(time: entry.writtenAt, first.number, entry.serial)
                continue
            }
            self.entries[first.number].isExpiring = false
            self.free(first.number)
            self.removeIfEmpty(first.number)
        }
        return true
    }

    /// Keys that came and went leave their places in the heap until they are due.
    private mutating func tidyExpiries() {
        guard let count = self.expiries?.count, count > 2 * self.keyCount + Self.garbageAllowed else { return }
        var fresh = TimerHeap()
        for number in self.entries.indices where self.entries[number].isLive {
            guard self.entries[number].isExpiring else { continue }
            fresh.push(time: self.entries[number].writtenAt, number, self.entries[number].serial)
        }
        self.expiries = fresh
    }

    // MARK: Timers

    package mutating func addTimer(at time: Int64, of key: StateKey) {
        let number = self.findOrAdd(key)
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
    private mutating func tidyDue() {
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

    package func forEach<Failure: Error>(
        _ body: (StateKey, StoredState?, [Int64]) throws(Failure) -> Void
    ) throws(Failure) {
        for number in self.entries.indices where self.entries[number].isLive {
            var times: [Int64] = []
            var next = self.entries[number].firstTimer
            while next > 0 {
                times.append(self.timers[next - 1].time)
                next = self.timers[next - 1].next
            }
            try body(self.key(number), self.state(number), times)
        }
    }
}
