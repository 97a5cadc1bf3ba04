private import CZlib

/// The checksum that finds bytes which a disk or a wire has changed.
///
/// Source: RFC 1952, section 8; the polynomial is that of Ethernet.
package enum CRC32 {
    /// Goes on from the checksum of what lies before these bytes; 0 where nothing does.
    package static func checksum(_ bytes: UnsafeRawBufferPointer, behind former: UInt32 = 0) -> UInt32 {
        guard let start = bytes.baseAddress else { return former }
        let typed = unsafe start.assumingMemoryBound(to: UInt8.self)
        return UInt32(truncatingIfNeeded: unsafe crc32_z(UInt(former), typed, bytes.count))
    }
}
