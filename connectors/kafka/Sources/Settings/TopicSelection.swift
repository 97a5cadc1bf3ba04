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

    /// - Throws: A topic is named twice.
    init(names: [String], _ call: ConnectorSettings) throws(ConnectorError) {
        guard Set(names).count == names.count else { throw call.error("a topic is named twice") }
        self = .names(names)
    }

    /// - Throws: One isn't a regular expression.
    init(patterns: [String]) throws(ConnectorError) {
        var compiled: [TopicPattern] = []
        for pattern in patterns { compiled.append(try TopicPattern(pattern)) }
        self = .patterns(compiled)
    }

    /// What is wrong with an argument of a source, which is a pattern or a name; nil: nothing, as far as that is known.
    static func problem(with text: String, of call: KnownSettings) -> String? {
        switch call.options["pattern"] {
        case nil, .some(.some(.nil)), .some(.boolean(false)):
            return self.problem(withName: text).map { "\($0); for a pattern, add :pattern true" }
        case .some(.boolean(true)):
            do throws(ConnectorError) {
                _ = try TopicPattern(text)
                return nil
            } catch {
                return error.message
            }
        case .some:
            return nil
        }
    }

    /// Why no topic can have a name, as a predicate; nil: one can.
    static func problem(withName name: String) -> String? {
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
            let allowed = "up to \(Self.nameLengthLimit) letters, digits, '.', '_', '-'"
            return "can't have \"\(name)\": no topic is called so, names are \(allowed)"
        }
        return nil
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
    init(_ text: String) throws(ConnectorError) {
        self.text = text
        do {
            self.expression = try RegularExpression(pattern: Array("^(?:\(text))\\z".utf8))
        } catch {
            let message = "can't match topics with \"\(text)\", which isn't a regular expression: \(error.message)"
            throw ConnectorError(.user, retry: .never, message)
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
