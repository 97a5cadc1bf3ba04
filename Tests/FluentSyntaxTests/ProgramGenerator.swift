import CoreTypes
import FluentSyntax

/// Random program text: any forms, white space and comments.
struct ProgramGenerator {
    private var random: SplitMix64
    private static let atoms = [
        "a", "word", "x'", "cluster:join", "->", "+", "12", "-7", "60_000", "2.5", "1.0e9", "true", "#f", "nil", ":key",
        "\"text\"", "\"a\\nb\\u{e9}\"", "\"two\nlines\"", "#\"\\s+\\\"\"", ":input", ":map",
        "a-rather-long-name-of-something",
    ]
    private static let heads = [
        "lambda", "let", "define", "define-mapreduce", "if", "when", "cond", "match", "for", "f", "emit", "try", "do",
        "distributed-files", "->", "quote", "receive",
    ]

    init(seed: UInt64) {
        self.random = SplitMix64(seed: seed)
    }

    mutating func program() -> String {
        var text = ""
        for _ in 0..<self.random.next(in: 0..<6) { text += self.form(depth: 5) + self.space() }
        return text
    }

    private mutating func form(depth: Int) -> String {
        guard depth > 0, self.random.next(in: 0..<10) < 6 else { return self.pick(Self.atoms) }
        switch self.random.next(in: 0..<10) {
        case 0: return "[" + self.elements(depth, pairs: false) + "]"
        case 1: return "{" + self.elements(depth, pairs: true) + "}"
        case 2: return "'" + (self.random.next(in: 0..<4) == 0 ? self.space() : "") + self.form(depth: depth - 1)
        case 3: return "(" + self.elements(depth, pairs: false) + ")"
        default: return "(" + self.pick(Self.heads) + self.space() + self.elements(depth, pairs: false) + ")"
        }
    }

    private mutating func elements(_ depth: Int, pairs: Bool) -> String {
        let count = self.random.next(in: 0..<5) * (pairs ? 2 : 1)
        var text = self.random.next(in: 0..<8) == 0 ? self.space() : ""
        for index in 0..<count {
            text += self.form(depth: depth - 1)
            if index < count - 1 || self.random.next(in: 0..<8) == 0 { text += self.space() }
        }
        return text
    }

    private mutating func space() -> String {
        switch self.random.next(in: 0..<24) {
        case 0: "\n"
        case 1: "\n\n\n  "
        case 2: "  "
        case 3: " ; a note \n"
        case 4: "\n ;; a line\n"
        case 5: "\r\n"
        default: " "
        }
    }

    private mutating func pick(_ choices: [String]) -> String {
        choices[self.random.next(in: 0..<choices.count)]
    }
}

extension SyntaxNode {
    /// The tree without places.
    var shape: String {
        switch self.kind {
        case .nil: "nil"
        case .boolean(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .float(let value): "float \(value)"
        case .string(let text): "\"\(text)\""
        case .regex(let text): "#\"\(text)\""
        case .keyword(let name): ":\(name)"
        case .symbol(let name): name
        case .list(let items): "(" + items.map(\.shape).joined(separator: " ") + ")"
        case .vector(let items): "[" + items.map(\.shape).joined(separator: " ") + "]"
        case .map(let items): "{" + items.map(\.shape).joined(separator: " ") + "}"
        case .quote(let inner): "'" + inner.shape
        }
    }
}

extension ReadResult {
    var shape: [String] { self.forms.map(\.shape) }
}

extension SourceFile {
    static func make(_ text: String) -> SourceFile { SourceFile(name: "test.fl", text: text) }
}
