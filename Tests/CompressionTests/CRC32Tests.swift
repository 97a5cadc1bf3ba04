import Compression
import Testing

@Suite struct CRC32Tests {
    @Test func `the checksum of the digits is the one that the standard names`() {
        let digits = Array("123456789".utf8)

        #expect(unsafe digits.withUnsafeBytes { unsafe CRC32.checksum($0) } == 0xCBF4_3926)
    }

    @Test func `it goes on from what lies before`() {
        let (first, second) = (Array("1234".utf8), Array("56789".utf8))
        let former = unsafe first.withUnsafeBytes { unsafe CRC32.checksum($0) }

        #expect(unsafe second.withUnsafeBytes { unsafe CRC32.checksum($0, behind: former) } == 0xCBF4_3926)
    }

    @Test func `that of nothing is the one before`() {
        #expect(unsafe CRC32.checksum(UnsafeRawBufferPointer(start: nil, count: 0), behind: 7) == 7)
    }
}
