/// The compressed formats that Weir reads.
package enum CompressionFormat: String, Hashable, Sendable {
    /// RFC 1952, one member or several behind each other.
    case gzip
    /// RFC 8878, one frame or several behind each other, skippable frames among them.
    case zstd

    /// How many bytes of a resource ``init(sniffing:)`` wants to see.
    package static let sniffLength = 4

    /// Recognises a format by the first bytes of a resource.
    ///
    /// - Returns: Nil where the bytes are of none of them, or fewer than the format's signature.
    package init?(sniffing bytes: UnsafeRawBufferPointer) {
        // Deflate (8) is the only method that RFC 1952 defines, so the third byte belongs to the signature.
        if bytes.count >= 3, unsafe bytes[0] == 0x1F, unsafe bytes[1] == 0x8B, unsafe bytes[2] == 8 {
            self = .gzip
            return
        }
        guard bytes.count >= 4 else { return nil }
        let word = unsafe UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))
        guard word == 0xFD2F_B528 || word & 0xFFFF_FFF0 == 0x184D_2A50 else { return nil }
        self = .zstd
    }
}
