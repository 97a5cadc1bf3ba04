internal import ConnectorKit
internal import FluentSyntax
internal import JobPlan
internal import WireFormat

/// What a reduce does with a key.
enum ReduceCall {
    /// `(emit key AGGREGATE)`: the lambda needn't run.
    case passThrough(AggregateCall)
    /// With the key and the aggregates' results.
    case aggregates([AggregateCall], FunctionIndex)
    /// With the key and the sequence of its values.
    case general(FunctionIndex)
}

/// Runs the reduce over one key after the other and writes what it emits.
struct ReduceEmitter: ~Copyable {
    private let call: ReduceCall
    private var machine: Machine<ReduceHost>
    private let policy: RecordPolicy
    private(set) var keyCount = 0
    private(set) var rejectedCount = 0

    private static let shownKeyBytes = 256
    private var examples = RejectedExamples()
    private let deadLetters: DeadLetterWriter?

    /// Whether states hold how many values they are of: they don't where nothing asks for it.
    private let knowsValueCounts: Bool

    init(
        call: ReduceCall,
        machine: consuming Machine<ReduceHost>,
        policy: RecordPolicy,
        deadLetters: DeadLetterWriter?,
        knowsValueCounts: Bool
    ) {
        self.call = call
        self.machine = machine
        self.policy = policy
        self.deadLetters = deadLetters
        self.knowsValueCounts = knowsValueCounts
    }

    mutating func stop(when isCancelled: @escaping @Sendable () -> Bool) { self.machine.stop(when: isCancelled) }

    /// The first groups that were left out.
    var rejectedExamples: [RejectedRecord] { self.examples.records }

    var deadLetterParts: [SinkPart] { self.deadLetters?.parts ?? [] }

    var pairCount: Int { self.machine.host.output.pairCount }

    mutating func move(to partition: Int) throws(EngineError) {
        try self.machine.host.output.move(to: partition)
    }

    mutating func finish() throws(EngineError) -> [SinkPart] {
        try self.machine.host.output.finish()
        try self.deadLetters?.finish()
        return self.machine.host.output.parts
    }

    mutating func discard() {
        self.machine.host.output.discard()
        self.deadLetters?.discard()
    }

    // MARK: Groups in memory

    /// Reduces a group by writing what a column holds.
    ///
    /// - Returns: False, and nothing is done, where the reduce needs the lambda or a state.
    mutating func reduce(_ row: KeyedRow, columns: borrowing IntegerAggregation) throws(EngineError) -> Bool {
        guard case .passThrough(let call) = self.call else { return false }
        let payload = unsafe row.payload.assumingMemoryBound(to: UInt64.self)
        guard let value = unsafe columns.result(of: call.kind, in: payload) else { return false }
        self.keyCount &+= 1
        self.machine.beginRecord()
        try self.machine.host.output.write(key: try self.key(of: row), value: Value(value))
        return true
    }

    mutating func reduce(_ row: KeyedRow, state: AggregateState) throws(EngineError) {
        self.machine.beginRecord()
        try self.apply(to: try self.key(of: row), state: state)
    }

    mutating func reduceGroup(_ row: KeyedRow, values: ValueChain) throws(EngineError) {
        self.machine.beginRecord()
        self.machine.host.values = .chain(first: values, next: values)
        try self.applyGeneral(to: try self.key(of: row))
    }

    // MARK: Merged runs

    mutating func setMerger(_ merger: consuming RunMerger) { self.machine.host.setMerger(merger) }

    /// Where the merger is; nil at the end.
    var cursor: RunCursor? { self.machine.host.merger.current }

    /// Reduces the group that the merger is at, and moves behind it.
    mutating func reduceMergedGroup() throws(EngineError) {
        guard let cursor = self.cursor else { return }
        let key = OwnedKey(cursor.keyed)
        self.machine.beginRecord()
        self.machine.host.beginMerged(key)
        try self.applyGeneral(to: try self.value(of: key))
        do {
            try self.machine.host.endMerged(key)
        } catch {
            throw .spill(error)
        }
    }

    /// Merges the states of the key that the merger is at, and reduces it.
    mutating func reduceMergedState(columns: borrowing Aggregation) throws(EngineError) {
        guard let first = self.cursor else { return }
        let key = OwnedKey(first.keyed)
        var state = AggregateState()
        self.machine.beginRecord()
        do {
            while let cursor = self.cursor, key.isEqual(to: cursor.keyed) {
                state.merge(try self.state(of: cursor, columns: columns))
                try self.machine.host.advanceMerger()
            }
        } catch let error as SpillError {
            throw .spill(error)
        } catch {
            throw .corrupt("can't decode a spilled state: \(error)")
        }
        try self.apply(to: try self.value(of: key), state: state)
        // Long text lies there.
        withExtendedLifetime(key) {}
    }

