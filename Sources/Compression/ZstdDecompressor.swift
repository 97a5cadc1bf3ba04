private import CZstd

/// Zstd's streaming decoder over frames.
@safe
final class ZstdDecompressor: DecompressionMachine {
    private let context: OpaquePointer

    init() throws(CompressionError) {
        guard let context = unsafe ZSTD_createDCtx() else { throw .outOfMemory }
        unsafe self.context = context
    }

    deinit {
        unsafe ZSTD_freeDCtx(self.context)
    }

    func step(
        _ input: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer,
        isAtBoundary: Bool,
        offset: Int64
    ) throws(CompressionError) -> DecompressionStep {
        // Without input the decoder would say that it wants the next frame, which there needn't be.
        guard input.count > 0 || !isAtBoundary else {
            return DecompressionStep(progress: .init(consumedCount: 0, producedCount: 0), isAtBoundary: true)
        }
        var from = unsafe ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var to = unsafe ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let code = unsafe ZSTD_decompressStream(self.context, &to, &from)
        let progress = unsafe CompressionProgress(consumedCount: from.pos, producedCount: to.pos)
        guard ZSTD_isError(code) == 0 else {
            throw unsafe .corrupt(offset: offset + Int64(from.pos), reason: zstdReason(code))
        }
        return DecompressionStep(progress: progress, isAtBoundary: code == 0)
    }
}

/// What the library says about a code that is an error.
func zstdReason(_ code: Int) -> String {
    guard let text = unsafe ZSTD_getErrorName(code) else { return "zstd code \(code)" }
    return unsafe String(cString: text)
}
