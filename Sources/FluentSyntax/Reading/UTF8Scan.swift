/// Tells UTF-8 from what only looks like it.
///
/// Source: The Unicode Standard, table 3-7.
enum UTF8Scan {
    /// The length of the well-formed scalar that begins at `index`, or nil.
    static func scalarLength(in bytes: [UInt8], at index: Int) -> Int? {
        let lead = bytes[index]
        if lead < 0x80 { return 1 }
        guard let (length, second) = self.shape(lead: lead), index + length <= bytes.count else { return nil }
        guard second.contains(bytes[index + 1]) else { return nil }
        for offset in 2..<max(length, 2) where bytes[index + offset] & 0xC0 != 0x80 { return nil }
        return length
    }

    /// The ranges that aren't UTF-8, adjacent ones joined.
    static func invalidRanges(in bytes: [UInt8]) -> [SourceRange] {
        var ranges: [SourceRange] = []
        var index = 0
        while index < bytes.count {
            if let length = self.scalarLength(in: bytes, at: index) {
                index += length
                continue
            }
            var start = index
            if let last = ranges.last, last.end == index {
                start = last.start
                ranges.removeLast()
            }
            index += 1
            ranges.append(SourceRange(start: start, end: index))
        }
        return ranges
    }

    /// How many bytes a scalar with this first byte has, and what the second one may be.
    private static func shape(lead: UInt8) -> (length: Int, second: ClosedRange<UInt8>)? {
        switch lead {
        case 0xC2...0xDF: (2, 0x80...0xBF)
        case 0xE0: (3, 0xA0...0xBF)
        case 0xE1...0xEC, 0xEE...0xEF: (3, 0x80...0xBF)
        case 0xED: (3, 0x80...0x9F)
        case 0xF0: (4, 0x90...0xBF)
        case 0xF1...0xF3: (4, 0x80...0xBF)
        case 0xF4: (4, 0x80...0x8F)
        default: nil
        }
    }
}
