internal import FluentSyntax
internal import JobPlan

/// What every key has got in the window that moves over the slices: slices are added as they enter it and taken away as
/// they leave, so that a window costs what changed, not what it holds.
///
/// Counts, sums of integers and distinct counts can be taken away again. Other states of a key are put together from its
/// slices when its window is fired.
///
/// | column   | words of a key                                                             |
/// | -------- | -------------------------------------------------------------------------- |
/// | –        | slices that hold the key                                                   |
/// | counter  | number of records                                                          |
/// | number   | sum, low and high, number of values, slices whose sum isn't of integers    |
/// | distinct | number of values, number of the key                                        |
@safe
struct RollingWindow: ~Copyable {
    private enum Part {
        case counter(Int)
        case sum(Int)
        case distinct(Int, set: Int)
        /// Put together from the slices.
        case gathered
    }

    private let layout: WindowLayout
    private let parts: [Part]

    /// Where the states lie in slices that go to the parts.
    private let offsets: [Int]
    private let wordCount: Int

    /// The columns whose states may have to be put together from the slices.
    let gatheredColumns: [WindowLayout.Column]
    private var short: KeyTable
    private var long: KeyTable
    private var store = ByteStore(firstChunkBytes: 4 << 10)

    /// One for each distinct state; nothing else refers to them, so that none is counted or guarded.
    private let occurrences: UnsafeMutablePointer<OccurrenceTable>
    private var keyNumbers: UInt64 = 0
    private var liveCount = 0

    /// The slices in it, oldest first: also those that no later window needs, until it moves on.
    private var entered: [SlicedWindows.KeptSlice] = []

    /// Values of the slice that is entering or leaving.
    private var waiting = WaitingEntries<WaitingValue>()
    private var moving = (start: Int64(0), isEntering: true)

    @safe
    private struct WaitingValue {
        let value: KeyWords
        let set: Int
        let words: UnsafeMutablePointer<UInt64>
    }

    init(_ layout: WindowLayout) {
        self.layout = layout
        var parts: [Part] = []
        var offset = 1
        for column in layout.columns {
            switch column.storage {
            case .counter:
                parts.append(.counter(offset))
                offset += 1
            case .number where column.aggregate.function == .sum || column.aggregate.function == .mean:
                parts.append(.sum(offset))
                offset += 4
            case .distinct(let set):
                parts.append(.distinct(offset, set: set))
                offset += 2
            case .number, .ordered, .chain, .sketch:
                parts.append(.gathered)
            }
        }
        self.parts = parts
        self.offsets = layout.columns.map(\.offset)
        self.gatheredColumns = zip(layout.columns, parts).compactMap { column, part in
            switch part {
            case .counter, .distinct: nil
            case .sum, .gathered: column
            }
        }
        self.wordCount = offset
        self.short = KeyTable(payloadWordCount: offset, hasAddress: false, slotCount: 64)
        self.long = KeyTable(payloadWordCount: offset, hasAddress: true, slotCount: 64)
        unsafe self.occurrences = .allocate(capacity: layout.distinctCount)
        for set in 0..<layout.distinctCount { unsafe (self.occurrences + set).initialize(to: OccurrenceTable()) }
    }

    deinit {
        unsafe self.occurrences.deinitialize(count: self.layout.distinctCount)
        unsafe self.occurrences.deallocate()
    }

    var bytes: Int {
        (0..<self.layout.distinctCount).reduce(self.short.bytes + self.long.bytes + self.store.usedBytes) {
            unsafe $0 + self.occurrences[$1].bytes
        }
    }

    /// Forgets everything: all slices of the next window enter it.
    mutating func reset() { self = RollingWindow(self.layout) }

    /// Whether a slice that begins then has been passed, in it or left out: one that changes or comes then makes it wrong.
    func hasPassed(_ start: Int64) -> Bool { self.entered.last.map { start <= $0.start } ?? false }

