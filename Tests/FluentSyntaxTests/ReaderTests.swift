import CoreTypes
import FluentSyntax
import Testing

@Suite struct ReaderTests {
    @Test(arguments: [
        ("42", "42"), ("-42", "-42"), ("60_000", "60000"), ("-9223372036854775808", "-9223372036854775808"),
        ("2.5", "float 2.5"), ("-0.5e-3", "float -0.0005"), ("1.0E9", "float 1000000000.0"),
        ("true", "true"), ("#t", "true"), ("#f", "false"), ("nil", "nil"), (":user-id", ":user-id"),
        ("->", "->"), ("|>", "|>"), ("cluster:join", "cluster:join"), ("x'", "x'"), ("-", "-"), ("set!", "set!"),
        ("<=", "<="), ("a.b/c", "a.b/c"), ("...", "..."),
    ])
    func `an atom is read as what it is`(text: String, shape: String) {
        let result = Reader.read(.make(text))

        #expect(result.diagnostics == [])
        #expect(result.shape == [shape])
    }

    @Test func `brackets and quotes nest`() {
        let result = Reader.read(.make("(f [1 {:a '(b c)}] ''x)"))

        #expect(result.shape == ["(f [1 {:a '(b c)}] ''x)"])
    }

    @Test func `every escape of a string is one scalar`() {
        let result = Reader.read(.make(#""\n\t\r\\\"\0\u{e9}\u{1F600}""#))

        #expect(result.diagnostics == [])
        #expect(result.shape == ["\"\n\t\r\\\"\0\u{e9}\u{1F600}\""])
    }

    @Test(arguments: [
        (##"#"\s+""##, #"\s+"#), (##"#"a\"b""##, #"a"b"#), (##"#"\\""##, #"\\"#), (##"#"[^\"\]]""##, #"[^"\]]"#),
    ])
    func `a regular expression is raw but for the quote`(text: String, pattern: String) {
        let result = Reader.read(.make(text))

        #expect(result.diagnostics == [])
        #expect(result.shape == ["#\"\(pattern)\""])
    }

    @Test func `comments are kept apart with their places`() {
        let result = Reader.read(.make("; one\n(f ; two\r\n 1)\n\"; no\""))

        #expect(result.shape == ["(f 1)", "\"; no\""])
        #expect(result.comments == [SourceRange(start: 0, end: 5), SourceRange(start: 9, end: 14)])
    }

    @Test func `forms know their places`() {
        let forms = Reader.read(.make("(f 'x)\n[1]")).forms

        #expect(forms.map(\.range) == [SourceRange(start: 0, end: 6), SourceRange(start: 7, end: 10)])
    }

    @Test func `a byte order mark is skipped`() {
        let source = SourceFile(name: "bom.fl", bytes: [0xEF, 0xBB, 0xBF] + Array("x".utf8))

        let result = Reader.read(source)

        #expect(result.shape == ["x"])
        #expect(result.diagnostics == [])
    }

    @Test(arguments: [
        ("9223372036854775808", "number-range"), ("1.0e999", "number-range"), ("12abc", "invalid-number"),
        ("1e5", "invalid-number"), ("1.", "invalid-number"), ("1__0", "invalid-number"), ("5_", "invalid-number"),
        ("1_0.5", "invalid-number"), ("1.0e", "invalid-number"), ("\"\\s\"", "invalid-escape"),
        ("\"\\u{110000}\"", "invalid-escape"), ("\"\\u{}\"", "invalid-escape"), ("\"\\u41\"", "invalid-escape"),
        ("\"\\u{D800}\"", "invalid-escape"), ("\"abc", "unterminated-text"), ("#\"abc", "unterminated-text"),
        ("\"abc\\", "unterminated-text"), ("#true", "unexpected-character"), ("#", "unexpected-character"),
        (",", "unexpected-character"), ("é", "unexpected-character"), ("\u{201C}", "unexpected-character"),
        (":", "invalid-keyword"), ("::a", "invalid-keyword"), ("{:a}", "odd-map"), ("'", "unfinished-quote"),
        ("(')", "unfinished-quote"), (")", "unexpected-bracket"), ("(f", "unclosed-bracket"),
        ("(f]", "unclosed-bracket"),
    ])
    func `what isn't in the language is one error at its place`(text: String, code: String) {
        let result = Reader.read(.make(text))

        #expect(result.diagnostics.first?.code == code)
        #expect(result.diagnostics.allSatisfy { $0.range.start >= 0 && $0.range.end <= text.utf8.count })
    }

    @Test func `all errors of a file are reported`() {
        let result = Reader.read(.make("(f 1x)\n\"\\q\"\n{1}\n, 99999999999999999999"))

        #expect(
            result.diagnostics.map(\.code)
                == ["invalid-number", "invalid-escape", "odd-map", "unexpected-character", "number-range"]
        )
        #expect(result.isBalanced)
    }

    @Test func `a wrong closing bracket names the opening one`() {
        let result = Reader.read(.make("(f\n  [1 2)"))

        #expect(result.diagnostics.map(\.code) == ["unclosed-bracket"])
        #expect(result.diagnostics.first?.message == "expected ] to close the [ at 2:3, found )")
        #expect(!result.isBalanced)
    }

    @Test func `a missing bracket is looked for before the next form at the margin`() {
        let result = Reader.read(.make("(define (f x)\n  (g x)\n(define y 2)\n(define z 3)\n"))

        #expect(result.diagnostics.map(\.message) == ["this ( is never closed"])
        #expect(result.diagnostics.first?.range == SourceRange(start: 0, end: 1))
        #expect(result.diagnostics.first?.help == "add ), probably before the form at 3:1")
    }

    @Test(arguments: [
        ("(define (f x)\n  (when x\n    (g x)\n  (h x))\n(define y 2)\n", "(when", "4:3"),
        (
            "(define-mapreduce j\n  :input (distributed-files \"a\"\n  :output (stdout)\n  :map f)\n", "(distributed",
            "3:3"
        ),
        ("(f [1 2]\n  3)\n(g 1)\n(h\n  (i\n   {:a 1}\n  2)\n", "(i", "7:3"),
        ("(println 1)\n\n(define (f x)\n  '(g\n    x\n\n; more\n(println (f 1))\n", "(g", "8:1"),
    ])
    func `a bracket that indentation shows to be open is pointed at`(
        text: String,
        culprit: String,
        place: String
    ) throws {
        let result = Reader.read(.make(text))

        let diagnostic = try #require(result.diagnostics.last { $0.code == "unclosed-bracket" })
        #expect(text.utf8.dropFirst(diagnostic.range.start).starts(with: culprit.utf8), "\(diagnostic)")
        #expect(diagnostic.help.hasSuffix("probably before the form at \(place)"))
    }

    @Test(arguments: [
        ("(let ((a 1)\n      (b 2)\n  (+ a b))\n", "3:3"),
        ("(define-mapreduce j\n  :input (a)\n  :map (lambda (l)\n    (emit l 1))\n", "4:5"),
        ("(define-mapreduce j\n:input (a)\n:output (b)\n:map f\n", "2:1"),
    ])
    func `where the style of the program decides, the end and the form further left are both named`(
        text: String,
        place: String
    ) throws {
        let diagnostic = try #require(Reader.read(.make(text)).diagnostics.first)

        #expect(diagnostic.code == "unclosed-bracket")
        #expect(diagnostic.range.start == 0)
        #expect(diagnostic.help.hasPrefix("add ) at the end, or before the form at \(place)"))
    }

    @Test(arguments: ["(f\n(g\n(h 1)))\n", "(f (g\n1\n)\n)\n", "(f\n  [\n1\n])", "(f \"a\nb\"\nc)"])
    func `indentation alone is no error`(text: String) {
        #expect(Reader.read(.make(text)).diagnostics == [])
    }

    @Test func `whatever float is written reads back`() {
        for seed in UInt64(0)..<20_000 {
            var random = SplitMix64(seed: seed)
            let value = Double(bitPattern: random.next())
            guard value.isFinite else { continue }

            let form = Reader.read(.make(FloatText.text(of: value))).forms.first

            guard case .float(let read) = form?.kind, read.bitPattern == value.bitPattern else {
                Issue.record("seed \(seed): \(value) is written as \(FloatText.text(of: value))")
                return
            }
        }
    }

    @Test(arguments: [
        (1e22, "1.0e+22"), (1e-5, "1.0e-05"), (-1e300, "-1.0e+300"), (.leastNonzeroMagnitude, "5.0e-324"),
        (1.5e300, "1.5e+300"),
        (0, "0.0"), (-0.0, "-0.0"), (0.1, "0.1"), (1e15, "1000000000000000.0"), (.infinity, "inf"),
    ])
    func `floats are written with a point`(value: Double, text: String) {
        #expect(FloatText.text(of: value) == text)
    }

    @Test func `bytes that aren't UTF-8 are an error at their place, once for a run`() {
        let bytes = Array("(f \"".utf8) + [0xFF, 0xFE] + Array("\" ".utf8) + [0xC3] + Array(")".utf8)

        let result = Reader.read(SourceFile(name: "bad.fl", bytes: bytes))

        #expect(result.diagnostics.map(\.code) == ["invalid-utf8", "invalid-utf8"])
        #expect(result.diagnostics.map(\.range) == [SourceRange(start: 4, end: 6), SourceRange(start: 8, end: 9)])
        #expect(result.diagnostics.first?.message == "expected UTF-8, found bytes FF FE")
    }

    @Test(
        arguments: [[0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82], [0x80]] as [[UInt8]]
    )
    func `overlong forms, surrogates and cut scalars aren't UTF-8`(bytes: [UInt8]) {
        let result = Reader.read(SourceFile(name: "bad.fl", bytes: [UInt8(ascii: ";")] + bytes))

        #expect(result.diagnostics.map(\.code) == ["invalid-utf8"])
    }

    @Test func `five hundred and twelve levels read, one more is an error`() {
        let fitting = String(repeating: "(", count: 512) + String(repeating: ")", count: 512)
        let deeper = "[" + fitting + "]"

        #expect(Reader.read(.make(fitting)).diagnostics == [])
        #expect(Reader.read(.make(deeper)).diagnostics.map(\.code) == ["nesting-limit"])
    }

    @Test(arguments: ["(", "[", "{", "'", "(f '", "[{"])
    func `a hundred thousand open brackets are one error and no overflow`(unit: String) {
        let result = Reader.read(.make(String(repeating: unit, count: 100_000)))

        #expect(result.diagnostics.contains { $0.code == "nesting-limit" })
        #expect(result.diagnostics.count <= 201)
    }

    @Test func `more errors than anybody reads are counted`() {
        let result = Reader.read(.make(String(repeating: ", ", count: 1_000)))

        #expect(result.diagnostics.count == 201)
        #expect(result.diagnostics.last?.message == "800 more problems aren't shown")
    }
}
