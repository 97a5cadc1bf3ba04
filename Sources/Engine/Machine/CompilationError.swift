package import FluentSyntax

/// Why a checked program can't be compiled: limits of the bytecode, bad regexes, values that can't be there.
package struct CompilationError: Error, Hashable, Sendable {
    package let diagnostic: Diagnostic

    init(_ code: String, _ message: String, help: String, at range: SourceRange) {
        self.diagnostic = Diagnostic(.error, code, message, help: help, at: range)
    }
}
