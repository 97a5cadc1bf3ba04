/// Writes a value as JSON without spaces.
enum JSONWriting {
    /// Nil when the value is, or contains, something that JSON has no form for.
    static func text(of value: ReferenceValue) -> Text? {
        switch value {
        case .nil: Text("null")
        case .boolean, .integer: value.printed
        case .float(let float): float.isFinite ? value.printed : Text("null")
        case .string(let text), .symbol(let text), .keyword(let text): Self.quoted(text)
        case .list(let elements), .set(let elements): Self.enclosed("[", elements.map { Self.text(of: $0) }, "]")
        case .map(let entries): Self.enclosed("{", entries.map(Self.member), "}")
        case .function, .builtin, .regex: nil
        }
    }

    private static func member(_ entry: ReferenceEntry) -> Text? {
        guard let value = Self.text(of: entry.value) else { return nil }
        return Text(joining: [Self.quoted(entry.key.text ?? entry.key.printed), Text(":"), value])
    }

    private static func enclosed(_ opening: String, _ parts: [Text?], _ closing: String) -> Text? {
        let written = parts.compactMap(\.self)
        guard written.count == parts.count else { return nil }
        return Text(joining: [Text(opening), written.joined(separator: Text(",")), Text(closing)])
    }

    private static func quoted(_ text: Text) -> Text {
        Text(joining: [Text("\"")] + text.units.map(Self.escaped) + [Text("\"")])
    }

    private static func escaped(_ unit: Text) -> Text {
        guard let scalar = unit.scalar else { return Text("\u{FFFD}") }
        switch scalar {
        case "\"": return Text("\\\"")
        case "\\": return Text("\\\\")
        case "\n": return Text("\\n")
        case "\r": return Text("\\r")
        case "\t": return Text("\\t")
        case "\u{8}": return Text("\\b")
        case "\u{C}": return Text("\\f")
        case "\0"..<" ":
            let digits = String(scalar.value, radix: 16)
            return Text("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
        default: return unit
        }
    }
}

extension ReferenceValue {
    /// As `to-json` writes it; nil for what has no such form.
    package var json: Text? { JSONWriting.text(of: self) }
}
