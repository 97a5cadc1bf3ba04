public import CoreTypes

/// A source that goes on: topics, logs that grow.
///
/// Its splits (topic partitions) have names that stay the same, and positions at which reading can be taken up again.
public protocol StreamSource: Source {
    /// Lists the splits that are there now, each with the position at which a job that never read it begins.
    ///
    /// Called when a job starts anew; may wait for the outside system, within a time limit of its own.
    ///
    /// - Throws: Nothing is there, or the system can't be reached; no state is left behind.
    func discoverSplits() throws(ConnectorError) -> [StreamSplit]

    /// As ``discoverSplits()``, for a job that has begun, now or in an earlier run.
    ///
    /// A split that the job doesn't know has appeared since: its position is that of its first record, wherever new jobs
    /// begin.
    func discoverLaterSplits() throws(ConnectorError) -> [StreamSplit]

    /// Makes the reader of one subtask; it reads nothing before splits are added to it.
    ///
    /// `wake` is called from any thread, any number of times, when there may be something to poll again.
    func makeStreamReader(wake: @escaping @Sendable () -> Void) throws(ConnectorError) -> any StreamReader
}

extension StreamSource {
    public func discoverLaterSplits() throws(ConnectorError) -> [StreamSplit] {
        try self.discoverSplits()
    }
}

/// A part of a stream whose records have an order, and a position in it.
public struct StreamSplit: Hashable, Sendable {
    /// What it is called in checkpoints and messages, as long as it exists: `clicks/3`.
    public let name: String

    /// The position of the next record to read.
    public let position: Int64

    public init(name: String, position: Int64) {
        self.name = name
        self.position = position
    }
}

/// Reads any number of splits for one subtask.
///
/// ## Order of calls
/// `add` and `poll` in any order, at last `close`, exactly once. All calls come from one thread, one at a time, and none
/// of them waits for the outside system.
public protocol StreamReader: AnyObject {
    /// Begins to read splits at their positions; messages name them by how many were added before.
    func add(_ splits: [StreamSplit]) throws(ConnectorError)

    /// Stops or resumes the delivery of a split's messages, so that one that is far ahead waits for the others.
    ///
    /// Messages of it that were fetched already may still come once.
    func setPaused(_ split: Int, _ isPaused: Bool) throws(ConnectorError)

    /// Replaces the block's content by messages that are there now, none where there are none.
    ///
    /// The messages of a split come in the order of their positions.
    func poll(into block: MessageBlock) throws(ConnectorError)

    /// The position behind the newest record of a split, as far as it is known; nil: not yet.
    ///
    /// A split that is read to its end answers the position behind the last message that was polled, or at which reading
    /// began, even where the system counts something of its own behind it.
    func endPosition(of split: Int) -> Int64?

    /// How far reading a split has come; a silent split is idle only once it has caught up.
    func advance(of split: Int) -> SplitAdvance

    /// What hinders reading at present without ending it, such as a broker that can't be reached, for those who ask why a
    /// job is slow; nil: nothing.
    var warning: String? { get }

    /// The value of a header of a message of the last poll, the last one of that name; nil where it has none.
    ///
    /// Its bytes are valid as long as the message's.
    func header(_ name: UnsafeRawBufferPointer, of message: StreamMessage) -> UnsafeRawBufferPointer?

    /// Tells the outside system, for those who watch it, up to where a checkpoint has come; failures are logged there.
    func publish(_ positions: [StreamSplit])

    func close()
}

extension StreamReader {
    public var warning: String? { nil }
    public func header(_ name: UnsafeRawBufferPointer, of message: StreamMessage) -> UnsafeRawBufferPointer? { nil }
}

/// One record of a stream, in memory of its reader.
@safe
public struct StreamMessage {
    /// Nil for a tombstone.
    public let value: UnsafeRawBufferPointer?

    /// Nil where it has none.
    public let key: UnsafeRawBufferPointer?

    /// Milliseconds since 1970; nil where the system keeps none.
    public let timestamp: Int64?

    /// Its position in the split; the next may be more than one further.
    public let position: Int64

    /// The number of its split in the order they were added to the reader.
    public let split: Int

    /// By which its reader finds it again; nil where it needn't.
    public let handle: UnsafeMutableRawPointer?

    public init(
        value: UnsafeRawBufferPointer?,
        key: UnsafeRawBufferPointer?,
        timestamp: Int64?,
        position: Int64,
        split: Int,
        handle: UnsafeMutableRawPointer? = nil
    ) {
        unsafe self.handle = handle
        unsafe self.value = value
        unsafe self.key = key
        self.timestamp = timestamp
        self.position = position
        self.split = split
    }
}

/// Messages that a stream reader hands over at once; their bytes stay its own.
///
/// The bytes are valid until the next `poll` into any block of that reader, or its `close`. Nothing behind a message's
/// last byte may be read.
///
/// One subtask owns a block and uses it again for every poll.
@safe
public final class MessageBlock {
    /// The first message; `count` of them are initialised.
    private let messages: UnsafeMutablePointer<StreamMessage>
    public let capacity: Int
    public private(set) var count = 0

    public init(capacity: Int) {
        precondition(capacity > 0, "a block needs room")
        self.capacity = capacity
        unsafe self.messages = .allocate(capacity: capacity)
    }

    deinit {
        unsafe self.messages.deallocate()
    }

    public var isFull: Bool { self.count == self.capacity }

    public subscript(index: Int) -> StreamMessage {
        precondition(index >= 0 && index < self.count, "a block has this message")
        return unsafe self.messages[index]
    }

    /// Adds a message; the block mustn't be full.
    public func append(_ message: StreamMessage) {
        precondition(self.count < self.capacity, "a block has room")
        unsafe (self.messages + self.count).initialize(to: message)
        self.count += 1
    }

    public func removeAll() {
        self.count = 0
    }
}
