internal import Compression
internal import ConnectorKit
private import Glibc

/// Writes one part file of a ``PathSink``.
@safe
final class PartWriter: SinkWriter {
    /// Bytes collected before they are written.
    private static let bufferLimit = 256 * 1_024

    private let file: OpenFile
    private let token: String
    private let partition: Int
    private let attempt: Int
    private let buffer: UnsafeMutableRawBufferPointer
    private var bufferedCount = 0
    private var compressor: PartCompressor?
    private var bytes: Int64 = 0

    private let isDurable: Bool

    init(
        path: String,
        token: String,
        partition: Int,
        attempt: Int,
        options: PathSinkOptions
    ) throws(ConnectorError) {
        self.compressor = options.compresses ? try PartCompressor(path: path) : nil
        self.isDurable = options.isDurable
        do {
            self.file = try OpenFile(creating: path)
        } catch {
            throw error.error("create '\(path)'")
        }
        self.token = token
        self.partition = partition
        self.attempt = attempt
        unsafe self.buffer = .allocate(byteCount: Self.bufferLimit, alignment: 64)
    }

    deinit {
        unsafe self.buffer.deallocate()
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(ConnectorError) {
        if bytes.count > Self.bufferLimit - self.bufferedCount { try self.flush() }
        guard bytes.count <= Self.bufferLimit else { return try unsafe self.pass(bytes) }
        guard let source = bytes.baseAddress, let target = unsafe self.buffer.baseAddress else { return }
        unsafe (target + self.bufferedCount).copyMemory(from: source, byteCount: bytes.count)
        self.bufferedCount += bytes.count
    }

    func finish() throws(ConnectorError) -> SinkPart {
        try self.flush()
        try unsafe self.compressor?.finish { bytes throws(ConnectorError) in try unsafe self.append(bytes) }
        do {
            if self.isDurable { try self.file.synchronize() }
        } catch {
            throw error.error("make the \(self.bytes) bytes of '\(self.file.path)' durable")
        }
        return SinkPart(partition: self.partition, attempt: self.attempt, bytes: self.bytes, token: self.token)
    }

    func discard() {
        unsafe unlink(self.file.path)
    }

    private func flush() throws(ConnectorError) {
        let count = self.bufferedCount
        self.bufferedCount = 0
        try unsafe self.pass(UnsafeRawBufferPointer(rebasing: self.buffer[0..<count]))
    }

    private func pass(_ bytes: UnsafeRawBufferPointer) throws(ConnectorError) {
        guard let compressor = self.compressor else { return try unsafe self.append(bytes) }
        try unsafe compressor.compress(bytes) { bytes throws(ConnectorError) in try unsafe self.append(bytes) }
    }

    private func append(_ bytes: UnsafeRawBufferPointer) throws(ConnectorError) {
        do {
            try unsafe self.file.write(bytes)
        } catch {
            throw error.error("write \(bytes.count) bytes to '\(self.file.path)' (\(self.bytes) are written)")
        }
        self.bytes += Int64(bytes.count)
    }
}

/// Compresses what a part file gets.
@safe
private final class PartCompressor {
    private let path: String
    private let output: UnsafeMutableRawBufferPointer
    private var stream: ZstdStreamCompressor

    init(path: String) throws(ConnectorError) {
        self.path = path
        do throws(CompressionError) {
            self.stream = try ZstdStreamCompressor()
        } catch {
            throw ConnectorError(.external, retry: .never, "can't compress '\(path)': \(error); free some memory")
        }
        unsafe self.output = .allocate(byteCount: 128 * 1_024, alignment: 64)
    }

    deinit {
        unsafe self.output.deallocate()
    }

    func compress(
        _ bytes: UnsafeRawBufferPointer,
        _ append: (UnsafeRawBufferPointer) throws(ConnectorError) -> Void
    ) throws(ConnectorError) {
        var consumed = 0
        while consumed < bytes.count {
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[consumed...])
            let progress: CompressionProgress
            do throws(CompressionError) {
                progress = try unsafe self.stream.compress(rest, into: self.output)
            } catch {
                throw self.failure(error)
            }
            consumed += progress.consumedCount
            try unsafe append(UnsafeRawBufferPointer(rebasing: self.output[0..<progress.producedCount]))
        }
    }

    func finish(_ append: (UnsafeRawBufferPointer) throws(ConnectorError) -> Void) throws(ConnectorError) {
        var isComplete = false
        while !isComplete {
            let step: (producedCount: Int, isComplete: Bool)
            do throws(CompressionError) {
                step = try unsafe self.stream.finish(into: self.output)
            } catch {
                throw self.failure(error)
            }
            isComplete = step.isComplete
            try unsafe append(UnsafeRawBufferPointer(rebasing: self.output[0..<step.producedCount]))
        }
    }

    private func failure(_ error: CompressionError) -> ConnectorError {
        ConnectorError(.internal, retry: .never, "can't compress '\(self.path)': \(error)", cause: error)
    }
}
