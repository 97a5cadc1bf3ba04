import FluentSyntax
import Testing

@testable import JobPlan

/// Jobs written as programs, for plans that are easier to read than to build.
struct JobText {
    let source: SourceFile
    let form: JobForm
    let values: [String: Constant]
    let range: SourceRange

    /// Reads a program whose top-level values are literals, functions and one job.
    init(_ text: String) throws {
        let source = SourceFile(name: "job.fl", text: text)
        let checked = Frontend.check(source)
        let errors = checked.diagnostics.filter { $0.severity == .error }.map(\.message)
        try #require(errors == [])
        let forms = try #require(checked.program).forms
        var globals: [String: Constant] = [:]
        var job: (form: JobForm, range: SourceRange)?
        for expression in forms {
            switch expression.kind {
            case .define(let name, let value): globals[name] = try Self.constant(value, [:])
            case .defineJob(let form): job = (form, expression.range)
            default: break
            }
        }
        let found = try #require(job)
        var values: [String: Constant] = [:]
        for option in found.form.options { values[option.name] = try Self.constant(option.value, globals) }
        self.source = source
        self.form = found.form
        self.values = values
        self.range = found.range
    }

    private static func constant(_ expression: Expression, _ globals: [String: Constant]) throws -> Constant {
        switch expression.kind {
        case .constant(let constant): constant
        case .lambda(let lambda): .function(Closure(lambda: lambda, captured: [], globals: globals))
        case .global(let name): try #require(globals[name])
        case .builtin(.param, let arguments): try Self.constant(try #require(arguments.last), globals)
        case .builtin(.str, let arguments):
            .string(
                try arguments.flatMap { argument in
                    guard case .string(let bytes) = try Self.constant(argument, globals) else { return [UInt8]() }
                    return bytes
                }
            )
        case .connector(let name, let arguments, let options):
            .connector(
                ConnectorCall(
                    name: name,
                    arguments: try arguments.map { try Self.constant($0, globals) },
                    options: try options.map {
                        ConnectorOption(name: $0.name, value: try Self.constant($0.value, globals))
                    },
                    range: expression.range
                )
            )
        default: throw JobDefinitionError(problems: [])
        }
    }

    func definition() throws -> JobDefinition {
        try JobDefinition(form: self.form, values: self.values, range: self.range)
    }

    func stream() throws -> StreamDefinition {
        try StreamDefinition(form: self.form, values: self.values, range: self.range)
    }

    func streamProblems() -> [Diagnostic] {
        do {
            _ = try StreamDefinition(form: self.form, values: self.values, range: self.range)
            return []
        } catch {
            return error.problems
        }
    }

    func streamPlan() throws -> StreamPlan {
        StreamPlan(try self.stream(), options: PlanOptions(parallelism: 2, parameters: [:]))
    }

    /// The codes of everything that is wrong with the options.
    func problems() -> [Diagnostic] {
        do {
            _ = try JobDefinition(form: self.form, values: self.values, range: self.range)
            return []
        } catch {
            return error.problems
        }
    }

    /// The plan of a job with this map and reduce over a source of this format.
    static func plan(
        _ functions: String,
        format: String = "'text",
        before: String = "",
        parallelism: Int = 2
    ) throws -> PlannedJob {
        let text = """
            \(before)
            (define-mapreduce job
              :input (distributed-files "in/*" :format \(format))
              :output (distributed-path "out")
              \(functions))
            """
        return PlannedJob(try JobText(text).definition(), options: PlanOptions(parallelism: parallelism))
    }
}

extension PlannedJob {
    /// The optimised map as a program would write it.
    var mapText: String? {
        self.optimised.map.map { ExpressionPrinter().text($0.closure.lambda) }
    }

    var reduceText: String? {
        switch self.optimised.reduce {
        case .some(.general(let closure)): ExpressionPrinter().text(closure.lambda)
        case .some(.aggregates(let reduce)): ExpressionPrinter().text(reduce.closure.lambda)
        case nil: nil
        }
    }

    var aggregateTexts: [String]? {
        self.optimised.aggregateReduce?.aggregates.map { call in
            guard let input = call.input else { return call.kind.rawValue }
            return "\(call.kind.rawValue) of \(ExpressionPrinter().text(input.lambda))"
        }
    }

    func reason(_ name: Rewrite.Name) -> String? {
        self.optimised.rewrite(name)?.reason
    }
}
