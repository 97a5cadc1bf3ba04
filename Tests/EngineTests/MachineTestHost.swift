import Engine
import FluentSyntax
import JobPlan
import Testing

/// A host that keeps what is emitted and printed as text, and feeds one stream.
struct MachineTestHost: MachineHost {
    var emitted: [String] = []
    var printed: [String] = []
    /// Values of stream 0, made of their number; nil at the end.
    var streamed: @Sendable (Int) -> Constant? = { _ in nil }
    var position = 0
    var rewindCount = 0

    mutating func emit(key: Value, value: Value) throws(EvaluationError) {
        self.emitted.append("\(key.shown) \(value.shown)")
    }

    mutating func next(of stream: Int, in arena: inout Arena) throws(EvaluationError) -> Value? {
        defer { self.position += 1 }
        switch self.streamed(self.position) {
        case .integer(let integer): return Value(integer)
        case .float(let float): return Value(float)
        case .string(let bytes): return arena.makeText(.string, utf8: String(decoding: bytes, as: UTF8.self))
        default: return nil
        }
    }

    mutating func rewind(_ stream: Int) throws(EvaluationError) {
        self.position = 0
        self.rewindCount += 1
    }

    mutating func perform(
        _ builtin: Builtin,
        _ arguments: UnsafeBufferPointer<Value>,
        at range: SourceRange,
        in arena: inout Arena
    ) throws(EvaluationError) -> Value {
        switch builtin {
        case .println:
            var words: [String] = []
            for index in 0..<(arguments.count) { words.append(unsafe arguments[index].shown) }
            self.printed.append(words.joined(separator: " "))
            return .nil
        case .now: return Value(Int64(1_700_000_000_000))
        default: throw EvaluationError(.host(message: "\(builtin.name) isn't here"), at: range)
        }
    }
}

extension Value {
    /// The value as it is shown inside a collection.
    var shown: String {
        var buffer = ByteBuffer()
        var text = ValueText()
        let list = [self]
        do throws(ValueWalkError) {
            try list.withElements { (elements) throws(ValueWalkError) in
                try text.append(Value(.list, of: elements), to: &buffer)
            }
        } catch {
            return "\(error)"
        }
        return buffer.slice(1, buffer.count - 1).string
    }
}

extension [Value] {
    /// Lends the values as elements.
    func withElements<Result>(_ body: (Elements) throws(ValueWalkError) -> Result) throws(ValueWalkError) -> Result {
        let room = UnsafeMutablePointer<Value>.allocate(capacity: Swift.max(self.count, 1))
        defer { unsafe room.deallocate() }
        for index in self.indices { unsafe room[index] = self[index] }
        return try unsafe body(Elements(start: room, count: self.count))
    }
}

/// Runs programs in tests.
enum MachineRunner {
    enum Outcome: Equatable, CustomStringConvertible {
        case value(String)
        case failure(EvaluationError)

        var description: String {
            switch self {
            case .value(let text): text
            case .failure(let error): "!" + error.code.name
            }
        }
    }

    struct Result {
        let outcome: Outcome
        let host: MachineTestHost
        let rangeText: String
    }

    /// Evaluates all forms of a program; the value of the last one.
    static func run(
        _ text: String,
        limits: MachineLimits = MachineLimits(),
        host: MachineTestHost = MachineTestHost(),
        stream: String = ""
    ) -> Result {
        let source = SourceFile(name: "test.fl", text: text)
        let checked = Frontend.check(source)
        guard let program = checked.program else {
            let problems = checked.diagnostics.map { "\($0.code): \($0.message)" }.joined(separator: "; ")
            return Result(outcome: .value("?" + problems), host: host, rangeText: "")
        }
        do {
            var compiler = ProgramCompiler()
            let forms = try compiler.add(program)
            return self.run(forms, of: compiler.finish(), source, limits: limits, host: host, stream: stream)
        } catch {
            return Result(outcome: .value("?\(error)"), host: host, rangeText: "")
        }
    }

    private static func run(
        _ forms: [TopLevelForm],
        of program: CompiledProgram,
        _ source: SourceFile,
        limits: MachineLimits,
        host: MachineTestHost,
        stream: String
    ) -> Result {
        var machine = Machine(program: program, limits: limits, host: host)
        var last = "nil"
        do throws(EvaluationError) {
            for form in forms {
                guard case .expression(let function, _, _) = form else { continue }
                machine.beginForm()
                last = try machine.call(function).shown
                machine.setGlobal(stream, to: Value(.stream, bits: 0))
            }
        } catch {
            let bytes = source.bytes[max(0, error.range.start)..<max(0, error.range.end)]
            let text = String(decoding: bytes, as: UTF8.self)
            return Result(outcome: .failure(error), host: machine.host, rangeText: text)
        }
        return Result(outcome: .value(last), host: machine.host, rangeText: "")
    }

    /// The function that a job has as its map, and how many parameters that takes.
    static func compileMap(_ lambda: String) throws -> (CompiledProgram, FunctionIndex, Int) {
        let text = "(define-mapreduce job :input (distributed-files \"x\") :output (stdout) :map \(lambda))"
        let checked = Frontend.check(SourceFile(name: "test.fl", text: text))
        let program = try #require(checked.program, "\(checked.diagnostics)")
        guard case .defineJob(let job) = program.forms[0].kind,
            let option = job.options.first(where: { $0.name == "map" }), case .lambda(let lambda) = option.value.kind
        else { throw EvaluationError(.noMatch, at: SourceRange(start: 0, end: 0)) }
        var compiler = ProgramCompiler()
        let function = try compiler.add(Closure(lambda: lambda, captured: [], globals: [:]))
        return (compiler.finish(), function, lambda.parameters.count)
    }

    static func show(_ text: String) -> String { self.run(text).outcome.description }
}

extension Arena {
    /// A text value.
    mutating func text(_ tag: Value.Tag, _ text: String) -> Value {
        self.makeText(tag, utf8: text) ?? .nil
    }

    /// A list of two.
    mutating func pair(_ first: Value, _ second: Value) -> Value {
        guard let elements = self.makeElements(2) else { return .nil }
        elements[0] = first
        elements[1] = second
        return Value(.list, of: elements)
    }
}
