/// Lays out programs: two columns of indentation for bodies, one option per line, single blank lines.
///
/// Lines that the author broke stay broken, and comments stay where they are; what changes is white space between
/// forms only, so that the output reads as the same tree. Formatting twice is formatting once.
package enum Formatter {
    package enum Result: Hashable, Sendable {
        case formatted(String)
        /// The program doesn't read; it is left as it is.
        case unreadable([Diagnostic])
    }

    package static func format(_ source: SourceFile) -> Result {
        let read = Reader.read(source)
        guard !read.hasErrors else { return .unreadable(read.diagnostics) }
        var builder = FormatPieceBuilder(source: source, comments: read.comments)
        var writer = FormatWriter()
        writer.writeFile(builder.entries(read.forms, from: 0, to: source.bytes.count))
        return .formatted(writer.text)
    }
}
