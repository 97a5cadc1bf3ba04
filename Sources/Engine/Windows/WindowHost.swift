internal import ConnectorKit
internal import FluentSyntax
internal import JobPlan

/// The window that a reduce is called for.
struct FiredWindow {
    /// Milliseconds since 1970; the end is exclusive.
    var start: Int64 = 0
    var end: Int64 = 0

    /// 0 on time, 1, 2, … behind that, negative before it.
    var pane: Int64 = 0
}

/// The world of a stream's reduce: takes what it emits and what it alerts, and feeds it the values of its key.
struct WindowHost: ~Copyable, MachineHost {
    let output = OutputBlock()
    let alerts = OutputBlock()
    private var formatter: StreamFormatter
    private var texts = WindowTexts()
    private let jobName: String
    var window = FiredWindow()
    var groupKey = Value.nil

    /// The values of the group, for a reduce that reads them: from the first, and where it is.
    private var firstValue = ValueChain(address: 0)
    private var nextValue = ValueChain(address: 0)

    init(formatter: consuming StreamFormatter, jobName: String) {
        self.formatter = formatter
        self.jobName = jobName
    }

    /// Whether ``write(_:column:)`` gives what the machine would.
    var takesTemplates: Bool { self.formatter.writesMapsAsJSON }

    /// Writes the record of the group, whose columns `column` gives.
    ///
    /// - Throws: The machine must do it; nothing was written.
    @inline(__always)
    mutating func write(_ template: RecordTemplate, column: (Int) throws -> Value) throws {
        self.texts.set(self.window)
        let group = self.groupKey
        let window = self.window
        try self.formatter.appendJSON(key: group, timestamp: window.end - 1, to: self.output) { buffer in
            try template.append(group: group, window: window, texts: self.texts, to: &buffer, column: column)
        }
    }

    mutating func setValues(_ chain: ValueChain) {
        self.firstValue = chain
        self.nextValue = chain
    }

    mutating func emit(key: Value, value: Value) throws(EvaluationError) {
        do {
            try self.formatter.append(
                key: key,
                value: value,
                groupKey: self.groupKey,
                timestamp: self.window.end - 1,
                to: self.output
            )
        } catch {
            let code = error.code(operation: "emit", expected: "a value that can be written")
            throw EvaluationError(code, at: SourceRange(start: 0, end: 0))
        }
    }

    mutating func next(of stream: Int, in arena: inout Arena) throws(EvaluationError) -> Value? {
        guard let bytes = self.nextValue.next() else { return nil }
        do {
            return try ValueCodec.decode(bytes, in: &arena, text: .borrowed)
        } catch {
            let code: EvaluationError.Code =
                error == .outOfMemory
                ? .memoryLimit(bytes: Int64(arena.limitBytes)) : .host(message: "can't decode a value: \(error)")
            throw EvaluationError(code, at: SourceRange(start: 0, end: 0))
        }
    }

    mutating func rewind(_ stream: Int) throws(EvaluationError) {
        self.nextValue = self.firstValue
    }

    mutating func perform(
        _ builtin: Builtin,
        _ arguments: UnsafeBufferPointer<Value>,
        at range: SourceRange,
        in arena: inout Arena
    ) throws(EvaluationError) -> Value {
        switch builtin {
        case .alert:
            try self.alert(unsafe Array(arguments), at: range)
            return .nil
        case .windowStart: return Value(self.window.start)
        case .windowEnd: return Value(self.window.end)
        case .pane: return Value(self.window.pane)
        default:
            throw EvaluationError(.host(message: "\(builtin.name) can't be used inside a job's function"), at: range)
        }
    }

    /// One JSON line: `time` (the window's end), `job`, `window`, `arguments`.
    private func alert(_ arguments: [Value], at range: SourceRange) throws(EvaluationError) {
        let window = self.window
        try AlertLine.append(
            arguments,
            time: window.end,
            job: self.jobName,
            timestamp: window.end - 1,
            at: range,
            to: self.alerts
        ) { line throws(ValueWalkError) in
            line.append(",\"window\":{\"start\":")
            NumberText.append(window.start, to: &line)
            line.append(",\"end\":")
            NumberText.append(window.end, to: &line)
            line.append("}")
        }
    }
}
