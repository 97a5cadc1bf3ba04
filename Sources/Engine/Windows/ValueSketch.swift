internal import Glibc

/// HyperLogLog: how many distinct values there are, within 1.6 % as a rule (one standard error), in 4 KiB a key.
///
/// Source: Flajolet et al., "HyperLogLog: the analysis of a near-optimal cardinality estimation algorithm", 2007, with
/// linear counting for small numbers.
enum ValueSketch {
    /// Bits of a hash that choose a register.
    private static let indexBits: UInt64 = 12
    static let registerCount = 1 << 12

    /// The largest that a register can be.
    static let rankMaximum = UInt8(64 - indexBits) + 1

    /// A hash all of whose bits depend on all of the value's.
    static func hash(_ key: KeyWords, _ bytes: Bytes) -> UInt64 {
        let hash = KeyWords.mix(key.hash ^ 0xA076_1D64_78BD_642F, 0xE703_7ED1_A0B4_28DB)
        return hash ^ hash >> 32
    }

    static func add(_ hash: UInt64, to registers: UnsafeMutablePointer<UInt8>) {
        let index = Int(hash >> (64 - Self.indexBits))
        let rank = UInt8(min((hash << Self.indexBits).leadingZeroBitCount, 64 - Int(Self.indexBits))) + 1
        if unsafe registers[index] < rank { unsafe registers[index] = rank }
    }

    static func merge(_ other: UnsafePointer<UInt8>, into registers: UnsafeMutablePointer<UInt8>) {
        for index in 0..<Self.registerCount where unsafe other[index] > registers[index] {
            unsafe registers[index] = other[index]
        }
    }

    static func estimate(_ registers: UnsafePointer<UInt8>) -> Int64 {
        let count = Double(Self.registerCount)
        var sum = 0.0
        var zeroCount = 0
        for index in 0..<Self.registerCount {
            unsafe sum += exp2(-Double(registers[index]))
            if unsafe registers[index] == 0 { zeroCount += 1 }
        }
        let raw = 0.7213 / (1 + 1.079 / count) * count * count / sum
        if raw <= 2.5 * count, zeroCount > 0 { return Int64((count * log(count / Double(zeroCount))).rounded()) }
        // Full registers estimate more than fits.
        return Int64(min(raw.rounded(), Double(1 << 62)))
    }
}
