internal import FluentSyntax

/// Values as JSON text without spaces.
///
/// Keywords and symbols are strings, sets arrays, NaN and infinities null; keys that aren't text are written as `str`
/// shows them; each byte that isn't UTF-8 becomes U+FFFD.
package struct ValueJSON {
    private var text: ValueText

    package init(byteLimit: Int = .max, walk: ValueWalk = ValueWalk()) {
        self.text = ValueText(byteLimit: byteLimit, walk: walk)
    }

    package var walk: ValueWalk { self.text.walk }

    /// - Throws: ``ValueWalkError/notStorable(_:)`` for a function, regex, stream or handle.
    package mutating func append(
        _ value: Value,
        to buffer: inout ByteBuffer,
        depth: Int = 0
    ) throws(ValueWalkError) {
        guard buffer.count <= self.text.byteLimit else { throw .tooLarge }
        switch value.tag {
        case .nil: buffer.append("null")
        case .boolean: value.bits == 0 ? buffer.append("false") : buffer.append("true")
        case .integer: NumberText.append(value.integer, to: &buffer)
        case .float: buffer.append(utf8: value.float.isFinite ? FloatText.text(of: value.float) : "null")
        case .string, .symbol, .keyword: Self.appendString(value.text, to: &buffer)
        case .list, .set: try self.appendArray(value.elements, to: &buffer, depth: depth)
        case .map: try self.appendObject(value.pairs, to: &buffer, depth: depth)
        case .function, .regex, .builtin, .stream, .handle: throw .notStorable(value.tag)
        }
    }

    private mutating func appendArray(
        _ elements: Elements,
        to buffer: inout ByteBuffer,
        depth: Int
    ) throws(ValueWalkError) {
        try self.text.walk.visit(elements.count, depth: depth)
        buffer.append(UInt8(ascii: "["))
        for index in 0..<elements.count {
            if index > 0 { buffer.append(UInt8(ascii: ",")) }
            try self.append(elements[index], to: &buffer, depth: depth + 1)
        }
        buffer.append(UInt8(ascii: "]"))
    }

    private mutating func appendObject(
        _ pairs: Elements,
        to buffer: inout ByteBuffer,
        depth: Int
    ) throws(ValueWalkError) {
        try self.text.walk.visit(pairs.count, depth: depth)
        buffer.append(UInt8(ascii: "{"))
        for index in 0..<(pairs.count / 2) {
            if index > 0 { buffer.append(UInt8(ascii: ",")) }
            try self.appendKey(pairs[2 * index], to: &buffer)
            buffer.append(UInt8(ascii: ":"))
            try self.append(pairs[2 * index + 1], to: &buffer, depth: depth + 1)
        }
        buffer.append(UInt8(ascii: "}"))
    }

    private mutating func appendKey(_ key: Value, to buffer: inout ByteBuffer) throws(ValueWalkError) {
        if key.isText { return Self.appendString(key.text, to: &buffer) }
        var shown = ByteBuffer()
        try self.text.append(key, to: &shown)
        Self.appendString(shown.bytes, to: &buffer)
    }

    /// Appends a quoted JSON string.
    package static func appendString(_ text: Bytes, to buffer: inout ByteBuffer) {
        buffer.reserve(text.count + 2)
        buffer.append(UInt8(ascii: "\""))
        var offset = 0
        while true {
            let plain = self.plainCount(text, from: offset)
            buffer.append(text.slice(offset, offset &+ plain))
            offset &+= plain
            guard offset < text.count else { break }
            let byte = text[offset]
            guard byte >= 0x80 else {
                self.appendEscape(byte, to: &buffer)
                offset &+= 1
                continue
            }
            let length = text.unitLength(at: offset)
            if length == 1 { buffer.append("\u{FFFD}") } else { buffer.append(text.slice(offset, offset + length)) }
            offset &+= length
        }
        buffer.append(UInt8(ascii: "\""))
    }

    /// Bytes from `start` on that stand for themselves, eight at a time: ASCII but control characters, `"` and `\`.
    private static func plainCount(_ text: Bytes, from start: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops = ones &<< 7
        var offset = start
        while offset &+ 8 <= text.count {
            let word = text.littleEndian(UInt64.self, at: offset)
            let quote = word ^ ones &* UInt64(UInt8(ascii: "\""))
            let backslash = word ^ ones &* UInt64(UInt8(ascii: "\\"))
            // A byte's top bit is set where it is less than 0x20, or zero in one of the differences, or beyond ASCII;
            // what a borrow sets above the first such byte doesn't matter.
            let control = (word &- ones &* 0x20) & ~word
            let found = (control | ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash) | word) & tops
            if found != 0 { return offset &+ found.trailingZeroBitCount / 8 &- start }
            offset &+= 8
        }
        while offset < text.count {
            let byte = text[offset]
            if byte >= 0x80 || byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
            offset &+= 1
        }
        return offset &- start
    }

    private static func appendEscape(_ byte: UInt8, to buffer: inout ByteBuffer) {
        switch byte {
        case UInt8(ascii: "\""): buffer.append("\\\"")
        case UInt8(ascii: "\\"): buffer.append("\\\\")
        case UInt8(ascii: "\n"): buffer.append("\\n")
        case UInt8(ascii: "\r"): buffer.append("\\r")
        case UInt8(ascii: "\t"): buffer.append("\\t")
        case 0x08: buffer.append("\\b")
        case 0x0C: buffer.append("\\f")
        default:
            buffer.append("\\u00")
            let digits: StaticString = "0123456789abcdef"
            buffer.append(unsafe digits.utf8Start[Int(byte >> 4)])
            buffer.append(unsafe digits.utf8Start[Int(byte & 15)])
        }
    }
}
