private import CZstd

/// Compresses blocks on their own, each into a zstd frame with a checksum.
@safe
package struct ZstdBlockCompressor: ~Copyable {
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

    /// How much room a block of `count` bytes may need, however badly it compresses.
    package static func bound(_ count: Int) -> Int {
        ZSTD_compressBound(count)
    }

    /// - Returns: How many bytes of `output` were written.
    /// - Throws: `output` is smaller than ``bound(_:)`` and the block didn't fit.
    package mutating func compress(
        _ input: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer
    ) throws(CompressionError) -> Int {
        let count = unsafe ZSTD_compress2(
            self.context,
            output.baseAddress,
            output.count,
            input.baseAddress,
            input.count
        )
        guard ZSTD_isError(count) == 0 else { throw .tooLarge(reason: zstdReason(count)) }
        return count
    }
}

/// Decompresses what ``ZstdBlockCompressor`` made, checking its checksum.
@safe
package struct ZstdBlockDecompressor: ~Copyable {
    private let context: OpaquePointer

    package init() throws(CompressionError) {
        guard let context = unsafe ZSTD_createDCtx() else { throw .outOfMemory }
        unsafe self.context = context
    }

    deinit {
        unsafe ZSTD_freeDCtx(self.context)
    }

    /// - Returns: How many bytes of `output` were written.
    /// - Throws: The frame is damaged, or `output` is too small for it; the offset is that of the frame's start.
    package mutating func decompress(
        _ input: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer
    ) throws(CompressionError) -> Int {
        let count = unsafe ZSTD_decompressDCtx(
            self.context,
            output.baseAddress,
            output.count,
            input.baseAddress,
            input.count
        )
        guard ZSTD_isError(count) == 0 else { throw .corrupt(offset: 0, reason: zstdReason(count)) }
        return count
    }
}
