package import ConnectorKit
internal import FluentSyntax
internal import JobPlan

/// The end of a stream without a window: runs the last map over records, and writes what it emits for the sink.
package struct SinkStage: ~Copyable {
    private var machine: Machine<SinkHost>
    private let function: FunctionIndex
    private let policy: RecordPolicy
    private let name: String
    private let deadLetters: OutputBlock?
    private var examples = RejectedExamples()
    package private(set) var rejectedCount = 0

    init(
        machine: consuming Machine<SinkHost>,
        function: FunctionIndex,
        policy: RecordPolicy,
        name: String,
        deadLetters: OutputBlock?
    ) {
        self.deadLetters = deadLetters
        self.machine = machine
        self.function = function
        self.policy = policy
        self.name = name
    }

    /// The records of the sink, to be taken.
    package var output: OutputBlock { self.machine.host.output }

    package var rejectedExamples: [RejectedRecord] { self.examples.records }

    /// Writes all of these.
    package mutating func write(_ records: EmittedRecords) throws(EngineError) {
        for index in 0..<records.count {
            self.machine.beginRecord()
            let mark = self.output.count
            let record: Value
            do {
                let bytes = records.record(index)
                record = try ValueCodec.decode(bytes, in: &self.machine.workspace.arena, text: .borrowed)
                self.machine.host.groupKey =
                    try records.key(index).map { bytes throws(ValueDecodingError) in
                        try ValueCodec.decode(bytes, in: &self.machine.workspace.arena, text: .borrowed)
                    } ?? .nil
            } catch {
                throw .corrupt("can't decode a record on its way to the sink: \(error)")
            }
            self.machine.host.time = records.time(index)
            do throws(EvaluationError) {
                _ = try self.machine.call(self.function, record)
            } catch {
                try self.reject(error, mark, records, index)
            }
        }
    }

    private mutating func reject(
        _ error: EvaluationError,
        _ mark: Int,
        _ records: EmittedRecords,
        _ index: Int
    ) throws(EngineError) {
        let place = RecordPlace(resource: self.name, offset: Int64(mark))
        guard self.policy.passes(over: error) else { throw .evaluation(error, place) }
        self.output.truncate(to: mark)
        self.rejectedCount += 1
        self.examples.add(RejectedRecord(place: place, bytes: [], reason: error.code.message, range: error.range))
        guard let deadLetters = self.deadLetters else { return }
        StageDeadLetter(time: records.time(index), records: [records.record(index)], reason: error.code.message)
            .append(to: deadLetters)
    }
}

/// The world of the last map of a stream without a window.
struct SinkHost: ~Copyable, MachineHost {
    let output = OutputBlock()
    private var formatter: StreamFormatter
    var time: Int64 = 0

    /// The key of the stage that handed the record on: the key for sinks that have one.
    var groupKey = Value.nil

    /// What functions reach beside the record.
    private let surroundings: RecordSurroundings

    init(formatter: consuming StreamFormatter, surroundings: RecordSurroundings) {
        self.formatter = formatter
        self.surroundings = surroundings
    }

    mutating func emit(key: Value, value: Value) throws(EvaluationError) {
        do {
            try self.formatter.append(
                key: key,
                value: value,
                groupKey: self.groupKey,
                timestamp: self.time,
                to: self.output
            )
        } catch {
            let code = error.code(operation: "emit", expected: "a value that can be written")
            throw EvaluationError(code, at: SourceRange(start: 0, end: 0))
        }
    }

    mutating func next(of stream: Int, in arena: inout Arena) throws(EvaluationError) -> Value? { nil }

    mutating func rewind(_ stream: Int) throws(EvaluationError) {}

    mutating func perform(
        _ builtin: Builtin,
        _ arguments: UnsafeBufferPointer<Value>,
        at range: SourceRange,
        in arena: inout Arena
    ) throws(EvaluationError) -> Value {
        try unsafe self.surroundings.perform(builtin, arguments, at: range, in: &arena)
    }
}
