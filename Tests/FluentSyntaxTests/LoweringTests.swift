import FluentSyntax
import Testing

@Suite struct LoweringTests {
    @Test(arguments: [
        ("(+ 1 2.5)", "(+ 1 2.5)"), ("(string-split \"a\" #\"\\s\")", "(split \"a\" #\"\\s\")"),
        ("(map inc [1 2])", "(map builtin:inc '[1 2])"), ("[1 (now)]", "[1 (now)]"), ("{:a 1}", "'{:a 1}"),
        ("{:a (now)}", "{:a (now)}"), ("{1.0 2}", "'{1 2}"), ("{inc 1}", "{builtin:inc 1}"),
        ("'(a \"b\" {c [d]})", "'['a \"b\" '{'c '['d]}]"),
        ("''a", "'['quote 'a]"), ("(if true 1)", "(if true 1 nil)"), ("(when true 1 2)", "(if true (do 1 2) nil)"),
        ("(unless true 1)", "(if true nil 1)"), ("(do 1 2)", "(do 1 2)"), ("(do)", "nil"), ("(begin 1)", "1"),
        ("(and)", "true"), ("(or)", "nil"), ("(and 1)", "1"), ("(or 1 nil)", "(or 1 nil)"),
        ("(cond (1 2) (3) (else 4 5))", "(if 1 2 (or 3 (do 4 5)))"), ("(cond (1 2))", "(if 1 2 nil)"),
        ("(cond)", "nil"),
        ("(-> 1 inc (- 2) :k)", "(get (- (inc 1) 2) :k)"), ("(->> 1 (- 2) inc)", "(inc (- 2 1))"),
        ("(|> [1] (conj 2))", "(conj '[1] 2)"), ("(:k {} 1)", "(get '{} :k 1)"), ("()", "'[]"),
        ("(throw \"no\")", "(throw \"no\")"), ("(try 1 (finally 2))", "(try 1 (finally 2))"),
        ("(try 1 2 (catch e (str e)))", "(try (do 1 2) (catch e#0 (str e#0)))"),
        ("(let ((a 1) (b a)) (+ a b))", "(let [a#0 1 b#1 a#0] (+ a#0 b#1))"),
        ("(let [a 1 a (inc a)] a)", "(let [a#0 1 a#1 (inc a#0)] a#1)"), ("(let () 1)", "1"),
        ("(for (x [1]) (str x))", "(for x#0 '[1] (str x#0))"),
        ("(for (x [1] y [x]) (+ x y))", "(for* x#0 '[1] (for y#1 [x#0] (+ x#0 y#1)))"),
        ("(for-each inc [1])", "(for-each builtin:inc '[1])"),
        (
            "(match 1 (1 2) ([_ a] a) ((p b) b) ({:k c} c) ((when d (> d 1)) d) ('s 3) (:k 4) (_ 5))",
            "(match 1 (1 2) ([_ a#0] a#0) ((p b#1) b#1) ({:k c#2} c#2) ((when d#3 (> d#3 1)) d#3) ('s 3) (:k 4) (_ 5))"
        ),
        ("(distributed-files \"a\" \"b\" :format 'csv)", "<distributed-files \"a\" \"b\" :format 'csv>"),
        ("(distributed-path \"a\" :format (csv :header true))", "<distributed-path \"a\" :format <csv :header true>>"),
        ("(stdout)", "<stdout>"),
    ])
    func `a form is lowered to the core`(text: String, shape: String) {
        #expect(Self.shapes(text) == [shape])
    }

