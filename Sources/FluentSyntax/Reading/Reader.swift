/// Turns the bytes of a program into forms.
///
/// It goes on after an error and collects them all. It keeps its own stack, so that nesting costs memory and no
/// stack; forms nested deeper than ``nestingLimit`` are an error and left out, so that trees can be walked recursively.
///
/// Source: language.md, Reading.
package struct Reader {
    /// Inclusive; quotes count as a level.
    package static let nestingLimit = 512

    package static func read(_ source: SourceFile) -> ReadResult {
        var reader = Reader(source: source)
        reader.reportInvalidEncoding()
        reader.skipByteOrderMark()
        reader.readForms()
        reader.closeAtEnd()
        return ReadResult(
            forms: reader.frames[0].children,
            diagnostics: reader.diagnostics.sorted(),
            comments: reader.comments,
            isBalanced: reader.isBalanced
        )
    }

    let source: SourceFile
    let bytes: [UInt8]
    var position = 0
    var diagnostics = DiagnosticList()
    var isBalanced = true
    private var comments: [SourceRange] = []
    private var frames = [Frame(opening: .program, start: 0)]
    private var openCounts = [Int](repeating: 0, count: Opening.allCases.count)
    /// Closing brackets that will be left over because of a mismatch that was reported already.
    private var excusedCloserCount = 0
    private var exceededNesting = false
    private var isInUnterminatedText = false
    /// The first sign of a missing bracket inside the open top-level form.
    private var suspicion: Suspicion?
    /// Where the line begins that ``column(of:)`` was asked for last, and how far it looked.
    private var lineStart = 0
    private var scannedEnd = 0

    private init(source: SourceFile) {
        self.source = source
        self.bytes = source.bytes
    }

    private mutating func readForms() {
        while let byte = self.peek() {
            self.noteIndentation(of: byte)
            switch byte {
            case TextByte.space, TextByte.tab, TextByte.newline, TextByte.carriageReturn, TextByte.formFeed:
                self.position += 1
            case UInt8(ascii: ";"): self.skipComment()
            case UInt8(ascii: "("): self.open(.parenthesis)
            case UInt8(ascii: "["): self.open(.bracket)
            case UInt8(ascii: "{"): self.open(.brace)
            case UInt8(ascii: "'"): self.open(.quote)
            case UInt8(ascii: ")"): self.close(.parenthesis)
            case UInt8(ascii: "]"): self.close(.bracket)
            case UInt8(ascii: "}"): self.close(.brace)
            default: self.append(self.readAtom())
            }
        }
    }

    private mutating func skipComment() {
        let start = self.position
        while let byte = self.peek(), byte != TextByte.newline { self.position += 1 }
        var end = self.position
        if end > start, self.bytes[end - 1] == TextByte.carriageReturn { end -= 1 }
        self.comments.append(SourceRange(start: start, end: end))
    }

    // MARK: Brackets

    private mutating func open(_ opening: Opening) {
        let start = self.position
        self.position += 1
        if self.frames.count == 1 { self.suspicion = nil }
        var frame = Frame(opening: opening, start: start, column: self.column(of: start))
        frame.indentation = self.indentation
        frame.isLeftOut = self.frames.count > Self.nestingLimit
        if frame.isLeftOut { self.reportNesting(at: start) }
        self.frames.append(frame)
        self.openCounts[opening.rawValue] += 1
    }

    private mutating func reportNesting(at start: Int) {
        self.isBalanced = false
        guard !self.exceededNesting else { return }
        self.exceededNesting = true
        self.diagnostics.error(
            "nesting-limit",
            "forms are nested deeper than \(Self.nestingLimit) levels",
            help: "move inner parts into functions of their own",
            at: SourceRange(start: start, end: start + 1)
        )
    }

    private mutating func close(_ opening: Opening) {
        let closer = SourceRange(start: self.position, end: self.position + 1)
        self.position += 1
        self.dropUnfinishedQuotes(before: opening.closer)
        guard self.frames.count > 1, let top = self.frames.last else {
            return self.reportUnexpected(opening, at: closer)
        }
        guard top.opening != opening else { return self.finishFrame(end: closer.end) }
        self.reportMismatch(top, opening, at: closer)
        // Without a partner further out it was meant for the innermost bracket.
        guard self.openCounts[opening.rawValue] > 0 else { return self.finishFrame(end: closer.end) }
        while let top = self.frames.last, top.opening != opening {
            if top.opening != .quote { self.excusedCloserCount += 1 }
            self.finishFrame(end: closer.start)
        }
        self.finishFrame(end: closer.end)
    }

    private mutating func reportMismatch(_ top: Frame, _ opening: Opening, at closer: SourceRange) {
        self.isBalanced = false
        self.diagnostics.error(
            "unclosed-bracket",
            "expected \(top.opening.closer) to close the \(top.opening.text) at \(self.place(top.start)), "
                + "found \(opening.closer)",
            help: "add \(top.opening.closer) before it, or correct one of the two brackets",
            at: closer
        )
    }

    private mutating func reportUnexpected(_ opening: Opening, at closer: SourceRange) {
        self.isBalanced = false
        guard self.excusedCloserCount == 0 else {
            self.excusedCloserCount -= 1
            return
        }
        self.diagnostics.error(
            "unexpected-bracket",
            "this \(opening.closer) closes nothing: no \(opening.text) is open here",
            help: "remove it, or add the missing \(opening.text)",
            at: closer
        )
    }

    /// Ends the innermost frame and hands its form to the one around it.
    private mutating func finishFrame(end: Int) {
        guard self.frames.count > 1, let frame = self.frames.popLast() else { return }
        self.openCounts[frame.opening.rawValue] -= 1
        self.append(self.node(of: frame, end: end))
    }

    private mutating func node(of frame: Frame, end: Int) -> SyntaxNode? {
        guard !frame.isLeftOut else { return nil }
        let range = SourceRange(start: frame.start, end: end)
        switch frame.opening {
        case .parenthesis: return SyntaxNode(.list(frame.children), range: range)
        case .bracket: return SyntaxNode(.vector(frame.children), range: range)
        case .brace: return SyntaxNode(.map(self.paired(frame.children, in: range)), range: range)
        case .quote, .program: return nil
        }
    }

    /// The entries of a map literal: without the last key if it has no value, which is an error.
    private mutating func paired(_ children: [SyntaxNode], in range: SourceRange) -> [SyntaxNode] {
        guard let last = children.last, !children.count.isMultiple(of: 2) else { return children }
        if self.isBalanced {
            self.diagnostics.error(
                "odd-map",
                "this map has a key without a value",
                help: "write keys and values in turn: {:name \"Ada\" :year 1815}",
                at: last.range
            )
        }
        return Array(children.dropLast())
    }

    /// Adds a form to the innermost open one, finishing the quotes before it.
    private mutating func append(_ form: SyntaxNode?) {
        var form = form
        while let top = self.frames.last, top.opening == .quote {
            self.frames.removeLast()
            self.openCounts[Opening.quote.rawValue] -= 1
            form = form.flatMap { inner in
                guard !top.isLeftOut else { return nil }
                return SyntaxNode(.quote(inner), range: SourceRange(start: top.start, end: inner.range.end))
            }
        }
        guard let form, let top = self.frames.indices.last, !self.frames[top].isLeftOut else { return }
        self.frames[top].children.append(form)
    }

    private mutating func dropUnfinishedQuotes(before found: String) {
        while let top = self.frames.last, top.opening == .quote {
            self.frames.removeLast()
            self.openCounts[Opening.quote.rawValue] -= 1
            self.diagnostics.error(
                "unfinished-quote",
                "expected a form after ', found \(found)",
                help: "write the quoted form right after it: 'name or '(1 2)",
                at: SourceRange(start: top.start, end: top.start + 1)
            )
        }
    }

    /// Reports what is open at the end, as one error, and closes it.
    private mutating func closeAtEnd() {
        if !self.isInUnterminatedText { self.dropUnfinishedQuotes(before: "the end of the file") }
        guard let innermost = self.frames.last, self.frames.count > 1 else { return }
        self.isBalanced = false
        if !self.isInUnterminatedText { self.reportUnclosed(innermost) }
        while self.frames.count > 1 { self.finishFrame(end: self.bytes.count) }
    }

    private mutating func reportUnclosed(_ innermost: Frame) {
        if let suspicion = self.suspicion, !suspicion.isVague { return self.reportUnclosed(suspicion, innermost) }
        let others = self.frames.count - 2
        var help = "add \(innermost.opening.closer)"
        if let suspicion = self.suspicion {
            help += " at the end, or before the form at \(self.place(suspicion.place)) if that isn't meant to be inside"
        } else if others > 0 {
            help += "; the outermost open \(self.frames[1].opening.text) is at \(self.place(self.frames[1].start))"
        }
        let around = others == 0 ? "is" : "and \(others) more around it are"
        self.diagnostics.error(
            "unclosed-bracket",
            "this \(innermost.opening.text) \(around) never closed",
            help: help,
            at: SourceRange(start: innermost.start, end: innermost.start + 1)
        )
    }

    /// Points at the bracket that isn't closed where the author's indentation says that it was meant to be.
    private mutating func reportUnclosed(_ suspicion: Suspicion, _ innermost: Frame) {
        let bracket = suspicion.opening.text
        let isOpen = self.frames.contains { $0.start == suspicion.start && $0.opening != .program }
        let found = "the \(innermost.opening.text) at \(self.place(innermost.start)) is open at the end of the file"
        self.diagnostics.error(
            "unclosed-bracket",
            isOpen ? "this \(bracket) is never closed" : "this \(bracket) is probably not closed: \(found)",
            help: "add \(suspicion.opening.closer), probably before the form at \(self.place(suspicion.place))",
            at: SourceRange(start: suspicion.start, end: suspicion.start + 1)
        )
    }

    // MARK: Indentation

    /// Takes down the first form that begins a line, and no further right than the line does in which the bracket was
    /// opened that it is in: that bracket was meant to be closed.
    ///
    /// Until there is one, the first that isn't further right than the bracket itself: it says so where forms are indented
    /// below what they belong to, and nothing where each level is indented by as much.
    private mutating func noteIndentation(of byte: UInt8) {
        guard self.suspicion?.isVague != false, self.frames.count > 1, let top = self.frames.last,
            top.opening != .quote
        else { return }
        guard !TextByte.isWhitespace(byte), byte != UInt8(ascii: ";"), !Opening.closers.contains(byte) else { return }
        let column = self.column(of: self.position)
        guard column <= top.column, self.isFirstOnLine(self.position) else { return }
        let isVague = column > top.indentation || (column == 0 && byte != UInt8(ascii: "("))
        guard !isVague || self.suspicion == nil else { return }
        self.suspicion = Suspicion(opening: top.opening, start: top.start, place: self.position, isVague: isVague)
    }

    /// Of the line that ``column(of:)`` was asked about last.
    private var indentation: Int {
        self.bytes[self.lineStart...].prefix { $0 == TextByte.space || $0 == TextByte.tab }.count
    }

    /// In bytes; positions must not go back.
    private mutating func column(of offset: Int) -> Int {
        while self.scannedEnd < offset {
            if self.bytes[self.scannedEnd] == TextByte.newline { self.lineStart = self.scannedEnd + 1 }
            self.scannedEnd += 1
        }
        return offset - self.lineStart
    }

    private func isFirstOnLine(_ offset: Int) -> Bool {
        self.bytes[self.lineStart..<offset].allSatisfy(TextByte.isWhitespace)
    }

    // MARK: Positions

    func peek(_ distance: Int = 0) -> UInt8? {
        let index = self.position + distance
        return index < self.bytes.count ? self.bytes[index] : nil
    }

    /// `line:column`, for messages.
    func place(_ offset: Int) -> String {
        let location = self.source.location(of: offset)
        return "\(location.line):\(location.column)"
    }

    /// Notes that a text wasn't closed: it swallowed the rest, so that open brackets say nothing any more.
    mutating func noteUnterminatedText() {
        self.isInUnterminatedText = true
        self.isBalanced = false
    }
}

extension Reader {
    /// An open bracket, or a quote that waits for its form.
    private struct Frame {
        let opening: Opening
        let start: Int
        var column = 0

        /// Of the line that it is in.
        var indentation = 0
        var children: [SyntaxNode] = []
        /// Beyond the nesting limit.
        var isLeftOut = false
    }

    /// A bracket that seems not to be closed, since a form that begins a line isn't further right.
    private struct Suspicion {
        let opening: Opening
        let start: Int
        /// Of that form.
        let place: Int

        /// Whether the style of the program decides what it says.
        let isVague: Bool
    }

    private enum Opening: Int, CaseIterable {
        static let closers = [UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}")]

        case program
        case parenthesis
        case bracket
        case brace
        case quote

        var text: String {
            switch self {
            case .program: ""
            case .parenthesis: "("
            case .bracket: "["
            case .brace: "{"
            case .quote: "'"
            }
        }

        var closer: String {
            switch self {
            case .program, .quote: ""
            case .parenthesis: ")"
            case .bracket: "]"
            case .brace: "}"
            }
        }
    }
}
