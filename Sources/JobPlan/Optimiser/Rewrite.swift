package import FluentSyntax

/// What an optimiser pass did, or why it did nothing.
package struct Rewrite: Hashable, Sendable {
    package enum Name: String, CaseIterable, Sendable {
        case inlining = "inline"
        case projection = "project-fields"
        case keyElision = "drop-record-key"
        case aggregates = "recognise-aggregates"
        case combiner = "place-combiner"
        case fusion = "fuse"
        case lineElision = "elide-lines"
        case columns = "ship-columns"
        case slide = "choose-slide"
    }

    package let name: Name
    package let isApplied: Bool

    /// One sentence without a full stop.
    package let reason: String

    /// What the reason is about; nil for the job as a whole.
    package let range: SourceRange?

    package init(_ name: Name, isApplied: Bool, _ reason: String, at range: SourceRange? = nil) {
        self.name = name
        self.isApplied = isApplied
        self.reason = reason
        self.range = range
    }
}
