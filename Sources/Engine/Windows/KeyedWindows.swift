internal import JobPlan
internal import WireFormat

/// Windows that every key has for itself: sessions, windows of so many records, and everything.
///
/// A session holds records less than the gap apart, and ends the gap behind its last one; records the gap or more apart are
/// in two sessions.
struct KeyedWindows: ~Copyable {
    let kind: StreamWindows.Kind
    let allowedLateness: Int64
    private let trigger: TriggerSpecification
    var store: SegmentStore
    private var timers = TimerHeap()
    private var arena = Arena(limitBytes: 64 << 20)
    private(set) var watermark = WatermarkTracker.none

    init(_ windows: StreamWindows) {
        self.kind = windows.kind
        self.allowedLateness = min(windows.allowedLateness, SliceGrid.timeLimit)
        self.trigger = windows.trigger
        self.store = SegmentStore(windows.layout)
    }

    var bytes: Int { self.store.bytes + self.timers.capacity * MemoryLayout<TimerHeap.Timer>.stride }

    /// Bytes that it takes while the next window makes it grow, if that one does.
    var bytesSoon: Int { self.bytes + self.store.growthBytes }
    var keyCount: Int { self.store.liveCount }

    /// What becomes of a record.
    enum Taken {
        /// It is in a window that isn't due.
        case kept
        /// Its window, by number, is to be fired at once, and forgotten then if it says so.
        case fires(Int, forgets: Bool)
        /// Its window, by number, is to be fired before its end.
        case firesEarly(Int)
        case late
    }

    mutating func take(
        _ record: TimedRow,
        of key: KeyWords,
        longKey: UnsafeRawPointer?
    ) throws(EngineError) -> Taken {
        switch self.kind {
        case .session(let gap): return try unsafe self.takeIntoSession(record, key, longKey, gap: gap)
        case .count(let count, let slide):
            return try unsafe self.takeIntoCount(record, key, longKey, count: count, slide: slide)
        case .global:
            let numbers = unsafe self.store.numbers(of: key, longKey: longKey)
            let number =
                unsafe numbers.first ?? self.store.add(key, longKey: longKey, start: record.time, end: record.time + 1)
            try self.add(record, to: number)
            self.store[number].start = min(self.store[number].start, record.time)
            self.store[number].end = max(self.store[number].end, record.time + 1)
            return self.keptOrEarly(number)
        case .sliced: preconditionFailure("slices are kept elsewhere")
        }
    }

    /// Counts a record that its window wasn't fired with.
    private mutating func keptOrEarly(_ number: Int) -> Taken {
        self.store[number].freshCount += 1
        guard let limit = self.trigger.earlyCount, self.store[number].freshCount >= limit else { return .kept }
        return self.mayFireEarly(number) ? .firesEarly(number) : .kept
    }

    private mutating func add(_ record: TimedRow, to number: Int) throws(EngineError) {
        do {
            let states = unsafe self.store.states(of: number)
            try unsafe self.store.states.table.merge(record.states, into: states, arena: &self.arena)
        } catch {
            throw .corrupt("can't decode the states of a window: \(error)")
        }
        self.store[number].count += 1
    }

    // MARK: Sessions

    private mutating func takeIntoSession(
        _ record: TimedRow,
        _ key: KeyWords,
        _ longKey: UnsafeRawPointer?,
        gap: Int64
    ) throws(EngineError) -> Taken {
        let end = record.time + gap
        let met = unsafe self.store.numbers(of: key, longKey: longKey).filter { number in
            record.time < self.store[number].end && self.store[number].start < end
        }
        if met.isEmpty, self.isPassed(end) { return .late }
        let number = unsafe met.first ?? self.store.add(key, longKey: longKey, start: record.time, end: end)
        for other in met.dropFirst() {
            self.store.merge(other, into: number)
            let merged = self.store[other]
            self.store[number].start = min(self.store[number].start, merged.start)
            self.store[number].end = max(self.store[number].end, merged.end)
            self.store[number].count += merged.count
            self.store[number].pane = max(self.store[number].pane, merged.pane)
            self.store[number].earlyCount = max(self.store[number].earlyCount, merged.earlyCount)
            self.store[number].freshCount += merged.freshCount
            self.store.remove(other)
        }
        try self.add(record, to: number)
        self.store[number].start = min(self.store[number].start, record.time)
        self.store[number].end = max(self.store[number].end, end)
        self.store[number].isFired = false
        // One that ends behind the watermark is due then, also where a part of it was fired before.
        if self.watermark != WatermarkTracker.none, self.store[number].end - 1 <= self.watermark {
            guard self.trigger.firesOnEachLateRecord else {
                self.timers.push(time: self.watermark + 1, number, self.store[number].serial)
                return .kept
            }
            self.timers.push(time: self.store[number].end - 1 + self.allowedLateness, number, self.store[number].serial)
            return .fires(number, forgets: self.allowedLateness == 0)
        }
        self.timers.push(time: self.store[number].end - 1, number, self.store[number].serial)
        return self.keptOrEarly(number)
    }

