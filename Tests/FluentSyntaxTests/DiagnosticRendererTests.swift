import FluentSyntax
import Testing

@Suite struct DiagnosticRendererTests {
    @Test func `a diagnostic shows its place, its line and what to do`() {
        let source = SourceFile(name: "jobs/a.fl", text: "(define x 1)\n(splt x)\n")
        let checked = Frontend.check(source)

        let text = DiagnosticRenderer(source: source).text(checked.diagnostics)

        #expect(
            text == """
                jobs/a.fl:2:2: error[unknown-name]: unknown name splt
                  (splt x)
                   ^^^^
                help: did you mean split?

                """
        )
    }

    @Test func `tabs keep their width above the caret, and columns count scalars`() {
        let source = SourceFile.make("\t\"é\" x")
        let diagnostic = Diagnostic(.warning, "code", "message", at: SourceRange(start: 6, end: 7))

        let text = DiagnosticRenderer(source: source).text(diagnostic)

        #expect(text == "test.fl:1:6: warning[code]: message\n  \t\"é\" x\n  \t    ^\n")
    }

    @Test func `a range over several lines is marked to the end of its first`() {
        let diagnostic = Diagnostic(.error, "code", "message", at: SourceRange(start: 0, end: 7))

        let text = DiagnosticRenderer(source: .make("(f a\n b)")).text(diagnostic)

        #expect(text.contains("  (f a\n  ^^^^\n"))
    }

    @Test func `a place at the end of the file has a caret`() {
        let diagnostic = Diagnostic(.error, "code", "message", at: SourceRange(start: 2, end: 2))

        #expect(DiagnosticRenderer(source: .make("(f")).text(diagnostic).contains("  (f\n    ^\n"))
    }

    @Test func `a very long line is cut around the place`() {
        let source = SourceFile.make(String(repeating: "a ", count: 5_000) + "here")
        let diagnostic = Diagnostic(.error, "code", "message", at: SourceRange(start: 10_000, end: 10_004))

        let lines = DiagnosticRenderer(source: source).text(diagnostic).split(separator: "\n")

        #expect(lines.allSatisfy { $0.count < 200 })
        #expect(lines[1].hasSuffix("here"))
    }

    @Test func `carets stand below what a terminal shows of wide and combining scalars`() {
        let source = SourceFile.make("中文e\u{301} (f 中e\u{301})")
        let diagnostic = Diagnostic(.error, "code", "message", at: SourceRange(start: 10, end: 20))

        let text = DiagnosticRenderer(source: source).text(diagnostic)

        #expect(text.hasSuffix("  中文e\u{301} (f 中e\u{301})\n        ^^^^^^^\n"))
    }

    @Test func `carets end where a line was cut, and control characters aren't shown`() {
        let line = "(f \"" + String(repeating: "e\u{301}", count: 300) + "\u{1B}\u{9B}\")"
        let count = line.utf8.count
        let whole = Diagnostic(.error, "code", "message", at: SourceRange(start: 0, end: count))
        let end = Diagnostic(.error, "code", "message", at: SourceRange(start: count - 1, end: count))

        let texts = [whole, end].map { DiagnosticRenderer(source: .make(line)).text($0).split(separator: "\n") }

        #expect(texts[0][2].count == 2 + 4 + 78)
        #expect(texts[0][1].hasSuffix("…"))
        #expect(texts[1][1].hasSuffix("\u{FFFD}\u{FFFD}\")"))
        #expect(texts[1][2].count == texts[1][1].count)
    }

    @Test func `the machine's form is an array of objects`() {
        let source = SourceFile(name: "a\"b.fl", text: "(f\n x)")
        let diagnostic = Diagnostic(.error, "code", "a \\ \u{1}", help: "h\n", at: SourceRange(start: 0, end: 5))

        let json = DiagnosticRenderer(source: source).json([diagnostic])

        let object =
            #"{"file":"a\"b.fl","line":1,"column":1,"endLine":2,"endColumn":3,"severity":"error","code":"code","#
            + #""message":"a \\ \u0001","help":"h\n"}"#
        #expect(json == "[\n  \(object)\n]\n")
        #expect(DiagnosticRenderer(source: source).json([]) == "[]\n")
    }
}
