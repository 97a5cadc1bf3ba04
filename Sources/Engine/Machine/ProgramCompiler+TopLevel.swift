package import FluentSyntax

/// One form of a program, ready to be evaluated in order.
package enum TopLevelForm: Sendable {
    /// A function without parameters: evaluates the form; a `define` stores its value in the machine's globals.
    case expression(FunctionIndex, isDefinition: Bool, SourceRange)
    /// A job: each option's value is that of a function without parameters.
    case job(JobForm, options: [JobOption], SourceRange)

    package struct JobOption: Sendable {
        /// Without the colon.
        package let name: String
        package let value: FunctionIndex
    }
}

extension ProgramCompiler {
    /// Adds the forms of a program: its globals are slots of the machine that evaluates them.
    package mutating func add(_ program: Program) throws(CompilationError) -> [TopLevelForm] {
        let scope = self.makeScope(nil)
        try self.compilePending()
        var forms: [TopLevelForm] = []
        for form in program.forms {
            guard case .defineJob(let job) = form.kind else {
                forms.append(.expression(try self.add(form, scope: scope), isDefinition: form.isDefinition, form.range))
                continue
            }
            // The job's own name is a global that whoever submits jobs sets.
            _ = self.slot(of: job.name)
            var options: [TopLevelForm.JobOption] = []
            for option in job.options {
                let value = try self.add(option.value, scope: scope)
                options.append(TopLevelForm.JobOption(name: option.name, value: value))
            }
            forms.append(.job(job, options: options, form.range))
        }
        return forms
    }

    private mutating func add(_ expression: Expression, scope: Int) throws(CompilationError) -> FunctionIndex {
        let lambda = Lambda(name: "", parameters: [], body: expression, captured: [], range: expression.range)
        let number = self.declare(lambda, captured: [], scope: scope)
        try self.compilePending()
        return FunctionIndex(rawValue: number)
    }
}

extension Expression {
    fileprivate var isDefinition: Bool {
        if case .define = self.kind { return true }
        return false
    }
}