    private mutating func state(
        of cursor: RunCursor,
        columns: borrowing Aggregation
    ) throws(ValueDecodingError) -> AggregateState {
        if cursor.form == .integers { return columns.state(of: cursor.keyed, form: .integers) }
        // The block moves on before the state is used: its text is copied with the bytes.
        let bytes = cursor.valueBytes
        guard let copy = unsafe self.machine.workspace.arena.allocate(bytes.count) else { throw .outOfMemory }
        unsafe copy.copyMemory(from: bytes.start, byteCount: bytes.count)
        let kept = unsafe Bytes(start: UnsafePointer(copy.assumingMemoryBound(to: UInt8.self)), count: bytes.count)
        return try AggregateState(decoding: kept, in: &self.machine.workspace.arena)
    }

    // MARK: Calls

    private mutating func apply(to key: Value, state: AggregateState) throws(EngineError) {
        self.keyCount &+= 1
        do {
            switch self.call {
            case .passThrough(let call):
                let value = try Self.value(of: call, state)
                try self.machine.host.output.write(key: key, value: value)
                return
            case .aggregates(let calls, let function):
                var arguments = [key]
                for call in calls { arguments.append(try Self.value(of: call, state)) }
                _ = try self.machine.call(function, arguments)
            case .general:
                preconditionFailure("a general reduce gets values, not states")
            }
        } catch let error as EngineError {
            throw error
        } catch let error as EvaluationError {
            return try self.reject(key, error, valueCount: self.knowsValueCounts ? state.count : nil)
        } catch {
            throw .corrupt("\(error)")
        }
        try self.endGroup(isKept: true)
    }

    private mutating func applyGeneral(to key: Value) throws(EngineError) {
        self.keyCount &+= 1
        guard case .general(let function) = self.call else { preconditionFailure("values need a general reduce") }
        do {
            _ = try self.machine.call(function, key, Value(.stream, bits: 0))
        } catch {
            if let failure = self.machine.host.failure { throw failure }
            if error.code == .cancelled { throw .cancelled }
            // Only a letter tells it, and it may mean to read the values to their end.
            let count = self.deadLetters == nil ? 0 : try self.machine.host.countValues()
            return try self.reject(key, error, valueCount: count)
        }
        try self.endGroup(isKept: true)
    }

    private mutating func endGroup(isKept: Bool) throws(EngineError) {
        try self.machine.host.endGroup(isKept: isKept, in: &self.machine.workspace.arena)
    }

    private mutating func reject(
        _ key: Value,
        _ error: EvaluationError,
        valueCount: Int64?
    ) throws(EngineError) {
        if let failure = self.machine.host.failure { throw failure }
        if error.code == .cancelled { throw .cancelled }
        let place = Self.place(key)
        guard self.policy.passes(over: error) else { throw .evaluation(error, place) }
        self.rejectedCount += 1
        let reason = error.code.message(evaluating: "one key")
        self.examples.add(RejectedRecord(place: place, bytes: [], reason: reason, range: error.range))
        try self.deadLetters?.write(key: key, valueCount: valueCount, error)
        try self.endGroup(isKept: false)
    }

    private static func value(of call: AggregateCall, _ state: AggregateState) throws(EvaluationError) -> Value {
        let name = call.kind.rawValue
        switch state.result(of: call.kind) {
        case .value(let value):
            return value
        case .overflow:
            throw EvaluationError(.integerOverflow(operation: name), at: call.range)
        case .wrongType(let expected, let found):
            let code = EvaluationError.Code.typeMismatch(operation: name, expected: expected, found: found.typeName)
            throw EvaluationError(code, at: call.range)
        }
    }

    private mutating func key(of row: KeyedRow) throws(EngineError) -> Value {
        do {
            return try row.value(in: &self.machine.workspace.arena)
        } catch {
            throw .corrupt("can't decode a key: \(error)")
        }
    }

    private mutating func value(of key: OwnedKey) throws(EngineError) -> Value {
        do {
            return try key.value(in: &self.machine.workspace.arena)
        } catch {
            throw .corrupt("can't decode a key: \(error)")
        }
    }

    static func place(_ key: Value) -> RecordPlace {
        var buffer = ByteBuffer()
        // A key too long to show is cut: the place is for people.
        if key.isText, key.text.count > Self.shownKeyBytes {
            buffer.append(key.text.slice(0, Self.shownKeyBytes))
            buffer.append("…")
        } else {
            var text = ValueText(byteLimit: Self.shownKeyBytes)
            try? text.append(key, to: &buffer)
        }
        return RecordPlace(ofKey: buffer.bytes.string)
    }
}
