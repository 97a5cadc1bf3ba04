import FluentSyntax
import ReferenceInterpreter

/// Evaluates lowered expressions with the reference interpreter's builtins: it differs from the interpreter exactly
/// where lowering changed what a program means.
final class LoweredEvaluation {
    /// Values of variables, inside those of enclosing functions.
    private final class Frame {
        private var values: [Int: ReferenceValue] = [:]
        private let parent: Frame?

        init(in parent: Frame?) {
            self.parent = parent
        }

        subscript(_ variable: Variable) -> ReferenceValue? {
            get { self.values[variable.id] ?? self.parent?[variable] }
            set { self.values[variable.id] = newValue }
        }
    }

    private let interpreter: Interpreter
    private var globals: [String: ReferenceValue] = [:]

    private init(interpreter: Interpreter) {
        self.interpreter = interpreter
    }

    /// Nil if the checker refuses the program.
    static func outcome(of program: GeneratedProgram) -> ProgramOutcome? {
        Self.outcome(of: program) { $0 }
    }

    /// As ``outcome(of:)``, for forms that something has rewritten.
    static func outcome(
        of program: GeneratedProgram,
        rewriting rewrite: ([Expression]) -> [Expression]
    ) -> ProgramOutcome? {
        guard let checked = Frontend.check(program.source).program else { return nil }
        let interpreter = Interpreter()
        let evaluation = LoweredEvaluation(interpreter: interpreter)
        return program.run(on: interpreter) { () throws(EvaluationError) in
            var last = ReferenceValue.nil
            for form in rewrite(checked.forms) { last = try evaluation.evaluate(form, in: Frame(in: nil)) }
            return last
        }
    }

    /// Calls a function that captured nothing and names no globals.
    static func call(
        _ lambda: Lambda,
        _ arguments: [ReferenceValue],
        on interpreter: Interpreter
    ) throws(EvaluationError) -> ReferenceValue {
        let function = LoweredEvaluation(interpreter: interpreter).function(lambda, in: Frame(in: nil))
        return try interpreter.call(function, arguments, at: lambda.range)
    }

    private func evaluate(_ expression: Expression, in frame: Frame) throws(EvaluationError) -> ReferenceValue {
        switch expression.kind {
        case .constant(let constant): return ReferenceValue(constant)
        case .variable(let variable): return frame[variable] ?? .nil
        case .global(let name):
            guard let value = self.globals[name] else {
                throw EvaluationError(.undefined(name: name), at: expression.range)
            }
            return value
        case .let(let bindings, let body):
            let inner = Frame(in: frame)
            for binding in bindings { inner[binding.variable] = try self.evaluate(binding.value, in: inner) }
            return try self.evaluate(body, in: inner)
        case .letrec(let functions, let body):
            let inner = Frame(in: frame)
            for function in functions { inner[function.variable] = self.function(function.lambda, in: inner) }
            return try self.evaluate(body, in: inner)
        case .if(let condition, let then, let otherwise):
            return try self.evaluate(try self.evaluate(condition, in: frame).isTrue ? then : otherwise, in: frame)
        case .and(let parts): return try self.evaluate(parts, until: false, in: frame)
        case .or(let parts): return try self.evaluate(parts, until: true, in: frame)
        case .sequence(let parts): return try self.evaluateAll(parts, in: frame).last ?? .nil
        case .lambda(let lambda): return self.function(lambda, in: frame)
        case .call(let function, let arguments):
            let callee = try self.evaluate(function, in: frame)
            return try self.interpreter.call(callee, try self.evaluateAll(arguments, in: frame), at: expression.range)
        case .builtin(let builtin, let arguments):
            return try self.call(builtin, try self.evaluateAll(arguments, in: frame), at: expression.range)
        case .list(let elements): return .list(try self.evaluateAll(elements, in: frame))
        case .map(let entries):
            let parts = try self.evaluateAll(entries.flatMap { [$0.key, $0.value] }, in: frame)
            return try self.call(.assoc, [.map([])] + parts, at: expression.range)
        case .forEach(let variable, let sequence, let body, let isNested):
            let elements = try self.evaluate(sequence, in: frame)
            return try self.traverse(elements, variable, body, isNested, in: frame, at: expression.range)
        case .match(let value, let clauses):
            return try self.match(try self.evaluate(value, in: frame), clauses, in: frame, at: expression.range)
        case .attempt(let body, let handler, let cleanup):
            return try self.attempt(body, handler, cleanup, in: frame)
        case .connector: return .nil
        case .define(let name, let value):
            let value = try self.evaluate(value, in: frame)
            self.globals[name] = value
            return value
        case .defineJob(let form):
            guard let map = form.options.first(where: { $0.name == "map" }) else { return .nil }
            return try self.evaluate(map.value, in: frame)
        }
    }

    private func call(
        _ builtin: Builtin,
        _ arguments: [ReferenceValue],
        at range: SourceRange
    ) throws(EvaluationError) -> ReferenceValue {
        try self.interpreter.call(.builtin(builtin), arguments, at: range)
    }

    private func evaluateAll(
        _ expressions: [Expression],
        in frame: Frame
    ) throws(EvaluationError) -> [ReferenceValue] {
        var values: [ReferenceValue] = []
        for expression in expressions { values.append(try self.evaluate(expression, in: frame)) }
        return values
    }

