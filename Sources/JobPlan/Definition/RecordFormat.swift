package import FluentSyntax

/// How bytes become records, and records bytes.
package enum RecordFormat: Hashable, Sendable {
    /// A record is a line; a pair is written as `key TAB value`.
    case text
    /// A record is a JSON value on a line of its own.
    case json
    case csv(CSVDialect)
    /// A record is a whole resource, read as it is; a value is written as it is.
    case bytes

    /// What a program writes for it.
    package var name: String {
        switch self {
        case .text: "text"
        case .json: "json"
        case .csv: "csv"
        case .bytes: "bytes"
        }
    }

    package static let names = ["text", "json", "csv", "bytes"]
}

/// The variant of RFC 4180 that a file is written in.
package struct CSVDialect: Hashable, Sendable {
    /// Whether the first row of each file names the fields; records are maps then, and lists otherwise.
    package let hasHeader: Bool

    /// One ASCII character that is neither the quote nor a line's end.
    package let separator: UInt8

    package static let quote = UInt8(ascii: "\"")

    package init(hasHeader: Bool = false, separator: UInt8 = UInt8(ascii: ",")) {
        self.hasHeader = hasHeader
        self.separator = separator
    }
}

/// What becomes of a record that can't be decoded, or whose lambda fails.
package enum ErrorPolicy: Hashable, Sendable {
    /// Stops the job with the place in the message.
    case fail
    /// Counts it and goes on.
    case skip
    /// Writes it, with its place and error, to a sink of its own.
    case deadLetter(ConnectorCall)
}
