import ConnectorKit
import Engine
import Synchronization

/// Keeps what is written, part by part.
final class MemorySink: Sink {
    private let written = Mutex<[[UInt8]]>([])

    var summary: String { "memory" }

    /// What each writer got, in the order in which they were made.
    var parts: [[UInt8]] { self.written.withLock { $0 } }

    func prepare() {}

    func makeWriter(partition: Int, attempt: Int, contentType: SinkContent) -> any SinkWriter {
        let index = self.written.withLock { parts in
            parts.append([])
            return parts.count - 1
        }
        return MemoryWriter(sink: self, index: index, partition: partition, attempt: attempt)
    }

    func commit(_ parts: [SinkPart]) {}

    func abort() {}

    fileprivate func append(_ bytes: UnsafeRawBufferPointer, to index: Int) {
        self.written.withLock { unsafe $0[index].append(contentsOf: bytes) }
    }
}

private final class MemoryWriter: SinkWriter {
    private let sink: MemorySink
    private let index: Int
    private let partition: Int
    private let attempt: Int

    init(sink: MemorySink, index: Int, partition: Int, attempt: Int) {
        self.sink = sink
        self.index = index
        self.partition = partition
        self.attempt = attempt
    }

    func write(_ bytes: UnsafeRawBufferPointer) {
        unsafe self.sink.append(bytes, to: self.index)
    }

    func finish() -> SinkPart { SinkPart(partition: self.partition, attempt: self.attempt, bytes: 0, token: "") }

    func discard() {}
}

/// Generated jobs are far from their memory limits.
struct NoSpill: SpillStore {
    func makeRun() throws(SpillError) -> any SpillRunWriter {
        throw SpillError(.failed, "a generated job must not spill")
    }
}
