public import ConnectorKit
private import Glibc
private import Synchronization

/// Writes records to standard output as they come.
///
/// What is written can't be taken back: output of a job that fails stays, and an attempt that is repeated writes
/// again. Records are never mixed up with each other, but partitions take turns.
public final class StdoutSink: Sink {
    /// Where it writes.
    private let descriptor: Int32

    /// Held while records are written, so that those of two partitions don't interleave.
    private let turn = Mutex(())

    /// Writes to `descriptor`, which stays the caller's; 1 is standard output.
    init(descriptor: Int32 = STDOUT_FILENO) {
        self.descriptor = descriptor
    }

    public var summary: String { "standard output" }

    public func prepare() throws(ConnectorError) {
        // A reader that has gone away is to be an error, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
    }

    public func makeWriter(
        partition: Int,
        attempt: Int,
        contentType: SinkContent
    ) throws(ConnectorError) -> any SinkWriter {
        StdoutWriter(sink: self, partition: partition, attempt: attempt)
    }

    public func commit(_ parts: [SinkPart]) throws(ConnectorError) {}

    public func abort() {}

    fileprivate func write(_ bytes: [UInt8]) throws(ConnectorError) {
        try self.turn.withLock { _ throws(ConnectorError) in
            var written = 0
            while written < bytes.count {
                let rest = bytes[written...]
                let count = unsafe rest.withUnsafeBytes { buffer in
                    unsafe Glibc.write(self.descriptor, buffer.baseAddress, buffer.count)
                }
                if count > 0 {
                    written += count
                } else {
                    try self.wait(code: errno, byteCount: rest.count)
                }
            }
        }
    }

    /// Waits until writing may be tried again, or throws because it makes no sense.
    private func wait(code: Int32, byteCount: Int) throws(ConnectorError) {
        switch code {
        case EINTR:
            return
        case EAGAIN:
            // Somebody made the other end non-blocking: terminals shared with such programs are.
            var request = pollfd(fd: self.descriptor, events: Int16(POLLOUT), revents: 0)
            unsafe poll(&request, 1, -1)
        case EPIPE:
            let message =
                "can't write \(byteCount) bytes to standard output: whoever read it has gone away (EPIPE); let it "
                + "read to the end, or write to a (distributed-path …)"
            throw ConnectorError(.reader, retry: .never, message)
        default:
            let reason = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "errno \(code)"
            let (name, advice) = Self.advice(for: code)
            let message = "can't write \(byteCount) bytes to standard output: \(reason) (\(name)); \(advice)"
            throw ConnectorError(.external, retry: .never, message)
        }
    }

    private static func advice(for code: Int32) -> (name: String, advice: String) {
        switch code {
        case ENOSPC: ("ENOSPC", "free some space on the disk that it leads to, or send it somewhere else")
        case EDQUOT: ("EDQUOT", "free some of the quota where it leads to, or send it somewhere else")
        case EFBIG: ("EFBIG", "raise the file size limit (ulimit -f)")
        case EBADF: ("EBADF", "it is closed: send it to a file or a pipe")
        case EIO: ("EIO", "check the disk or terminal that it leads to")
        default: ("errno \(code)", "check where it leads to")
        }
    }
}

/// Collects the records of one partition and writes them many at a time.
final class StdoutWriter: SinkWriter {
    private static let bufferLimit = 64 * 1_024

    private let sink: StdoutSink
    private let partition: Int
    private let attempt: Int
    private var buffer: [UInt8] = []
    private var bytes: Int64 = 0

    init(sink: StdoutSink, partition: Int, attempt: Int) {
        self.sink = sink
        self.partition = partition
        self.attempt = attempt
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(ConnectorError) {
        if self.buffer.count + bytes.count > Self.bufferLimit { try self.flush() }
        unsafe self.buffer.append(contentsOf: bytes)
        self.bytes += Int64(bytes.count)
        if self.buffer.count > Self.bufferLimit { try self.flush() }
    }

    func finish() throws(ConnectorError) -> SinkPart {
        try self.flush()
        return SinkPart(partition: self.partition, attempt: self.attempt, bytes: self.bytes, token: "")
    }

    func discard() {
        self.buffer = []
    }

    func flush() throws(ConnectorError) {
        try self.sink.write(self.buffer)
        self.buffer.removeAll(keepingCapacity: true)
    }
}
