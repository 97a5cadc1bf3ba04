extension Reader {
    mutating func readString() -> SyntaxNode {
        let start = self.position
        var text: [UInt8] = []
        self.position += 1
        while let byte = self.peek(), byte != UInt8(ascii: "\"") {
            if byte == UInt8(ascii: "\\") {
                self.readEscape(into: &text)
            } else {
                text.append(byte)
                self.position += 1
            }
        }
        self.finishText(start: start, what: "string")
        return SyntaxNode(
            .string(String(decoding: text, as: UTF8.self)),
            range: SourceRange(start: start, end: self.position)
        )
    }

    /// Reads `#"…"`: a backslash keeps its partner, so that `\\` before the closing quote ends the text.
    mutating func readRegex() -> SyntaxNode {
        let start = self.position
        var text: [UInt8] = []
        self.position += 2
        while let byte = self.peek(), byte != UInt8(ascii: "\"") {
            guard byte == UInt8(ascii: "\\"), let next = self.peek(1) else {
                text.append(byte)
                self.position += 1
                continue
            }
            if next != UInt8(ascii: "\"") { text.append(byte) }
            text.append(next)
            self.position += 2
        }
        self.finishText(start: start, what: "regular expression")
        return SyntaxNode(
            .regex(String(decoding: text, as: UTF8.self)),
            range: SourceRange(start: start, end: self.position)
        )
    }

    private mutating func finishText(start: Int, what: String) {
        guard self.peek() == nil else {
            self.position += 1
            return
        }
        self.noteUnterminatedText()
        self.diagnostics.error(
            "unterminated-text",
            "this \(what) has no closing \"",
            help: "add \" where it ends; a \" inside it is written \\\"",
            at: SourceRange(start: start, end: start + (what == "string" ? 1 : 2))
        )
    }

    // MARK: Escapes

    private mutating func readEscape(into text: inout [UInt8]) {
        let start = self.position
        self.position += 1
        guard let byte = self.peek() else { return }
        if byte == UInt8(ascii: "u") { return self.readScalarEscape(start: start, into: &text) }
        if let value = Self.escapes[byte] {
            self.position += 1
            text.append(value)
            return
        }
        let length = UTF8Scan.scalarLength(in: self.bytes, at: self.position) ?? 1
        let shown = String(decoding: self.bytes[self.position..<self.position + length], as: UTF8.self)
        self.position += length
        self.diagnostics.error(
            "invalid-escape",
            byte < 0x20 ? "a backslash can't end a line of a string" : "\\\(shown) isn't an escape of strings",
            help: "strings have \\n \\t \\r \\0 \\\\ \\\" and \\u{…}; regular expressions are written #\"…\"",
            at: SourceRange(start: start, end: self.position)
        )
    }

    private static let escapes: [UInt8: UInt8] = [
        UInt8(ascii: "n"): UInt8(ascii: "\n"),
        UInt8(ascii: "t"): UInt8(ascii: "\t"),
        UInt8(ascii: "r"): UInt8(ascii: "\r"),
        UInt8(ascii: "0"): 0,
        UInt8(ascii: "\\"): UInt8(ascii: "\\"),
        UInt8(ascii: "\""): UInt8(ascii: "\""),
    ]

    /// Reads `u{1F600}` after the backslash.
    private mutating func readScalarEscape(start: Int, into text: inout [UInt8]) {
        self.position += 1
        var digits: [UInt8] = []
        var isClosed = false
        if self.peek() == UInt8(ascii: "{") {
            self.position += 1
            while let byte = self.peek(), TextByte.isHexadecimalDigit(byte) {
                digits.append(byte)
                self.position += 1
            }
            isClosed = self.peek() == UInt8(ascii: "}")
            if isClosed { self.position += 1 }
        }
        let value = digits.count <= 6 ? UInt32(String(decoding: digits, as: UTF8.self), radix: 16) : nil
        if isClosed, let scalar = value.flatMap({ Unicode.Scalar($0) }) {
            text.append(contentsOf: String(scalar).utf8)
            return
        }
        self.diagnostics.error(
            "invalid-escape",
            isClosed ? "this escape names no Unicode scalar" : "expected \\u{…} with hexadecimal digits",
            help: "write one to six hexadecimal digits in braces: \\u{e9}",
            at: SourceRange(start: start, end: self.position)
        )
    }
}
