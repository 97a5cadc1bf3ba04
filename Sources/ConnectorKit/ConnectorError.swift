/// A failure that a connector reports to the engine.
///
/// The engine decides by ``domain`` and ``retry`` alone. ``message`` is for people: what was attempted, what
/// happened, and what to do about it.
public struct ConnectorError: Error, Sendable, CustomStringConvertible {
    /// Who can do something about it.
    public enum Domain: String, Sendable {
        /// The job's author: a wrong setting, a file that isn't there, a record that doesn't parse.
        case user
        /// Whoever runs the outside system: a disk is full, a broker is down.
        case external
        /// Nobody need do anything: whoever read the output has gone away, and wants no more of it.
        case reader
        /// Us: a bug.
        case `internal`
    }

    /// What the engine may do next.
    public enum Retry: Hashable, Sendable {
        /// Fail the job: the same call would fail again.
        case never
        /// Try again, but not before this much time has passed.
        case after(Duration)
    }

    public let domain: Domain
    public let retry: Retry
    public let message: String
    public let cause: (any Error)?

    /// Where it was thrown, as `Module/File.swift:line`.
    public let location: String

    public init(
        _ domain: Domain,
        retry: Retry,
        _ message: String,
        cause: (any Error)? = nil,
        file: String = #fileID,
        line: Int = #line
    ) {
        self.domain = domain
        self.retry = retry
        self.message = message
        self.cause = cause
        self.location = "\(file):\(line)"
    }

    public var description: String { self.message }
}