    /// Whether a window that ends then is past the allowed lateness.
    private func isPassed(_ end: Int64) -> Bool {
        guard self.watermark != WatermarkTracker.none else { return false }
        if self.watermark == WatermarkTracker.end { return true }
        return end - 1 + self.allowedLateness <= self.watermark
    }

    // MARK: Counts

    /// Records are gathered in slices as long as both the count and the slide are whole numbers of them; the windows of a key
    /// are its newest slices.
    private mutating func takeIntoCount(
        _ record: TimedRow,
        _ key: KeyWords,
        _ longKey: UnsafeRawPointer?,
        count: Int64,
        slide: Int64
    ) throws(EngineError) -> Taken {
        let slice = Self.greatestCommonDivisor(count, slide)
        var numbers = unsafe self.newestFirst(self.store.numbers(of: key, longKey: longKey))
        if numbers.first.map({ self.store[$0].count == slice }) ?? true {
            let position = numbers.first.map { self.store[$0].pane + 1 } ?? 0
            let new = unsafe self.store.add(key, longKey: longKey, start: record.time, end: record.time + 1)
            // How many slices of its key came before it.
            self.store[new].pane = position
            if let former = numbers.first { self.passEarly(from: former, to: new) }
            numbers.insert(new, at: 0)
        }
        let newest = numbers[0]
        try self.add(record, to: newest)
        self.store[newest].start = min(self.store[newest].start, record.time)
        self.store[newest].end = max(self.store[newest].end, record.time + 1)
        let isInNext = self.store[newest].pane >= Self.firstSlice(ofWindowWith: self.store[newest].pane, count, slide)
        guard self.store[newest].count == slice else { return isInNext ? self.keptOrEarly(newest) : .kept }
        let held = Int(count / slice)
        for number in numbers.dropFirst(held) { self.store.remove(number) }
        guard (self.store[newest].pane + 1) % (slide / slice) == 0 else {
            return isInNext ? self.keptOrEarly(newest) : .kept
        }
        return .fires(newest, forgets: false)
    }

    /// What is known of a window that isn't full goes with its newest slice.
    private mutating func passEarly(from former: Int, to new: Int) {
        self.store[new].earlyCount = self.store[former].earlyCount
        self.store[new].freshCount = self.store[former].freshCount
        self.resetEarly(former)
    }

    /// A window of so many records was fired.
    mutating func resetEarly(_ number: Int) {
        self.store[number].earlyCount = 0
        self.store[number].freshCount = 0
    }

    /// The position of the first slice of the next window that is fired when its newest slice has this one.
    private static func firstSlice(ofWindowWith position: Int64, _ count: Int64, _ slide: Int64) -> Int64 {
        let slice = Self.greatestCommonDivisor(count, slide)
        let end = (position / (slide / slice) + 1) * (slide / slice)
        return end - count / slice
    }

    /// The slices that a window of so many records is made of, as far as it goes, whose newest is given.
    mutating func window(endingIn newest: Int, count: Int64, slide: Int64) -> (box: SliceBox, span: FiredWindow) {
        let segment = self.store[newest]
        let first = Self.firstSlice(ofWindowWith: segment.pane, count, slide)
        let longKey = unsafe UnsafeRawPointer(bitPattern: segment.longKey)
        let numbers = unsafe self.newestFirst(self.store.numbers(of: segment.key, longKey: longKey))
            .filter { self.store[$0].pane >= first }
        let merged = SliceBox(self.store.layout)
        let target = unsafe merged.table.states(of: segment.key, longKey: longKey)
        var span = FiredWindow(start: segment.start, end: segment.end, pane: 0)
        for number in numbers.reversed() {
            let states = unsafe self.store.states(of: number)
            unsafe merged.table.merge(states, of: self.store.states.table, into: target)
            span.start = min(span.start, self.store[number].start)
            span.end = max(span.end, self.store[number].end)
        }
        return (merged, span)
    }

