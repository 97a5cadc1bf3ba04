package import FluentSyntax
package import JobPlan

/// A program of definitions and one job whose options are literals and functions: what needs no evaluation.
package struct StaticProgram {
    private let form: JobForm
    private let values: [String: Constant]
    private let range: SourceRange

    /// Nil where its options are wrong.
    var definition: JobDefinition? {
        try? JobDefinition(form: self.form, values: self.values, range: self.range)
    }

    /// The same for a program whose job is a stream.
    package var stream: StreamDefinition? {
        try? StreamDefinition(form: self.form, values: self.values, range: self.range)
    }

    /// Nil if the checker refuses the program, or something must be evaluated.
    package init?(_ source: SourceFile) {
        guard let forms = Frontend.check(source).program?.forms else { return nil }
        var globals: [String: Constant] = [:]
        for form in forms {
            guard case .define(let name, let value) = form.kind else { continue }
            guard let constant = Self.constant(value, globals) else { return nil }
            globals[name] = constant
        }
        guard let last = forms.last, case .defineJob(let job) = last.kind else { return nil }
        var values: [String: Constant] = [:]
        for option in job.options {
            guard let constant = Self.constant(option.value, globals) else { return nil }
            values[option.name] = constant
        }
        self.form = job
        self.values = values
        self.range = last.range
    }

    private static func constant(_ expression: Expression, _ globals: [String: Constant]) -> Constant? {
        switch expression.kind {
        case .constant(let constant): return constant
        case .lambda(let lambda): return .function(Closure(lambda: lambda, captured: [], globals: globals))
        case .global(let name): return globals[name]
        case .connector(let name, let arguments, let options):
            let arguments = arguments.compactMap { Self.constant($0, globals) }
            let options = options.compactMap { option in
                Self.constant(option.value, globals).map { ConnectorOption(name: option.name, value: $0) }
            }
            return .connector(
                ConnectorCall(name: name, arguments: arguments, options: options, range: expression.range)
            )
        default: return nil
        }
    }
}
