import FluentSyntax

/// The diagnostics of one program, as people and as programs read them.
struct DiagnosticReport: Sendable {
    let source: SourceFile
    let diagnostics: [Diagnostic]

    var hasErrors: Bool { self.diagnostics.contains { $0.severity == .error } }

    /// Without the end of the last line.
    var text: String {
        String(DiagnosticRenderer(source: self.source).text(self.diagnostics).dropLast())
    }

    /// An object for each, with the members that `DiagnosticRenderer` gives them.
    var json: [JSONValue] {
        self.diagnostics.map(self.object)
    }

    private func object(_ diagnostic: Diagnostic) -> JSONValue {
        let start = self.source.location(of: diagnostic.range.start)
        let end = self.source.location(of: diagnostic.range.end)
        return .object([
            .init("file", .string(self.source.name)),
            .init("line", .integer(Int64(start.line))),
            .init("column", .integer(Int64(start.column))),
            .init("endLine", .integer(Int64(end.line))),
            .init("endColumn", .integer(Int64(end.column))),
            .init("severity", .string(diagnostic.severity.rawValue)),
            .init("code", .string(diagnostic.code)),
            .init("message", .string(diagnostic.message)),
            .init("help", .string(diagnostic.help)),
        ])
    }
}
