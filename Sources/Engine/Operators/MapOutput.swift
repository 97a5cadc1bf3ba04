package import ConnectorKit
package import FluentSyntax
package import JobPlan
internal import WireFormat

/// Where a map's pairs go: into tables before a shuffle, whole into a shuffle, or to the sink.
package struct MapOutput: ~Copyable {
    package enum Route {
        /// Aggregated by key, then shipped.
        case aggregate([IntegerColumn], tableBytes: Int, Routing)
        /// Combined by key, then shipped as values.
        case combine(CombineStep, Routing)
        /// Shipped one by one.
        case ship(Routing)
        /// Formatted and written.
        case write(RecordFormat, any SinkWriter)

        fileprivate var tableBytes: Int {
            switch self {
            case .aggregate(_, let tableBytes, _): tableBytes
            case .combine(let step, _): step.tableBytes
            case .ship, .write: 0
            }
        }

        /// Gives up what a route that isn't used has opened.
        func discard() {
            if case .write(_, let writer) = self { writer.discard() }
        }
    }

    private enum Kind {
        case aggregate
        case combine
        case ship
        case write
    }

    private let kind: Kind
    private let policy: RecordPolicy
    var pairs = PairBuffer(directLimit: Self.drainCount - 1)
    private var aggregation: Aggregation
    private let tableBytesLimit: Int
    private var combiner: (any PairCombiner)?
    private var rows: RowOutput
    private var formatter: PairFormatter
    private let writer: (any SinkWriter)?
    private var arena = Arena(limitBytes: 1 << 30)

    private(set) var parts: [SinkPart] = []

    /// Pairs emitted so far.
    package private(set) var pairCount = 0

    /// While positive, pairs are shipped without a look at the table: it didn't make them fewer.
    private var bypassCount = 0
    private var addedSinceCheck = 0

    /// So many of the pairs have their slots of the table fetched.
    private var prefetchedCount = 0

    /// Pairs that a record is about to emit a second time: they are left out.
    var repeatedCount = 0 {
        didSet { self.pairs.allowsDirectAppends = self.repeatedCount == 0 }
    }

    /// What made an `emit` impossible: the lambda only sees that it failed.
    private(set) var failure: EngineError?

    /// Bytes of pairs that one record may emit: they wait for its end, here or in the queue behind.
    private let recordBytesLimit: Int

    /// Bytes of the queue when the record began, and how many it may add: a table that is emptied on the way counts too.
    private var readyBytesBefore = 0
    private let readyBytesLimit: Int

    /// Whether the record emitted more than that, which it may have caught.
    private(set) var hasEmittedTooMuch = false

    /// Bytes of the queue from which on it is handed over before the next record.
    private static let fullBytes = 1 << 20

    /// Pairs collected before they are looked up or shipped together.
    private static let drainCount = 128

    /// Distinct keys from which on the table must earn its keep.
    private static let bypassKeyCount = 1 << 16
    static let batchBytes = 128 << 10

    init(
        _ route: Route,
        policy: RecordPolicy,
        batchBytes: Int = Self.batchBytes,
        recordBytesLimit: Int = MachineLimits().memoryBytes
    ) {
        self.policy = policy
        self.recordBytesLimit = recordBytesLimit
        self.readyBytesLimit = recordBytesLimit + 2 * route.tableBytes
        let noRouting = Routing(keyGroupCount: 1, partitionCount: 1, subtaskCount: 1)
        switch route {
        case .aggregate(let columns, let tableBytes, let routing):
            self.kind = .aggregate
            self.aggregation = Aggregation(columns: columns)
            self.tableBytesLimit = tableBytes
            self.rows = RowOutput(routing: routing, batchBytes: batchBytes)
            self.formatter = PairFormatter(format: .text)
            self.writer = nil
        case .combine(let step, let routing):
            self.kind = .combine
            self.aggregation = Aggregation(columns: [.count])
            self.tableBytesLimit = 0
            self.combiner = step.makePairCombiner()
            self.rows = RowOutput(routing: routing, batchBytes: batchBytes)
            self.formatter = PairFormatter(format: .text)
            self.writer = nil
        case .ship(let routing):
            self.kind = .ship
            self.aggregation = Aggregation(columns: [.count])
            self.tableBytesLimit = 0
            self.rows = RowOutput(routing: routing, batchBytes: batchBytes)
            self.formatter = PairFormatter(format: .text)
            self.writer = nil
        case .write(let format, let writer):
            self.kind = .write
            self.aggregation = Aggregation(columns: [.count])
            self.tableBytesLimit = 0
            self.rows = RowOutput(routing: noRouting, batchBytes: RecordBatch.headerBytes)
            self.formatter = PairFormatter(format: format)
            self.writer = writer
        }
    }

    /// Whether the queue wants to be taken before another record comes.
    var isFull: Bool { self.rows.readyBytes > Self.fullBytes }

    @inline(__always)
    mutating func beginRecord() {
        self.readyBytesBefore = self.rows.readyBytes
        self.hasEmittedTooMuch = false
    }

    /// Passes on what was appended, when it is enough to be worth it.
    @inline(__always)
    mutating func commitPairs() throws(EngineError) {
        self.prefetchPairs()
        if self.pairs.count >= Self.drainCount || self.pairs.isHeavy { try self.drainPairs() }
    }

    /// What ``add(_:delta:)`` takes for each key under which `value` is emitted; nil where pairs must be told one by one.
    func columnDelta(for value: Int64) -> Int64? {
        guard self.kind == .aggregate, self.aggregation.integers.columns.count == 1 else { return nil }
        switch self.aggregation.integers.columns[0] {
        case .count: return 1
        case .sum: return value
        case .minimum, .maximum: return nil
        }
    }

    /// Takes slices as keys, `delta` each: what ``columnDelta(for:)`` answered.
    mutating func add(_ column: TextSlices, delta: Int64) {
        self.pairCount &+= column.count
        if self.bypassCount > 0 {
            self.bypassCount -= column.count
            return self.ship(column, delta: delta)
        }
        self.aggregation.add(column, delta: delta)
        self.checkTable(added: column.count)
    }

    /// Takes as many of the first rows as fit a table of one column; the others must be emitted one by one.
    mutating func add(_ emit: KernelEmit) -> Int {
        guard self.kind == .aggregate, self.bypassCount <= 0, self.aggregation.integers.columns.count == 1 else {
            return 0
        }
        let column = self.aggregation.integers.columns[0]
        guard column == .count || column == .sum else { return 0 }
        let taken = self.aggregation.add(emit, countsOnly: column == .count)
        self.pairCount &+= taken
        self.checkTable(added: taken)
        return taken
    }

    private mutating func ship(_ column: TextSlices, delta: Int64) {
        for row in 0..<column.count {
            let count = unsafe Int(column.lengths[row])
            let address = unsafe UnsafeRawPointer(column.base + Int(column.starts[row]))
            let key = unsafe KeyWords(address, count: count, isText: true)
            let longKey = unsafe key.isLong ? address : nil
            let target = unsafe self.rows.append(
                key,
                hash: key.hash,
                longKey: longKey,
                payloadBytes: 8,
                form: .integers
            )
            unsafe target.storeBytes(of: UInt64(bitPattern: delta), as: UInt64.self)
        }
    }

    mutating func drainPairs() throws(EngineError) {
        // A lambda that caught what it couldn't see the reason of doesn't save the job.
        if let failure = self.failure { throw failure }
        self.pairCount &+= self.pairs.count
        switch self.kind {
        case .aggregate: self.aggregatePairs()
        case .combine: try self.combiner?.add(self.pairs, into: &self.rows)
        case .ship: self.rows.ship(self.pairs, 0..<self.pairs.count)
        case .write: try self.writePairs()
        }
        self.pairs.removeAll()
    }

    /// Fetches the table's slots of pairs that came since this was last done: until they are added, the map works on more.
    @inline(__always)
    private mutating func prefetchPairs() {
        let count = self.pairs.count
        guard self.kind == .aggregate, self.bypassCount <= 0, self.prefetchedCount < count else { return }
        self.aggregation.prefetch(self.pairs, self.prefetchedCount..<count)
        self.prefetchedCount = count
    }

    private mutating func aggregatePairs() {
        self.prefetchPairs()
        self.prefetchedCount = 0
        if self.bypassCount > 0, self.shipIntegers() {
            self.bypassCount -= self.pairs.count
            return
        }
        self.aggregation.add(self.pairs)
        self.checkTable(added: self.pairs.count)
    }

    /// Ships the pairs as rows of columns; refuses, shipping none, where a value is no integer.
    private mutating func shipIntegers() -> Bool {
        for index in 0..<self.pairs.count where unsafe !self.pairs.values[index].has(.integer) { return false }
        let columns = self.aggregation.integers.columns
        for index in 0..<self.pairs.count {
            let key = unsafe self.pairs.keys[index]
            let value = unsafe UInt64(bitPattern: self.pairs.values[index].integer)
            let longKey = unsafe key.isLong ? UnsafeRawPointer(self.pairs.longKey(index).start) : nil
            let target = unsafe self.rows.append(
                key,
                hash: key.hash,
                longKey: longKey,
                payloadBytes: 8 * columns.count,
                form: .integers
            )
            for column in 0..<columns.count {
                let bits = columns[column] == .count ? 1 : value
                unsafe target.storeBytes(of: bits, toByteOffset: 8 * column, as: UInt64.self)
            }
        }
        return true
    }

    /// Empties a table that is full, and passes it by for a while if it hardly brought pairs together.
    private mutating func checkTable(added: Int) {
        self.addedSinceCheck &+= added
        guard self.aggregation.isAboutToGrow || self.aggregation.bytes > self.tableBytesLimit else { return }
        let keyCount = self.aggregation.keyCount
        let isUseless = keyCount >= Self.bypassKeyCount && self.addedSinceCheck < keyCount * 3 / 2
        guard isUseless || self.aggregation.bytesAtNextGrowth > self.tableBytesLimit else { return }
        if isUseless { self.bypassCount = 16 * keyCount }
        self.aggregation.drain(into: &self.rows)
        self.addedSinceCheck = 0
    }

    private mutating func writePairs() throws(EngineError) {
        guard let writer = self.writer else { return }
        for index in 0..<self.pairs.count {
            self.arena.reset()
            do {
                let key = try self.pairs.key(index, in: &self.arena)
                let value = unsafe try self.pairs.value(self.pairs.values[index], in: &self.arena)
                try self.formatter.append(key: key, value: value)
            } catch {
                throw .corrupt("can't format an emitted pair: \(error)")
            }
            if self.formatter.count >= Self.batchBytes { try self.formatter.flush(to: writer) }
        }
    }

    /// Passes everything on: at the end of the input.
    mutating func finish() throws(EngineError) {
        try self.drainPairs()
        if self.kind == .aggregate { self.aggregation.drain(into: &self.rows) }
        try self.combiner?.finish(into: &self.rows)
        if let writer = self.writer {
            try self.formatter.flush(to: writer)
            do {
                self.parts.append(try writer.finish())
            } catch {
                throw .connector(error)
            }
        }
        self.rows.flush()
    }

    func discard() { self.writer?.discard() }

    mutating func takeReady() -> [RoutedBatch] { self.rows.takeReady() }

    /// What has been handed on towards the reduce so far.
    var shuffled: (rows: Int, bytes: Int) { (self.rows.rowCount, self.rows.queuedBytes) }
}

