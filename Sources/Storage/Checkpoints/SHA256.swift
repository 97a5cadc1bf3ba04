/// The hash by which blobs are called: equal names are equal content.
///
/// Source: FIPS 180-4, sections 4.1.2, 5.3.3 and 6.2.
struct SHA256 {
    private var state: [UInt32] = [
        0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB, 0x5BE0_CD19,
    ]
    private var rest: [UInt8] = []
    private var byteCount: UInt64 = 0

    private static let blockBytes = 64

    mutating func update(_ bytes: [UInt8]) {
        self.byteCount += UInt64(bytes.count)
        var offset = 0
        if !self.rest.isEmpty {
            offset = min(Self.blockBytes - self.rest.count, bytes.count)
            self.rest += bytes[..<offset]
            guard self.rest.count == Self.blockBytes else { return }
            let block = self.rest
            self.rest = []
            self.take(block, from: 0, blockCount: 1)
        }
        let blockCount = (bytes.count - offset) / Self.blockBytes
        self.take(bytes, from: offset, blockCount: blockCount)
        self.rest = Array(bytes[(offset + blockCount * Self.blockBytes)...])
    }

    /// The hash of everything, in hexadecimal digits.
    consuming func finish() -> String {
        let bitCount = self.byteCount * 8
        var padding: [UInt8] = [0x80]
        let zeros = (Self.blockBytes * 2 - 9 - self.rest.count) % Self.blockBytes
        padding += Array(repeating: 0, count: zeros)
        padding += CheckpointBlob.bytes(of: bitCount).reversed()
        self.update(padding)
        return self.state.map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 8 - digits.utf8.count) + digits
        }
        .joined()
    }

    private mutating func take(_ bytes: [UInt8], from start: Int, blockCount: Int) {
        guard blockCount > 0 else { return }
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { words in
                for block in 0..<blockCount {
                    let offset = start + block * Self.blockBytes
                    unsafe Self.fill(words, from: bytes, at: offset)
                    unsafe self.mix(words)
                }
            }
        }
    }

    private static func fill(
        _ words: UnsafeMutableBufferPointer<UInt32>,
        from bytes: UnsafeRawBufferPointer,
        at offset: Int
    ) {
        for index in 0..<16 {
            let word = unsafe bytes.loadUnaligned(fromByteOffset: offset + 4 * index, as: UInt32.self)
            unsafe words[index] = UInt32(bigEndian: word)
        }
        for index in 16..<64 {
            let (early, late) = unsafe (words[index - 15], words[index - 2])
            let first = Self.turn(early, 7) ^ Self.turn(early, 18) ^ early >> 3
            let second = Self.turn(late, 17) ^ Self.turn(late, 19) ^ late >> 10
            unsafe words[index] = words[index - 16] &+ first &+ words[index - 7] &+ second
        }
    }

    private mutating func mix(_ words: UnsafeMutableBufferPointer<UInt32>) {
        var (a, b, c, d) = (self.state[0], self.state[1], self.state[2], self.state[3])
        var (e, f, g, h) = (self.state[4], self.state[5], self.state[6], self.state[7])
        for round in 0..<64 {
            let upper = Self.turn(e, 6) ^ Self.turn(e, 11) ^ Self.turn(e, 25)
            let choice = (e & f) ^ (~e & g)
            let first = unsafe h &+ upper &+ choice &+ Self.constants[round] &+ words[round]
            let lower = Self.turn(a, 2) ^ Self.turn(a, 13) ^ Self.turn(a, 22)
            let majority = (a & b) ^ (a & c) ^ (b & c)
            (h, g, f, e, d, c, b, a) = (g, f, e, d &+ first, c, b, a, first &+ lower &+ majority)
        }
        for (index, word) in [a, b, c, d, e, f, g, h].enumerated() { self.state[index] &+= word }
    }

    @inline(__always)
    private static func turn(_ word: UInt32, _ count: UInt32) -> UInt32 {
        word &>> count | word &<< (32 &- count)
    }

    private static let constants: [UInt32] = [
        0x428A_2F98, 0x7137_4491, 0xB5C0_FBCF, 0xE9B5_DBA5, 0x3956_C25B, 0x59F1_11F1, 0x923F_82A4, 0xAB1C_5ED5,
        0xD807_AA98, 0x1283_5B01, 0x2431_85BE, 0x550C_7DC3, 0x72BE_5D74, 0x80DE_B1FE, 0x9BDC_06A7, 0xC19B_F174,
        0xE49B_69C1, 0xEFBE_4786, 0x0FC1_9DC6, 0x240C_A1CC, 0x2DE9_2C6F, 0x4A74_84AA, 0x5CB0_A9DC, 0x76F9_88DA,
        0x983E_5152, 0xA831_C66D, 0xB003_27C8, 0xBF59_7FC7, 0xC6E0_0BF3, 0xD5A7_9147, 0x06CA_6351, 0x1429_2967,
        0x27B7_0A85, 0x2E1B_2138, 0x4D2C_6DFC, 0x5338_0D13, 0x650A_7354, 0x766A_0ABB, 0x81C2_C92E, 0x9272_2C85,
        0xA2BF_E8A1, 0xA81A_664B, 0xC24B_8B70, 0xC76C_51A3, 0xD192_E819, 0xD699_0624, 0xF40E_3585, 0x106A_A070,
        0x19A4_C116, 0x1E37_6C08, 0x2748_774C, 0x34B0_BCB5, 0x391C_0CB3, 0x4ED8_AA4A, 0x5B9C_CA4F, 0x682E_6FF3,
        0x748F_82EE, 0x78A5_636F, 0x84C8_7814, 0x8CC7_0208, 0x90BE_FFFA, 0xA450_6CEB, 0xBEF9_A3F7, 0xC671_78F2,
    ]
}
