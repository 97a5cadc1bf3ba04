internal import ConnectorKit
internal import CoordinationCore
internal import Engine
internal import FluentSyntax
internal import JobPlan
internal import JobService
internal import Platform

/// What a handle of a running program stands for.
enum ProgramHandle {
    case definition(ProgramDefinition)
    case connector(ConnectorCall)
    case job(RunningJob)
}

/// The world of a top-level program: prints, makes sources and sinks, and runs jobs.
struct ProgramHost: ~Copyable, MachineHost {
    private let context: ProgramContext
    private var handles: [ProgramHandle] = []
    private var results: [ResultReader] = []

    init(context: ProgramContext) {
        self.context = context
    }

    /// A value for a handle.
    mutating func add(_ handle: ProgramHandle) -> Value {
        self.handles.append(handle)
        return Value(.handle, bits: UInt64(self.handles.count - 1))
    }

    mutating func emit(key: Value, value: Value) throws(EvaluationError) {
        throw EvaluationError(.host(message: "emit works in a job's functions only"), at: SourceRange(start: 0, end: 0))
    }

    // MARK: Sources and sinks

    mutating func makeConnector(
        _ call: ConnectorEvaluation,
        at range: SourceRange,
        in arena: inout Arena
    ) throws(EvaluationError) -> Value {
        var arguments: [Constant] = []
        for value in call.arguments { arguments.append(try self.constant(of: value, in: call.name, at: range)) }
        var options: [ConnectorOption] = []
        for option in call.options {
            options.append(
                ConnectorOption(name: option.name, value: try self.constant(of: option.value, in: call.name, at: range))
            )
        }
        return self.add(
            .connector(ConnectorCall(name: call.name, arguments: arguments, options: options, range: range))
        )
    }

    private func constant(of value: Value, in name: String, at range: SourceRange) throws(EvaluationError) -> Constant {
        switch value.tag {
        case .nil: return .nil
        case .boolean: return .boolean(value.bits != 0)
        case .integer: return .integer(value.integer)
        case .float: return .float(value.float)
        case .string: return .string(value.text.array)
        case .symbol: return .symbol(value.text.string)
        case .keyword: return .keyword(value.text.string)
        case .list:
            var elements: [Constant] = []
            for index in 0..<value.count {
                elements.append(try self.constant(of: value.elements[index], in: name, at: range))
            }
            return .list(elements)
        case .map:
            var entries: [ConstantEntry] = []
            for index in 0..<value.count {
                let key = try self.constant(of: value.pairs[2 * index], in: name, at: range)
                let element = try self.constant(of: value.pairs[2 * index + 1], in: name, at: range)
                entries.append(ConstantEntry(key, element))
            }
            return .map(entries)
        case .handle:
            if let constant = self.constant(ofHandle: Int(value.bits)) { return constant }
        case .set, .function, .regex, .builtin, .stream: break
        }
        throw EvaluationError(
            .typeMismatch(operation: name, expected: "text, numbers, lists or maps", found: value.tag.typeName),
            at: range
        )
    }

    func constant(ofHandle handle: Int) -> Constant? {
        guard self.handles.indices.contains(handle), case .connector(let call) = self.handles[handle] else {
            return nil
        }
        return .connector(call)
    }

    // MARK: Results

    mutating func next(of stream: Int, in arena: inout Arena) throws(EvaluationError) -> Value? {
        guard self.results.indices.contains(stream) else { return nil }
        return try self.results[stream].next(in: &arena)
    }

    mutating func rewind(_ stream: Int) throws(EvaluationError) {
        guard self.results.indices.contains(stream) else { return }
        try self.results[stream].rewind()
    }

    // MARK: Builtins

    mutating func perform(
        _ builtin: Builtin,
        _ arguments: UnsafeBufferPointer<Value>,
        at range: SourceRange,
        in arena: inout Arena
    ) throws(EvaluationError) -> Value {
        let arguments = unsafe Array(arguments)
        switch builtin {
        case .println:
            self.context.observer.printLine(try self.line(arguments, at: range))
            return .nil
        case .logInfo, .logWarn, .logError, .alert:
            let text = String(decoding: try self.line(arguments, at: range), as: UTF8.self)
            self.context.observer.log(builtin.logLevel, text)
            return .nil
        case .now: return Value(SystemWallClock().millisecondsSince1970)
        case .uuid: return try self.text(self.context.uuid(), in: &arena, at: range)
        case .param: return try self.parameter(arguments, at: range, in: &arena)
        case .submitJob: return self.add(.job(try self.submit(arguments[0], at: range)))
        case .jobWaitCompletion:
            _ = try self.job(arguments[0], builtin, at: range)
            return arguments[0]
        case .await: return try self.await(arguments[0], at: range)
        case .jobStatus:
            let state = try self.job(arguments[0], builtin, at: range).state
            return try self.text(state.rawValue, tag: .keyword, in: &arena, at: range)
        case .jobID:
            return try self.text(try self.job(arguments[0], builtin, at: range).id, in: &arena, at: range)
        case .jobCancel:
            try self.job(arguments[0], builtin, at: range).cancel()
            return .nil
        case .jobGetResults: return try self.openResults(of: arguments[0], at: range)
        default:
            throw EvaluationError(.host(message: "\(builtin.name) can't be used at the top level"), at: range)
        }
    }

