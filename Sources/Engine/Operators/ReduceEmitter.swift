internal import ConnectorKit
internal import FluentSyntax
internal import JobPlan
internal import WireFormat

/// Runs the reduce over one key after the other and writes what it emits.
struct ReduceEmitter: ~Copyable {
    /// What the reduce does with a key.
    enum Body {
        /// `(emit key AGGREGATE)`: the lambda needn't run.
        case passThrough(AggregateCall)
    }

    private let body: Body
    private var output: PartitionWriter
    private var arena = Arena(limitBytes: 256 << 20)
    private(set) var keyCount = 0

    init(body: Body, output: consuming PartitionWriter) {
        self.body = body
        self.output = output
    }

    var pairCount: Int { self.output.pairCount }

    mutating func move(to partition: Int) throws(EngineError) { try self.output.move(to: partition) }

    mutating func finish() throws(EngineError) -> [SinkPart] {
        try self.output.finish()
        return self.output.parts
    }

    mutating func discard() { self.output.discard() }

    /// Forgets the values of the group before.
    mutating func beginGroup() { self.arena.reset() }

    /// The state of a row of a run, whatever its form.
    mutating func state(
        of cursor: RunCursor,
        columns: borrowing Aggregation
    ) throws(ValueDecodingError) -> AggregateState {
        let row = cursor.row
        if cursor.form == .integers { return columns.state(of: cursor.keyed, form: .integers) }
        let bytes = unsafe Bytes(start: row.payload.assumingMemoryBound(to: UInt8.self), count: row.payloadBytes)
        // The block moves on before the state is used: its text is copied with the bytes.
        return try AggregateState(decoding: try self.copied(bytes), in: &self.arena)
    }

    private mutating func copied(_ bytes: Bytes) throws(ValueDecodingError) -> Bytes {
        guard let copy = unsafe self.arena.allocate(bytes.count) else { throw .outOfMemory }
        unsafe copy.copyMemory(from: bytes.start, byteCount: bytes.count)
        return unsafe Bytes(start: UnsafePointer(copy.assumingMemoryBound(to: UInt8.self)), count: bytes.count)
    }

    mutating func reduce(_ row: KeyedRow, state: AggregateState) throws(EngineError) {
        self.keyCount &+= 1
        let key = try self.key(of: row)
        switch self.body {
        case .passThrough(let call):
            try self.output.write(key: key, value: try Self.value(of: call, state, key: key))
        }
    }

    mutating func reduce(_ key: OwnedKey, state: AggregateState) throws(EngineError) {
        do {
            let row = try key.row(in: &self.arena)
            try self.reduce(row, state: state)
        } catch let error as EngineError {
            throw error
        } catch {
            throw .corrupt("can't decode a key: \(error)")
        }
    }

    private mutating func key(of row: KeyedRow) throws(EngineError) -> Value {
        do {
            return try row.value(in: &self.arena)
        } catch {
            throw .corrupt("can't decode a key: \(error)")
        }
    }

    private static func value(
        of call: AggregateCall,
        _ state: AggregateState,
        key: Value
    ) throws(EngineError) -> Value {
        let name = call.kind.rawValue
        switch state.result(of: call.kind) {
        case .value(let value): return value
        case .overflow:
            throw .evaluation(EvaluationError(.integerOverflow(operation: name), at: call.range), Self.place(key))
        case .wrongType(let expected, let found):
            let code = EvaluationError.Code.typeMismatch(operation: name, expected: expected, found: found.typeName)
            throw .evaluation(EvaluationError(code, at: call.range), Self.place(key))
        }
    }

    private static func place(_ key: Value) -> RecordPlace {
        var buffer = ByteBuffer()
        var text = ValueText(byteLimit: 256)
        // A key too long to show is cut: the place is for people.
        try? text.append(key, to: &buffer)
        return RecordPlace(resource: "the values of key \(buffer.bytes.string)", offset: 0)
    }

    mutating func reduceGroup(_ row: KeyedRow, values: ValueChain) throws(EngineError) {
        throw .corrupt("no")
    }

    mutating func reduceGroup(from merger: inout RunMerger) throws(EngineError) {
        throw .corrupt("no")
    }
}