    @Test func `definitions name their functions, and globals are seen everywhere`() {
        let shapes = Self.shapes("(define (f a) (g a)) (define g (lambda (a) (f a))) (define x f)")

        #expect(
            shapes == [
                "(define f (fn:f [a#0] (call global:g a#0)))", "(define g (fn:g [a#1] (call global:f a#1)))",
                "(define x global:f)",
            ]
        )
    }

    @Test func `a local hides a global and a builtin`() {
        let shapes = Self.shapes("(define x 1) (let ((x 2) (count inc)) (count x))")

        #expect(shapes[1] == "(let [x#0 2 count#1 builtin:inc] (call count#1 x#0))")
    }

    @Test func `a function captures what it uses of the functions around it, in order of first use`() {
        let shapes = Self.shapes("(let ((a 1) (b 2) (_c 3)) (fn (x) (+ b x a b)))")

        #expect(shapes == ["(let [a#0 1 b#1 2 _c#2 3] (fn [x#3] ^b#1,a#0 (+ b#1 x#3 a#0 b#1)))"])
    }

    @Test func `what an inner function captures, the functions between capture too`() {
        let shapes = Self.shapes("(fn (a) (fn (b) (fn (_c) (+ a b))))")

        #expect(shapes == ["(fn [a#0] (fn [b#1] ^a#0 (fn [_c#2] ^a#0,b#1 (+ a#0 b#1))))"])
    }

    @Test func `a function captures neither globals nor what it binds itself`() {
        let shapes = Self.shapes("(define g 1) (fn (a) (let ((b g)) (for (c [a]) (+ b c))))")

        #expect(shapes[1] == "(fn [a#0] (let [b#1 global:g] (for c#2 [a#0] (+ b#1 c#2))))")
    }

    @Test func `functions of a letrec see each other`() {
        let shapes = Self.shapes("(letrec ((f (fn (n) (g n))) (g (fn (n) (f n)))) (f 1))")

        #expect(
            shapes == [
                "(letrec [f#0 (fn:f [n#2] ^g#1 (call g#1 n#2)) g#1 (fn:g [n#3] ^f#0 (call f#0 n#3))] (call f#0 1))"
            ]
        )
    }

    @Test func `a job keeps its options as written, words as symbols`() {
        let text = """
            (define-mapreduce j :input (generate) :output (stdout) :map (lambda (r) (emit r 1))
              :combiner sum :format :json :on-error (dead-letter (distributed-path "bad")) :memory "1GiB")
            """

        #expect(
            Self.shapes(text) == [
                "(define-mapreduce j :input <generate> :output <stdout> :map (fn [r#0] (emit r#0 1)) "
                    + ":combiner builtin:sum :format 'json :on-error <dead-letter <distributed-path \"bad\">> "
                    + ":memory \"1GiB\")"
            ]
        )
    }

    @Test func `forms know their places after lowering`() {
        let program = Frontend.check(.make("(println (+ 1 2))")).program

        guard case .builtin(_, let arguments) = program?.forms.first?.kind else {
            Issue.record("not lowered")
            return
        }
        #expect(arguments.map(\.range) == [SourceRange(start: 9, end: 16)])
    }

    @Test(arguments: [
        "(-> 1" + String(repeating: " inc", count: 5_000) + ")",
        "(cond" + String(repeating: " (nil 1)", count: 5_000) + ")",
        "(for (" + String(repeating: "x [1] ", count: 5_000) + ") x)",
    ])
    func `what expands to a deep tree is refused, not walked`(text: String) {
        #expect(Frontend.check(.make(text)).diagnostics.contains { $0.code == "nesting-limit" })
    }

    @Test(arguments: [
        ("(inc ", ")"), ("[", "]"), ("(when true ", ")"), ("(fn (x) x ", ")"), ("(let ((a 1)) a ", ")"),
    ])
    func `five hundred levels of forms check and lower`(open: String, close: String) {
        let text = String(repeating: open, count: 500) + "1" + String(repeating: close, count: 500)

        #expect(Frontend.check(.make(text)).program != nil)
    }

    @Test func `a chain of nine hundred calls is fine`() {
        let text = "(-> 1" + String(repeating: " inc", count: 900) + ")"

        #expect(Frontend.check(.make(text)).program != nil)
    }

    private static func shapes(_ text: String) -> [String] {
        let checked = Frontend.check(.make(text))
        guard let program = checked.program else { return checked.diagnostics.map(\.message) }
        return program.forms.map(\.shape)
    }
}