    /// Takes the slices away that begin before a time.
    mutating func leaveAll(before first: Int64) {
        while let oldest = self.entered.first, oldest.start < first {
            self.leave(oldest.box, start: oldest.start)
            self.entered.removeFirst()
        }
    }

    /// Where the newest of its slices begins.
    var newest: Int64 { self.entered.last?.start ?? .min }

    /// Adds a slice that begins behind ``newest``.
    mutating func enter(_ slice: SlicedWindows.KeptSlice) {
        self.enter(slice.box, start: slice.start)
        self.entered.append(slice)
    }

    /// Keys that are gone leave their slots: when they are most, the table is to be made anew.
    var isSparse: Bool { self.short.count + self.long.count > 2 * self.liveCount + 1_024 }

    private mutating func words(of row: KeyedRow) -> UnsafeMutablePointer<UInt64> {
        guard let longKey = unsafe row.longKey else {
            if self.short.isAboutToGrow { self.takeWaiting() }
            return unsafe self.short.payload(of: row.key, hash: row.key.hash)
        }
        if self.long.isAboutToGrow { self.takeWaiting() }
        let slot = unsafe self.long.longSlot(of: row.key, bytes: longKey, hash: row.key.hash)
        if unsafe slot[2] == 0 {
            unsafe slot[2] = UInt64(UInt(bitPattern: self.store.store(longKey, count: row.key.count)))
        }
        return unsafe slot + 3
    }

    private mutating func enter(_ box: SliceBox, start: Int64) {
        self.moving = (start, true)
        let sets = box.table.distincts
        // Fetching where slots were before the table grew does no harm.
        let slots = self.short.view
        box.table.forEachRowFetched(ahead: { slots.prefetch($0.hash) }) { row in
            let words = unsafe self.words(of: row)
            if unsafe words[0] == 0 { self.liveCount += 1 }
            unsafe words[0] += 1
            unsafe self.move(row, of: sets, words, sign: 1)
        }
        self.takeWaiting()
    }

    private mutating func leave(_ box: SliceBox, start: Int64) {
        self.moving = (start, false)
        let sets = box.table.distincts
        let slots = self.short.view
        box.table.forEachRowFetched(ahead: { slots.prefetch($0.hash) }) { row in
            let words = unsafe self.words(of: row)
            unsafe words[0] -= 1
            if unsafe words[0] == 0 { self.liveCount -= 1 }
            unsafe self.move(row, of: sets, words, sign: -1)
        }
        self.takeWaiting()
    }

    /// Adds what a key has got in a slice, or takes it away.
    private mutating func move(
        _ row: KeyedRow,
        of sets: [DistinctSet],
        _ words: UnsafeMutablePointer<UInt64>,
        sign: Int64
    ) {
        let states = unsafe row.payload.assumingMemoryBound(to: UInt64.self)
        for index in self.parts.indices {
            let from = unsafe states + self.offsets[index]
            switch self.parts[index] {
            case .counter(let offset): unsafe words[offset] &+= UInt64(bitPattern: sign) &* from[0]
            case .sum(let offset): unsafe Self.add(from, to: words + offset, sign: sign)
            case .distinct(let offset, let set):
                unsafe self.move(sets[set], from: from[2], to: words + offset, set: set)
            case .gathered: continue
            }
        }
    }

    private mutating func move(
        _ values: DistinctSet,
        from newest: UInt64,
        to words: UnsafeMutablePointer<UInt64>,
        set: Int
    ) {
        if unsafe words[1] == 0 {
            self.keyNumbers += 1
            unsafe words[1] = self.keyNumbers
        }
        values.forEachKey(from: newest) { value in
            unsafe self.occurrences[set].prefetch(value, key: words[1])
            if self.waiting.append(unsafe WaitingValue(value: value, set: set, words: words)) { self.takeWaiting() }
        }
    }

