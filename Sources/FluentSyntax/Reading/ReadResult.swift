/// What reading one file gave.
package struct ReadResult: Sendable {
    /// The top-level forms, in order.
    ///
    /// Also with errors: what could be made of the text. A malformed atom is stood in for by one of its kind.
    package let forms: [SyntaxNode]

    /// By position.
    package let diagnostics: [Diagnostic]

    /// Each from its `;` to the end of the line, which isn't part of it; in order.
    package let comments: [SourceRange]

    /// Brackets match and strings end: the forms are those that were meant, though atoms may be malformed.
    package let isBalanced: Bool

    package var hasErrors: Bool { self.diagnostics.contains { $0.severity == .error } }
}
