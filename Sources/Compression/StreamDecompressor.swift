/// Turns a compressed stream back into what it was, a buffer at a time.
///
/// Several gzip members, or several zstd frames, behind each other count as one stream, as `gzip -d` and `zstd -d`
/// have it.
///
/// ## Order of calls
/// `decompress` with what isn't consumed yet, as often as needed; once the input is at its end and a call produced
/// nothing more, `finish`, which tells a complete stream from a truncated one. After an error only `deinit`.
package struct StreamDecompressor: ~Copyable {
    package let format: CompressionFormat

    /// Compressed bytes consumed since the start.
    package private(set) var offset: Int64 = 0

    private let machine: any DecompressionMachine
    private var isAtBoundary = true

    package init(_ format: CompressionFormat) throws(CompressionError) {
        self.format = format
        switch format {
        case .gzip: self.machine = try GzipDecompressor()
        case .zstd: self.machine = try ZstdDecompressor()
        }
    }

    /// Consumes from `input` and produces into `output` until one of them is used up.
    ///
    /// - Throws: The input is damaged, with the offset.
    package mutating func decompress(
        _ input: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer
    ) throws(CompressionError) -> CompressionProgress {
        let step = try unsafe self.machine.step(
            input,
            into: output,
            isAtBoundary: self.isAtBoundary,
            offset: self.offset
        )
        self.offset += Int64(step.progress.consumedCount)
        self.isAtBoundary = step.isAtBoundary
        return step.progress
    }

    /// Checks that the stream ended where a member or frame ends.
    package func finish() throws(CompressionError) {
        guard self.isAtBoundary else { throw .truncated(offset: self.offset) }
    }
}

/// One format's decoder, which belongs to one stream.
///
/// A class and not an enum of noncopyable structs: with Swift 6.3 such an enum, private in a struct that another module
/// owns, doesn't link in release builds.
protocol DecompressionMachine: AnyObject {
    /// - Parameters:
    ///   - input: What isn't consumed yet.
    ///   - output: Is filled from its start.
    ///   - isAtBoundary: Whether a member or frame begins with `input`.
    ///   - offset: Of `input` in the compressed stream.
    /// - Returns: What was done.
    /// - Throws: The input is damaged.
    func step(
        _ input: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer,
        isAtBoundary: Bool,
        offset: Int64
    ) throws(CompressionError) -> DecompressionStep
}

/// A step of one format's machine.
struct DecompressionStep {
    let progress: CompressionProgress

    /// Whether the stream may end here.
    let isAtBoundary: Bool
}
