/// Writes to an outside system so that a job's output appears as a whole or not at all.
///
/// ## Order of calls
/// `checkSpares`, then `prepare`, once each; then writers, at most one live per partition and attempt; then either
/// `commit` with one part for every partition that was finished, or `abort`. `commit` is idempotent: after a crash in
/// the middle it is called again. `abort` may follow a `commit`, where another sink of the same job couldn't commit.
public protocol Sink: Sendable {
    /// What plans, summaries and messages call it: a path.
    var summary: String { get }

    /// Checks that writing here destroys nothing of what the job reads; comes before ``prepare()``, with what the
    /// splits of the source are read from: ``Split/resource``.
    func checkSpares(_ resources: [String]) throws(ConnectorError)

    /// Checks that the job may write here and removes what a killed run left behind.
    func prepare() throws(ConnectorError)

    /// Opens a writer for a partition, from 0; `attempt` tells two tries at the same partition apart.
    func makeWriter(partition: Int, attempt: Int, contentType: SinkContent) throws(ConnectorError) -> any SinkWriter

    /// Makes the parts visible.
    func commit(_ parts: [SinkPart]) throws(ConnectorError)

    /// Removes everything that this run wrote, as far as it can be taken back; never fails, what can't be removed stays
    /// for the next `prepare`.
    func abort()
}

extension Sink {
    /// Nothing is destroyed where output is only added.
    public func checkSpares(_ resources: [String]) throws(ConnectorError) {}
}

/// The text format of what a writer is given.
public enum SinkContent: String, Hashable, Sendable {
    case text
    case json
    case csv
    case bytes
}

/// Writes one partition, from one thread.
///
/// ## Order of calls
/// `write` as often as needed, then `finish` at most once. `discard` may come at any time before the commit and any number
/// of times: also behind a `finish`, whether that succeeded or threw. Nothing else follows it.
public protocol SinkWriter: AnyObject {
    /// Takes whole records: a writer may put a boundary between two calls, never inside one.
    func write(_ bytes: UnsafeRawBufferPointer) throws(ConnectorError)

    /// Ends the partition and returns what `commit` needs.
    func finish() throws(ConnectorError) -> SinkPart

    /// Gives the partition up; what was written is removed, a finished part too.
    func discard()
}

/// One finished partition, not yet visible.
public struct SinkPart: Hashable, Sendable {
    public let partition: Int
    public let attempt: Int
    public let bytes: Int64

    /// What the sink needs to find it again: a file's name.
    public let token: String

    public init(partition: Int, attempt: Int, bytes: Int64, token: String) {
        self.partition = partition
        self.attempt = attempt
        self.bytes = bytes
        self.token = token
    }
}
