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

    /// The format that a file's name speaks of; what is in it may be something else.
    package init?(fileName: String) {
        if fileName.hasSuffix(".gz") {
            self = .gzip
        } else if fileName.hasSuffix(".zst") || fileName.hasSuffix(".zstd") {
            self = .zstd
        } else {
            return nil
        }
    }

    /// Whether bytes, at least one but too few for ``init(sniffing:)``, begin like the format's signature: what is left
    /// of a file that was cut.
    package func isBegun(by bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count > 0, bytes.count < Self.sniffLength else { return false }
        let signatures: [[ClosedRange<UInt8>]] =
            switch self {
            case .gzip: [[0x1F...0x1F, 0x8B...0x8B, 8...8]]
            case .zstd: [[0x28...0x28, 0xB5...0xB5, 0x2F...0x2F], [0x50...0x5F, 0x2A...0x2A, 0x4D...0x4D]]
            }
        return signatures.contains { signature in
            unsafe zip(bytes, signature).allSatisfy { byte, range in range.contains(byte) }
        }
    }
}
