internal import CKernels

/// Numbers of JSON as values: what fits 64 bits and has neither fraction nor exponent is an integer.
enum JSONNumber {
    /// The largest power of ten that is exact as a float.
    private static let exactPowerLimit = 22

    /// Digits that always fit into the exact integers of a float, and into two words of digits.
    private static let exactDigitCount = 15

    /// The value of the number from `start` to `end`, which ``JSONScan`` accepted; nil where it is beyond all numbers.
    @inline(__always)
    static func value(_ text: Bytes, _ start: Int, _ end: Int, limit: Int) -> Value? {
        let isNegative = text[start] == UInt8(ascii: "-")
        let first = isNegative ? start &+ 1 : start
        let count = JSONScan.digitCount(text, first, limit: limit)
        if first &+ count == end, count <= 16 {
            let magnitude = Int64(bitPattern: self.integer(text, first, count))
            return Value(isNegative ? 0 &- magnitude : magnitude)
        }
        return self.rare(text, start, end, integerCount: count, limit: limit)
    }

    /// Reads a number that fits one wide load and has no exponent: most have.
    ///
    /// - Returns: Where it ends, or 0 where it is another number or none.
    @inline(__always)
    static func readShort(_ text: Bytes, _ start: Int, into value: inout Value) -> Int {
        let isNegative = text[start] == UInt8(ascii: "-")
        let first = isNegative ? start &+ 1 : start
        let stops = unsafe weir_digit_stops(text.start + first)
        let count = stops.trailingZeroBitCount
        guard Self.isWord(count), count == 1 || text[first] != UInt8(ascii: "0") else { return 0 }
        var end = first &+ count
        if text[end] == UInt8(ascii: ".") {
            let fractionCount = (stops >> UInt32(count &+ 1)).trailingZeroBitCount
            guard Self.isWord(fractionCount), count &+ fractionCount < Self.exactDigitCount else { return 0 }
            let fraction = self.integerOfEight(text, end &+ 1, fractionCount)
            let power = weir_exact_power_of_ten(fractionCount)
            end &+= 1 &+ fractionCount
            // Exact integers all, and rounded once, by the division.
            let magnitude = (Double(self.integerOfEight(text, first, count)) * power + Double(fraction)) / power
            value = Value(isNegative ? -magnitude : magnitude)
        } else {
            let magnitude = Int64(bitPattern: self.integerOfEight(text, first, count))
            value = Value(isNegative ? 0 &- magnitude : magnitude)
        }
        return text[end] | 0x20 == UInt8(ascii: "e") ? 0 : end
    }

    /// Whether there are digits, and they fit a word.
    @inline(__always)
    private static func isWord(_ count: Int) -> Bool { UInt(bitPattern: count &- 1) < 8 }

    private static func rare(_ text: Bytes, _ start: Int, _ end: Int, integerCount: Int, limit: Int) -> Value? {
        let digits = text.slice(start, end)
        if let float = self.exactFloat(text, start, end, integerCount, limit: limit) { return Value(float) }
        if let integer = NumberText.integer(of: digits) { return Value(integer) }
        return Double(digits.string).map { Value($0) }
    }

    /// A number of few digits: one exact integer, multiplied or divided by one exact power, is rounded once.
    private static func exactFloat(_ text: Bytes, _ start: Int, _ end: Int, _ count: Int, limit: Int) -> Double? {
        let isNegative = text[start] == UInt8(ascii: "-")
        let first = isNegative ? start &+ 1 : start
        guard count <= Self.exactDigitCount, first &+ count < end else { return nil }
        var digits = self.integer(text, first, count)
        var exponent = 0
        var offset = first &+ count
        if text[offset] == UInt8(ascii: ".") {
            let fractionCount = JSONScan.digitCount(text, offset &+ 1, limit: limit)
            guard count &+ fractionCount <= Self.exactDigitCount else { return nil }
            for index in 1...fractionCount { digits = digits &* 10 &+ UInt64(text[offset &+ index] &- 0x30) }
            exponent = -fractionCount
            offset &+= 1 &+ fractionCount
        }
        if offset < end {
            // Behind the letter; three characters of an exponent are more than any exact power has.
            guard end &- offset <= 4, let power = NumberText.integer(of: text.slice(offset &+ 1, end)) else {
                return nil
            }
            exponent &+= Int(power)
        }
        guard exponent.magnitude <= Self.exactPowerLimit else { return nil }
        let power = weir_exact_power_of_ten(Int(exponent.magnitude))
        let magnitude = exponent < 0 ? Double(digits) / power : Double(digits) * power
        return isNegative ? -magnitude : magnitude
    }

    /// At most 16 digits.
    @inline(__always)
    private static func integer(_ text: Bytes, _ first: Int, _ count: Int) -> UInt64 {
        if count <= 8 { return self.integerOfEight(text, first, count) }
        let lower = self.integerOfEight(text, first &+ count &- 8, 8)
        return self.integerOfEight(text, first, count &- 8) &* 100_000_000 &+ lower
    }

    /// Up to eight digits of a word: neighbours are added up pairwise, three times.
    @inline(__always)
    private static func integerOfEight(_ text: Bytes, _ first: Int, _ count: Int) -> UInt64 {
        let loaded = unsafe UnsafeRawPointer(text.start + first).loadUnaligned(as: UInt64.self)
        // Missing digits become zeros in front.
        let word = (UInt64(littleEndian: loaded) &- 0x3030_3030_3030_3030) << UInt64(64 &- 8 &* count)
        let pairs = word &* 10 &+ word >> 8
        let lower = (pairs & 0x0000_00FF_0000_00FF) &* 0x000F_4240_0000_0064
        let upper = (pairs >> 16 & 0x0000_00FF_0000_00FF) &* 0x0000_2710_0000_0001
        return (lower &+ upper) >> 32
    }
}