    private func newestFirst(_ numbers: [Int]) -> [Int] {
        numbers.sorted { self.store[$0].pane > self.store[$1].pane }
    }

    private static func greatestCommonDivisor(_ left: Int64, _ right: Int64) -> Int64 {
        var (larger, smaller) = (left, right)
        while smaller != 0 { (larger, smaller) = (smaller, larger % smaller) }
        return larger
    }

    // MARK: Time

    mutating func advance(to watermark: Int64) { self.watermark = max(self.watermark, watermark) }

    /// The next window that is due, by number; nil where there is none.
    mutating func nextDue() -> Int? {
        if self.watermark == WatermarkTracker.end { return self.nextAtEnd() }
        while let timer = self.timers.first, timer.time <= self.watermark {
            self.timers.removeFirst()
            guard self.isCurrent(timer) else { continue }
            let segment = self.store[timer.number]
            if !segment.isFired, segment.end - 1 <= self.watermark {
                self.timers.push(time: segment.end - 1 + self.allowedLateness, timer.number, segment.serial)
                return timer.number
            }
            if segment.isFired, self.isPassed(segment.end) { self.store.remove(timer.number) }
        }
        return nil
    }

    private func isCurrent(_ timer: TimerHeap.Timer) -> Bool {
        guard timer.number < self.store.segments.count else { return false }
        let segment = self.store[timer.number]
        return segment.isLive && segment.serial == timer.serial
    }

    /// At the end of the input sessions and whole keys are fired; records short of a count aren't a window.
    private mutating func nextAtEnd() -> Int? {
        if case .count = self.kind { return nil }
        while self.endCursor < self.store.segments.count {
            let number = self.endCursor
            self.endCursor += 1
            if self.store[number].isLive, !self.store[number].isFired { return number }
        }
        return nil
    }

    private var endCursor = 0

    // MARK: Early firings

    /// Whether a window may be fired before its end: it wasn't fired, and its time hasn't come.
    private func mayFireEarly(_ number: Int) -> Bool {
        let segment = self.store[number]
        switch self.kind {
        case .session: return segment.pane == 0 && !segment.isFired && segment.end - 1 > self.watermark
        case .count: return true
        case .global: return !segment.isFired
        case .sliced: return false
        }
    }

    /// The next window at or behind a number that has got anything since it was fired early, among so many.
    func nextEarly(_ cursor: inout Int, limit: Int) -> Int? {
        let end = cursor + min(limit, self.store.segments.count - cursor)
        while cursor < end {
            let number = cursor
            cursor += 1
            let segment = self.store[number]
            if segment.isLive, segment.freshCount > 0, self.mayFireEarly(number) { return number }
        }
        return nil
    }

    /// A window was fired before its end.
    mutating func noteFiredEarly(_ number: Int) {
        self.store[number].earlyCount += 1
        self.store[number].freshCount = 0
    }

    /// A window was fired; one that is forgotten must not be asked for again.
    mutating func noteFired(_ number: Int, forgets: Bool) {
        if forgets {
            self.store.remove(number)
        } else {
            self.store[number].pane += 1
            self.store[number].isFired = true
        }
    }

    /// The key and states of a window.
    mutating func rowOfWindow(_ number: Int) -> KeyedRow { self.store.row(number) }

    /// Whether a window that was fired on time may be forgotten at once.
    var forgetsAtOnce: Bool { self.allowedLateness == 0 }

    /// Gives memory back where most of it is nobody's any more.
    mutating func tidy() {
        guard self.store.isMostlyGarbage, self.watermark != WatermarkTracker.end else { return }
        self.store.compact { _, _ in }
        self.timers = TimerHeap()
        for number in self.store.segments.indices { self.setTimer(number) }
    }

