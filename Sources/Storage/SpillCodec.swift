internal import Compression
internal import Engine
private import Synchronization

/// Compresses and decompresses spill blocks in a buffer of its own.
@safe
final class SpillCodec {
    /// A header and the frame of one block, as long as it can get.
    let buffer: UnsafeMutableRawBufferPointer

    private var compressor: ZstdBlockCompressor?
    private var decompressor: ZstdBlockDecompressor?

    init() {
        let length = SpillBlock.headerLength + ZstdBlockCompressor.bound(SpillLimits.blockBytes)
        unsafe self.buffer = .allocate(byteCount: length, alignment: 64)
    }

    deinit {
        unsafe self.buffer.deallocate()
    }

    /// Puts the frame of `content` behind the room for a header.
    ///
    /// - Returns: The frame's length.
    func compress(_ content: UnsafeRawBufferPointer) throws(CompressionError) -> Int {
        if self.compressor == nil { self.compressor = try ZstdBlockCompressor() }
        let room = unsafe UnsafeMutableRawBufferPointer(rebasing: self.buffer[SpillBlock.headerLength...])
        return try unsafe self.compressor?.compress(content, into: room) ?? 0
    }

    /// Decompresses the frame of `frameLength` bytes behind the header.
    ///
    /// - Returns: The content's length.
    func decompress(
        frameLength: Int,
        into content: UnsafeMutableRawBufferPointer
    ) throws(CompressionError) -> Int {
        if self.decompressor == nil { self.decompressor = try ZstdBlockDecompressor() }
        let start = SpillBlock.headerLength
        let frame = unsafe UnsafeRawBufferPointer(rebasing: self.buffer[start..<start + frameLength])
        return try unsafe self.decompressor?.decompress(frame, into: content) ?? 0
    }
}

/// Codecs that are shared by all runs, because each takes megabytes and is needed for one block at a time.
///
/// There are never more than threads that spill at the same moment.
final class SpillCodecPool: Sendable {
    private let idle = Mutex<[CodecSlot]>([])

    func withCodec<Result, Failure: Error>(
        _ body: (SpillCodec) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let codec = self.take()
        defer { self.give(codec) }
        return try body(codec)
    }

    private func take() -> SpillCodec {
        self.idle.withLock { $0.popLast() }?.codec ?? SpillCodec()
    }

    private func give(_ codec: SpillCodec) {
        let slot = CodecSlot(codec: codec)
        self.idle.withLock { $0.append(slot) }
    }
}

/// A codec that nobody uses.
// SAFETY: a codec is in a slot only between two uses, and the pool's lock hands it from one user to the next.
private struct CodecSlot: @unchecked Sendable {
    let codec: SpillCodec
}
