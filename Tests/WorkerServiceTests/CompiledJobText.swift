import Engine
import FluentSyntax
import JobPlan
import Testing

/// A job written as a program whose values are literals, lambdas and connectors.
struct CompiledJobText {
    private let definition: JobDefinition
    private let source: SourceFile

    /// Reads a job with these options besides input and output.
    init(_ options: String) throws {
        let endpoints = #":input (distributed-files "in") :output (distributed-path "out")"#
        let text = "(define-mapreduce job \(endpoints) \(options))"
        self.source = SourceFile(name: "job.fl", text: text)
        let checked = Frontend.check(self.source)
        try #require(checked.diagnostics.filter { $0.severity == .error }.map(\.message) == [])
        let expression = try #require(checked.program?.forms.first)
        guard case .defineJob(let form) = expression.kind else { throw JobDefinitionError(problems: []) }
        var values: [String: Constant] = [:]
        for option in form.options { values[option.name] = try Self.constant(option.value) }
        self.definition = try JobDefinition(form: form, values: values, range: expression.range)
    }

    func compiled(parallelism: Int) throws -> CompiledJob {
        let plan = PlannedJob(self.definition, options: PlanOptions(parallelism: parallelism))
        return try CompiledJob(plan.graph, limits: MachineLimits(), source: self.source)
    }

    private static func constant(_ expression: Expression) throws -> Constant {
        switch expression.kind {
        case .constant(let constant): return constant
        case .lambda(let lambda): return .function(Closure(lambda: lambda, captured: [], globals: [:]))
        case .connector(let name, let arguments, let options):
            let call = ConnectorCall(
                name: name,
                arguments: try arguments.map { try Self.constant($0) },
                options: try options.map { ConnectorOption(name: $0.name, value: try Self.constant($0.value)) },
                range: expression.range
            )
            return .connector(call)
        default: throw JobDefinitionError(problems: [])
        }
    }
}
