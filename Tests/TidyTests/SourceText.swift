/// Tells code, comments and the contents of strings apart, which a search through lines can't.
///
/// Enough of Swift's lexical structure for house rules: strings with escapes, interpolation and raw delimiters, nested
/// block comments, names in backticks. A string on one line ends with it whatever came before, so that a literal it
/// doesn't know, such as a regular expression with a quote, spoils no more than its line.
struct SourceText {
    private enum Mode {
        case code(parentheses: Int)
        case string(hashes: Int, isMultiline: Bool)
        case blockComment(depth: Int)
    }

    /// For each line what is left without comments and contents of strings.
    private(set) var code: [String] = [""]

    /// For each line its comment, with the slashes.
    private(set) var comments: [String] = [""]

    private let characters: [Character]
    private var index = 0
    private var modes: [Mode] = [.code(parentheses: 0)]

    init(_ text: String) {
        self.characters = Array(text)
        while self.index < self.characters.count {
            self.step()
        }
    }

    private mutating func step() {
        if self.characters[self.index].isNewline {
            self.startLine()
            return
        }
        switch self.modes[self.modes.count - 1] {
        case .code(let parentheses): self.stepCode(parentheses)
        case .string(let hashes, let isMultiline): self.stepString(hashes, isMultiline)
        case .blockComment(let depth): self.stepComment(depth)
        }
    }

    private mutating func startLine() {
        self.index += 1
        self.code.append("")
        self.comments.append("")
        while case .string(_, isMultiline: false) = self.modes[self.modes.count - 1] {
            self.modes.removeLast()
        }
    }

    private mutating func stepCode(_ parentheses: Int) {
        if self.starts(with: "//") {
            while self.index < self.characters.count, !self.characters[self.index].isNewline {
                self.takeComment()
            }
        } else if self.starts(with: "/*") {
            self.modes.append(.blockComment(depth: 0))
        } else if self.characters[self.index] == "`" {
            repeat {
                self.takeCode()
            } while self.index < self.characters.count
                && self.characters[self.index] != "`" && !self.characters[self.index].isNewline
            if self.index < self.characters.count, self.characters[self.index] == "`" { self.takeCode() }
        } else if let hashes = self.hashesBeforeQuote {
            self.openString(hashes)
        } else {
            self.count(parentheses)
        }
    }

    /// Follows parentheses, to find the one that ends an interpolation.
    private mutating func count(_ parentheses: Int) {
        switch self.characters[self.index] {
        case "(":
            self.modes[self.modes.count - 1] = .code(parentheses: parentheses + 1)
        case ")" where parentheses == 0 && self.modes.count > 1:
            self.modes.removeLast()
        case ")":
            self.modes[self.modes.count - 1] = .code(parentheses: max(0, parentheses - 1))
        default:
            break
        }
        self.takeCode()
    }

    private mutating func openString(_ hashes: Int) {
        self.index += hashes
        let isMultiline = self.starts(with: "\"\"\"")
        self.index += isMultiline ? 3 : 1
        self.code[self.code.count - 1] += "\""
        self.modes.append(.string(hashes: hashes, isMultiline: isMultiline))
    }

    private mutating func stepString(_ hashes: Int, _ isMultiline: Bool) {
        let pounds = String(repeating: "#", count: hashes)
        let end = (isMultiline ? "\"\"\"" : "\"") + pounds
        if self.starts(with: "\\" + pounds + "(") {
            self.index += hashes + 2
            self.code[self.code.count - 1] += "("
            self.modes.append(.code(parentheses: 0))
        } else if self.starts(with: "\\" + pounds), self.index + hashes + 1 < self.characters.count {
            self.index += hashes + (self.characters[self.index + hashes + 1].isNewline ? 1 : 2)
        } else if self.starts(with: end) {
            self.index += end.count
            self.code[self.code.count - 1] += "\""
            self.modes.removeLast()
        } else {
            self.index += 1
        }
    }

    private mutating func stepComment(_ depth: Int) {
        if self.starts(with: "/*") {
            self.modes[self.modes.count - 1] = .blockComment(depth: depth + 1)
            self.takeComment()
        } else if self.starts(with: "*/") {
            if depth == 1 {
                self.modes.removeLast()
            } else {
                self.modes[self.modes.count - 1] = .blockComment(depth: depth - 1)
            }
            self.takeComment()
        }
        self.takeComment()
    }

    /// How many `#` stand before the quote that opens a string here, or nil where none does.
    private var hashesBeforeQuote: Int? {
        var hashes = 0
        while self.index + hashes < self.characters.count, self.characters[self.index + hashes] == "#" { hashes += 1 }
        guard self.index + hashes < self.characters.count else { return nil }
        return self.characters[self.index + hashes] == "\"" ? hashes : nil
    }

    private mutating func takeCode() {
        self.code[self.code.count - 1].append(self.characters[self.index])
        self.index += 1
    }

    private mutating func takeComment() {
        guard self.index < self.characters.count else { return }
        self.comments[self.comments.count - 1].append(self.characters[self.index])
        self.index += 1
    }

    private func starts(with text: String) -> Bool {
        self.characters[self.index...].starts(with: text)
    }
}