extension MapOutput: MachineHost {
    package var pairCursor: PairCursorReference? { unsafe PairCursorReference(self.pairs.cursor) }

    @inline(__always)
    package mutating func emit(key: Value, value: Value) throws(EvaluationError) {
        if self.repeatedCount > 0 {
            self.repeatedCount &-= 1
            return
        }
        if self.kind == .write, self.policy == .fail, PairBuffer.isLarge(key) || PairBuffer.isLarge(value) {
            if key.isPlain, value.isPlain { return try self.writeDirectly(key, value) }
        }
        do {
            try self.pairs.append(key: key, value: value)
        } catch {
            throw EvaluationError(error, at: SourceRange(start: 0, end: 0))
        }
        if self.pairs.count >= Self.drainCount || self.pairs.isHeavy { try self.relieve() }
    }

    /// Formats a pair with long text from where it lies.
    private mutating func writeDirectly(_ key: Value, _ value: Value) throws(EvaluationError) {
        do throws(EngineError) {
            try self.drainPairs()
            guard let writer = self.writer else { return }
            self.pairCount &+= 1
            do throws(ValueWalkError) {
                try self.formatter.append(key: key, value: value)
            } catch {
                throw .corrupt("can't format an emitted pair: \(error)")
            }
            try self.formatter.flush(to: writer)
        } catch {
            self.failure = error
            throw EvaluationError(.host(message: "the output can't be written"), at: SourceRange(start: 0, end: 0))
        }
    }

