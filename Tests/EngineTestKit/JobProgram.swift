package import Engine
package import FluentSyntax
package import JobPlan

/// A program of one job and literal definitions, planned and compiled without a machine for its top level.
package struct JobProgram {
    /// What a program can't be, for this reason.
    package struct Refusal: Error {
        package let reason: String
    }

    package let source: SourceFile
    package let definition: JobDefinition

    package init(_ text: String) throws {
        self.source = SourceFile(name: "job.fl", text: text)
        let checked = Frontend.check(self.source)
        guard let program = checked.program else {
            throw Refusal(reason: DiagnosticRenderer(source: self.source).text(checked.diagnostics))
        }
        var globals: [String: Constant] = [:]
        var found: JobDefinition?
        for form in program.forms {
            switch form.kind {
            case .define(let name, let value): globals[name] = try Self.constant(value, globals)
            case .defineJob(let job):
                var values: [String: Constant] = [:]
                for option in job.options { values[option.name] = try Self.constant(option.value, globals) }
                found = try JobDefinition(form: job, values: values, range: form.range)
            default: throw Refusal(reason: "only definitions are understood")
            }
        }
        guard let found else { throw Refusal(reason: "there is no job") }
        self.definition = found
    }

    /// A job over `lines`, as most tests need it.
    package static func make(
        map: String,
        reduce: String? = nil,
        options: String = "",
        format: String = "'text",
        output: String = ""
    ) throws -> JobProgram {
        try JobProgram(
            """
            (define-mapreduce job
              :input (distributed-files "in" :format \(format))
              :output (distributed-path "out" \(output))
              :map \(map)
              \(reduce.map { ":reduce \($0)" } ?? "")
              \(options))
            """
        )
    }

    package func graph(_ options: PlanOptions = PlanOptions(parallelism: 1)) -> JobGraph {
        PlannedJob(self.definition, options: options).graph
    }

    package func compiled(_ options: PlanOptions = PlanOptions(parallelism: 1)) throws -> CompiledJob {
        try CompiledJob(self.graph(options), limits: MachineLimits())
    }

    private static func constant(_ expression: Expression, _ globals: [String: Constant]) throws -> Constant {
        switch expression.kind {
        case .constant(let constant): return constant
        case .lambda(let lambda): return .function(Closure(lambda: lambda, captured: [], globals: globals))
        case .connector(let name, let arguments, let options):
            return .connector(
                ConnectorCall(
                    name: name,
                    arguments: try arguments.map { try Self.constant($0, globals) },
                    options: try options.map {
                        ConnectorOption(name: $0.name, value: try Self.constant($0.value, globals))
                    },
                    range: expression.range
                )
            )
        case .global(let name):
            guard let value = globals[name] else { throw Refusal(reason: "\(name) isn't defined before the job") }
            return value
        default: throw Refusal(reason: "an option is no literal")
        }
    }
}
