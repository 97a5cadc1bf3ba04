extension ReferenceValue {
    /// As `str` prints it: text is itself, nil is empty.
    package var printed: Text {
        switch self {
        case .nil: Text("")
        case .string(let text): text
        default: self.written
        }
    }

    /// As it would be written in a program, which is how it looks inside a collection.
    package var written: Text {
        switch self {
        case .nil: Text("nil")
        case .boolean(let boolean): Text(boolean ? "true" : "false")
        case .integer(let integer): Text(String(integer))
        case .float(let float): Text(Self.digits(float))
        case .string(let text): Self.quoted(text)
        case .symbol(let text): text
        case .keyword(let text): Text(joining: [Text(":"), text])
        case .list(let elements): Self.enclosed("[", elements, "]")
        case .set(let elements): Self.enclosed("#{", elements, "}")
        case .map(let entries): Self.enclosed("{", entries.flatMap { [$0.key, $0.value] }, "}")
        case .function, .builtin: Text("#<function>")
        case .regex(let pattern): Text("#\"\(pattern.replacing("\"", with: "\\\""))\"")
        }
    }

    /// With a point also before an exponent, as numbers are written in programs.
    private static func digits(_ float: Double) -> String {
        let digits = float.description
        return digits.contains(".") ? digits : digits.replacing("e", with: ".0e")
    }

    private static func enclosed(_ opening: String, _ elements: [ReferenceValue], _ closing: String) -> Text {
        let words = elements.map(\.written).joined(separator: Text(" "))
        return Text(joining: [Text(opening), words, Text(closing)])
    }

    private static func quoted(_ text: Text) -> Text {
        var bytes = [UInt8(ascii: "\"")]
        for byte in text.bytes {
            switch byte {
            case UInt8(ascii: "\n"): bytes += Array(#"\n"#.utf8)
            case UInt8(ascii: "\t"): bytes += Array(#"\t"#.utf8)
            case UInt8(ascii: "\r"): bytes += Array(#"\r"#.utf8)
            case UInt8(ascii: "\\"): bytes += Array(#"\\"#.utf8)
            case UInt8(ascii: "\""): bytes += Array(#"\""#.utf8)
            case 0: bytes += Array(#"\0"#.utf8)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
        return Text(bytes: bytes)
    }
}

extension Sequence where Element == Text {
    func joined(separator: Text) -> Text {
        var bytes: [UInt8] = []
        for (index, text) in self.enumerated() {
            if index > 0 { bytes += separator.bytes }
            bytes += text.bytes
        }
        return Text(bytes: bytes)
    }
}
