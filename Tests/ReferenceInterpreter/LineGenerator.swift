import CoreTypes

/// Lines of input as they come: words, numbers, JSON, other scripts, and bytes that aren't UTF-8.
enum LineGenerator {
    private static let words = [
        "the", "The", "quick", "BROWN", "fox", "größe", "ÉCOLE", "日本", "😀", "x=1", "42", "-7", "3.5", "a,b;c", "don't",
        "{\"user\": \"u1\", \"n\": 3}", "{\"user\": 5}", "2024-02-29", "ǅ", "ﬁn", "İ",
    ]
    private static let separators = [" ", " ", " ", "  ", "\t", ",", ";"]
    private static let illFormed: [[UInt8]] = [
        [0xFF], [0xE2, 0x82], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0x80], [0xF4, 0x90, 0x80, 0x80], [0],
    ]

    private static let illFormedPercent = 10
    private static let wordCountLimit = 7

    static func line(_ random: inout SplitMix64) -> [UInt8] {
        var line: [UInt8] = []
        for index in 0..<random.next(in: 0..<Self.wordCountLimit) {
            if index > 0 || random.chance(percent: 10) { line += Self.pick(Self.separators, &random).utf8 }
            line += Self.pick(Self.words, &random).utf8
            if random.chance(percent: Self.illFormedPercent) { line += Self.pick(Self.illFormed, &random) }
        }
        return line
    }

    private static func pick<Element>(_ elements: [Element], _ random: inout SplitMix64) -> Element {
        elements[random.next(in: 0..<elements.count)]
    }
}
