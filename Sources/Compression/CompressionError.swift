/// Why bytes couldn't be compressed or decompressed.
///
/// Offsets count bytes of the compressed input from its start.
package enum CompressionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The input ends in the middle of a gzip member or zstd frame.
    case truncated(offset: Int64)
    /// The input isn't what its signature says, or its checksum doesn't match.
    case corrupt(offset: Int64, reason: String)
    /// The result doesn't fit where it should go.
    case tooLarge(reason: String)
    /// The library couldn't be set up: memory is exhausted.
    case outOfMemory

    package var description: String {
        switch self {
        case .truncated(let offset):
            "the compressed bytes end too early, at byte \(offset) of the file"
        case .corrupt(let offset, let reason):
            "the compressed bytes are damaged near byte \(offset) of the file: \(reason)"
        case .tooLarge(let reason):
            "the result doesn't fit: \(reason)"
        case .outOfMemory:
            "memory is exhausted"
        }
    }
}

/// What one call of a compressor or decompressor did.
package struct CompressionProgress: Hashable, Sendable {
    /// Bytes of the input that needn't be offered again.
    package let consumedCount: Int

    /// Bytes at the start of the output that are now valid.
    package let producedCount: Int
}