    /// Takes the values whose entries were fetched meanwhile.
    private mutating func takeWaiting() {
        let (start, isEntering) = self.moving
        let tables = unsafe self.occurrences
        self.waiting.removeAll { entry in
            let words = unsafe entry.words
            if isEntering {
                if unsafe tables[entry.set].enter(entry.value, key: words[1], slice: start) { unsafe words[0] += 1 }
            } else {
                if unsafe tables[entry.set].leave(entry.value, key: words[1], slice: start) { unsafe words[0] -= 1 }
            }
        }
    }

    private static func add(_ from: UnsafePointer<UInt64>, to words: UnsafeMutablePointer<UInt64>, sign: Int64) {
        if unsafe from[2] != 0 {
            unsafe words[3] = UInt64(bitPattern: Int64(bitPattern: words[3]) &+ sign)
            return
        }
        let sum = unsafe Self.sum(words) &+ Int128(sign) &* Int128(Int64(bitPattern: from[0]))
        unsafe words[0] = UInt64(truncatingIfNeeded: sum)
        unsafe words[1] = UInt64(truncatingIfNeeded: sum >> 64)
        unsafe words[2] = UInt64(bitPattern: Int64(bitPattern: words[2]) &+ sign &* Int64(bitPattern: from[1]))
    }

    private static func sum(_ words: UnsafePointer<UInt64>) -> Int128 {
        unsafe Int128(Int64(bitPattern: words[1])) << 64 | Int128(words[0])
    }

    // MARK: Firing

    /// The next key of a walk that is in the window; nil behind the last.
    func next(_ cursor: inout TableCursor) -> KeyedRow? {
        while let words = unsafe self.short.nextUsed(&cursor.shortSlot) {
            guard unsafe words[2] > 0 else { continue }
            let key = unsafe KeyWords(a: words[0], b: words[1])
            return unsafe KeyedRow(key: key, longKey: nil, payload: UnsafeRawPointer(words + 2))
        }
        while let words = unsafe self.long.nextUsed(&cursor.longSlot) {
            guard unsafe words[3] > 0 else { continue }
            let key = unsafe KeyWords(a: words[0], b: words[1])
            let longKey = unsafe UnsafeRawPointer(bitPattern: UInt(words[2]))
            return unsafe KeyedRow(key: key, longKey: longKey, payload: UnsafeRawPointer(words + 3))
        }
        return nil
    }

    /// The results of a key that ``next(_:)`` gave; `gather` puts its states together from the slices.
    ///
    /// - Returns: What was gathered: values among the results may lie there, and are good as long as it is.
    func results(
        of row: KeyedRow,
        in arena: inout Arena,
        into arguments: inout [Value],
        gather: () -> SliceBox
    ) throws(EvaluationError) -> SliceBox? {
        let words = unsafe row.payload.assumingMemoryBound(to: UInt64.self)
        var gathered: SliceBox?
        for (column, part) in zip(self.layout.columns, self.parts) {
            switch part {
            case .counter(let offset), .distinct(let offset, _):
                arguments.append(unsafe Value(Int64(bitPattern: words[offset])))
                continue
            case .sum(let offset):
                if unsafe words[offset + 3] == 0 {
                    arguments.append(try unsafe Self.number(words + offset, column))
                    continue
                }
            case .gathered: break
            }
            let box = gathered ?? gather()
            gathered = box
            let states = unsafe box.table.states(of: row.key, longKey: row.longKey)
            arguments.append(try unsafe box.table.result(of: column, states, in: &arena))
        }
        return gathered
    }

    private static func number(
        _ words: UnsafePointer<UInt64>,
        _ column: WindowLayout.Column
    ) throws(EvaluationError) -> Value {
        let sum = unsafe Self.sum(words)
        if column.aggregate.function == .mean {
            let count = unsafe Int64(bitPattern: words[2])
            return count == 0 ? .nil : Value(Double(sum) / Double(count))
        }
        guard let whole = Int64(exactly: sum) else {
            throw EvaluationError(.integerOverflow(operation: "sum"), at: column.aggregate.range)
        }
        return Value(whole)
    }
}