    /// Makes room in the middle of a record.
    ///
    /// Where a failing record must leave nothing behind, its pairs wait for its end, up to a limit.
    private mutating func relieve() throws(EvaluationError) {
        let nowhere = SourceRange(start: 0, end: 0)
        let isTooMuch =
            self.policy == .fail
            ? self.rows.readyBytes - self.readyBytesBefore > self.readyBytesLimit
            : self.pairs.heldBytes > self.recordBytesLimit
        if isTooMuch {
            self.hasEmittedTooMuch = true
            self.pairs.removeAll()
            throw self.emittedTooMuch
        }
        guard self.policy == .fail else { return }
        do {
            try self.drainPairs()
        } catch {
            self.failure = error
            throw EvaluationError(.host(message: "the output can't be written"), at: nowhere)
        }
    }

    var emittedTooMuch: EvaluationError {
        EvaluationError(.memoryLimit(bytes: Int64(self.recordBytesLimit)), at: SourceRange(start: 0, end: 0))
    }

    package mutating func next(of stream: Int, in arena: inout Arena) throws(EvaluationError) -> Value? { nil }

    package mutating func rewind(_ stream: Int) throws(EvaluationError) {}
}

extension PairBuffer {
    /// A key as a value: its text lies in the buffer or `arena`.
    func key(_ index: Int, in arena: inout Arena) throws(ValueDecodingError) -> Value {
        let words = unsafe self.keys[index]
        let longKey = unsafe words.isLong ? UnsafeRawPointer(self.longKey(index).start) : nil
        let row = unsafe KeyedRow(key: words, longKey: longKey, payload: UnsafeRawPointer(self.keys))
        return try row.value(in: &arena)
    }

    func value(_ value: Value, in arena: inout Arena) throws(ValueDecodingError) -> Value {
        value.isScalar ? value : try ValueCodec.decode(self.encoding(of: value), in: &arena, text: .borrowed)
    }
}

extension PairFormatter {
    /// Hands over what was formatted.
    mutating func flush(to writer: any SinkWriter) throws(EngineError) {
        guard self.count > 0 else { return }
        do {
            let bytes = self.buffer.bytes
            unsafe try writer.write(UnsafeRawBufferPointer(start: bytes.start, count: bytes.count))
        } catch {
            throw .connector(error)
        }
        self.removeAll()
    }
}