    private func line(_ values: [Value], at range: SourceRange) throws(EvaluationError) -> [UInt8] {
        var buffer = ByteBuffer()
        var text = ValueText(byteLimit: 64 << 20)
        for (index, value) in values.enumerated() {
            if index > 0 { buffer.append(UInt8(ascii: " ")) }
            do {
                if value.tag == .nil { buffer.append("nil") } else { try text.append(value, to: &buffer) }
            } catch {
                throw EvaluationError(
                    .invalidArgument(operation: "println", reason: "the value is too large"),
                    at: range
                )
            }
        }
        return buffer.bytes.array
    }

    private func text(
        _ text: String,
        tag: Value.Tag = .string,
        in arena: inout Arena,
        at range: SourceRange
    ) throws(EvaluationError) -> Value {
        let bytes = Array(text.utf8)
        guard let room = unsafe arena.allocate(max(bytes.count, 1)) else {
            throw EvaluationError(.memoryLimit(bytes: Int64(arena.limitBytes)), at: range)
        }
        unsafe UnsafeMutableRawBufferPointer(start: room, count: bytes.count).copyBytes(from: bytes)
        return unsafe Value(tag, text: UnsafeRawPointer(room), count: bytes.count)
    }

    private func parameter(
        _ arguments: [Value],
        at range: SourceRange,
        in arena: inout Arena
    ) throws(EvaluationError) -> Value {
        guard arguments[0].isText else {
            throw EvaluationError(
                .typeMismatch(operation: "param", expected: TypeName.string, found: arguments[0].tag.typeName),
                at: range
            )
        }
        let name = arguments[0].text.string
        if let value = self.context.options.parameters[name] {
            return try self.text(value, in: &arena, at: range)
        }
        if arguments.count == 2 { return arguments[1] }
        throw EvaluationError(.unsetParameter(name: name), at: range)
    }

    // MARK: Jobs

    private func submit(_ value: Value, at range: SourceRange) throws(EvaluationError) -> RunningJob {
        guard value.tag == .handle, self.handles.indices.contains(Int(value.bits)),
            case .definition(let definition) = self.handles[Int(value.bits)]
        else {
            throw EvaluationError(
                .typeMismatch(operation: "submit-job", expected: "a job", found: value.tag.typeName),
                at: range
            )
        }
        switch definition {
        case .job(let job): return try self.context.start(job, at: range)
        case .stream(let stream): return try self.context.start(stream, at: range)
        }
    }

    private func job(_ value: Value, _ builtin: Builtin, at range: SourceRange) throws(EvaluationError) -> RunningJob {
        guard value.tag == .handle, self.handles.indices.contains(Int(value.bits)) else {
            throw self.isNoJob(value, builtin, at: range)
        }
        switch self.handles[Int(value.bits)] {
        case .job(let job): return job
        case .connector: throw self.isNoJob(value, builtin, at: range)
        case .definition(let definition):
            let reason =
                "it needs a submitted job, and \(definition.name) is the definition of one; "
                + "submit it with (submit-job \(definition.name)), and use what that gives"
            throw EvaluationError(.invalidArgument(operation: builtin.name, reason: reason), at: range)
        }
    }

    private func isNoJob(_ value: Value, _ builtin: Builtin, at range: SourceRange) -> EvaluationError {
        EvaluationError(
            .typeMismatch(operation: builtin.name, expected: "a submitted job", found: value.tag.typeName),
            at: range
        )
    }

    private func await(_ value: Value, at range: SourceRange) throws(EvaluationError) -> Value {
        let job = try self.job(value, .await, at: range)
        try job.succeed(at: range)
        return value
    }

    private mutating func openResults(of value: Value, at range: SourceRange) throws(EvaluationError) -> Value {
        let job = try self.job(value, .jobGetResults, at: range)
        try job.succeed(at: range)
        guard let definition = job.definition else {
            throw EvaluationError(.host(message: "the results of a stream go on: read what it wrote"), at: range)
        }
        self.results.append(try ResultReader(definition, connectors: self.context.connectors, at: range))
        return Value(.stream, bits: UInt64(self.results.count - 1))
    }
}

extension Builtin {
    fileprivate var logLevel: LogLevel {
        switch self {
        case .logWarn, .alert: .warning
        case .logError: .error
        default: .info
        }
    }
}
