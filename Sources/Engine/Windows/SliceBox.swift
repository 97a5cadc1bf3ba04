internal import JobPlan

/// How many keys the next slice will have, and distinct values: about as many as the last that is complete.
struct TableExpectation {
    private(set) var shortKeyCount = 0
    private(set) var valueCounts: [Int] = []

    /// Whether the values of each distinct state hardly ever repeat, so that looking for each before it is shipped is in vain.
    private(set) var areUnique: [Bool] = []

    /// Tables in turn that don't look, before one looks again.
    private var unseenCount = 0

    /// Open slices beyond which each starts small: they may be many because time is scattered, and few keys in each.
    private static let openLimit = 8

    func next(openCount: Int) -> TableExpectation { openCount < Self.openLimit ? self : TableExpectation() }

    /// A slice that is opened again for a few records says little: what is known is forgotten by and by.
    mutating func learn(from table: borrowing SliceTable) {
        self.shortKeyCount = Self.learned(table.short.count, self.shortKeyCount)
        for (index, set) in table.distincts.enumerated() {
            if index == self.valueCounts.count {
                self.valueCounts.append(0)
                self.areUnique.append(false)
            }
            self.valueCounts[index] = Self.learned(set.count, self.valueCounts[index])
            guard !set.keepsRepeats else { continue }
            self.areUnique[index] = set.count >= Self.judgedCount && set.repeatCount * Self.repeatLimit < set.count
        }
        self.unseenCount = (self.unseenCount + 1) % Self.lookEvery
    }

    /// Whether the next table takes the values of a distinct state without looking for them.
    func keepsRepeats(_ set: Int) -> Bool {
        self.unseenCount > 0 && set < self.areUnique.count && self.areUnique[set]
    }

    /// Fewer values say nothing, and cost nothing.
    private static let judgedCount = 256

    /// Values are unique where fewer than one in so many is a repeat.
    private static let repeatLimit = 4
    private static let lookEvery = 16

    private static func learned(_ count: Int, _ known: Int) -> Int { max(count, known - known / 8) }
}

/// The table of a slice, which is given from hand to hand.
final class SliceBox {
    var table: SliceTable

    /// `isShipped`: Whether its states are merged into others before anybody looks at them.
    init(_ layout: WindowLayout, expectation: TableExpectation = TableExpectation(), isShipped: Bool = false) {
        self.table = SliceTable(layout, expectation: expectation, isShipped: isShipped)
    }

    /// Takes the pairs that wait in a host; `times` where the layout needs them.
    ///
    /// - Returns: Bytes by which the table grew.
    func add(_ count: Int, of host: borrowing StreamMapHost, times: [Int64]) -> Int {
        let bytesBefore = self.table.bytes
        // Through one access: each costs more than a key does.
        self.table.add(count, of: host, times: times)
        return self.table.bytes - bytesBefore
    }
}

extension SliceTable {
    mutating func add(_ count: Int, of host: borrowing StreamMapHost, times: [Int64]) {
        let keys = unsafe host.pairs.keys
        let view = self.short.view
        if !view.isCached { for index in 0..<count { view.prefetch(unsafe keys[index].hash) } }
        // Slots stay where they are while the batch is taken.
        self.short.reserve(count)
        self.long.reserve(count)
        unsafe withUnsafeTemporaryAllocation(of: UnsafeMutablePointer<UInt64>.self, capacity: count) { states in
            for index in 0..<count {
                let (key, longKey) = unsafe host.key(index)
                unsafe states.initializeElement(at: index, to: self.states(of: key, longKey: longKey))
            }
            for column in self.layout.columns {
                unsafe self.add(column, of: host, times: times, to: states)
            }
        }
    }

    /// Takes the values of one column.
    private mutating func add(
        _ column: WindowLayout.Column,
        of host: borrowing StreamMapHost,
        times: [Int64],
        to states: UnsafeMutableBufferPointer<UnsafeMutablePointer<UInt64>>
    ) {
        guard let number = column.aggregate.column else {
            // Records are counted, whatever their values are.
            for index in 0..<states.count { unsafe states[index][column.offset] &+= 1 }
            return
        }
        if case .distinct(let set) = column.storage { unsafe self.fetch(column, self.distincts[set], of: host, states) }
        for index in 0..<states.count {
            let (value, encoding) = host.value(index, column: number)
            let time = times.isEmpty ? 0 : times[index]
            unsafe self.add(value, encoding, time: time, to: states[index], column: column)
        }
    }
}

extension SliceTable {
    /// Fetches where texts of a batch will be looked for in a set that is larger than a cache.
    private mutating func fetch(
        _ column: WindowLayout.Column,
        _ set: DistinctSet,
        of host: borrowing StreamMapHost,
        _ states: UnsafeMutableBufferPointer<UnsafeMutablePointer<UInt64>>
    ) {
        guard !set.isCached, !set.keepsRepeats, let number = column.aggregate.column else { return }
        for index in 0..<states.count {
            let (value, encoding) = host.value(index, column: number)
            guard let encoding, value.isTextKey else { continue }
            let text = encoding.slice(1, encoding.count)
            unsafe self.numberKey(of: states[index] + column.offset)
            let key = unsafe KeyWords(text.start, count: text.count, isText: true)
            unsafe set.prefetch(key, key: states[index][column.offset + 1])
        }
    }
}

extension StreamMapHost {
    /// The key of a pair, and its bytes where it is long.
    @inline(__always)
    func key(_ index: Int) -> (KeyWords, UnsafeRawPointer?) {
        let key = unsafe self.pairs.keys[index]
        return unsafe (key, key.isLong ? UnsafeRawPointer(self.pairs.longKey(index).start) : nil)
    }
}
