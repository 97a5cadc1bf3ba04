internal import JobPlan
internal import WireFormat

/// Makes pairs fewer before the shuffle.
///
/// Whatever is added is shipped in the end, combined or as it is, as rows of the form `.value`.
protocol PairCombiner: AnyObject {
    /// Takes all pairs of a buffer, and ships what doesn't fit any longer.
    func add(_ pairs: borrowing PairBuffer, into rows: inout RowOutput) throws(EngineError)

    /// Ships what is left.
    func finish(into rows: inout RowOutput) throws(EngineError)
}

extension CombineStep {
    func makePairCombiner() -> any PairCombiner {
        switch self.method {
        case .aggregate(let kind): AggregateCombiner(kind, tableBytes: self.tableBytes)
        case .function: BufferedCombiner(GroupCombiner(self), tableBytes: self.tableBytes)
        }
    }
}

/// Combines by sum, minimum or maximum in tables of aggregates, as pairs come.
///
/// Numbers and strings have a table each; values of other types are shipped as they are.
final class AggregateCombiner: PairCombiner {
    private let kind: AggregateKind
    private var numbers: CombineTable
    private var texts: CombineTable?

    init(_ kind: AggregateKind, tableBytes: Int) {
        self.kind = kind
        // Only extremes need the second table.
        let bytesLimit = kind == .sum ? tableBytes : tableBytes / 2
        self.numbers = CombineTable(kind, bytesLimit: bytesLimit)
        self.texts = kind == .sum ? nil : CombineTable(kind, bytesLimit: bytesLimit)
    }

    func add(_ pairs: borrowing PairBuffer, into rows: inout RowOutput) {
        var start = 0
        while start < pairs.count {
            let type = unsafe CombinableType(pairs.values[start], under: self.kind)
            var end = start + 1
            while end < pairs.count, unsafe CombinableType(pairs.values[end], under: self.kind) == type { end += 1 }
            switch type {
            case .number: self.numbers.add(pairs, start..<end, into: &rows)
            case .text: self.texts?.add(pairs, start..<end, into: &rows)
            case .other: rows.ship(pairs, start..<end)
            }
            start = end
        }
    }

    func finish(into rows: inout RowOutput) {
        self.numbers.drain(into: &rows)
        self.texts?.drain(into: &rows)
    }
}

/// The aggregates of one type of values, which are shipped as values.
private struct CombineTable: ~Copyable {
    private let kind: AggregateKind
    private let bytesLimit: Int
    private var aggregation: Aggregation
    private var standIns = EncodedValues()
    private var addedCount = 0

    /// While positive, pairs are shipped without a look at the table: it didn't make them fewer.
    private var bypassCount = 0

    /// Distinct keys from which on the table must earn its keep.
    private static let bypassKeyCount = 1 << 16

    init(_ kind: AggregateKind, bytesLimit: Int) {
        self.kind = kind
        self.bytesLimit = bytesLimit
        self.aggregation = Aggregation(columns: Aggregation.columns(for: [kind]))
    }

    mutating func add(_ pairs: borrowing PairBuffer, _ range: Range<Int>, into rows: inout RowOutput) {
        if self.bypassCount > 0 {
            self.bypassCount -= range.count
            return rows.ship(pairs, range)
        }
        self.aggregation.add(pairs, range)
        self.addedCount += range.count
        guard self.aggregation.isAboutToGrow || self.aggregation.bytes > self.bytesLimit else { return }
        let keyCount = self.aggregation.keyCount
        let isUseless = keyCount >= Self.bypassKeyCount && self.addedCount < keyCount * 3 / 2
        guard isUseless || self.aggregation.bytesAtNextGrowth > self.bytesLimit else { return }
        if isUseless { self.bypassCount = 16 * keyCount }
        self.drain(into: &rows)
    }

    mutating func drain(into rows: inout RowOutput) {
        let form = self.aggregation.form
        self.aggregation.forEachRow { row in
            self.standIns.removeAll()
            self.aggregation.state(of: row, form: form).appendStandIns(for: self.kind, to: &self.standIns)
            for index in 0..<self.standIns.count { rows.ship(self.standIns[index], of: row) }
        }
        self.aggregation.removeAll()
        self.addedCount = 0
    }
}

/// Collects the values of each key, and lets a function combine them when the room for them is used up.
///
/// Memory: the collected values, and while they are combined the results beside them: together within `tableBytes`, or
/// 1 MiB where that is less, but for single values that are larger.
final class BufferedCombiner: PairCombiner {
    private var table = GroupTable()
    private var combiner: GroupCombiner
    private let bytesLimit: Int

    /// Bytes of the table at which it is combined; grows where keys are many.
    private var combineBytes: Int
    private let combineBytesLimit: Int
    private var valueCount = 0
    private var encoding = ByteBuffer()

    /// While positive, pairs are shipped as they are: combining didn't make them fewer.
    private var bypassCount = 0

