internal import CKernels

/// How one 64-bit column of an aggregation takes a new value.
package enum IntegerColumn: UInt8, Hashable, Sendable {
    case count
    case sum
    case minimum
    case maximum
}

/// Aggregates integers by key in 64-bit columns: the form that most jobs need and that runs at memory speed.
///
/// What doesn't fit (a sum beyond 64 bits, a value that isn't an integer) is refused without a change, and the owner goes
/// on with a ``StateAggregation``.
@safe
package struct IntegerAggregation: ~Copyable {
    package let columns: [IntegerColumn]
    var short: KeyTable
    var long: KeyTable
    var longKeys = ByteStore()

    /// Rows whose slots are being fetched while one is added; a power of two.
    private static let aheadCount = 32

    package init(columns: [IntegerColumn]) {
        precondition(!columns.isEmpty, "an aggregation has a column")
        self.columns = columns
        self.short = KeyTable(payloadWordCount: columns.count, hasAddress: false)
        self.long = KeyTable(payloadWordCount: columns.count, hasAddress: true)
    }

    package var keyCount: Int { self.short.count + self.long.count }
    package var bytes: Int { self.short.bytes + self.long.bytes + self.longKeys.usedBytes }

    mutating func removeAll() {
        self.short.removeAll()
        self.long.removeAll()
        self.longKeys.removeAll()
    }

    /// Adds `delta` to the only column, a count or sum, for every slice of `column`.
    ///
    /// - Returns: The number of slices taken: fewer than all where a sum would overflow at the next one.
    mutating func add(_ column: TextSlices, delta: Int64) -> Int {
        if let keys = unsafe column.keys {
            return self.addRows(column.count) { row in
                unsafe keys[row]
            } delta: { _ in
                delta
            } elsewhere: { _, _ in
                false
            }
        }
        return self.addRows(column.count) { row in
            let count = unsafe Int(column.lengths[row])
            guard count <= KeyWords.inlineLimit else { return Self.elsewhere }
            let address = unsafe column.base + Int(column.starts[row])
            return unsafe KeyWords(short: address, count: count, kind: KeyKind.shortText)
        } delta: { _ in
            delta
        } elsewhere: { aggregation, row in
            let address = unsafe UnsafeRawPointer(column.base + Int(column.starts[row]))
            return unsafe aggregation.addLong(address, count: Int(column.lengths[row]), delta: delta)
        }
    }

    /// Adds one value to the only column, a count or sum, for the key of each selected row.
    ///
    /// - Returns: The number of rows taken: fewer than all where a sum would overflow at the next one, or a key is long.
    @inline(__always)
    mutating func add(_ selection: Selection, key: (Int) -> KeyWords?, delta: (Int) -> Int64) -> Int {
        self.addRows(selection.count) { position in
            key(selection[position]) ?? Self.elsewhere
        } delta: { position in
            delta(selection[position])
        } elsewhere: { _, _ in
            false
        }
    }

    /// Stands in for a key that the table of short keys doesn't take: it is in no slot, not even in a free one.
    private static var elsewhere: KeyWords { KeyWords(a: 1, b: 0) }

    /// A row whose slot is being fetched.
    private struct Waiting: BitwiseCopyable {
        let key: KeyWords
        let hash: UInt64

        @inline(__always)
        init(_ key: KeyWords) {
            self.key = key
            self.hash = key.hash
        }
    }

    /// Adds to the only column, row by row, while the slots of the rows behind are being fetched.
    ///
    /// In batches, memory would be idle while one is added, and the processor while the slots of the next are asked for.
    /// `elsewhere` takes a row whose key stands for that, and answers false where it can't.
    ///
    /// - Returns: The number of rows taken: fewer than all where a sum would overflow at the next one, or that can't be
    ///   taken elsewhere.
    @inline(__always)
    private mutating func addRows(
        _ count: Int,
        key: (Int) -> KeyWords,
        delta: (Int) -> Int64,
        elsewhere: (inout IntegerAggregation, Int) -> Bool
    ) -> Int {
        var table = self.short.view
        if table.isCached {
            for row in 0..<count {
                let this = Waiting(key(row))
                guard self.add(delta(row), this, &table, elsewhere: { elsewhere(&$0, row) }) else { return row }
            }
            return count
        }
        return unsafe withUnsafeTemporaryAllocation(of: Waiting.self, capacity: Self.aheadCount) { waiting in
            let waiting = unsafe waiting.baseAddress.unsafelyUnwrapped
            for row in 0..<min(count, Self.aheadCount) {
                let next = Waiting(key(row))
                table.prefetch(next.hash)
                unsafe waiting[row] = next
            }
            for row in 0..<count {
                let place = row & (Self.aheadCount &- 1)
                let this = unsafe waiting[place]
                if row &+ Self.aheadCount < count {
                    let next = Waiting(key(row &+ Self.aheadCount))
                    table.prefetch(next.hash)
                    unsafe waiting[place] = next
                }
                guard self.add(delta(row), this, &table, elsewhere: { elsewhere(&$0, row) }) else { return row }
            }
            return count
        }
    }

    @inline(__always)
    private mutating func add(
        _ delta: Int64,
        _ row: Waiting,
        _ table: inout KeyTableView,
        elsewhere: (inout IntegerAggregation) -> Bool
    ) -> Bool {
        if let payload = unsafe table.payload(of: row.key, hash: row.hash) {
            return unsafe Self.add(delta, to: payload)
        }
        if row.key.b == 0 { return elsewhere(&self) }
        let payload = unsafe self.insert(row.key, hash: row.hash)
        table = self.short.view
        return unsafe Self.add(delta, to: payload)
    }

    @inline(__always)
    private static func add(_ delta: Int64, to payload: UnsafeMutablePointer<UInt64>) -> Bool {
        let sum = unsafe Int64(bitPattern: payload[0]).addingReportingOverflow(delta)
        if sum.overflow { return false }
        unsafe payload[0] = UInt64(bitPattern: sum.partialValue)
        return true
    }

    @inline(never)
    private mutating func insert(_ key: KeyWords, hash: UInt64) -> UnsafeMutablePointer<UInt64> {
        unsafe self.short.payload(of: key, hash: hash)
    }

    /// Adds pairs to the only column, a count or sum; ``prefetch(_:_:)`` was called for them a while ago.
    ///
    /// - Returns: The first pair that wasn't taken: before the end of the range where its value is no integer or a sum
    ///   would overflow; nil where the columns are others.
    mutating func addToColumn(_ pairs: borrowing PairBuffer, _ range: Range<Int>) -> Int? {
        guard self.columns.count == 1 else { return nil }
        switch self.columns[0] {
        case .count: return self.addToColumn(pairs, range) { _ in 1 }
        case .sum: return self.addToColumn(pairs, range) { $0.integer }
        case .minimum, .maximum: return nil
        }
    }

    @inline(__always)
    private mutating func addToColumn(
        _ pairs: borrowing PairBuffer,
        _ range: Range<Int>,
        delta: (Value) -> Int64
    ) -> Int {
        let keys = unsafe pairs.keys
        let values = unsafe pairs.values
        var table = self.short.view
        for index in range {
            let value = unsafe values[index]
            guard value.has(.integer) else { return index }
            let key = unsafe keys[index]
            let hash = key.hash
            if let payload = unsafe table.payload(of: key, hash: hash) {
                guard unsafe Self.add(delta(value), to: payload) else { return index }
            } else {
                let payload = unsafe self.payload(of: key, hash: hash, in: pairs, index)
                guard unsafe Self.add(delta(value), to: payload) else { return index }
                table = self.short.view
            }
        }
        return range.upperBound
    }

    /// The payload of a key that is long or new.
    @inline(never)
    private mutating func payload(
        of key: KeyWords,
        hash: UInt64,
        in pairs: borrowing PairBuffer,
        _ index: Int
    ) -> UnsafeMutablePointer<UInt64> {
        let longKey = unsafe key.isLong ? UnsafeRawPointer(pairs.longKey(index).start) : nil
        return unsafe self.payload(of: key, hash: hash, longKey: longKey)
    }

    /// Fetches the slots of pairs that are soon added.
    func prefetch(_ pairs: borrowing PairBuffer, _ range: Range<Int>) {
        let keys = unsafe pairs.keys
        let table = self.short.view
        if table.isCached { return }
        for index in range { unsafe table.prefetch(keys[index].hash) }
    }

    @inline(never)
    private mutating func addLong(_ bytes: UnsafeRawPointer, count: Int, delta: Int64) -> Bool {
        let key = unsafe KeyWords(long: bytes, count: count, kind: KeyKind.longText)
        let words = unsafe self.long.longSlot(of: key, bytes: bytes, hash: key.hash)
        if unsafe words[2] == 0 {
            unsafe words[2] = UInt64(UInt(bitPattern: self.longKeys.store(bytes, count: count)))
        }
        let sum = unsafe Int64(bitPattern: words[3]).addingReportingOverflow(delta)
        if sum.overflow { return false }
        unsafe words[3] = UInt64(bitPattern: sum.partialValue)
        return true
    }
}