    private func evaluate(
        _ parts: [Expression],
        until decision: Bool,
        in frame: Frame
    ) throws(EvaluationError) -> ReferenceValue {
        var value = ReferenceValue.nil
        for part in parts {
            value = try self.evaluate(part, in: frame)
            if value.isTrue == decision { break }
        }
        return value
    }

    private func function(_ lambda: Lambda, in frame: Frame) -> ReferenceValue {
        let names = lambda.parameters.map(\.name)
        let function = ReferenceFunction(name: lambda.name, parameters: names) {
            (arguments: [ReferenceValue]) throws(EvaluationError) -> ReferenceValue in
            let inner = Frame(in: frame)
            for (variable, argument) in zip(lambda.parameters, arguments) { inner[variable] = argument }
            return try self.evaluate(lambda.body, in: inner)
        }
        return .function(function)
    }

    private func traverse(
        _ sequence: ReferenceValue,
        _ variable: Variable,
        _ body: Expression,
        _ isNested: Bool,
        in frame: Frame,
        at range: SourceRange
    ) throws(EvaluationError) -> ReferenceValue {
        guard let elements = sequence.elements else {
            let code = EvaluationError.Code.typeMismatch(
                operation: "for",
                expected: TypeName.sequence,
                found: sequence.typeName
            )
            throw EvaluationError(code, at: range)
        }
        var values: [ReferenceValue] = []
        for element in elements {
            let inner = Frame(in: frame)
            inner[variable] = element
            let value = try self.evaluate(body, in: inner)
            values += isNested ? value.elements ?? [] : [value]
        }
        return .list(values)
    }

    private func attempt(
        _ body: Expression,
        _ handler: CatchClause?,
        _ cleanup: Expression?,
        in frame: Frame
    ) throws(EvaluationError) -> ReferenceValue {
        let outcome = Result { () throws(EvaluationError) -> ReferenceValue in
            do throws(EvaluationError) {
                return try self.evaluate(body, in: frame)
            } catch {
                guard let handler, error.isCatchable else { throw error }
                let inner = Frame(in: frame)
                inner[handler.variable] = self.interpreter.caught(error)
                return try self.evaluate(handler.body, in: inner)
            }
        }
        if case .failure(let error) = outcome, !error.isCatchable { throw error }
        if let cleanup {
            let thrown = self.interpreter.thrownValue
            _ = try self.evaluate(cleanup, in: frame)
            self.interpreter.thrownValue = thrown
        }
        return try outcome.get()
    }
}

// MARK: Patterns

extension LoweredEvaluation {
    private func match(
        _ value: ReferenceValue,
        _ clauses: [MatchClause],
        in frame: Frame,
        at range: SourceRange
    ) throws(EvaluationError) -> ReferenceValue {
        for clause in clauses {
            let inner = Frame(in: frame)
            guard try self.fits(clause.pattern, value, in: inner) else { continue }
            return try self.evaluate(clause.body, in: inner)
        }
        throw EvaluationError(.noMatch, at: range)
    }

    private func fits(_ pattern: Pattern, _ value: ReferenceValue, in frame: Frame) throws(EvaluationError) -> Bool {
        switch pattern {
        case .any: return true
        case .binding(let variable):
            frame[variable] = value
            return true
        case .constant(let constant):
            let none = SourceRange(start: 0, end: 0)
            return try self.call(.equal, [ReferenceValue(constant), value], at: none).isTrue
        case .list(let patterns):
            guard case .list(let elements) = value else { return false }
            return try self.allFit(patterns, elements, in: frame)
        case .message(let head, let patterns):
            guard case .list(let elements) = value, let first = elements.first else { return false }
            switch first {
            case .symbol(let text), .keyword(let text):
                guard text == Text(head) else { return false }
            default: return false
            }
            return try self.allFit(patterns, Array(elements.dropFirst()), in: frame)
        case .map(let entries):
            guard case .map(let found) = value else { return false }
            for entry in entries {
                guard let value = found[ReferenceValue(entry.key)] else { return false }
                guard try self.fits(entry.pattern, value, in: frame) else { return false }
            }
            return true
        case .guarded(let pattern, let guarding):
            guard try self.fits(pattern, value, in: frame) else { return false }
            return try self.evaluate(guarding, in: frame).isTrue
        }
    }

    private func allFit(
        _ patterns: [Pattern],
        _ values: [ReferenceValue],
        in frame: Frame
    ) throws(EvaluationError) -> Bool {
        guard patterns.count == values.count else { return false }
        for (pattern, value) in zip(patterns, values) {
            guard try self.fits(pattern, value, in: frame) else { return false }
        }
        return true
    }
}

extension ReferenceValue {
    /// What stands in a lowered program; sources, sinks and travelling functions don't.
    init(_ constant: Constant) {
        self =
            switch constant {
            case .nil, .function, .connector: .nil
            case .boolean(let boolean): .boolean(boolean)
            case .integer(let integer): .integer(integer)
            case .float(let float): .float(float)
            case .string(let bytes): .string(Text(bytes: bytes))
            case .symbol(let name): .symbol(Text(name))
            case .keyword(let name): .keyword(Text(name))
            case .regex(let pattern): .regex(pattern)
            case .list(let elements): .list(elements.map { ReferenceValue($0) })
            case .map(let entries):
                .map(entries.map { ReferenceEntry(ReferenceValue($0.key), ReferenceValue($0.value)) })
            case .set(let elements): .set(elements.map { ReferenceValue($0) })
            case .builtin(let builtin): .builtin(builtin)
            }
    }
}