    /// What a processor's second-level cache may hold.
    private static let combineBytesInitial = 2 << 20

    /// Less isn't worth its while: an empty table takes more than half of it.
    private static let combineBytesMinimum = 512 << 10

    init(_ combiner: consuming GroupCombiner, tableBytes: Int) {
        self.combiner = combiner
        self.combineBytesLimit = max(tableBytes / 2, Self.combineBytesMinimum)
        self.bytesLimit = self.combineBytesLimit * 2
        self.combineBytes = min(Self.combineBytesInitial, self.combineBytesLimit)
    }

    func add(_ pairs: borrowing PairBuffer, into rows: inout RowOutput) throws(EngineError) {
        if self.bypassCount > 0 {
            self.bypassCount -= pairs.count
            return rows.ship(pairs, 0..<pairs.count)
        }
        for index in 0..<pairs.count {
            let key = unsafe pairs.keys[index]
            let longKey = unsafe key.isLong ? UnsafeRawPointer(pairs.longKey(index).start) : nil
            unsafe self.table.append(pairs.encodedValue(index, &self.encoding), to: key, longKey: longKey)
        }
        self.valueCount += pairs.count
        if self.table.bytes > self.combineBytes || self.table.isAboutToGrow(beyond: self.bytesLimit) {
            try self.relieve(into: &rows)
        }
    }

    func finish(into rows: inout RowOutput) throws(EngineError) {
        try self.combineAll(into: &rows)
        self.shipAll(into: &rows)
    }

    /// Combines what the table holds, and empties it where that didn't help.
    private func relieve(into rows: inout RowOutput) throws(EngineError) {
        let before = self.valueCount
        try self.combineAll(into: &rows)
        if self.combineBytes < self.combineBytesLimit, self.table.bytes > self.combineBytes / 2 {
            self.combineBytes = min(self.combineBytes * 2, self.combineBytesLimit)
        }
        let isFull = self.table.bytes > self.combineBytes / 4 * 3
        guard isFull || self.table.isAboutToGrow(beyond: self.bytesLimit) else { return }
        if self.valueCount > before / 3 * 2 { self.bypassCount = 8 * before }
        self.shipAll(into: &rows)
    }

    /// Leaves one value for each key; those on which the function failed are shipped.
    private func combineAll(into rows: inout RowOutput) throws(EngineError) {
        var combined = GroupTable()
        var count = 0
        try Aggregation.forEachRow(short: self.table.short, long: self.table.long) { (row) throws(EngineError) in
            var values = GroupTable.firstValue(of: row)
            if try self.combiner.combine(values, of: row) {
                for index in 0..<self.combiner.results.count {
                    unsafe combined.append(self.combiner.results[index], to: row.key, longKey: row.longKey)
                    count += 1
                }
            } else if values.hasSeveral {
                while let value = values.next() { rows.ship(value, of: row) }
            } else if let value = values.next() {
                unsafe combined.append(value, to: row.key, longKey: row.longKey)
                count += 1
            }
        }
        self.table = combined
        self.valueCount = count
    }

    private func shipAll(into rows: inout RowOutput) {
        Aggregation.forEachRow(short: self.table.short, long: self.table.long) { row in
            var values = GroupTable.firstValue(of: row)
            while let value = values.next() { rows.ship(value, of: row) }
        }
        self.table.removeAll()
        self.valueCount = 0
    }
}

extension RowOutput {
    /// Adds a row with an encoded value.
    mutating func ship(_ value: Bytes, of row: KeyedRow) {
        let target = unsafe self.append(
            row.key,
            hash: row.key.hash,
            longKey: row.longKey,
            payloadBytes: value.count,
            form: .value
        )
        unsafe target.copyMemory(from: value.start, byteCount: value.count)
    }

    /// Adds a row for each of these pairs.
    mutating func ship(_ pairs: borrowing PairBuffer, _ range: Range<Int>) {
        var encoding = ByteBuffer()
        for index in range {
            let key = unsafe pairs.keys[index]
            if let batch = pairs.largeBatch(index) {
                self.append(batch, hash: key.hash)
                continue
            }
            let bytes = pairs.encodedValue(index, &encoding)
            let longKey = unsafe key.isLong ? UnsafeRawPointer(pairs.longKey(index).start) : nil
            let target = unsafe self.append(
                key,
                hash: key.hash,
                longKey: longKey,
                payloadBytes: bytes.count,
                form: .value
            )
            unsafe target.copyMemory(from: bytes.start, byteCount: bytes.count)
        }
    }
}

extension PairBuffer {
    /// The encoding of a pair's value, in this buffer or in `scratch`.
    func encodedValue(_ index: Int, _ scratch: inout ByteBuffer) -> Bytes {
        let value = unsafe self.values[index]
        guard value.isScalar else { return self.encoding(of: value) }
        scratch.removeAll()
        // A scalar is always encodable.
        try? ValueCodec.encode(value, into: &scratch)
        return scratch.bytes
    }
}
