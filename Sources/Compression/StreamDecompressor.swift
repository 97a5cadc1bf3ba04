/// Turns a compressed stream back into what it was, a buffer at a time.
///
/// Several gzip members, or several zstd frames, behind each other count as one stream, as `gzip -d` and `zstd -d`
/// have it.
///
/// ## Order of calls
/// `decompress` with what isn't consumed yet, as often as needed; once the input is at its end and a call produced
/// nothing more, `finish`, which tells a complete stream from a truncated one. After an error only `deinit`.
package struct StreamDecompressor: ~Copyable {
    private enum Machine: ~Copyable {
        case gzip(GzipDecompressor)
        case zstd(ZstdDecompressor)
    }

    package let format: CompressionFormat

    /// Compressed bytes consumed since the start.
    package private(set) var offset: Int64 = 0

    private let machine: Machine
    private var isAtBoundary = true

    package init(_ format: CompressionFormat) throws(CompressionError) {
        self.format = format
        switch format {
        case .gzip: self.machine = .gzip(try GzipDecompressor())
        case .zstd: self.machine = .zstd(try ZstdDecompressor())
        }
    }

    /// Consumes from `input` and produces into `output` until one of them is used up.
    ///
    /// - Throws: The input is damaged, with the offset.
    package mutating func decompress(
        _ input: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer
    ) throws(CompressionError) -> CompressionProgress {
        let step: DecompressionStep
        switch self.machine {
        case .gzip(let gzip):
            step = try unsafe gzip.step(input, into: output, isAtBoundary: self.isAtBoundary, offset: self.offset)
        case .zstd(let zstd):
            step = try unsafe zstd.step(input, into: output, isAtBoundary: self.isAtBoundary, offset: self.offset)
        }
        self.offset += Int64(step.progress.consumedCount)
        self.isAtBoundary = step.isAtBoundary
        return step.progress
    }

    /// Checks that the stream ended where a member or frame ends.
    package func finish() throws(CompressionError) {
        guard self.isAtBoundary else { throw .truncated(offset: self.offset) }
    }
}

/// A step of one format's machine.
struct DecompressionStep {
    let progress: CompressionProgress

    /// Whether the stream may end here.
    let isAtBoundary: Bool
}
