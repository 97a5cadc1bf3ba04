extension Reader {
    /// Reads what isn't a bracket; nil after an error that leaves nothing to stand in.
    mutating func readAtom() -> SyntaxNode? {
        let byte = self.bytes[self.position]
        switch byte {
        case UInt8(ascii: "\""): return self.readString()
        case UInt8(ascii: "#"): return self.readHash()
        case UInt8(ascii: ":"): return self.readKeyword()
        default:
            if TextByte.isDigit(byte) || (byte == UInt8(ascii: "-") && self.peek(1).map(TextByte.isDigit) == true) {
                return self.readNumber()
            }
            return TextByte.beginsSymbol(byte) ? self.readSymbol() : self.skipUnexpected()
        }
    }

    /// `#t`, `#f`, and `#"` of a regular expression.
    private mutating func readHash() -> SyntaxNode? {
        if self.peek(1) == UInt8(ascii: "\"") { return self.readRegex() }
        let start = self.position
        self.position += 1
        let word = self.takeWord()
        let range = SourceRange(start: start, end: self.position)
        switch word {
        case "t": return SyntaxNode(.boolean(true), range: range)
        case "f": return SyntaxNode(.boolean(false), range: range)
        default:
            self.diagnostics.error(
                "unexpected-character",
                "expected #t, #f or a regular expression #\"…\", found #\(word)",
                help: "booleans are true and false, comments begin with ;",
                at: range
            )
            return nil
        }
    }

    private mutating func readKeyword() -> SyntaxNode? {
        let start = self.position
        self.position += 1
        let name = self.takeWord()
        let range = SourceRange(start: start, end: self.position)
        guard let first = name.utf8.first, first != UInt8(ascii: ":"), first != UInt8(ascii: "'") else {
            self.diagnostics.error(
                "invalid-keyword",
                "expected a name right after the colon of a keyword",
                help: "write it like :user-id",
                at: range
            )
            return nil
        }
        return SyntaxNode(.keyword(name), range: range)
    }

    private mutating func readSymbol() -> SyntaxNode {
        let start = self.position
        let name = self.takeWord()
        let range = SourceRange(start: start, end: self.position)
        switch name {
        case "true": return SyntaxNode(.boolean(true), range: range)
        case "false": return SyntaxNode(.boolean(false), range: range)
        case "nil": return SyntaxNode(.nil, range: range)
        default: return SyntaxNode(.symbol(name), range: range)
        }
    }

    private mutating func skipUnexpected() -> SyntaxNode? {
        let start = self.position
        guard let length = UTF8Scan.scalarLength(in: self.bytes, at: start) else {
            // It was reported with the other bytes that aren't UTF-8.
            self.position += 1
            return nil
        }
        self.position += length
        let text = String(decoding: self.bytes[start..<start + length], as: UTF8.self)
        self.diagnostics.error(
            "unexpected-character",
            "unexpected character \(Self.shown(text))",
            help: Self.adviceOnCharacter(text),
            at: SourceRange(start: start, end: self.position)
        )
        return nil
    }

    private static func shown(_ text: String) -> String {
        guard let scalar = text.unicodeScalars.first else { return "" }
        let code = String(scalar.value, radix: 16, uppercase: true)
        let padded = String(repeating: "0", count: max(0, 4 - code.count)) + code
        let isPrintable = scalar.value > 0x20 && scalar.value != 0x7F && !scalar.properties.isDefaultIgnorableCodePoint
        return isPrintable ? "\(text) (U+\(padded))" : "U+\(padded)"
    }

    private static func adviceOnCharacter(_ text: String) -> String {
        switch text {
        case ",": "elements are separated by spaces alone"
        case "\u{201C}", "\u{201D}", "\u{201E}": "strings begin and end with a straight quote: \""
        case "\u{2018}", "\u{2019}", "`": "quote data with a straight single quote: 'name"
        case "\\": "a backslash has a meaning only inside strings and regular expressions"
        case "\u{A0}": "this is a no-break space: replace it by a normal one"
        default:
            "names consist of ASCII letters, digits and + - * / = < > ! ? % & | . _ : '; put other text into a string"
        }
    }

    // MARK: Numbers

    private mutating func readNumber() -> SyntaxNode {
        let start = self.position
        let word = self.takeWord()
        let range = SourceRange(start: start, end: self.position)
        switch NumberText.parse(word) {
        case .integer(let value): return SyntaxNode(.integer(value), range: range)
        case .float(let value): return SyntaxNode(.float(value), range: range)
        case .outOfRange(let isInteger):
            self.diagnostics.error(
                "number-range",
                isInteger ? "\(word) doesn't fit into 64 bits" : "\(word) is too large for a float",
                help: isInteger
                    ? "integers reach from \(Int64.min) to \(Int64.max); a float like 1.0e20 is approximate"
                    : "the largest is 1.7976931348623157e308",
                at: range
            )
            return SyntaxNode(isInteger ? .integer(0) : .float(0), range: range)
        case .malformed(let advice):
            self.diagnostics.error("invalid-number", "\(word) isn't a number", help: advice, at: range)
            return SyntaxNode(.integer(0), range: range)
        }
    }

    /// Takes the bytes that can go on a symbol.
    private mutating func takeWord() -> String {
        let start = self.position
        while let byte = self.peek(), TextByte.continuesSymbol(byte) { self.position += 1 }
        return String(decoding: self.bytes[start..<self.position], as: UTF8.self)
    }

    // MARK: Encoding

    mutating func reportInvalidEncoding() {
        for range in UTF8Scan.invalidRanges(in: self.bytes) {
            let shown = self.bytes[range.start..<min(range.end, range.start + 4)].map { byte in
                (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
            let rest = range.end - range.start > shown.count ? " …" : ""
            self.diagnostics.error(
                "invalid-utf8",
                "expected UTF-8, found byte\(shown.count == 1 ? "" : "s") \(shown.joined(separator: " "))\(rest)",
                help: "save the file as UTF-8",
                at: range
            )
        }
    }

    mutating func skipByteOrderMark() {
        if self.bytes.starts(with: [0xEF, 0xBB, 0xBF]) { self.position = 3 }
    }
}
