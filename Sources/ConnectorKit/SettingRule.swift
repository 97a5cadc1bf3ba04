/// What the value of an option must be.
public indirect enum SettingRule: Sendable {
    /// What is wrong with one entry of a map, without its value if that may be secret; nil: nothing.
    public typealias EntryCheck = @Sendable (_ name: String, _ value: SettingValue) -> String?

    case boolean
    /// `noun`: What it is; nil: any integer of the range.
    case integer(ClosedRange<Int64>, noun: String? = nil)
    case word([String])
    /// A text that isn't empty; what it is.
    case text(String)
    /// A text, or a list of some, none of them empty; what one is.
    case texts(String)
    /// A format of records: a word, or `(csv …)` where that is one of them.
    case format([String])
    /// One ASCII character that is neither a quote nor a line's end.
    case separator
    case map(example: String, check: EntryCheck)
    case either([SettingRule])
    /// The option exists, but not here: why, and what to do.
    case refused(String)

    var isRefusal: Bool { if case .refused = self { true } else { false } }

    /// What a value must be, for messages.
    var expectation: String {
        switch self {
        case .boolean: "true or false"
        case .integer(let range, let noun): noun ?? "an integer from \(range.lowerBound) to \(range.upperBound)"
        case .word(let words): "one of \(words.map { "'\($0)" }.joined(separator: ", "))"
        case .text(let noun): noun
        case .texts(let noun): "\(noun), or a list of such"
        case .format(let names):
            "one of \(names.map { "'\($0)" }.joined(separator: ", "))"
                + (names.contains("csv") ? " or (csv :header true)" : "")
        case .separator: "a string of one ASCII character that is neither a quote nor a line's end"
        case .map(let example, _): "a map, such as \(example)"
        case .either(let rules): rules.map(\.expectation).joined(separator: ", or ")
        case .refused(let reason): reason
        }
    }

    struct Refusal {
        let predicate: String
        var help = ""
        /// Whether no value of this type would be right.
        let isOfType: Bool
    }

    /// - Returns: Nil where the value is right.
    func refusal(of value: SettingValue) -> Refusal? {
        if case .map(let entries) = value, case .map(_, let check) = self {
            let problem = entries.sorted { $0.key < $1.key }.lazy.compactMap { check($0.key, $0.value) }.first
            return problem.map { Refusal(predicate: "can't be used: \($0)", isOfType: false) }
        }
        guard !self.accepts(value) else { return nil }
        let predicate = "must be \(self.expectation), not \(value.found)"
        var help = ""
        if case .string(let word) = value, let nearest = NearestName.of(word, among: self.words) {
            help = "did you mean '\(nearest)?"
        }
        return Refusal(predicate: predicate, help: help, isOfType: !self.isOfType(value))
    }

    private func accepts(_ value: SettingValue) -> Bool {
        switch (self, value) {
        case (.boolean, .boolean): true
        case (.integer(let range, _), .integer(let number)): range.contains(number)
        case (.word(let words), .string(let word)), (.format(let words), .string(let word)): words.contains(word)
        case (.format(let names), .call(let name)): names.contains(name)
        case (.text, .string(let text)): !text.isEmpty
        case (.texts, _): value.texts.map { !$0.isEmpty && !$0.contains("") } ?? false
        case (.separator, .string(let text)):
            text.utf8.count == 1 && text.utf8.allSatisfy { $0 < 0x80 } && !["\"", "\n", "\r"].contains(text)
        case (.either(let rules), _): rules.contains { $0.accepts(value) }
        default: false
        }
    }

    /// Whether some value of this one's type is right.
    private func isOfType(_ value: SettingValue) -> Bool {
        switch (self, value) {
        case (.integer, .integer), (.word, .string), (.format, .string), (.text, .string), (.texts, .string),
            (.texts, .list), (.separator, .string):
            true
        case (.either(let rules), _): rules.contains { $0.isOfType(value) }
        default: false
        }
    }

    private var words: [String] {
        switch self {
        case .word(let words), .format(let words): words
        case .either(let rules): rules.flatMap(\.words)
        case .boolean, .integer, .text, .texts, .separator, .map, .refused: []
        }
    }
}

extension SettingValue {
    /// The texts that it is or has; nil where it is something else.
    var texts: [String]? {
        switch self {
        case .string(let text):
            return [text]
        case .list(let elements):
            var texts: [String] = []
            for element in elements {
                guard case .string(let text) = element else { return nil }
                texts.append(text)
            }
            return texts
        case .nil, .boolean, .integer, .float, .map, .call, .other:
            return nil
        }
    }

    /// As messages call it; the contents of lists and maps, which may be long or secret, aren't in it.
    var found: String {
        switch self {
        case .nil: "nil"
        case .boolean(let value): value ? "true" : "false"
        case .integer(let number): "\(number)"
        case .float(let number): "\(number)"
        case .string(let text): text.isEmpty ? "an empty string" : "\"\(text)\""
        case .list: "a list"
        case .map: "a map"
        case .call(let name): "(\(name) …)"
        case .other(let noun): noun
        }
    }
}
