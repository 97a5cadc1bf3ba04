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

    /// Keys hashed and prefetched ahead of the first look-up.
    static let batchCount = 64

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
    /// - Returns: The number of slices taken: fewer than all where a sum would overflow in the batch that comes next, of
    ///   which nothing has been added.
    mutating func add(_ column: TextSlices, delta: Int64) -> Int {
        unsafe withUnsafeTemporaryAllocation(of: KeyWords.self, capacity: Self.batchCount) { keys in
            unsafe withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Self.batchCount) { hashes in
                let keys = unsafe keys.baseAddress.unsafelyUnwrapped
                let hashes = unsafe hashes.baseAddress.unsafelyUnwrapped
                var row = 0
                while row < column.count {
                    let end = min(row &+ Self.batchCount, column.count)
                    var filled = 0
                    for index in row..<end {
                        let length = unsafe Int(column.lengths[index])
                        let address = unsafe column.base + Int(column.starts[index])
                        if length <= KeyWords.inlineLimit {
                            let key = unsafe KeyWords(short: address, count: length, kind: KeyKind.shortText)
                            let hash = key.hash
                            self.short.prefetch(hash)
                            unsafe keys[filled] = key
                            unsafe hashes[filled] = hash
                            filled &+= 1
                        } else if unsafe !self.addLong(UnsafeRawPointer(address), count: length, delta: delta) {
                            self.takeBackLong(column, row..<index, delta: delta)
                            return row
                        }
                    }
                    for index in 0..<filled {
                        let payload = unsafe self.short.payload(of: keys[index], hash: hashes[index])
                        let sum = unsafe Int64(bitPattern: payload[0]).addingReportingOverflow(delta)
                        if sum.overflow {
                            for added in 0..<index {
                                let payload = unsafe self.short.payload(of: keys[added], hash: hashes[added])
                                unsafe payload[0] = payload[0] &- UInt64(bitPattern: delta)
                            }
                            self.takeBackLong(column, row..<end, delta: delta)
                            return row
                        }
                        unsafe payload[0] = UInt64(bitPattern: sum.partialValue)
                    }
                    row = end
                }
                return row
            }
        }
    }

    /// Adds one value to the only column, a count or sum, for the key of each selected row.
    ///
    /// - Returns: The number of rows taken: fewer than all where a sum would overflow at the next one, or a key is long.
    @inline(__always)
    mutating func add(_ selection: Selection, key: (Int) -> KeyWords?, delta: (Int) -> Int64) -> Int {
        unsafe withUnsafeTemporaryAllocation(of: KeyWords.self, capacity: Self.batchCount) { keys in
            let keys = unsafe keys.baseAddress.unsafelyUnwrapped
            var taken = 0
            while taken < selection.count {
                let end = min(taken &+ Self.batchCount, selection.count)
                for position in taken..<end {
                    guard let words = key(selection[position]) else { return taken }
                    self.short.prefetch(words.hash)
                    unsafe keys[position &- taken] = words
                }
                for position in taken..<end {
                    let words = unsafe keys[position &- taken]
                    let payload = unsafe self.short.payload(of: words, hash: words.hash)
                    let sum = unsafe Int64(bitPattern: payload[0])
                        .addingReportingOverflow(delta(selection[position]))
                    if sum.overflow { return position }
                    unsafe payload[0] = UInt64(bitPattern: sum.partialValue)
                }
                taken = end
            }
            return taken
        }
    }

    /// Adds pairs to the only column, a count or sum.
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
        return unsafe withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Self.batchCount) { hashes in
            let hashes = unsafe hashes.baseAddress.unsafelyUnwrapped
            var row = range.lowerBound
            while row < range.upperBound {
                let end = min(row &+ Self.batchCount, range.upperBound)
                for index in row..<end {
                    let hash = unsafe keys[index].hash
                    self.short.prefetch(hash)
                    unsafe hashes[index &- row] = hash
                }
                for index in row..<end {
                    guard unsafe values[index].has(.integer) else { return index }
                    let key = unsafe keys[index]
                    let hash = unsafe hashes[index &- row]
                    let longKey = unsafe key.isLong ? UnsafeRawPointer(pairs.longKey(index).start) : nil
                    let payload = unsafe self.payload(of: key, hash: hash, longKey: longKey)
                    let sum = unsafe Int64(bitPattern: payload[0]).addingReportingOverflow(delta(values[index]))
                    if sum.overflow { return index }
                    unsafe payload[0] = UInt64(bitPattern: sum.partialValue)
                }
                row = end
            }
            return row
        }
    }

    /// Undoes what ``addLong(_:count:delta:)`` did for the long keys among these rows.
    private mutating func takeBackLong(_ column: TextSlices, _ rows: Range<Int>, delta: Int64) {
        for row in rows where unsafe Int(column.lengths[row]) > KeyWords.inlineLimit {
            let count = unsafe Int(column.lengths[row])
            let bytes = unsafe UnsafeRawPointer(column.base + Int(column.starts[row]))
            let key = unsafe KeyWords(long: bytes, count: count, kind: KeyKind.longText)
            let words = unsafe self.long.longSlot(of: key, bytes: bytes, hash: key.hash)
            unsafe words[3] = words[3] &- UInt64(bitPattern: delta)
        }
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
