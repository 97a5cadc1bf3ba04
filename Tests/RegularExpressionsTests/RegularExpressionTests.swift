import RegularExpressions
import Testing

@Suite struct RegularExpressionTests {
    @Test(arguments: [
        ("b+", "abbbc", 0, 1..<4),
        ("b+", "abbbc", 2, 2..<4),
        ("^b", "bb", 0, 0..<1),
        ("\\s+", "a \t b", 0, 1..<4),
        ("é", "caf\u{e9}", 0, 3..<5),
        ("\\S+", "\u{e9}", 0, 0..<2),
        ("\\S+", " \u{e9}日b", 0, 1..<7),
        ("\\W", "a\u{e9}", 0, 1..<3),
        ("\\D\\D", "1\u{e9}日", 0, 1..<6),
        ("(?<=\\S)b", "\u{e9}b", 0, 2..<3),
        ("[\\S,]+", " \u{e9},", 0, 1..<4),
        ("[]\\S]+", " ]\u{e9}", 0, 1..<4),
        ("\\\\S", "\\S", 0, 0..<2),
        ("\\Q\\S\\E\\S", "\\S\u{e9}", 0, 0..<4),
        ("(?#[)\\S", "\u{e9}", 0, 0..<2),
        ("[[:alpha:]\\D]\\S", "1\u{e9}\u{e9}", 0, 1..<5),
    ])
    func `the next match is found from an offset`(_ row: (String, String, Int, Range<Int>)) throws {
        let expression = try RegularExpression(pattern: Array(row.0.utf8))

        let groups = Self.groups(of: expression, in: Array(row.1.utf8), from: row.2)

        #expect(groups?.first == row.3)
    }

    @Test(arguments: [("^b", "ab", 1), ("x", "abc", 0), ("\\s", "a\u{a0}b", 0), ("\\w", "\u{e9}", 0)])
    func `what doesn't match isn't found`(_ row: (String, String, Int)) throws {
        let expression = try RegularExpression(pattern: Array(row.0.utf8))

        let groups = Self.groups(of: expression, in: Array(row.1.utf8), from: row.2)

        #expect(groups == nil)
    }

    @Test func `groups that took no part are nil`() throws {
        let expression = try RegularExpression(pattern: Array("(a)|(b)".utf8))

        let groups = Self.groups(of: expression, in: Array("b".utf8), from: 0)

        #expect(groups == [0..<1, nil, 0..<1])
    }

    @Test func `bytes that aren't UTF-8 are passed over`() throws {
        let expression = try RegularExpression(pattern: Array("b".utf8))

        let groups = Self.groups(of: expression, in: [0xFF, 0xC3, 0x62, 0xFE], from: 0)

        #expect(groups == [2..<3])
    }

    @Test(arguments: ["(a+)+$", "(a|aa)+$", "(a*)*$"])
    func `catastrophic backtracking ends soon`(_ pattern: String) throws {
        let expression = try RegularExpression(pattern: Array(pattern.utf8))
        let text = [UInt8](repeating: 0x61, count: 40) + [0x62]
        var matcher = RegularExpressionMatcher()
        let clock = ContinuousClock()
        var outcome = RegularExpressionMatcher.Outcome.matched

        let elapsed = clock.measure {
            outcome = unsafe text.withUnsafeBufferPointer { unsafe matcher.findNext(expression, in: $0, from: 0) }
        }

        #expect(outcome == .tooMuchWork)
        #expect(elapsed < .seconds(1))
    }

    @Test func `a pattern that isn't one says where`() {
        let error = #expect(throws: RegularExpressionError.self) {
            try RegularExpression(pattern: Array("a(b".utf8))
        }

        #expect(error?.offset == 3)
        #expect(error?.message.contains("parenthes") == true)
    }

    private static func groups(
        of expression: RegularExpression,
        in text: [UInt8],
        from offset: Int
    ) -> [Range<Int>?]? {
        var matcher = RegularExpressionMatcher()
        let outcome = unsafe text.withUnsafeBufferPointer { unsafe matcher.findNext(expression, in: $0, from: offset) }
        guard outcome == .matched else { return nil }
        return (0...expression.groupCount).map { matcher.group($0) }
    }
}
