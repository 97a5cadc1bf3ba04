package import FluentSyntax

extension JobDefinition {
    /// Checks the evaluated options of a form.
    ///
    /// - Parameters:
    ///   - form: Says which options were written, and where.
    ///   - values: The value of each option, by its name without the colon.
    ///   - range: The whole form.
    /// - Throws: All problems at once.
    package init(
        form: JobForm,
        values: [String: Constant],
        range: SourceRange
    ) throws(JobDefinitionError) {
        var reader = JobOptionReader(form: form, values: values, range: range)
        let definition = reader.definition()
        self = try reader.accepted(definition)
    }
}

extension JobOptionReader {
    /// What was read, if nothing is wrong with it.
    ///
    /// - Throws: All problems at once.
    func accepted<Definition>(_ definition: Definition?) throws(JobDefinitionError) -> Definition {
        guard let definition, self.problems.isEmpty else {
            precondition(!self.problems.isEmpty, "a definition is refused for a reason")
            throw JobDefinitionError(problems: self.problems)
        }
        return definition
    }
}

extension ConnectorCall {
    func option(_ name: String) -> Constant? {
        self.options.last { $0.name == name }?.value
    }
}
