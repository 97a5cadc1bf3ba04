public import ConnectorKit

/// Writes the results of a stream to standard output as they come: at least once.
public final class StdoutStreamSink: StreamSink {
    private let sink: StdoutSink

    init(_ sink: StdoutSink = StdoutSink()) {
        self.sink = sink
    }

    public var summary: String { self.sink.summary }

    public var recordForm: OutputForm { .lines }

    public func prepareStream() throws(ConnectorError) { try self.sink.prepare() }

    public func makeStreamWriter(
        subtask: Int,
        content: SinkContent,
        wake: @escaping @Sendable () -> Void
    ) throws(ConnectorError) -> any StreamWriter {
        StdoutStreamWriter(StdoutWriter(sink: self.sink, partition: subtask, attempt: 0))
    }
}

/// Writes what it gets at once: somebody may be looking.
final class StdoutStreamWriter: StreamWriter {
    private let writer: StdoutWriter

    init(_ writer: StdoutWriter) {
        self.writer = writer
    }

    func write(_ records: OutputBlock, from first: Int) throws(ConnectorError) -> Int {
        let writer = self.writer
        // A typed error can't pass through the closure's rethrow.
        let result = unsafe records.withBytes(from: first) { bytes in
            Result { () throws(ConnectorError) in try unsafe writer.write(bytes) }
        }
        try result.get()
        try writer.flush()
        return records.count - first
    }

    func flush() throws(ConnectorError) -> Bool { true }

    func close() {}
}
