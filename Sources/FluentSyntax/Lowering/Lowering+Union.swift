import CoreTypes

extension Lowering {
    /// Lowers `(union SOURCE… :name SOURCE…)`: sources, those with a name behind those without.
    mutating func lowerUnion(_ items: [SyntaxNode], range: SourceRange) -> Expression {
        let (arguments, written) = self.callParts(items)
        let options = written.map { JobForm.Option(name: $0.name, value: self.lower($0.value)) }
        guard !arguments.isEmpty || !options.isEmpty else {
            return self.fail(
                "argument-count",
                "union needs sources",
                help: "write (union (kafka-topic \"clicks\") (distributed-files \"clicks/*.json\"))",
                at: range
            )
        }
        for value in arguments + options.map(\.value) {
            self.checkConnector(value, isAllowed: \.isSource, role: "a part of union", as: .streamSource)
        }
        return Expression(
            .connector(name: ConnectorName.union.rawValue, arguments: arguments, options: options),
            range: range
        )
    }
}
