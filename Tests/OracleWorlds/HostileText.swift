import CoreTypes

/// Text that is hard to cut and to compare: what a generated map is run over.
struct HostileText {
    private enum Alphabet {
        case ascii
        case unicode
        case illFormed
    }

    private enum Size {
        case small
        case medium
        /// Across the batches of the kernels.
        case large
    }

    private static let fixedWords: [String] = [
        "a", "b", "ab", "A", "Ab", "the", "The", "THE", "x", "0", "7", "42", "-1", "a'b", "\"q\"", "\\", "z_9", "[",
        "]",
        "a\0", "a\0\0", "\0", "fifteen-letters", "fifteen_letterS", "sixteen-letters!", "sixteen-letters?",
        "seventeen-letters", "sixteen-letters!\0", "seventeen-letterz", "just-thirty-one-bytes-in-a-row!",
        "just-thirty-two-bytes-in-a-row!!", "a word that is longer than three times sixteen bytes in all",
        "forty-eight-bytes-are-three-times-sixteen-bytes!", "AbcdefghijklmnO", "ABCDEFGHIJKLMNOP",
    ]
    private static let wideWords: [String] = [
        "é", "É", "größe", "GRÖSSE", "日本", "日本語日本", "日本語日本語", "😀", "e\u{301}", "İ", "ß", "ẞ", "ŉ", "Σας", "ǅ",
        "\u{0}é", "seven-to-é-fift", "sixteen-bytes-é", "\u{A0}", "\u{2028}", "\u{85}", "ÿ\u{FEFF}",
    ]
    private static let illFormedWords: [[UInt8]] = [
        [0xFF], [0xE2, 0x82], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0x80], [0xF4, 0x90, 0x80, 0x80], [0x61, 0xC3],
        [0xC3, 0x61], [0xF0, 0x9F, 0x98], [0xA9, 0x41],
    ]

    /// Pieces that fill a batch of the kernels, or of the plainest plan's: it ends somewhat before its capacity.
    private static let batchCounts = [959, 1_024, 1_983, 2_048]

    private var random: SplitMix64
    private let separator: Separator
    private var words: [[UInt8]]
    private var alphabet = Alphabet.ascii
    private var distinctCount = 0

    init(random: SplitMix64, separator: Separator) {
        self.random = random
        self.separator = separator
        self.words = []
        self.alphabet = self.pick([.ascii, .ascii, .unicode, .unicode, .illFormed])
        self.words = (0..<self.random.next(in: 2..<9)).map { _ in self.freshWord() }
    }

    /// Words that occur in the text and can stand in a program.
    var literals: [String] {
        self.words.compactMap { String(validating: $0, as: UTF8.self) }.filter { !$0.contains("\u{FEFF}") }
    }

    private mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[self.random.next(in: 0..<elements.count)]
    }

    private mutating func freshWord() -> [UInt8] {
        switch self.alphabet {
        case .unicode where self.random.chance(percent: 40): return Array(self.pick(Self.wideWords).utf8)
        case .illFormed where self.random.chance(percent: 25): return self.pick(Self.illFormedWords)
        case .illFormed where self.random.chance(percent: 30): return Array(self.pick(Self.wideWords).utf8)
        default: break
        }
        if self.random.chance(percent: 25) {
            // A word of some length around those where keys change their form.
            let letters = self.random.chance(percent: 50) ? "abcdefgh" : "aBcDeFgH"
            let count = self.pick([14, 15, 16, 17, 31, 32, 33, 64, 65])
            return (0..<count).map { Array(letters.utf8)[$0 % letters.utf8.count] }
        }
        return Array(self.pick(Self.fixedWords).utf8)
    }

    // MARK: Files

    mutating func file() -> GeneratedMap.File {
        let size = self.random.next(in: 0..<100)
        return self.file(size < 82 ? .small : size < 98 ? .medium : .large)
    }

    private mutating func file(_ size: Size) -> GeneratedMap.File {
        let pieceCount: Int
        switch size {
        case .small: pieceCount = self.random.next(in: 0..<16)
        case .medium: pieceCount = self.random.next(in: 16..<200)
        case .large: pieceCount = max(1, self.pick(Self.batchCounts) + self.random.next(in: -3..<70))
        }
        let lineLimit = self.pick([1, 2, 5, 12, 70, 100_000])
        var lines: [[UInt8]] = []
        var left = pieceCount
        while left > 0 {
            let count = min(left, self.random.next(in: 0..<lineLimit + 1))
            lines.append(self.line(count))
            left -= max(count, 1)
        }
        return self.file(of: lines)
    }

    private mutating func file(of lines: [[UInt8]]) -> GeneratedMap.File {
        let returnPercent = self.pick([0, 0, 0, 20, 100])
        var blocks: [[UInt8]] = []
        var block: [UInt8] = []
        let cutPercent = self.pick([0, 2, 20])
        for line in lines {
            block += line
            if self.random.chance(percent: returnPercent) { block.append(UInt8(ascii: "\r")) }
            block.append(UInt8(ascii: "\n"))
            if self.random.chance(percent: cutPercent) {
                blocks.append(block)
                block = []
            }
        }
        if !block.isEmpty { blocks.append(block) }
        if var last = blocks.popLast() {
            if self.random.chance(percent: 40) { last.removeLast() }
            if !last.isEmpty { blocks.append(last) }
        }
        return GeneratedMap.File(blocks: blocks)
    }

    private mutating func line(_ pieceCount: Int) -> [UInt8] {
        var line: [UInt8] = []
        if self.random.chance(percent: 12) { line += self.gap() }
        for index in 0..<pieceCount {
            if index > 0 { line += self.gap() }
            line += self.word()
        }
        if self.random.chance(percent: 12) { line += self.gap() }
        if self.random.chance(percent: 3) { line.append(UInt8(ascii: "\r")) }
        return line.filter { $0 != UInt8(ascii: "\n") }
    }

    private mutating func gap() -> [UInt8] {
        if self.random.chance(percent: 4) { return Array(self.pick([" ", ",", "\r", "\t", "é", "\0", "--", ""]).utf8) }
        var gap = self.pick(self.separator.samples)
        while self.random.chance(percent: 8) { gap += self.pick(self.separator.samples) }
        return gap
    }

    private mutating func word() -> [UInt8] {
        if self.random.chance(percent: 85) { return self.pick(self.words) }
        if self.random.chance(percent: 60) {
            self.distinctCount += 1
            return self.pick(self.words) + Array(String(self.distinctCount).utf8)
        }
        return self.freshWord()
    }
}
