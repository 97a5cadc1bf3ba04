/// Takes the results of a job that goes on.
public protocol StreamSink: Sendable {
    /// What it is called in plans, summaries and messages; never contains a secret.
    var summary: String { get }

    /// How its writers want records.
    var recordForm: OutputForm { get }

    /// Checks, before the job starts, that it can be written; may wait for the outside system, within a time limit of its
    /// own.
    func prepareStream() throws(ConnectorError)

    /// As ``prepareStream()``, for a job that goes on from a checkpoint: what it wrote before is to stay.
    ///
    /// `tokens`: What ``commitEpoch(_:)`` will be called with next: what the checkpoint counts as written.
    func resumeStream(keeping tokens: [String]) throws(ConnectorError)

    /// The newest checkpoint whose output is visible already, that of these tokens left out; nil: there is none, or it can't
    /// be told.
    func newestEpoch(besides tokens: [String]) throws(ConnectorError) -> Int64?

    /// Makes what writers ended with ``StreamWriter/endEpoch(_:)`` visible, now that its checkpoint exists.
    ///
    /// Comes again after a crash, and in the order of checkpoints: what was committed before is left as it is.
    func commitEpoch(_ tokens: [String]) throws(ConnectorError)

    /// The job has come to its end, and everything is committed.
    func endStream() throws(ConnectorError)

    /// The job failed or was cancelled without a checkpoint: what isn't committed is removed, as far as it can be.
    func abortStream()

    /// Makes the writer of one subtask.
    ///
    /// `wake` is called from any thread, any number of times, when a full writer may have room again or a flush may have
    /// come to its end.
    func makeStreamWriter(
        subtask: Int,
        content: SinkContent,
        wake: @escaping @Sendable () -> Void
    ) throws(ConnectorError) -> any StreamWriter
}

extension StreamSink {
    public func resumeStream(keeping tokens: [String]) throws(ConnectorError) { try self.prepareStream() }
    public func newestEpoch(besides tokens: [String]) throws(ConnectorError) -> Int64? { nil }
    public func commitEpoch(_ tokens: [String]) throws(ConnectorError) {}
    public func endStream() throws(ConnectorError) {}
    public func abortStream() {}
}

/// What a sink is handed for each record.
public enum OutputForm: Hashable, Sendable {
    /// A value that is a whole line with its end; no key.
    case lines
    /// A key and a value apart.
    case messages
}

/// Delivers the records of one subtask.
///
/// ## Order of calls
/// `write` and `flush` in any order, at last `close`, exactly once. All calls come from one thread, one at a time, and none
/// of them waits for anything but a local disk.
public protocol StreamWriter: AnyObject {
    /// Takes records, in order, from the one numbered `first` on.
    ///
    /// - Returns: How many it took: fewer where it is full, and it wakes the subtask when that changes.
    /// - Throws: A record can't be delivered, this one or one of those taken before.
    func write(_ records: OutputBlock, from first: Int) throws(ConnectorError) -> Int

    /// Sees to it that everything taken before is delivered.
    ///
    /// - Returns: Whether all of it is; otherwise it is called again when it wakes the subtask.
    /// - Throws: As ``write(_:from:)``.
    func flush() throws(ConnectorError) -> Bool

    /// What was taken so far belongs to this checkpoint, what comes is the next one's; ``flush()`` was true before.
    ///
    /// - Returns: What the sink needs to make it visible once the checkpoint exists; nothing where it is visible already.
    func endEpoch(_ checkpoint: Int64) throws(ConnectorError) -> [String]

    /// What hinders delivery at present without ending it; nil: nothing.
    var warning: String? { get }

    /// Gives up what isn't delivered.
    func close()
}

extension StreamWriter {
    public func endEpoch(_ checkpoint: Int64) throws(ConnectorError) -> [String] { [] }
    public var warning: String? { nil }
}

/// Records on their way to a sink, in one run of bytes.
///
/// One subtask owns a block and uses it again.
@safe
public final class OutputBlock {
    /// Where a record lies: its key, then directly behind it its value.
    private struct Entry {
        let start: Int
        /// -1: no key.
        let keyCount: Int
        /// -1: no value, a tombstone.
        let valueCount: Int
        /// `Int64.min`: none.
        let timestamp: Int64
    }

    /// In one place, since each access to a field of a class is checked, which would cost as much as a record.
    private struct Storage {
        var bytes: [UInt8] = []
        var entries: [Entry] = []

        mutating func append(
            key: UnsafeRawBufferPointer?,
            value: UnsafeRawBufferPointer?,
            timestamp: Int64?
        ) {
            let entry = unsafe Entry(
                start: self.bytes.count,
                keyCount: key?.count ?? -1,
                valueCount: value?.count ?? -1,
                timestamp: timestamp ?? .min
            )
            if let key = unsafe key { unsafe self.bytes.append(contentsOf: key) }
            if let value = unsafe value { unsafe self.bytes.append(contentsOf: value) }
            self.entries.append(entry)
        }
    }

    private var storage = Storage()

    public init() {}

    public var count: Int { self.storage.entries.count }

    /// Bytes of all keys and values.
    public var byteCount: Int { self.storage.bytes.count }

    public func append(key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?, timestamp: Int64?) {
        unsafe self.storage.append(key: key, value: value, timestamp: timestamp)
    }

    /// Takes back all records but the first so many.
    public func truncate(to count: Int) {
        guard count < self.storage.entries.count else { return }
        self.storage.bytes.removeLast(self.storage.bytes.count - self.storage.entries[count].start)
        self.storage.entries.removeLast(self.storage.entries.count - count)
    }

    public func removeAll() {
        self.storage.bytes.removeAll(keepingCapacity: true)
        self.storage.entries.removeAll(keepingCapacity: true)
    }

    /// Calls `body` with a record; the bytes are valid until it returns.
    public func withRecord<Result>(
        _ index: Int,
        _ body: (_ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?, _ timestamp: Int64?) -> Result
    ) -> Result {
        let entry = self.storage.entries[index]
        return unsafe self.storage.bytes.withUnsafeBytes { bytes in
            let keyEnd = entry.start + max(entry.keyCount, 0)
            let key = unsafe entry.keyCount < 0 ? nil : UnsafeRawBufferPointer(rebasing: bytes[entry.start..<keyEnd])
            let value =
                unsafe entry.valueCount < 0
                ? nil : UnsafeRawBufferPointer(rebasing: bytes[keyEnd..<keyEnd + entry.valueCount])
            return unsafe body(key, value, entry.timestamp == .min ? nil : entry.timestamp)
        }
    }

    /// Calls `body` with all bytes of the records from `first` on: for sinks of lines.
    public func withBytes<Result>(from first: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let start = first < self.storage.entries.count ? self.storage.entries[first].start : self.storage.bytes.count
        return unsafe self.storage.bytes.withUnsafeBytes { bytes in
            unsafe body(UnsafeRawBufferPointer(rebasing: bytes[start...]))
        }
    }
}
