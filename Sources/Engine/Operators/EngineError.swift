package import ConnectorKit
package import FluentSyntax

/// Why a stage can't go on.
package enum EngineError: Error, Sendable {
    /// A lambda failed on a record or key and the job's policy is to stop.
    case evaluation(EvaluationError, RecordPlace)
    /// A record isn't of the job's format, and the policy is to stop.
    case undecodable(reason: String, RecordPlace)
    /// What follows in a file can't be read at all, whatever the policy is.
    case unreadable(resource: String, reason: String)
    case connector(ConnectorError)
    case spill(SpillError)
    /// Bytes of an exchange or run that can't be: a bug or broken memory.
    case corrupt(String)
    /// A lambda saw that its job was cancelled.
    case cancelled
}

/// Where a record lies: what a person needs to look at it.
package struct RecordPlace: Hashable, Sendable {
    /// The file, or how a key's group is called.
    package let resource: String

    /// Offset of the record's first byte; of the decompressed bytes where the file is compressed.
    package let offset: Int64

    package init(resource: String, offset: Int64) {
        self.resource = resource
        self.offset = offset
    }
}

/// A record that was left out under the policies `skip` and `dead-letter`.
package struct RejectedRecord: Sendable {
    package let place: RecordPlace
    package let bytes: [UInt8]
    /// Why, with the position in the program where it was a lambda's fault.
    package let reason: String
    package let range: SourceRange?

    package init(place: RecordPlace, bytes: [UInt8], reason: String, range: SourceRange?) {
        self.place = place
        self.bytes = bytes
        self.reason = reason
        self.range = range
    }
}
