private import CZlib

/// Zlib's inflate over gzip members.
///
/// The state lives on the heap, because zlib keeps a pointer to it and refuses a moved one.
@safe
final class GzipDecompressor: DecompressionMachine {
    private let stream: UnsafeMutablePointer<z_stream>

    init() throws(CompressionError) {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        guard unsafe weir_inflate_init(stream) == Z_OK else {
            unsafe stream.deallocate()
            throw .outOfMemory
        }
        unsafe self.stream = stream
    }

    deinit {
        unsafe inflateEnd(self.stream)
        unsafe self.stream.deallocate()
    }

    func step(
        _ input: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer,
        isAtBoundary: Bool,
        offset: Int64
    ) throws(CompressionError) -> DecompressionStep {
        // Zlib counts in 32 bits; what doesn't fit stays for the next call.
        let inputCount = min(input.count, Int(UInt32.max))
        let outputCount = min(output.count, Int(UInt32.max))
        var skipped = 0
        if isAtBoundary && offset > 0 {
            // Tape blocks and some writers pad with zeros, which gzip ignores.
            while skipped < inputCount, unsafe input[skipped] == 0 { skipped += 1 }
        }
        guard skipped < inputCount || !isAtBoundary else {
            return DecompressionStep(progress: .init(consumedCount: skipped, producedCount: 0), isAtBoundary: true)
        }

        if isAtBoundary { unsafe inflateReset(self.stream) }
        unsafe self.stream.pointee.next_in = UnsafeMutablePointer(
            mutating: input.baseAddress?.advanced(by: skipped).assumingMemoryBound(to: UInt8.self)
        )
        unsafe self.stream.pointee.avail_in = UInt32(inputCount - skipped)
        unsafe self.stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe self.stream.pointee.avail_out = UInt32(outputCount)
        let code = unsafe inflate(self.stream, Z_NO_FLUSH)

        let consumed = unsafe inputCount - Int(self.stream.pointee.avail_in)
        let progress = CompressionProgress(
            consumedCount: consumed,
            producedCount: unsafe outputCount - Int(self.stream.pointee.avail_out)
        )
        switch code {
        case Z_STREAM_END: return DecompressionStep(progress: progress, isAtBoundary: true)
        case Z_OK, Z_BUF_ERROR: return DecompressionStep(progress: progress, isAtBoundary: false)
        case Z_MEM_ERROR: throw .outOfMemory
        default: throw .corrupt(offset: offset + Int64(consumed), reason: self.reason(code))
        }
    }

    private func reason(_ code: Int32) -> String {
        guard let text = unsafe self.stream.pointee.msg else { return "zlib code \(code)" }
        return unsafe String(cString: text)
    }
}
