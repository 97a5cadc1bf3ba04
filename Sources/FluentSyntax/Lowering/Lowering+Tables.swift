import CoreTypes

extension Lowering {
    private static let tableOptions = ["key", "memory"]

    /// Lowers `(table SOURCE :key :field)`: the records of a source by one of their fields.
    mutating func lowerTable(_ items: [SyntaxNode], range: SourceRange) -> Expression {
        let (arguments, written) = self.callParts(items)
        let options = written.map { JobForm.Option(name: $0.name, value: self.lower($0.value)) }
        let usage = "write (table (distributed-files \"products.csv\" :format (csv :header true)) :key :id)"
        guard arguments.count == 1 else {
            return self.fail("argument-count", "table takes one source, got \(arguments.count)", help: usage, at: range)
        }
        self.checkConnector(
            arguments[0],
            isAllowed: \.isBatchSource,
            role: "the source of a table",
            as: Self.isTopic(arguments[0]) ? .streamSource : .batchSource
        )
        for option in written where !Self.tableOptions.contains(option.name) {
            let nearest = NearestName.find(option.name, among: Self.tableOptions).map { "did you mean :\($0)? " } ?? ""
            self.diagnostics.error(
                "unknown-option",
                "table has no option :\(option.name)",
                help: nearest + usage,
                at: option.range
            )
        }
        guard let key = options.first(where: { $0.name == "key" }) else {
            return self.fail("missing-option", "table has no :key", help: usage, at: range)
        }
        if let constant = key.value.constant, constant.word == nil {
            let message = ":key of table needs a field, found \(constant.foundText)"
            self.diagnostics.error("option-type", message, help: usage, at: key.value.range)
        }
        return Expression(
            .connector(name: ConnectorName.table.rawValue, arguments: arguments, options: options),
            range: range
        )
    }

    private static func isTopic(_ source: Expression) -> Bool {
        guard case .connector(let name, _, _) = source.kind else { return false }
        return ConnectorName(rawValue: name)?.isTopic == true
    }
}
