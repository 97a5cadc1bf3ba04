/// Text as Unicode scalars over bytes that need not be UTF-8: a byte that is no part of a well-formed scalar is a unit
/// of its own.
extension Bytes {
    /// Bytes of the unit that begins at an offset.
    @inline(__always)
    func unitLength(at offset: Int) -> Int {
        let first = self[offset]
        return first < 0x80 ? 1 : self.longUnitLength(first, at: offset)
    }

    private func longUnitLength(_ first: UInt8, at offset: Int) -> Int {
        let length: Int
        // The second byte's range rules out overlong forms, surrogates and what lies beyond U+10FFFF.
        var lowest: UInt8 = 0x80
        var highest: UInt8 = 0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0...0xEF:
            length = 3
            if first == 0xE0 { lowest = 0xA0 }
            if first == 0xED { highest = 0x9F }
        case 0xF0...0xF4:
            length = 4
            if first == 0xF0 { lowest = 0x90 }
            if first == 0xF4 { highest = 0x8F }
        default: return 1
        }
        guard offset + length <= self.count else { return 1 }
        guard self[offset + 1] >= lowest, self[offset + 1] <= highest else { return 1 }
        for index in 2..<max(length, 2) where self[offset + index] & 0xC0 != 0x80 { return 1 }
        return length
    }

    /// Units in the whole text.
    var unitCount: Int {
        if self.isASCII { return self.count }
        var count = 0
        var offset = 0
        while offset < self.count {
            offset &+= self.unitLength(at: offset)
            count &+= 1
        }
        return count
    }

    /// The offset of so many units after `start`, at most the end.
    func offset(ofUnit index: Int, from start: Int = 0) -> Int {
        var offset = start
        var left = index
        while left > 0, offset < self.count {
            offset &+= self.unitLength(at: offset)
            left &-= 1
        }
        return offset
    }

    /// The scalar of a unit, or nil where it isn't one.
    func scalar(at offset: Int, length: Int) -> Unicode.Scalar? {
        let first = UInt32(self[offset])
        if length == 1 { return first < 0x80 ? Unicode.Scalar(first) : nil }
        var bits = first & (0x7F >> UInt32(length))
        for index in 1..<length { bits = bits << 6 | UInt32(self[offset + index] & 0x3F) }
        return Unicode.Scalar(bits)
    }

    /// Without the ASCII white space at both ends.
    var trimmed: Bytes {
        var lower = 0
        var upper = self.count
        while lower < upper, Self.isSpace(self[lower]) { lower &+= 1 }
        while upper > lower, Self.isSpace(self[upper &- 1]) { upper &-= 1 }
        return self.slice(lower, upper)
    }

    @inline(__always)
    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) }
}

/// A change of case.
enum LetterCase {
    case lower
    case upper

    @inline(__always)
    func map(_ byte: UInt8) -> UInt8 {
        switch self {
        case .lower: byte &- 0x41 < 26 ? byte | 0x20 : byte
        case .upper: byte &- 0x61 < 26 ? byte & ~0x20 : byte
        }
    }

    /// Appends a text with every scalar mapped by itself; bytes that aren't UTF-8 stay as they are.
    func append(_ text: Bytes, to buffer: inout ByteBuffer) {
        var offset = 0
        while offset < text.count {
            let length = text.unitLength(at: offset)
            if length == 1 {
                buffer.append(self.map(text[offset]))
            } else if let scalar = text.scalar(at: offset, length: length) {
                buffer.append(
                    utf8: self == .lower ? scalar.properties.lowercaseMapping : scalar.properties.uppercaseMapping
                )
            }
            offset &+= length
        }
    }
}
