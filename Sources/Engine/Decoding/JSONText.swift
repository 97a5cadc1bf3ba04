/// Strings with escapes, turned into what they stand for.
enum JSONText {
    @inline(__always)
    static func hexadecimal(_ byte: UInt8) -> UInt32? {
        switch byte {
        case 0x30...0x39: UInt32(byte &- 0x30)
        case 0x61...0x66: UInt32(byte &- 0x61 &+ 10)
        case 0x41...0x46: UInt32(byte &- 0x41 &+ 10)
        default: nil
        }
    }

    /// The text between the quotes of a string that ``JSONScan`` accepted; nil where the arena is full.
    ///
    /// A surrogate that isn't half of a pair becomes U+FFFD.
    static func unescaped(_ raw: Bytes, in arena: inout Arena) -> Value? {
        // No escape stands for more bytes than it has.
        guard let room = unsafe arena.allocate(raw.count) else { return nil }
        let output = unsafe room.assumingMemoryBound(to: UInt8.self)
        var count = 0
        var offset = 0
        while offset < raw.count {
            guard raw[offset] == UInt8(ascii: "\\") else {
                unsafe output[count] = raw[offset]
                count &+= 1
                offset &+= 1
                continue
            }
            if raw[offset &+ 1] == UInt8(ascii: "u") {
                let (scalar, length) = self.scalar(raw, offset)
                unsafe count &+= self.encode(scalar, to: output + count)
                offset &+= length
            } else {
                unsafe output[count] = self.plain(raw[offset &+ 1])
                count &+= 1
                offset &+= 2
            }
        }
        return unsafe Value(.string, text: room, count: count)
    }

    private static func plain(_ letter: UInt8) -> UInt8 {
        switch letter {
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: letter
        }
    }

    /// The scalar of one or two escapes at a backslash, and how many bytes they are.
    private static func scalar(_ raw: Bytes, _ offset: Int) -> (scalar: UInt32, length: Int) {
        let first = self.unit(raw, offset &+ 2)
        guard first >= 0xD800, first < 0xE000 else { return (first, 6) }
        let hasNext = offset &+ 12 <= raw.count && raw[offset &+ 6] == UInt8(ascii: "\\")
        guard first < 0xDC00, hasNext, raw[offset &+ 7] == UInt8(ascii: "u") else { return (0xFFFD, 6) }
        let second = self.unit(raw, offset &+ 8)
        guard second >= 0xDC00, second < 0xE000 else { return (0xFFFD, 6) }
        return (0x10000 &+ (first &- 0xD800) << 10 &+ (second &- 0xDC00), 12)
    }

    private static func unit(_ raw: Bytes, _ offset: Int) -> UInt32 {
        var unit: UInt32 = 0
        for index in 0..<4 { unit = unit << 4 | (self.hexadecimal(raw[offset &+ index]) ?? 0) }
        return unit
    }

    /// Writes a scalar as UTF-8 and says in how many bytes.
    private static func encode(_ scalar: UInt32, to output: UnsafeMutablePointer<UInt8>) -> Int {
        if scalar < 0x80 {
            unsafe output[0] = UInt8(truncatingIfNeeded: scalar)
            return 1
        }
        let length = scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4
        var rest = scalar
        for index in stride(from: length &- 1, to: 0, by: -1) {
            unsafe output[index] = 0x80 | UInt8(truncatingIfNeeded: rest & 0x3F)
            rest >>= 6
        }
        unsafe output[0] = (0xF0 << UInt8(4 &- length)) | UInt8(truncatingIfNeeded: rest)
        return length
    }
}
