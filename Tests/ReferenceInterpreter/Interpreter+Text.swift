import FluentSyntax

extension Interpreter {
    func performText(_ call: BuiltinCall) throws(EvaluationError) -> ReferenceValue {
        switch call.builtin {
        case .str: return .string(Text(joining: call.arguments.map(\.printed)))
        case .split: return .list(try Self.split(call).map { .string($0) })
        case .join: return .string(try Self.join(call))
        case .trim: return .string(try call.text(0).trimmed)
        case .lower: return .string(try call.text(0).lowercased)
        case .upper: return .string(try call.text(0).uppercased)
        case .replace: return .string(try Self.replace(call))
        case .contains: return .boolean(try Self.contains(call))
        case .startsWith: return .boolean(try call.text(0).bytes.starts(with: try call.text(1).bytes))
        case .endsWith:
            let (text, end) = (try call.text(0), try call.text(1))
            return .boolean(text.bytes.suffix(end.bytes.count) == end.bytes[...])
        case .substring: return .string(try Self.substring(call))
        case .reMatch:
            let (pattern, text) = try Self.patternAndText(call)
            return try call.firstMatch(pattern, in: text, from: 0)?.value(in: text) ?? .nil
        case .reFindAll:
            let (pattern, text) = try Self.patternAndText(call)
            return .list(try call.allMatches(pattern, in: text).map { $0.value(in: text) })
        case .format: return .string(try Self.format(call))
        case .parseInt: return try Self.parseInt(call)
        case .parseFloat: return try Self.parseFloat(call)
        case .keyword: return .keyword(try Self.anyText(call))
        case .symbol: return .symbol(try Self.anyText(call))
        default: return .string(try Self.anyText(call))
        }
    }

    private static func anyText(_ call: BuiltinCall) throws(EvaluationError) -> Text {
        guard let text = call[0].text else { throw call.mismatch(TypeName.string, call[0]) }
        return text
    }

    private static func pattern(_ call: BuiltinCall, _ index: Int) throws(EvaluationError) -> String {
        guard case .regex(let pattern) = call[index] else { throw call.mismatch(TypeName.regex, call[index]) }
        return pattern
    }

    /// The first argument decides which of the two comes first.
    private static func patternAndText(_ call: BuiltinCall) throws(EvaluationError) -> (String, Text) {
        if case .regex(let pattern) = call[0] { return (pattern, try call.text(1)) }
        let text = try call.text(0)
        return (try Self.pattern(call, 1), text)
    }

    private static func split(_ call: BuiltinCall) throws(EvaluationError) -> [Text] {
        let text = try call.text(0)
        if case .regex(let pattern) = call[1] { return try Self.split(text, pattern, call) }
        let separator = try call.text(1)
        if separator.bytes.isEmpty { return text.units }
        return Self.pieces(of: text, between: text.offsets(of: separator).map { $0..<$0 + separator.bytes.count })
    }

    private static func split(_ text: Text, _ pattern: String, _ call: BuiltinCall) throws(EvaluationError) -> [Text] {
        var separators: [Range<Int>] = []
        for match in try call.allMatches(pattern, in: text).map(\.range) {
            let pieceStart = separators.last?.upperBound ?? 0
            let isUseless = match.isEmpty && (match.lowerBound == pieceStart || match.lowerBound == text.bytes.count)
            if !isUseless { separators.append(match) }
        }
        var pieces = Self.pieces(of: text, between: separators)[...]
        if let first = pieces.first, first.bytes.isEmpty { pieces.removeFirst() }
        if let last = pieces.last, last.bytes.isEmpty { pieces.removeLast() }
        return Array(pieces)
    }

    private static func pieces(of text: Text, between separators: [Range<Int>]) -> [Text] {
        let starts = [0] + separators.map(\.upperBound)
        let ends = separators.map(\.lowerBound) + [text.bytes.count]
        return zip(starts, ends).map { text.slice($0..<$1) }
    }

    private static func join(_ call: BuiltinCall) throws(EvaluationError) -> Text {
        if case .string(let separator) = call[0], call.count == 2 {
            return try call.elements(1).map(\.printed).joined(separator: separator)
        }
        let elements = try call.elements(0)
        return elements.map(\.printed).joined(separator: call.count == 2 ? try call.text(1) : Text(""))
    }

    private static func replace(_ call: BuiltinCall) throws(EvaluationError) -> Text {
        let text = try call.text(0)
        if case .regex(let pattern) = call[1] {
            let template = try call.text(2)
            let matches = try call.allMatches(pattern, in: text)
            let pieces = Self.pieces(of: text, between: matches.map(\.range))
            let replacements = matches.map { Self.fill(template, $0, text) } + [Text("")]
            return Text(joining: zip(pieces, replacements).flatMap { [$0, $1] })
        }
        let old = try call.text(1)
        let new = try call.text(2)
        if old.bytes.isEmpty { return text }
        return Self.pieces(of: text, between: text.offsets(of: old).map { $0..<$0 + old.bytes.count })
            .joined(separator: new)
    }

    /// `$0` to `$9` are groups, `$$` is a dollar; every other dollar is itself.
    private static func fill(_ template: Text, _ match: PatternMatch, _ text: Text) -> Text {
        var filled: [UInt8] = []
        var rest = template.bytes[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "$"), let next = rest.first else {
                filled.append(byte)
                continue
            }
            switch next {
            case UInt8(ascii: "$"): filled.append(next)
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                filled += match.text(Int(next - UInt8(ascii: "0")), of: text)?.bytes ?? []
            default:
                filled.append(byte)
                continue
            }
            rest.removeFirst()
        }
        return Text(bytes: filled)
    }

    private static func contains(_ call: BuiltinCall) throws(EvaluationError) -> Bool {
        switch call[0] {
        case .string(let text): return text.contains(try call.text(1))
        case .map(let entries): return entries[call[1]] != nil
        default: return try call.elements(0).contains { $0.isSame(as: call[1], .key) }
        }
    }

    private static func substring(_ call: BuiltinCall) throws(EvaluationError) -> Text {
        let units = try call.text(0).units
        let start = try call.integer(1)
        let end = call.count == 3 ? try call.integer(2) : Int64(units.count)
        let count = Int64(units.count)
        guard (0...count).contains(start) else {
            throw call.error(.indexOutOfRange(operation: call.name, index: start, count: count))
        }
        guard (start...count).contains(end) else {
            throw call.error(.indexOutOfRange(operation: call.name, index: end, count: count))
        }
        return Text(joining: units[Int(start)..<Int(end)])
    }

    private static func parseInt(_ call: BuiltinCall) throws(EvaluationError) -> ReferenceValue {
        let text = try call.text(0).string
        let missing = call.count == 2 ? call[1] : .nil
        guard text.wholeMatch(of: /[+-]?[0-9]+/) != nil else { return missing }
        return Int64(text).map { .integer($0) } ?? missing
    }

    private static func parseFloat(_ call: BuiltinCall) throws(EvaluationError) -> ReferenceValue {
        let text = try call.text(0).string
        let missing = call.count == 2 ? call[1] : .nil
        guard text.wholeMatch(of: /[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?/) != nil else { return missing }
        guard let float = Double(text), float.isFinite else { return missing }
        return .float(float)
    }
}
