internal import CKernels
package import JobPlan
package import WireFormat

/// Partial or final aggregates by key: in 64-bit columns as long as every value is an integer that fits, in full states
/// from the first one that isn't.
@safe
package struct Aggregation: ~Copyable {
    /// The columns that these aggregates need; a count comes first where there are extremes.
    package static func columns(for kinds: [AggregateKind]) -> [IntegerColumn] {
        var columns: [IntegerColumn] = []
        func need(_ column: IntegerColumn) {
            if !columns.contains(column) { columns.append(column) }
        }
        if kinds.contains(where: { [.count, .mean, .min, .max].contains($0) }) { need(.count) }
        for kind in kinds {
            switch kind {
            case .sum, .mean: need(.sum)
            case .min: need(.minimum)
            case .max: need(.maximum)
            case .count: need(.count)
            case .countDistinct: preconditionFailure("distinct values are counted from the values themselves")
            }
        }
        return columns
    }

    package private(set) var form = RecordBatch.Form.integers
    var integers: IntegerAggregation
    var states: StateAggregation
    /// Keys whose slots are fetched before the first of them is looked up.
    private static let batchCount = 64

    private var buffer = ByteBuffer()
    private var arena = Arena(limitBytes: 64 << 20)

    package init(columns: [IntegerColumn]) {
        self.integers = IntegerAggregation(columns: columns)
        self.states = StateAggregation(keepsExtremes: columns.contains(.minimum) || columns.contains(.maximum))
    }

    package var keyCount: Int { self.integers.keyCount + self.states.keyCount }

    /// Bytes now, or while the table next grows where that comes with the next key.
    package var bytes: Int { self.integers.bytes + self.states.bytes }

    /// Bytes that are taken while the tables next grow.
    package var bytesAtNextGrowth: Int {
        self.bytes + 2 * max(self.integers.short.bytes, self.integers.long.bytes, self.states.short.bytes)
    }

    /// Bytes once the tables have next grown.
    package var bytesAfterGrowth: Int {
        self.bytes + max(self.integers.short.bytes, self.integers.long.bytes, self.states.short.bytes)
    }

    package var isAboutToGrow: Bool {
        let slack = 4_096
        func isNear(_ table: borrowing KeyTable) -> Bool { table.count + slack >= table.growthCount }
        return isNear(self.integers.short) || isNear(self.integers.long) || isNear(self.states.short)
            || isNear(self.states.long)
    }

    /// Fetches what the adding of these pairs will touch: worth it some hundred instructions before.
    @inline(__always)
    func prefetch(_ pairs: borrowing PairBuffer, _ range: Range<Int>) {
        if self.form == .integers { return self.integers.prefetch(pairs, range) }
        for index in range { unsafe self.states.short.prefetch(pairs.keys[index].hash) }
    }

    /// Takes all pairs of a buffer.
    mutating func add(_ pairs: borrowing PairBuffer) {
        self.add(pairs, 0..<pairs.count)
    }

    mutating func add(_ pairs: borrowing PairBuffer, _ range: Range<Int>) {
        var index = range.lowerBound
        if self.form == .integers {
            index = self.addIntegers(pairs, range)
            if index < range.upperBound { self.promote() }
        }
        while index < range.upperBound {
            let end = min(index + Self.batchCount, range.upperBound)
            self.addStates(pairs, index..<end)
            index = end
        }
    }

    /// Three passes, so that neither the slots nor the states are waited for one by one.
    private mutating func addStates(_ pairs: borrowing PairBuffer, _ range: Range<Int>) {
        unsafe withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer.self, capacity: range.count) { states in
            for index in range { unsafe self.states.short.prefetch(pairs.keys[index].hash) }
            for index in range {
                let key = unsafe pairs.keys[index]
                let longKey = unsafe key.isLong ? UnsafeRawPointer(pairs.longKey(index).start) : nil
                let state = unsafe self.states.state(of: key, longKey: longKey)
                unsafe weir_prefetch(state)
                unsafe states[index - range.lowerBound] = state
            }
            for index in range {
                let value = pairs.inlineText(unsafe pairs.values[index])
                unsafe self.states.add(value, to: states[index - range.lowerBound])
            }
        }
    }

    /// - Returns: The first pair that wasn't taken: before the end of the range where it doesn't fit the columns.
    private mutating func addIntegers(_ pairs: borrowing PairBuffer, _ range: Range<Int>) -> Int {
        if let next = self.integers.addToColumn(pairs, range) { return next }
        let keys = unsafe pairs.keys
        let values = unsafe pairs.values
        for row in range {
            let key = unsafe keys[row]
            let value = unsafe values[row]
            guard value.has(.integer) else { return row }
            let longKey = unsafe key.isLong ? UnsafeRawPointer(pairs.longKey(row).start) : nil
            let isTaken = unsafe self.integers.add(value.integer, to: key, hash: key.hash, longKey: longKey)
            if !isTaken { return row }
        }
        return range.upperBound
    }

    /// Counts or sums up the slices of a column: `delta` each.
    mutating func add(_ column: TextSlices, delta: Int64) {
        var taken = 0
        if self.form == .integers {
            taken = self.integers.add(column, delta: delta)
            if taken < column.count { self.promote() }
        }
        while taken < column.count {
            let count = unsafe Int(column.lengths[taken])
            let address = unsafe UnsafeRawPointer(column.base + Int(column.starts[taken]))
            let key = unsafe KeyWords(address, count: count, isText: true)
            unsafe self.states.add(Value(delta), to: key, longKey: key.isLong ? address : nil)
            taken += 1
        }
    }

    /// Counts or sums up computed keys or values, as long as all fit the only column.
    ///
    /// - Returns: The number of rows taken; the others must be told as pairs.
    mutating func add(_ emit: KernelEmit, countsOnly: Bool) -> Int {
        guard self.form == .integers else { return 0 }
        switch (emit.key, emit.value) {
        case (.integer(let keys), .constant(let value)):
            let delta = countsOnly ? 1 : value
            return self.integers.add(
                emit.selection,
                key: { unsafe KeyWords(integer: keys.values[$0]) },
                delta: { _ in delta }
            )
        case (.integer(let keys), .integer(let values)):
            return self.integers.add(
                emit.selection,
                key: { unsafe KeyWords(integer: keys.values[$0]) },
                delta: { countsOnly ? 1 : unsafe values.values[$0] }
            )
        case (.text(let texts), .integer(let values)):
            return self.integers.add(
                emit.selection,
                key: { texts.shortKey($0) },
                delta: { countsOnly ? 1 : unsafe values.values[$0] }
            )
        default: return 0
        }
    }

    /// Takes the rows of another subtask or run.
    package mutating func merge(_ batch: RecordBatch) throws(ValueDecodingError) {
        var offset = 0
        if batch.form == .integers, self.form == .integers {
            offset = self.mergeIntegers(batch)
            if offset < batch.count { self.promote() }
        }
        if batch.form != .integers, self.form == .integers { self.promote() }
        while offset < batch.count {
            let row = unsafe RecordRow(batch.base + offset)
            try self.mergeState(row, form: batch.form)
            offset += row.size
        }
    }

    private mutating func mergeIntegers(_ batch: RecordBatch) -> Int {
        let count = batch.count
        let base = unsafe batch.base
        var offset = 0
        var ahead = 0
        while offset < count {
            if ahead <= offset {
                // Prefetch the slots of the next rows before the first of them is looked up.
                ahead = offset
                var rows = 0
                while rows < Self.batchCount, ahead < count {
                    let row = unsafe RecordRow(base + ahead)
                    self.integers.short.prefetch(KeyWords(a: row.a, b: row.b).hash)
                    ahead += row.size
                    rows += 1
                }
            }
            let row = unsafe RecordRow(base + offset)
            let key = KeyWords(a: row.a, b: row.b)
            let columns = unsafe row.payload.assumingMemoryBound(to: UInt64.self)
            let longKey = unsafe row.keyBytes > 0 ? row.key : nil
            guard unsafe self.integers.merge(columns, into: key, hash: key.hash, longKey: longKey) else {
                return offset
            }
            offset += row.size
        }
        return offset
    }

    private mutating func mergeState(_ row: RecordRow, form: RecordBatch.Form) throws(ValueDecodingError) {
        let key = KeyWords(a: row.a, b: row.b)
        let state: AggregateState
        switch form {
        case .integers:
            state = unsafe self.integers.state(of: row.payload.assumingMemoryBound(to: UInt64.self))
        case .states, .value:
            self.arena.reset()
            let bytes = unsafe Bytes(start: row.payload.assumingMemoryBound(to: UInt8.self), count: row.payloadBytes)
            state = try AggregateState(decoding: bytes, in: &self.arena)
        }
        unsafe self.states.merge(state, into: key, longKey: row.keyBytes > 0 ? row.key : nil)
    }

    /// Goes over to full states.
    private mutating func promote() {
        self.form = .states
        unsafe self.integers.short.forEachSlot { words in
            let key = unsafe KeyWords(a: words[0], b: words[1])
            unsafe self.states.merge(self.integers.state(of: words + 2), into: key, longKey: nil)
        }
        unsafe self.integers.long.forEachSlot { words in
            let key = unsafe KeyWords(a: words[0], b: words[1])
            let longKey = unsafe UnsafeRawPointer(bitPattern: UInt(words[2]))
            unsafe self.states.merge(self.integers.state(of: words + 3), into: key, longKey: longKey)
        }
        self.integers.removeAll()
    }

    package mutating func removeAll() {
        self.integers.removeAll()
        self.states.removeAll()
    }
}

extension PairBuffer {
    /// A value as an aggregate takes it: text where it lies in the buffer, other collections only by their type.
    func inlineText(_ value: Value) -> Value {
        guard value.has(.string) else { return value }
        let encoding = self.encoding(of: value)
        return Value(.string, text: encoding.slice(1, encoding.count))
    }
}
