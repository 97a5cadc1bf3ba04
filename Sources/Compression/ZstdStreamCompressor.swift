private import CZstd

/// Compresses a stream into one zstd frame with a checksum, a buffer at a time.
@safe
package struct ZstdStreamCompressor: ~Copyable {
    private let context: OpaquePointer

    /// Levels go from 1, fastest, to 19.
    package init(level: Int = 1) throws(CompressionError) {
        precondition((1...19).contains(level), "zstd has levels from 1 to 19")
        guard let context = unsafe ZSTD_createCCtx() else { throw .outOfMemory }
        unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Int32(level))
        unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
        unsafe self.context = context
    }

    deinit {
        unsafe ZSTD_freeCCtx(self.context)
    }

    /// Consumes from `input` and produces into `output` until one of them is used up.
    package mutating func compress(
        _ input: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer
    ) throws(CompressionError) -> CompressionProgress {
        try unsafe self.step(input, into: output, ZSTD_e_continue).progress
    }

    /// Produces what is left and ends the frame.
    ///
    /// - Returns: How many bytes were produced, and whether the frame is complete; if it isn't, call again with
    ///   more room.
    package mutating func finish(
        into output: UnsafeMutableRawBufferPointer
    ) throws(CompressionError) -> (producedCount: Int, isComplete: Bool) {
        let step = try unsafe self.step(UnsafeRawBufferPointer(start: nil, count: 0), into: output, ZSTD_e_end)
        return (step.progress.producedCount, step.remaining == 0)
    }

    private func step(
        _ input: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer,
        _ directive: ZSTD_EndDirective
    ) throws(CompressionError) -> (progress: CompressionProgress, remaining: Int) {
        var from = unsafe ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var to = unsafe ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let remaining = unsafe ZSTD_compressStream2(self.context, &to, &from, directive)
        guard ZSTD_isError(remaining) == 0 else { throw .tooLarge(reason: zstdReason(remaining)) }
        return unsafe (CompressionProgress(consumedCount: from.pos, producedCount: to.pos), remaining)
    }
}
