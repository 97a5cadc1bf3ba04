/// Writes pieces, keeping count of the column.
struct FormatWriter {
    /// Lines are kept at most this long where that is possible.
    static let columnLimit = 100

    private(set) var text = ""
    private var column = 0

    // MARK: Top level

    mutating func writeFile(_ entries: [FormatEntry]) {
        for (index, entry) in entries.enumerated() {
            switch entry {
            case .piece(let piece, let gap):
                if index > 0 { self.breakLine(0, isBlank: gap == .blankLine) }
                self.write(piece, role: .code, reserve: 0)
            case .comment(let comment, let gap):
                if index > 0, gap == .sameLine {
                    self.append("  ")
                } else if index > 0 {
                    self.breakLine(0, isBlank: gap == .blankLine)
                }
                self.append(comment)
            }
        }
        if !entries.isEmpty { self.breakLine(0, isBlank: false) }
    }

    // MARK: Pieces

    /// Writes a piece at the current column; `reserve` columns are needed after it on its last line.
    private mutating func write(_ piece: FormatPiece, role: FormatStyle.Role, reserve: Int) {
        if let width = piece.flatWidth, self.column + width + reserve <= Self.columnLimit {
            return self.writeFlat(piece)
        }
        switch piece.content {
        case .atom(let text): self.append(text)
        case .quote(let inner):
            self.append("'")
            self.write(inner, role: .elements, reserve: reserve)
        case .brackets(let open, let close, let entries):
            var layout = FormatLayout(piece, role: role, column: self.column)
            self.append(open)
            self.write(entries, layout: &layout, reserve: reserve + 1)
            self.append(close)
        }
    }

    private mutating func writeFlat(_ piece: FormatPiece) {
        switch piece.content {
        case .atom(let text): self.append(text)
        case .quote(let inner):
            self.append("'")
            self.writeFlat(inner)
        case .brackets(let open, let close, let entries):
            self.append(open)
            for (index, entry) in entries.enumerated() {
                guard case .piece(let inner, _) = entry else { continue }
                if index > 0 { self.append(" ") }
                self.writeFlat(inner)
            }
            self.append(close)
        }
    }

    private mutating func write(_ entries: [FormatEntry], layout: inout FormatLayout, reserve: Int) {
        var isAfterComment = false
        for (index, entry) in entries.enumerated() {
            switch entry {
            case .comment(let comment, let gap):
                if gap != .sameLine || isAfterComment, index > 0 {
                    self.breakLine(layout.indent, isBlank: gap == .blankLine)
                } else if index > 0 {
                    self.append("  ")
                }
                self.append(comment)
                isAfterComment = true
            case .piece(let piece, let gap):
                let needed = index == entries.count - 1 ? reserve : 0
                let breaks = index > 0 && layout.breaks(before: piece, gap: gap, column: self.column, reserve: needed)
                if breaks || isAfterComment {
                    self.breakLine(layout.indent, isBlank: gap == .blankLine)
                } else if index > 0 {
                    self.append(" ")
                }
                layout.place(piece, at: self.column, isOnFirstLine: !layout.hasBroken && !breaks && !isAfterComment)
                if breaks || isAfterComment { layout.hasBroken = true }
                self.write(piece, role: layout.role, reserve: needed)
                isAfterComment = false
            }
        }
        if isAfterComment { self.breakLine(layout.indent, isBlank: false) }
    }

    // MARK: Text

    private mutating func append(_ text: String) {
        self.text += text
        var width = 0
        var hasLineEnd = false
        for scalar in text.unicodeScalars {
            if scalar == "\n" {
                width = 0
                hasLineEnd = true
            } else {
                width += 1
            }
        }
        self.column = hasLineEnd ? width : self.column + width
    }

    private mutating func breakLine(_ indent: Int, isBlank: Bool) {
        self.text += isBlank ? "\n\n" : "\n"
        self.text += String(repeating: " ", count: indent)
        self.column = indent
    }
}

/// Where the elements of one broken form go.
struct FormatLayout {
    private let node: SyntaxNode
    private let formRole: FormatStyle.Role
    private let style: FormatStyle
    /// The author had it on one line, which is too long.
    private let breaksItself: Bool
    private let breaksEveryElement: Bool
    private let start: Int
    private var index = 0
    private var expectsValue = false
    private var argumentColumn: Int?

    var hasBroken = false
    /// Of the element placed last.
    private(set) var role = FormatStyle.Role.code

    init(_ piece: FormatPiece, role: FormatStyle.Role, column: Int) {
        self.node = piece.node
        self.formRole = role
        self.style = FormatStyle(piece.node, role: role)
        self.breaksItself = piece.flatWidth != nil
        self.start = column
        var hasInnerBrackets = false
        if case .brackets(_, _, let entries) = piece.content {
            hasInnerBrackets = entries.contains { entry in
                if case .piece(let inner, _) = entry, case .brackets = inner.content { return true }
                return false
            }
        }
        self.breaksEveryElement = hasInnerBrackets || self.style.indentation != .elements || self.style.isPaired
    }

    /// The column of a line that begins inside the form.
    var indent: Int {
        switch self.style.indentation {
        case .elements: self.start + 1
        case .body: self.start + 2
        case .arguments: self.argumentColumn ?? self.start + 2
        }
    }

    /// Whether the next element begins a line.
    func breaks(before piece: FormatPiece, gap: FormatGap, column: Int, reserve: Int) -> Bool {
        if gap != .sameLine { return true }
        // Clauses of a broken form don't share lines.
        if case .clause = FormatStyle.role(at: self.index, of: self.node, role: self.formRole) { return true }
        let isKey = self.isKey(piece)
        if self.style.breaksBeforeOptions, isKey { return true }
        if self.isValue { return false }
        let isHeader = self.style.indentation != .elements && self.index <= self.style.headerCount
        if self.breaksItself, !isHeader, self.breaksEveryElement { return true }
        if isHeader { return self.breaksFirstArgument(piece, column: column) }
        guard let width = piece.flatWidth else { return false }
        return column + 1 + width + reserve > FormatWriter.columnLimit
    }

    /// Arguments move to a line of their own when they would begin far to the right and don't fit.
    private func breaksFirstArgument(_ piece: FormatPiece, column: Int) -> Bool {
        guard self.style.indentation == .arguments, self.index == 1 else { return false }
        guard self.breaksItself, let width = piece.flatWidth else { return false }
        return column + 1 + width > FormatWriter.columnLimit && column > self.start + FormatWriter.columnLimit / 5
    }

    /// Notes the element that is written at `column`.
    mutating func place(_ piece: FormatPiece, at column: Int, isOnFirstLine: Bool) {
        if self.index == 1, isOnFirstLine { self.argumentColumn = column }
        self.role = FormatStyle.role(at: self.index, of: self.node, role: self.formRole)
        self.expectsValue = self.isKey(piece)
        self.index += 1
    }

    private func isKey(_ piece: FormatPiece) -> Bool {
        guard !self.expectsValue, self.style.indentation == .body, self.index >= 1 else { return false }
        return piece.node.keywordName != nil
    }

    /// The second of two that stay together.
    private var isValue: Bool {
        self.expectsValue || (self.style.isPaired && !self.index.isMultiple(of: 2))
    }
}
