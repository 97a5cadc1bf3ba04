/// One form as the formatter sees it: its text, or its brackets and what is between them.
struct FormatPiece {
    enum Content {
        /// As written, so that `60_000` and escapes stay.
        case atom(String)
        case brackets(open: String, close: String, [FormatEntry])
        indirect case quote(FormatPiece)
    }

    let content: Content
    let node: SyntaxNode

    /// The width on one line; nil if it was on several, or holds a comment.
    let flatWidth: Int?
}

/// Something between two brackets, or at the top level.
enum FormatEntry {
    case piece(FormatPiece, before: FormatGap)
    case comment(String, before: FormatGap)
}

/// How the author separated two entries.
enum FormatGap {
    case sameLine
    case newLine
    case blankLine
}

/// Builds the pieces of a file that reads without errors.
struct FormatPieceBuilder {
    private let source: SourceFile
    private let comments: [SourceRange]
    /// Of the next comment that isn't part of a piece yet.
    private var commentIndex = 0

    init(source: SourceFile, comments: [SourceRange]) {
        self.source = source
        self.comments = comments
    }

    /// The entries between `start` and `end`.
    mutating func entries(_ nodes: [SyntaxNode], from start: Int, to end: Int) -> [FormatEntry] {
        var entries: [FormatEntry] = []
        var position = start
        for node in nodes {
            self.takeComments(before: node.range.start, &position, into: &entries)
            let gap = self.gap(from: position, to: node.range.start)
            let piece = self.piece(node)
            // Comments between a quote and its form have no place on the line: they go before the quote.
            let hoisted = self.takeHoisted(within: node)
            for comment in hoisted { entries.append(.comment(comment, before: .newLine)) }
            entries.append(.piece(piece, before: hoisted.isEmpty ? gap : .newLine))
            position = node.range.end
        }
        self.takeComments(before: end, &position, into: &entries)
        return entries
    }

    private mutating func takeComments(before end: Int, _ position: inout Int, into entries: inout [FormatEntry]) {
        while self.commentIndex < self.comments.count, self.comments[self.commentIndex].start < end {
            let comment = self.comments[self.commentIndex]
            self.commentIndex += 1
            entries.append(.comment(self.text(comment), before: self.gap(from: position, to: comment.start)))
            position = comment.end
        }
    }

    private var hoistedComments: [String] = []

    private mutating func takeHoisted(within node: SyntaxNode) -> [String] {
        guard case .quote = node.kind else { return [] }
        defer { self.hoistedComments = [] }
        return self.hoistedComments
    }

    private mutating func piece(_ node: SyntaxNode) -> FormatPiece {
        switch node.kind {
        case .nil, .boolean, .integer, .float, .string, .regex, .keyword, .symbol:
            let text = String(decoding: self.source.bytes[node.range.start..<node.range.end], as: UTF8.self)
            let isOneLine = !text.unicodeScalars.contains("\n")
            let width = isOneLine ? text.unicodeScalars.count : nil
            return FormatPiece(content: .atom(text), node: node, flatWidth: width)
        case .list(let items): return self.brackets("(", ")", items, node)
        case .vector(let items): return self.brackets("[", "]", items, node)
        case .map(let items): return self.brackets("{", "}", items, node)
        case .quote(let inner):
            while self.commentIndex < self.comments.count,
                self.comments[self.commentIndex].start < inner.range.start
            {
                self.hoistedComments.append(self.text(self.comments[self.commentIndex]))
                self.commentIndex += 1
            }
            let piece = self.piece(inner)
            return FormatPiece(content: .quote(piece), node: node, flatWidth: piece.flatWidth.map { $0 + 1 })
        }
    }

    private mutating func brackets(
        _ open: String,
        _ close: String,
        _ items: [SyntaxNode],
        _ node: SyntaxNode
    ) -> FormatPiece {
        let outer = self.hoistedComments
        self.hoistedComments = []
        let entries = self.entries(items, from: node.range.start + 1, to: node.range.end - 1)
        self.hoistedComments = outer
        return FormatPiece(
            content: .brackets(open: open, close: close, entries),
            node: node,
            flatWidth: Self.flatWidth(entries)
        )
    }

    private static func flatWidth(_ entries: [FormatEntry]) -> Int? {
        var width = 2 + max(0, entries.count - 1)
        for (index, entry) in entries.enumerated() {
            guard case .piece(let piece, let gap) = entry, let inner = piece.flatWidth else { return nil }
            // Where the first element stands says nothing about the form.
            guard index == 0 || gap == .sameLine else { return nil }
            width += inner
        }
        return width
    }

    private func gap(from start: Int, to end: Int) -> FormatGap {
        let lineEnds = self.source.bytes[start..<max(start, end)].count { $0 == TextByte.newline }
        return lineEnds == 0 ? .sameLine : lineEnds == 1 ? .newLine : .blankLine
    }

    private func text(_ comment: SourceRange) -> String {
        var bytes = self.source.bytes[comment.start..<comment.end]
        while let last = bytes.last, TextByte.isWhitespace(last) { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
