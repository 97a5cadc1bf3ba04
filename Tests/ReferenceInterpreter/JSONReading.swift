/// Reads one JSON text into a value; nil when it isn't one.
struct JSONReading {
    private static let depthLimit = 128

    private var rest: ArraySlice<UInt8>

    static func value(of text: Text) -> ReferenceValue? {
        var reading = JSONReading(rest: text.bytes[...])
        guard let value = reading.value(depth: 0) else { return nil }
        reading.skipSpace()
        return reading.rest.isEmpty ? value : nil
    }

    private mutating func value(depth: Int) -> ReferenceValue? {
        self.skipSpace()
        switch self.rest.first {
        case UInt8(ascii: "{"): return depth < Self.depthLimit ? self.object(depth: depth + 1) : nil
        case UInt8(ascii: "["): return depth < Self.depthLimit ? self.array(depth: depth + 1) : nil
        case UInt8(ascii: "\""): return self.string().map { .string($0) }
        default: break
        }
        if self.take("null") { return .nil }
        if self.take("true") { return .boolean(true) }
        if self.take("false") { return .boolean(false) }
        return self.number()
    }

    private mutating func object(depth: Int) -> ReferenceValue? {
        guard self.take("{") else { return nil }
        var entries: [ReferenceEntry] = []
        self.skipSpace()
        if self.take("}") { return .map(entries) }
        repeat {
            self.skipSpace()
            guard let key = self.string() else { return nil }
            self.skipSpace()
            guard self.take(":"), let value = self.value(depth: depth) else { return nil }
            entries.store(value, at: .string(key))
            self.skipSpace()
        } while self.take(",")
        return self.take("}") ? .map(entries) : nil
    }

    private mutating func array(depth: Int) -> ReferenceValue? {
        guard self.take("[") else { return nil }
        var elements: [ReferenceValue] = []
        self.skipSpace()
        if self.take("]") { return .list(elements) }
        repeat {
            guard let value = self.value(depth: depth) else { return nil }
            elements.append(value)
            self.skipSpace()
        } while self.take(",")
        return self.take("]") ? .list(elements) : nil
    }

    private mutating func number() -> ReferenceValue? {
        let characters = Set("+-.eE0123456789".utf8)
        let bytes = self.rest.prefix { characters.contains($0) }
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/) != nil else { return nil }
        self.rest = self.rest.dropFirst(bytes.count)
        if let integer = Int64(text) { return .integer(integer) }
        return Double(text).flatMap { $0.isFinite ? .float($0) : nil }
    }

    private mutating func string() -> Text? {
        guard self.take("\"") else { return nil }
        var bytes: [UInt8] = []
        while let byte = self.rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return Text(bytes: bytes)
            case 0..<0x20: return nil
            case UInt8(ascii: "\\"):
                guard let escaped = self.escape() else { return nil }
                bytes += escaped
            default: bytes.append(byte)
            }
        }
        return nil
    }

    private mutating func escape() -> [UInt8]? {
        let plain: [Character: String] = [
            "\"": "\"", "\\": "\\", "/": "/", "b": "\u{8}", "f": "\u{C}", "n": "\n", "r": "\r", "t": "\t",
        ]
        guard let letter = self.rest.popFirst().map({ Character(Unicode.Scalar($0)) }) else { return nil }
        if let text = plain[letter] { return Array(text.utf8) }
        guard letter == "u", let unit = self.hexadecimal() else { return nil }
        var units = [unit]
        let before = self.rest
        // A high surrogate belongs together with the low one that may follow.
        if UTF16.isLeadSurrogate(unit), self.take("\\u"), let low = self.hexadecimal(), UTF16.isTrailSurrogate(low) {
            units.append(low)
        } else {
            self.rest = before
        }
        return Array(String(decoding: units, as: UTF16.self).utf8)
    }

    private mutating func hexadecimal() -> UInt16? {
        let digits = self.rest.prefix(4)
        guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { return nil }
        self.rest = self.rest.dropFirst(4)
        return UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
    }

    private mutating func take(_ text: String) -> Bool {
        guard self.rest.starts(with: text.utf8) else { return false }
        self.rest = self.rest.dropFirst(text.utf8.count)
        return true
    }

    private mutating func skipSpace() {
        self.rest = self.rest.drop { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
    }
}
