/// Why text isn't JSON.
package enum JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was expected there instead.
    case unexpected(offset: Int, expected: String)
    /// Nested deeper than ``JSONReader/depthLimit``.
    case tooDeep(offset: Int)
    case outOfMemory

    package var description: String {
        switch self {
        case .unexpected(let offset, let expected): "byte \(offset) of the JSON text: expected \(expected)"
        case .tooDeep(let offset):
            "byte \(offset) of the JSON text: nested deeper than \(JSONReader.depthLimit) levels"
        case .outOfMemory: "the JSON text needs more memory than a record may take (--record-memory raises the limit)"
        }
    }
}

/// Reads JSON (RFC 8259, nothing more) into values.
///
/// Integers that fit 64 bits are integers, all other numbers floats. Of equal keys of one object the last value counts,
/// at the place of the first. Strings without escapes point at the text that is read.
package struct JSONReader {
    package static let depthLimit = 128
    /// Objects with more keys look for duplicates in a table.
    private static let scannedKeyCount = 16

    private let text: Bytes
    private var offset = 0
    private var pending: [Value] = []

    private init(_ text: Bytes) {
        self.text = text
    }

    /// The value of a whole text, built in `arena`; the text must live as long as the value.
    package static func read(_ text: Bytes, in arena: inout Arena) throws(JSONError) -> Value {
        var reader = JSONReader(text)
        let value = try reader.readValue(in: &arena, depth: 0)
        reader.skipSpace()
        guard reader.offset == text.count else { throw reader.unexpected("the end of the text") }
        return value
    }

    private func unexpected(_ expected: String) -> JSONError {
        .unexpected(offset: self.offset, expected: expected)
    }

    private var peek: UInt8 { self.offset < self.text.count ? self.text[self.offset] : 0 }

    private mutating func skipSpace() {
        while self.offset < self.text.count {
            let byte = self.text[self.offset]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            self.offset &+= 1
        }
    }

    private mutating func readValue(in arena: inout Arena, depth: Int) throws(JSONError) -> Value {
        guard depth <= Self.depthLimit else { throw .tooDeep(offset: self.offset) }
        self.skipSpace()
        switch self.peek {
        case UInt8(ascii: "{"): return try self.readObject(in: &arena, depth: depth)
        case UInt8(ascii: "["): return try self.readArray(in: &arena, depth: depth)
        case UInt8(ascii: "\""): return try self.readString(in: &arena)
        case UInt8(ascii: "t"): return try self.readWord("true", .true)
        case UInt8(ascii: "f"): return try self.readWord("false", .false)
        case UInt8(ascii: "n"): return try self.readWord("null", .nil)
        default: return try self.readNumber()
        }
    }

    private mutating func readWord(_ word: StaticString, _ value: Value) throws(JSONError) -> Value {
        let expected = unsafe Bytes(start: word.utf8Start, count: word.utf8CodeUnitCount)
        let end = self.offset + expected.count
        guard end <= self.text.count, Bytes.areEqual(self.text.slice(self.offset, end), expected) else {
            throw self.unexpected("a value")
        }
        self.offset = end
        return value
    }

    private mutating func readNumber() throws(JSONError) -> Value {
        var scan = NumberScan(text: self.text, offset: self.offset)
        guard scan.skip(allowsPlus: false) else { throw self.unexpected("a value") }
        let digits = self.text.slice(self.offset, scan.offset)
        let first = digits[0] == UInt8(ascii: "-") ? 1 : 0
        if digits[first] == UInt8(ascii: "0"), digits.count > first + 1, digits[first + 1] &- UInt8(ascii: "0") < 10 {
            throw self.unexpected("a number without leading zeros")
        }
        if !scan.isFractional, let integer = NumberText.integer(of: digits) {
            self.offset = scan.offset
            return Value(integer)
        }
        guard let float = Double(digits.string), float.isFinite else {
            throw self.unexpected("a number within the range of floats")
        }
        self.offset = scan.offset
        return Value(float)
    }

    private mutating func readArray(in arena: inout Arena, depth: Int) throws(JSONError) -> Value {
        let base = self.pending.count
        self.offset &+= 1
        self.skipSpace()
        if self.peek == UInt8(ascii: "]") {
            self.offset &+= 1
            return try self.take(.list, from: base, in: &arena)
        }
        while true {
            let element = try self.readValue(in: &arena, depth: depth + 1)
            self.pending.append(element)
            self.skipSpace()
            let byte = self.peek
            guard byte == UInt8(ascii: ",") || byte == UInt8(ascii: "]") else { throw self.unexpected("a comma or ]") }
            self.offset &+= 1
            if byte == UInt8(ascii: "]") { return try self.take(.list, from: base, in: &arena) }
        }
    }

    private mutating func readObject(in arena: inout Arena, depth: Int) throws(JSONError) -> Value {
        let base = self.pending.count
        var seen: EncodedKeySet? = nil
        self.offset &+= 1
        self.skipSpace()
        if self.peek == UInt8(ascii: "}") {
            self.offset &+= 1
            return try self.take(.map, from: base, in: &arena)
        }
        while true {
            self.skipSpace()
            guard self.peek == UInt8(ascii: "\"") else { throw self.unexpected("a key in double quotes") }
            let key = try self.readString(in: &arena)
            self.skipSpace()
            guard self.peek == UInt8(ascii: ":") else { throw self.unexpected("a colon") }
            self.offset &+= 1
            let value = try self.readValue(in: &arena, depth: depth + 1)
            self.store(key, value, from: base, seen: &seen)
            self.skipSpace()
            let byte = self.peek
            guard byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") else { throw self.unexpected("a comma or }") }
            self.offset &+= 1
            if byte == UInt8(ascii: "}") { return try self.take(.map, from: base, in: &arena) }
        }
    }

    private mutating func store(_ key: Value, _ value: Value, from base: Int, seen: inout EncodedKeySet?) {
        let count = (self.pending.count - base) / 2
        if let known = self.index(of: key, among: count, from: base, seen: &seen) {
            self.pending[base + 2 * known + 1] = value
        } else {
            self.pending.append(key)
            self.pending.append(value)
        }
    }

    private func index(of key: Value, among count: Int, from base: Int, seen: inout EncodedKeySet?) -> Int? {
        guard count >= Self.scannedKeyCount else {
            return (0..<count).first { Bytes.areEqual(self.pending[base + 2 * $0].text, key.text) }
        }
        var table = seen.take() ?? EncodedKeySet()
        let found = self.find(key, among: count, from: base, in: &table)
        seen = consume table
        return found
    }

    private func find(_ key: Value, among count: Int, from base: Int, in table: inout EncodedKeySet) -> Int? {
        var walk = ValueWalk()
        for index in table.count..<max(table.count, count) {
            // A string is always encoded.
            _ = try? table.insert(self.pending[base + 2 * index], walk: &walk)
        }
        guard let found = try? table.insert(key, walk: &walk) else { return nil }
        return found.isNew ? nil : found.index
    }

    private mutating func take(_ tag: Value.Tag, from base: Int, in arena: inout Arena) throws(JSONError) -> Value {
        let count = self.pending.count - base
        guard let elements = arena.makeElements(count) else { throw .outOfMemory }
        for index in 0..<count { elements[index] = self.pending[base + index] }
        self.pending.removeSubrange(base...)
        return Value(tag, of: elements)
    }

    private mutating func readString(in arena: inout Arena) throws(JSONError) -> Value {
        self.offset &+= 1
        let start = self.offset
        while self.offset < self.text.count {
            let byte = self.text[self.offset]
            if byte == UInt8(ascii: "\"") {
                defer { self.offset &+= 1 }
                return Value(.string, text: self.text.slice(start, self.offset))
            }
            if byte == UInt8(ascii: "\\") { return try self.readEscapedString(from: start, in: &arena) }
            if byte < 0x20 { throw self.unexpected("an escape: control characters aren't allowed in strings") }
            self.offset &+= 1
        }
        throw self.unexpected("a closing quote")
    }

    private mutating func readEscapedString(from start: Int, in arena: inout Arena) throws(JSONError) -> Value {
        var buffer = ByteBuffer()
        buffer.append(self.text.slice(start, self.offset))
        while self.offset < self.text.count {
            let byte = self.text[self.offset]
            if byte < 0x20 { throw self.unexpected("an escape: control characters aren't allowed in strings") }
            self.offset &+= 1
            if byte == UInt8(ascii: "\"") {
                guard let value = arena.makeText(.string, copying: buffer.bytes) else { throw .outOfMemory }
                return value
            }
            if byte == UInt8(ascii: "\\") {
                try self.readEscape(into: &buffer)
            } else {
                buffer.append(byte)
            }
        }
        throw self.unexpected("a closing quote")
    }

    private mutating func readEscape(into buffer: inout ByteBuffer) throws(JSONError) {
        let byte = self.peek
        self.offset &+= 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): buffer.append(byte)
        case UInt8(ascii: "b"): buffer.append(0x08)
        case UInt8(ascii: "f"): buffer.append(0x0C)
        case UInt8(ascii: "n"): buffer.append(0x0A)
        case UInt8(ascii: "r"): buffer.append(0x0D)
        case UInt8(ascii: "t"): buffer.append(0x09)
        case UInt8(ascii: "u"): buffer.append(utf8: String(try self.readScalar()))
        default:
            self.offset &-= 1
            throw self.unexpected("one of \" \\ / b f n r t u after a backslash")
        }
    }

    /// The scalar of four digits, or of two surrogates; a surrogate alone is U+FFFD.
    private mutating func readScalar() throws(JSONError) -> Character {
        let first = try self.readHexadecimal()
        if let scalar = Unicode.Scalar(first) { return Character(scalar) }
        let isPair =
            first < 0xDC00 && self.peek == UInt8(ascii: "\\") && self.offset + 1 < self.text.count
            && self.text[self.offset + 1] == UInt8(ascii: "u")
        guard isPair else { return "\u{FFFD}" }
        let mark = self.offset
        self.offset &+= 2
        let second = try self.readHexadecimal()
        guard second >= 0xDC00, second < 0xE000,
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else {
            self.offset = mark
            return "\u{FFFD}"
        }
        return Character(scalar)
    }

    private mutating func readHexadecimal() throws(JSONError) -> UInt32 {
        var result: UInt32 = 0
        for _ in 0..<4 {
            let byte = self.peek
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x61...0x66: digit = byte - 0x61 + 10
            case 0x41...0x46: digit = byte - 0x41 + 10
            default: throw self.unexpected("four hexadecimal digits")
            }
            result = result << 4 | UInt32(digit)
            self.offset &+= 1
        }
        return result
    }
}
