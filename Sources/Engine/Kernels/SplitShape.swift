internal import FluentSyntax

/// A separator that pieces can be cut at by looking at one byte at a time.
struct SplitShape: Hashable, Sendable {
    let separators: ByteClass
    let emptyPieces: TokenScanner.EmptyPieces

    /// Whether bytes beyond ASCII separate, as for `[^a-z]+`: true of whole scalars only, so the text must be UTF-8.
    let needsUTF8: Bool

    /// Whole lines: there is no separator but the line's end.
    static let lines = SplitShape(separators: ByteClass(), emptyPieces: .kept)

    private init(separators: ByteClass, emptyPieces: TokenScanner.EmptyPieces) {
        self.separators = separators
        self.emptyPieces = emptyPieces
        self.needsUTF8 = false
    }

    /// - Returns: Nil for a separator that needs more than one byte: a longer string, a real pattern, text beyond ASCII.
    init?(_ separator: Constant) {
        switch separator {
        case .string(let bytes):
            // A byte of a longer scalar never equals an ASCII byte, so cutting at bytes cuts at scalars.
            guard bytes.count == 1, bytes[0] < 0x80, bytes[0] != UInt8(ascii: "\n"), bytes[0] != UInt8(ascii: "\r")
            else { return nil }
            self.separators = ByteClass(bytes)
            self.emptyPieces = .kept
            self.needsUTF8 = false
        case .regex(let pattern):
            guard let parsed = Self.parse(pattern) else { return nil }
            // Unrepeated, a scalar of several bytes is one separator, not one for each byte.
            let hasWideMembers = (0x80...0xFF).contains { parsed.members.contains(UInt8($0)) }
            guard parsed.isRepeated || !hasWideMembers else { return nil }
            // Where empty pieces count, the carriage return of a line's end must not make one.
            guard parsed.isRepeated || !parsed.members.contains(UInt8(ascii: "\r")) else { return nil }
            self.separators = parsed.members
            self.emptyPieces = parsed.isRepeated ? .dropped : .keptInside
            self.needsUTF8 = hasWideMembers
        default:
            return nil
        }
    }

    /// Reads `\s+`, `,`, `[^a-z']+` and their like: one class of bytes, once or repeated.
    private static func parse(_ pattern: String) -> (members: ByteClass, isRepeated: Bool)? {
        var parser = ClassParser(bytes: Array(pattern.utf8))
        guard let members = parser.item(), !members.isEmpty else { return nil }
        let isRepeated = parser.take(UInt8(ascii: "+"))
        guard parser.isAtEnd else { return nil }
        return (members, isRepeated)
    }
}

/// Reads one character class of a regular expression; anything it doesn't know is left to the regex engine.
private struct ClassParser {
    private let bytes: [UInt8]
    private var position = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { self.position == self.bytes.count }

    mutating func take(_ byte: UInt8) -> Bool {
        guard self.position < self.bytes.count, self.bytes[self.position] == byte else { return false }
        self.position += 1
        return true
    }

    private mutating func next() -> UInt8? {
        guard self.position < self.bytes.count else { return nil }
        defer { self.position += 1 }
        return self.bytes[self.position]
    }

    /// A literal, an escape, or a bracketed class.
    mutating func item() -> ByteClass? {
        guard let byte = self.next() else { return nil }
        switch byte {
        case UInt8(ascii: "\\"): return self.escape()
        case UInt8(ascii: "["): return self.brackets()
        case UInt8(ascii: "."), UInt8(ascii: "^"), UInt8(ascii: "$"), UInt8(ascii: "("), UInt8(ascii: ")"),
            UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"), UInt8(ascii: "{"), UInt8(ascii: "|"):
            return nil
        default: return byte < 0x80 ? ByteClass([byte]) : nil
        }
    }

    private mutating func escape() -> ByteClass? {
        guard let byte = self.next() else { return nil }
        switch byte {
        case UInt8(ascii: "s"): return .whitespace
        case UInt8(ascii: "d"): return ByteClass(UInt8(ascii: "0")...UInt8(ascii: "9"))
        case UInt8(ascii: "w"): return .wordCharacters
        case UInt8(ascii: "S"): return ByteClass.whitespace.complement
        case UInt8(ascii: "t"): return ByteClass([9])
        case UInt8(ascii: "n"): return ByteClass([10])
        case UInt8(ascii: "r"): return ByteClass([13])
        default:
            // Punctuation stands for itself; other letters mean things that bytes can't answer.
            let isAlphanumeric = ByteClass.wordCharacters.contains(byte) && byte != UInt8(ascii: "_")
            return isAlphanumeric || byte >= 0x80 ? nil : ByteClass([byte])
        }
    }

    private mutating func brackets() -> ByteClass? {
        let isNegated = self.take(UInt8(ascii: "^"))
        var members = ByteClass()
        var isFirst = true
        while let byte = self.next() {
            if byte == UInt8(ascii: "]"), !isFirst { return isNegated ? members.complement : members }
            isFirst = false
            guard let low = self.member(byte) else { return nil }
            if low.count == 1, self.rangeFollows {
                self.position += 1
                guard let next = self.next(), let high = self.member(next), high.count == 1,
                    let first = low.first, let last = high.first, first <= last
                else { return nil }
                for value in first...last { members.insert(value) }
            } else {
                members.formUnion(low)
            }
        }
        return nil
    }

    private var rangeFollows: Bool {
        self.position + 1 < self.bytes.count && self.bytes[self.position] == UInt8(ascii: "-")
            && self.bytes[self.position + 1] != UInt8(ascii: "]")
    }

    private mutating func member(_ byte: UInt8) -> ByteClass? {
        if byte == UInt8(ascii: "\\") { return self.escape() }
        // `[[:alpha:]]` is the regex engine's.
        if byte == UInt8(ascii: "[") || byte >= 0x80 { return nil }
        return ByteClass([byte])
    }
}

extension ByteClass {
    static let wordCharacters: ByteClass = {
        var members = ByteClass(UInt8(ascii: "a")...UInt8(ascii: "z"))
        for byte in UInt8(ascii: "A")...UInt8(ascii: "Z") { members.insert(byte) }
        for byte in UInt8(ascii: "0")...UInt8(ascii: "9") { members.insert(byte) }
        members.insert(UInt8(ascii: "_"))
        return members
    }()

    /// All bytes that aren't members; every byte of a scalar beyond ASCII is one of them.
    var complement: ByteClass {
        ByteClass((0...255).filter { !self.contains($0) })
    }

    var count: Int { self.words.reduce(0) { $0 + $1.nonzeroBitCount } }

    var first: UInt8? { (0...255).first { self.contains($0) } }

    mutating func formUnion(_ other: ByteClass) {
        for byte in UInt8(0)...255 where other.contains(byte) { self.insert(byte) }
    }
}
