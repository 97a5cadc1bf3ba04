package import ConnectorKit
package import JobPlan

/// Writes the partitions of one subtask, one after the other in ascending order, each into a part of its own.
package struct PartitionWriter: ~Copyable {
    private let sink: any Sink
    private let attempt: Int
    private let last: Int
    private var formatter: PairFormatter
    private var writer: (any SinkWriter)?
    private var partition: Int

    /// Parts of the partitions that are complete.
    package private(set) var parts: [SinkPart] = []
    package private(set) var pairCount = 0

    private static let flushBytes = 128 << 10

    package init(sink: any Sink, attempt: Int, partitions: Range<Int>, format: RecordFormat) {
        self.sink = sink
        self.attempt = attempt
        self.partition = partitions.lowerBound
        self.last = partitions.upperBound
        self.formatter = PairFormatter(format: format)
    }

    /// Goes on to `partition`: those before it are complete.
    mutating func move(to partition: Int) throws(EngineError) {
        while self.partition < partition { try self.completePartition() }
    }

    @inline(__always)
    mutating func write(key: Value, value: Value) throws(EngineError) {
        do {
            try self.formatter.append(key: key, value: value)
        } catch {
            throw .corrupt("can't format a result: \(error)")
        }
        self.pairCount &+= 1
        if self.formatter.count >= Self.flushBytes { try self.flush() }
    }

    /// Completes every partition that is left.
    mutating func finish() throws(EngineError) {
        try self.move(to: self.last)
    }

    private mutating func flush() throws(EngineError) {
        try self.formatter.flush(to: try self.openWriter())
    }

    private mutating func openWriter() throws(EngineError) -> any SinkWriter {
        if let writer = self.writer { return writer }
        do {
            let writer = try self.sink.makeWriter(
                partition: self.partition,
                attempt: self.attempt,
                contentType: self.formatter.content
            )
            self.writer = writer
            return writer
        } catch {
            throw .connector(error)
        }
    }

    private mutating func completePartition() throws(EngineError) {
        let writer = try self.openWriter()
        try self.formatter.flush(to: writer)
        do {
            self.parts.append(try writer.finish())
        } catch {
            throw .connector(error)
        }
        self.writer = nil
        self.partition += 1
    }

    /// Gives up the partition that is being written.
    mutating func discard() {
        self.writer?.discard()
        self.writer = nil
    }
}