    /// All windows were removed: gives their memory back where it is much.
    mutating func noteEmpty() {
        self.endCursor = 0
        if self.store.states.table.keyCount > Self.emptyGarbageAllowed { self.forgetAll() }
    }

    private static let emptyGarbageAllowed = 128

    /// Forgets everything but how far time has come.
    mutating func forgetAll() {
        self.endCursor = 0
        self.store = SegmentStore(self.store.layout)
        self.timers = TimerHeap()
    }

    private mutating func setTimer(_ number: Int) {
        guard case .session = self.kind else { return }
        let segment = self.store[number]
        let time = segment.isFired ? segment.end - 1 + self.allowedLateness : segment.end - 1
        self.timers.push(time: time, number, segment.serial)
    }

    // MARK: Snapshots

    mutating func restore(watermark: Int64) {
        self.watermark = self.watermark == WatermarkTracker.none ? watermark : min(self.watermark, watermark)
    }

    /// Takes a window as it was written.
    mutating func restore(
        _ figures: WindowFigures,
        _ states: Bytes,
        of key: KeyWords,
        longKey: UnsafeRawPointer?
    ) throws(ValueDecodingError) {
        let number = unsafe self.store.add(key, longKey: longKey, start: figures.start, end: figures.end)
        self.store[number].count = figures.records
        self.store[number].pane = figures.pane
        self.store[number].earlyCount = figures.early
        self.store[number].freshCount = figures.fresh
        self.store[number].isFired = figures.isFired
        let target = unsafe self.store.states(of: number)
        try unsafe self.store.states.table.merge(states, into: target, arena: &self.arena)
        self.setTimer(number)
    }
}

/// What is known of a window that a key has for itself, but for its states.
///
/// | bytes | what, little endian                                                  |
/// | ----: | -------------------------------------------------------------------- |
/// |    48 | i64 start, end, records, pane, early firings, records since then      |
/// |     1 | 1 where it was fired as it is                                         |
struct WindowFigures {
    let start: Int64
    let end: Int64
    let records: Int64
    let pane: Int64
    let early: Int64
    let fresh: Int64
    let isFired: Bool

    init(_ segment: SegmentStore.Segment) {
        self.start = segment.start
        self.end = segment.end
        self.records = segment.count
        self.pane = segment.pane
        self.early = segment.earlyCount
        self.fresh = segment.freshCount
        self.isFired = segment.isFired
    }

    init(_ reader: inout StateReader) throws(ValueDecodingError) {
        self.start = try reader.number(Int64.self)
        self.end = try reader.number(Int64.self)
        self.records = try reader.number(Int64.self)
        self.pane = try reader.number(Int64.self)
        self.early = try reader.number(Int64.self)
        self.fresh = try reader.number(Int64.self)
        self.isFired = try reader.flag()
        guard SlicedWindows.arePossible(watermark: self.start, firedEnd: self.end), self.end > self.start,
            self.records >= 0, self.pane >= 0, self.early >= 0, self.fresh >= 0
        else {
            throw .impossible(offset: reader.offset)
        }
    }

    func append(to buffer: inout ByteBuffer) {
        for field in [self.start, self.end, self.records, self.pane, self.early, self.fresh] {
            buffer.append(littleEndian: field)
        }
        buffer.append(self.isFired ? 1 : 0)
    }
}

/// Which windows are due when: the earliest first.
struct TimerHeap {
    struct Timer {
        let time: Int64
        let number: Int
        let serial: Int64
    }

    private var timers: [Timer] = []

    var first: Timer? { self.timers.first }

    var count: Int { self.timers.count }
    var capacity: Int { self.timers.capacity }

    mutating func push(time: Int64, _ number: Int, _ serial: Int64) {
        self.timers.append(Timer(time: time, number: number, serial: serial))
        var child = self.timers.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard self.isBefore(child, parent) else { return }
            self.timers.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeFirst() {
        guard let last = self.timers.popLast(), !self.timers.isEmpty else { return }
        self.timers[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < self.timers.count && self.isBefore(child, least)
            {
                least = child
            }
            guard least != parent else { return }
            self.timers.swapAt(parent, least)
            parent = least
        }
    }

    /// Of equal times the one that was made first.
    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        let (a, b) = (self.timers[left], self.timers[right])
        return a.time == b.time ? a.serial < b.serial : a.time < b.time
    }
}
