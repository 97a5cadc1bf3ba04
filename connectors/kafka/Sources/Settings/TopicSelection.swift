internal import ConnectorKit
internal import RegularExpressions

/// Which topics a source reads.
enum TopicSelection: Sendable {
    case names([String])
    /// Those whose whole names match one of the patterns.
    case patterns([TopicPattern])

    /// Topics that one call may name.
    static let nameLimit = 1_000

    /// What Kafka allows.
    static let nameLengthLimit = 249

    init(names: [String], _ call: ConnectorSettings) throws(ConnectorError) {
        guard names.count <= Self.nameLimit else { throw call.error("it takes at most \(Self.nameLimit) topics") }
        for name in names { try Self.check(name, call) }
        guard Set(names).count == names.count else { throw call.error("a topic is named twice") }
        self = .names(names)
    }

    init(patterns: [String], _ call: ConnectorSettings) throws(ConnectorError) {
        guard patterns.count <= Self.nameLimit else { throw call.error("it takes at most \(Self.nameLimit) patterns") }
        var compiled: [TopicPattern] = []
        for pattern in patterns { compiled.append(try TopicPattern(pattern, call)) }
        self = .patterns(compiled)
    }

    /// - Throws: A topic can't have that name.
    static func check(_ name: String, _ call: ConnectorSettings) throws(ConnectorError) {
        let isLegal = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default:
                false
            }
        }
        guard isLegal, name != ".", name != "..", name.utf8.count <= Self.nameLengthLimit else {
            let hint = "for a pattern, add :pattern true"
            throw call.error("no topic can be called \"\(name)\": names are of letters, digits, '.', '_', '-'; \(hint)")
        }
    }
}

extension TopicSelection: CustomStringConvertible {
    var description: String {
        switch self {
        case .names(let names): "topic\(names.count == 1 ? "" : "s") \(names.joined(separator: ", "))"
        case .patterns(let patterns): "topics that match \(patterns.map(\.text).joined(separator: " or "))"
        }
    }
}

/// A regular expression for names of topics.
struct TopicPattern: Sendable {
    let text: String
    private let expression: RegularExpression

    /// - Throws: It isn't a regular expression.
    init(_ text: String, _ call: ConnectorSettings) throws(ConnectorError) {
        self.text = text
        do {
            self.expression = try RegularExpression(pattern: Array("^(?:\(text))\\z".utf8))
        } catch {
            throw call.error("\"\(text)\" isn't a regular expression: \(error.message)")
        }
    }

    /// Whether the whole name matches; Kafka's own topics only match patterns that name their prefix.
    ///
    /// - Throws: The pattern backtracks without end.
    func matches(_ name: String) throws(ConnectorError) -> Bool {
        if name.hasPrefix("__"), !self.text.hasPrefix("__") { return false }
        var matcher = RegularExpressionMatcher()
        let bytes = Array(name.utf8)
        let outcome = unsafe bytes.withUnsafeBufferPointer { bytes in
            unsafe matcher.findNext(self.expression, in: bytes, from: 0)
        }
        switch outcome {
        case .matched: return true
        case .unmatched: return false
        case .tooMuchWork:
            let message =
                "can't match topics with \"\(self.text)\": it backtracks too much; write it without nested repeats"
            throw ConnectorError(.user, retry: .never, message)
        }
    }
}
