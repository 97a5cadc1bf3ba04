import FluentSyntax

extension Interpreter {
    func performConversion(_ call: BuiltinCall) throws(EvaluationError) -> ReferenceValue {
        switch call.builtin {
        case .parseJSON:
            guard let value = JSONReading.value(of: try call.text(0)) else { throw call.invalid("the text isn't JSON") }
            return value
        case .toJSON:
            guard let text = JSONWriting.text(of: call[0]) else {
                throw call.mismatch("a JSON value", Self.firstWithoutJSON(call[0]))
            }
            return .string(text)
        case .parseTime:
            let text = try call.text(0).string
            let milliseconds =
                call.count == 2
                ? TimePattern(try call.text(1).string).milliseconds(of: text)
                : TimePattern.millisecondsOfISO8601(text)
            return milliseconds.map { .integer($0) } ?? .nil
        case .formatTime:
            let milliseconds = try call.integer(0)
            let pattern = call.count == 2 ? try call.text(1).string : "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"
            guard let text = TimePattern(pattern).text(of: milliseconds) else {
                throw call.invalid("the year is outside 0 to 9999")
            }
            return .string(text)
        default: return .integer(Self.hash(try call.key(call[0])))
        }
    }

    private static func firstWithoutJSON(_ value: ReferenceValue) -> ReferenceValue {
        let inner: [ReferenceValue] =
            switch value {
            case .list(let elements), .set(let elements): elements
            case .map(let entries): entries.map(\.value)
            default: []
            }
        return inner.first { JSONWriting.text(of: $0) == nil }.map(Self.firstWithoutJSON) ?? value
    }

    /// Any number that is the same for equal keys will do: programs may only compare it.
    private static func hash(_ value: ReferenceValue) -> Int64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in Self.canonical(value.normalisedAsKey).bytes {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
        }
        return Int64(hash >> 1)
    }

    /// The same text for values that are the same key.
    private static func canonical(_ value: ReferenceValue) -> Text {
        switch value {
        case .keyword(let text): Self.canonical(.string(text))
        case .list(let elements): Text(joining: [Text("[")] + elements.map(Self.canonical) + [Text("]")])
        case .set(let elements): Text(joining: [Text("<")] + Self.sorted(elements.map(Self.canonical)) + [Text(">")])
        case .map(let entries):
            Text(joining: [Text("map"), Self.canonical(.set(entries.map { .list([$0.key, $0.value]) }))])
        case .nil, .boolean, .integer, .float, .string, .symbol, .function, .builtin, .regex: value.written
        }
    }

    private static func sorted(_ texts: [Text]) -> [Text] {
        texts.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
    }
}
