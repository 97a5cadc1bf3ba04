/// Writes diagnostics for people and for programs.
package struct DiagnosticRenderer {
    /// Longer source lines are cut around the place in question.
    private static let lineLengthLimit = 160

    private let source: SourceFile

    package init(source: SourceFile) {
        self.source = source
    }

    /// Each as `file:line:column: error[code]: message`, the source line, a caret under the place, and the advice;
    /// an empty line between two.
    package func text(_ diagnostics: [Diagnostic]) -> String {
        diagnostics.map(self.text).joined(separator: "\n")
    }

    /// One, with a newline at the end.
    package func text(_ diagnostic: Diagnostic) -> String {
        let start = self.source.location(of: diagnostic.range.start)
        let severity = diagnostic.severity.rawValue
        var text = "\(self.source.name):\(start.line):\(start.column): \(severity)[\(diagnostic.code)]: "
        text += diagnostic.message + "\n"
        text += self.excerpt(start, self.source.location(of: diagnostic.range.end))
        if !diagnostic.help.isEmpty { text += "help: \(diagnostic.help)\n" }
        return text
    }

    /// One array of objects with `file`, `line`, `column`, `endLine`, `endColumn`, `severity`, `code`, `message` and
    /// `help`, ending with a newline.
    ///
    /// Lines and columns count from 1, columns in Unicode scalars; the end is exclusive.
    package func json(_ diagnostics: [Diagnostic]) -> String {
        guard !diagnostics.isEmpty else { return "[]\n" }
        return "[\n" + diagnostics.map { "  " + self.json($0) }.joined(separator: ",\n") + "\n]\n"
    }

    private func json(_ diagnostic: Diagnostic) -> String {
        let start = self.source.location(of: diagnostic.range.start)
        let end = self.source.location(of: diagnostic.range.end)
        let fields = [
            ("file", JSONText.quoted(self.source.name)),
            ("line", "\(start.line)"),
            ("column", "\(start.column)"),
            ("endLine", "\(end.line)"),
            ("endColumn", "\(end.column)"),
            ("severity", JSONText.quoted(diagnostic.severity.rawValue)),
            ("code", JSONText.quoted(diagnostic.code)),
            ("message", JSONText.quoted(diagnostic.message)),
            ("help", JSONText.quoted(diagnostic.help)),
        ]
        return "{" + fields.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
    }

    /// The source line, and a line with carets below the range's part of it.
    private func excerpt(_ start: SourceLocation, _ end: SourceLocation) -> String {
        let line = Array(self.source.line(start.line).unicodeScalars)
        let first = min(start.column - 1, line.count)
        let last = start.line == end.line ? min(end.column - 1, line.count) : line.count
        let cut = max(0, first - Self.lineLengthLimit / 2)
        let visible = line[cut..<min(line.count, cut + Self.lineLengthLimit)]
        var shown = cut > 0 ? "…" : ""
        var marks = cut > 0 ? " " : ""
        for (offset, scalar) in visible.enumerated() {
            // Control characters would garble the terminal; a tab keeps its width in both lines.
            let isTab = scalar == "\t"
            let safe = !isTab && scalar.isControl ? "\u{FFFD}" : scalar
            shown.unicodeScalars.append(safe)
            guard cut + offset < max(last, first + 1) else { continue }
            let mark: Character = isTab ? "\t" : cut + offset < first ? " " : "^"
            marks += String(repeating: mark, count: isTab ? 1 : safe.columnCount)
        }
        if cut + visible.count < line.count { shown += "…" }
        // At the end of a line, or under what has no width, there is a mark too.
        if !marks.contains("^") { marks += "^" }
        return "  \(shown)\n  \(marks)\n"
    }
}
