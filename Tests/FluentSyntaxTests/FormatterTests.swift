import FluentSyntax
import Testing

@Suite struct FormatterTests {
    @Test(arguments: Fixtures.names)
    func `formatting the specification keeps its trees and comments, and is done once`(name: String) throws {
        let source = try Fixtures.read(name)

        let once = try Formatter.formatted(source)

        let before = Reader.read(source)
        let after = Reader.read(.make(once))
        #expect(after.shape == before.shape)
        #expect(after.comments.count == before.comments.count)
        #expect(try Formatter.formatted(.make(once)) == once)
        #expect(once.split(separator: "\n").allSatisfy { $0.count <= 100 })
    }

    @Test func `forms that share a line get lines of their own, and comments stay`() throws {
        let text = "(define a 1)(define b 2) ; two\n;; next\n  (println a) (println b) ; end\n5 'x\n"

        let once = try Formatter.formatted(.make(text))

        #expect(once == "(define a 1)\n(define b 2)  ; two\n;; next\n(println a)\n(println b)  ; end\n5\n'x\n")
        #expect(try Formatter.formatted(.make(once)) == once)
    }

    @Test func `the specification's word count is laid out as it is written`() throws {
        let source = try Fixtures.read("spec-06.fl")
        let end = source.bytes.firstRange(of: Array(";; Submit job".utf8))?.lowerBound ?? 0
        let job = SourceFile(name: "word-count.fl", bytes: Array(source.bytes[..<end]))

        let formatted = try Formatter.formatted(job)

        let expected = String(decoding: job.bytes, as: UTF8.self).split(separator: "\n").map(Self.trimmedEnd)
        #expect(formatted.split(separator: "\n").map(Self.trimmedEnd) == expected.filter { !$0.isEmpty })
    }

    @Test func `the specification's stream processor is laid out as it is written`() throws {
        let source = try Fixtures.read("spec-08.fl")

        let formatted = try Formatter.formatted(source)

        let expected = String(decoding: source.bytes, as: UTF8.self).split(separator: "\n").map(Self.trimmedEnd)
        #expect(formatted.split(separator: "\n").map(Self.trimmedEnd) == expected.filter { !$0.isEmpty })
    }

    @Test func `what is grouped stands below its key, also where that is a function`() throws {
        let text =
            "(define-stream-processor p\n:source (generate)\n(window (global-window)\n"
            + "(group-by (lambda (r) (get r :x))\n(aggregate\n:n (count)))))"

        let formatted = try Formatter.formatted(.make(text))

        #expect(
            formatted == """
                (define-stream-processor p
                  :source (generate)
                  (window (global-window)
                    (group-by (lambda (r) (get r :x))
                      (aggregate
                        :n (count)))))

                """
        )
    }

    @Test(arguments: 0..<40)
    func `any program keeps its tree, and formatting twice is formatting once`(block: UInt64) throws {
        for seed in block * 50..<block * 50 + 50 {
            var generator = ProgramGenerator(seed: seed)
            let source = SourceFile.make(generator.program())
            let before = Reader.read(source)
            guard !before.hasErrors else { continue }

            let once = try Formatter.formatted(source)

            let after = Reader.read(.make(once))
            #expect(after.shape == before.shape, "seed \(seed)")
            #expect(after.comments.count == before.comments.count, "seed \(seed)")
            let twice = try Formatter.formatted(.make(once))
            #expect(twice == once, "seed \(seed)")
        }
    }

    @Test func `options of a definition stand on lines of their own`() throws {
        let source = SourceFile.make("(define-mapreduce j :input (stdout)\n  :output (stdout) :map f)")

        let formatted = try Formatter.formatted(source)

        #expect(formatted == "(define-mapreduce j\n  :input (stdout)\n  :output (stdout)\n  :map f)\n")
    }

    @Test func `a short form that was on one line stays there`() throws {
        let formatted = try Formatter.formatted(.make("( let  ((a 1)   (b 2))  (+ a b) )"))

        #expect(formatted == "(let ((a 1) (b 2)) (+ a b))\n")
    }

    @Test func `bodies are indented by two columns, arguments below the first one`() throws {
        let text = "(define (f a)\n(if (> a 1)\n(g a\nb)\nnil))"

        let formatted = try Formatter.formatted(.make(text))

        #expect(formatted == "(define (f a)\n  (if (> a 1)\n      (g a\n         b)\n      nil))\n")
    }

    @Test func `comments stay where they are and blank lines shrink to one`() throws {
        let text = ";; head\n\n\n\n(f a   ; why\n   b\n   ; last\n   )\n\n;; tail"

        let formatted = try Formatter.formatted(.make(text))

        #expect(formatted == ";; head\n\n(f a  ; why\n   b\n   ; last\n   )\n\n;; tail\n")
    }

    @Test func `a line longer than a hundred columns is broken`() throws {
        let words = (0..<30).map { "(word \($0))" }.joined(separator: " ")

        let formatted = try Formatter.formatted(.make("(f \(words))"))

        #expect(formatted.split(separator: "\n").allSatisfy { $0.count <= 100 })
        #expect(formatted.hasPrefix("(f (word 0)\n   (word 1)\n"))
    }

    @Test func `a long list of numbers fills its lines`() throws {
        let numbers = (100..<160).map { "\($0)" }.joined(separator: " ")

        let formatted = try Formatter.formatted(.make("[\(numbers)]"))

        #expect(formatted.split(separator: "\n").count == 3)
    }

    @Test func `pairs stay together when a map is broken`() throws {
        let value = String(repeating: "v", count: 45)

        let formatted = try Formatter.formatted(.make("{:a \"\(value)\" :b \"\(value)\" :c 1}"))

        #expect(formatted == "{:a \"\(value)\"\n :b \"\(value)\"\n :c 1}\n")
    }

    @Test func `clauses of a broken form don't share lines`() throws {
        let formatted = try Formatter.formatted(.make("(cond ((= a 1) 1) ((= a 2)\n2) (else 3))"))

        #expect(formatted == "(cond\n  ((= a 1) 1)\n  ((= a 2)\n   2)\n  (else 3))\n")
    }

    @Test func `atoms keep their spelling`() throws {
        let text = "(f 60_000 #t \"\\u{e9}\" #\"\\s\" 1.50)\n"

        #expect(try Formatter.formatted(.make(text)) == text)
    }

    @Test func `an empty file stays empty`() throws {
        #expect(try Formatter.formatted(.make("\n\n  \n")) == "")
    }

    @Test func `a comment between a quote and its form moves before the quote`() throws {
        #expect(try Formatter.formatted(.make("(f ' ; why\n x)")) == "(f\n  ; why\n  'x)\n")
    }

    @Test func `a program that doesn't read isn't touched`() {
        let result = Formatter.format(.make("(f"))

        guard case .unreadable(let diagnostics) = result else {
            Issue.record("formatted")
            return
        }
        #expect(diagnostics.map(\.code) == ["unclosed-bracket"])
    }

    private static func trimmedEnd(_ line: Substring) -> String {
        var line = line
        while line.last == " " { line.removeLast() }
        return String(line)
    }
}

extension Formatter {
    struct Unreadable: Error {
        let diagnostics: [Diagnostic]
    }

    static func formatted(_ source: SourceFile) throws -> String {
        switch Formatter.format(source) {
        case .formatted(let text): return text
        case .unreadable(let diagnostics): throw Unreadable(diagnostics: diagnostics)
        }
    }
}
