/// One thing that is wrong, or doubtful, in a program, at its place.
package struct Diagnostic: Hashable, Sendable {
    package enum Severity: String, Sendable {
        case error
        case warning
    }

    package let severity: Severity

    /// A stable, kebab-case name of the kind of problem: `unknown-name`, `argument-count`.
    package let code: String

    /// What is wrong, in one sentence without a full stop.
    package let message: String

    /// What to do about it: a nearest name, a list of right options.
    ///
    /// Empty when there is nothing to say.
    package let help: String

    package let range: SourceRange

    package init(_ severity: Severity, _ code: String, _ message: String, help: String = "", at range: SourceRange) {
        self.severity = severity
        self.code = code
        self.message = message
        self.help = help
        self.range = range
    }
}
