import FluentSyntax
import Testing

@Suite struct CheckerTests {
    @Test(arguments: [
        "(println (+ 1 2))",
        "(define (square x) (* x x)) (println (square 3))",
        "(define twice (lambda (f x) (f (f x)))) (twice inc 1)",
        "(let ((a 1) (b 2)) (+ a b))",
        "(let [a 1 b (+ a 1)] b)",
        "(let ([a 1]) a)",
        "(letrec ((even (lambda (n) (if (= n 0) true (odd (- n 1))))) (odd (fn [n] (even (dec n))))) (even 10))",
        "(for (x [1 2] y [3 4]) (println x y))",
        "(for [x [1 2]] (println x))",
        "(for ((x [1 2]) (y [3])) (println x y))",
        "(for-each (lambda (x) (println x)) [1 2])",
        "(for-each [x [1 2]] (println x))",
        "(match [1 2] ([a b] (+ a b)) ((point x _) x) ({:k v} v) ((when n (> n 1)) n) ('a 1) (_ nil))",
        "(try (/ 1 0) (catch e (println e)) (finally (println 1)))",
        "(try 1 (catch _ 2))",
        "(-> [1 2] (conj 3) count inc)",
        "(->> [1 2] (map inc) (filter (fn (x) (> x 1))))",
        "(|> {:a 1} :a)",
        "(cond ((= 1 2) 1) (nil) (else 3))",
        "(:name {:name 1}) (:name {} 0)",
        "(let ((count 3)) (+ count 1))",
        "(define (f count) (count 1)) (f inc)",
        "(when true 1 2) (unless false 1 2) (and) (or) (do) (begin 1)",
        "'(a (b) {:c 1}) (quote x)",
        "(println _x) (define _x 1)",
        "(string-split \"a b\" \" \") (list-ref [1] 0)",
        "()",
    ])
    func `a right program has no diagnostics`(text: String) {
        #expect(Self.codes(text) == [])
    }

    @Test(arguments: [
        ("(splt 1)", "unknown-name"), ("x", "unknown-name"), ("(println else)", "unknown-name"),
        ("(split \"a\")", "argument-count"), ("(now 1)", "argument-count"), ("(map inc)", "argument-count"),
        ("(define (f a) a) (f)", "argument-count"), ("(let ((f (lambda (a) a))) (f 1 2))", "argument-count"),
        ("((lambda (a) a))", "argument-count"), ("(:a)", "argument-count"),
        ("(letrec ((f (lambda (n) (f n 1)))) (f 1))", "argument-count"),
        ("(map (lambda (a b) (+ a b)) [1])", "argument-count"), ("(-> 1 (inc 2 3))", "argument-count"),
        ("(if true)", "malformed-form"), ("(if 1 2 3 4)", "malformed-form"), ("(let x 1)", "malformed-form"),
        ("(let ((a)) 1)", "malformed-form"), ("(let [a] 1)", "malformed-form"), ("(let ((1 2)) 1)", "malformed-form"),
        ("(let ((_a 1)))", "malformed-form"), ("(lambda x x)", "malformed-form"), ("(lambda ())", "malformed-form"),
        ("(define x)", "malformed-form"), ("(define x 1 2)", "malformed-form"), ("(define 1 2)", "malformed-form"),
        ("(for (x) x)", "malformed-form"), ("(for () 1)", "malformed-form"), ("(match 1)", "malformed-form"),
        ("(match 1 2)", "malformed-form"), ("(match 1 (1))", "malformed-form"), ("(try 1 (catch))", "malformed-form"),
        ("(match 1 (#\"a\" 1))", "malformed-form"), ("(match 1 ([a a] a))", "malformed-form"),
        ("(cond 1)", "malformed-form"), ("(-> 1 2)", "malformed-form"), ("(-> 1 (fn (_x) 1))", "malformed-form"),
        ("(->)", "malformed-form"),
        ("(letrec ((a 1)) a)", "malformed-form"), ("(try (catch e 1))", "malformed-form"),
        ("(lambda (a a) a)", "duplicate-name"), ("(let ((if 1)) 2)", "reserved-name"),
        ("(define (let x) x)", "reserved-name"), ("(println if)", "not-a-value"), ("(println stdout)", "not-a-value"),
        ("(1 2)", "not-a-function"), ("(\"f\" 2)", "not-a-function"), ("([1] 0)", "not-a-function"),
        ("(define x 1) (define x 2)", "redefinition"), ("(define (f) 1) (define-mapreduce f)", "redefinition"),
        ("(do (define x 1) x)", "inner-definition"), ("(define x 1) (set! x 2)", "no-assignment"),
        ("{:a 1 :a 2}", "duplicate-key"), ("{:a 1 \"a\" 2}", "duplicate-key"), ("'{1 1 1.0 2}", "duplicate-key"),
        ("(match 1 (_ 1) (2 2))", "unreachable-arm"), ("(match 1 (2 1) (2 2))", "unreachable-arm"),
        ("(match 1 (:a 1) (\"a\" 2))", "unreachable-arm"), ("(match [1] ([_] 1) ([2] 2))", "unreachable-arm"),
        ("(match 1 ({:a _} 1) ({:a 1 :b 2} 2))", "unreachable-arm"),
        ("(match 1 (_x 1) ((when _y true) 2))", "unreachable-arm"),
        ("(cond (else 1) (true 2))", "unreachable-clause"),
        ("(let ((a 1)) 2)", "unused-binding"), ("(lambda (a) 1)", "unused-binding"),
        ("(for (x [1]) 1)", "unused-binding"), ("(match 1 (x 2))", "unused-binding"),
        ("(define (count x) x)", "shadowed-builtin"),
        ("(define (f a & rest) (list a rest)) (f 1 2 3)", "rest-parameters"),
        ("(define f (fn [& all] all)) (f) (f 1)", "rest-parameters"),
        ("(let ((f (lambda (a . others) (cons a others)))) (f 1 2 3))", "rest-parameters"),
        ("(map (fn [a & more] [a more]) [1])", "rest-parameters"),
        ("(defn f [x] (* x y)) (println (f 1))", "unknown-name"), ("(println (g 1)) (defun g (x) x)", "unknown-name"),
        ("(let* ((a 1) (b a)) (+ a b))", "unknown-name"),
    ])
    func `a wrong program has the one diagnostic that says so`(text: String, code: String) {
        let codes = Self.codes(text)

        #expect(codes.contains(code), "\(codes)")
        #expect(codes.filter { $0 != "unused-binding" && $0 != "missing-option" }.count <= 1 || codes == [code])
    }

    @Test(arguments: [
        ("(splt 1 2)", "did you mean split?"), ("(prinltn 1)", "did you mean println?"),
        ("(define total 1) (println totl)", "did you mean total?"),
        ("(let ((words 1)) (println words word))", "did you mean words?"),
        ("(defn f (x) x)", "use (define (name a b) body…)"), ("(defn f [x & xs] xs)", "use (define (name a b) body…)"),
        ("(qqqqqqq 1)", "define it at the top level, or bind it with let"),
        ("(println +5)", "write 5"),
        (
            "(let ((go (lambda (n) (go n)))) (go 1))",
            "let binds it after its value: use letrec for a function that calls itself"
        ),
        ("(println xx)", "define it at the top level, or bind it with let"),
        ("(let ((lamda 1)) (lambd (x) x lamda))", "did you mean lambda?"),
    ])
    func `an unknown name comes with what was probably meant`(text: String, help: String) {
        let checked = Frontend.check(.make(text))

        #expect(checked.diagnostics.first { $0.code == "unknown-name" }?.help == help)
    }

    @Test func `all diagnostics of a file come at once, by position`() {
        let checked = Frontend.check(.make("(splt 1)\n(f 2x)\n(inc)\n(let ((a 1)) 2)"))

        #expect(
            checked.diagnostics.map(\.code)
                == ["unknown-name", "unknown-name", "invalid-number", "argument-count", "unused-binding"]
        )
        #expect(checked.program == nil)
    }

    @Test func `warnings leave the program whole`() {
        let checked = Frontend.check(.make("(let ((a 1)) 2)"))

        #expect(checked.diagnostics.map(\.severity) == [.warning])
        #expect(checked.program != nil)
    }

    @Test(arguments: [
        "(define-distributed-actor counter :state 0 (receive ((increment n) (become (+ state n)))))",
        "(cluster:join \"a\" :seeds [1])", "(raft:propose node {:a (undefined)})",
        "(define cache (distributed-map \"a\"))",
        "(put! x y z)", "(with-circuit-breaker b (remote-call \"x\" args))", "(define-service s :port nothing)",
        "(println (? actor get))", "(println (raft:read node \"x\" :consistency 'linearizable))",
        "(http-sink \"http://x\")",
    ])
    func `a form of a later build is refused by name, once`(text: String) {
        let checked = Frontend.check(.make(text))

        #expect(checked.diagnostics.map(\.code) == ["not-available"])
    }

    @Test func `a refusal names the form at its head`() {
        let checked = Frontend.check(.make("(println 1)\n  (enqueue! q 1)"))

        #expect(checked.diagnostics.first?.message == "enqueue! is not available in this build")
        #expect(checked.diagnostics.first?.range == SourceRange(start: 15, end: 23))
    }

    @Test func `a program may define what a later build has`() {
        #expect(Self.codes("(define (increment! xs) (take 3 xs)) (increment! [1])") == [])
    }

    @Test func `a program may define words that only mean something in other forms`() {
        #expect(Self.codes("(define (window xs) (take 3 xs)) (window [1])") == [])
    }

    @Test func `names in a refused form count as used`() {
        #expect(Self.codes("(let ((a 1)) (put! cache a {:k a}))") == ["not-available"])
    }

    @Test func `a wrong argument count comes with how the call is written`() {
        let checked = Frontend.check(.make("(emit 1)"))

        let diagnostic = checked.diagnostics.first
        #expect(diagnostic?.message == "emit takes 2 arguments, got 1")
        #expect(diagnostic?.help == "write (emit key value)")
    }

    @Test(arguments: Builtin.allCases)
    func `the usage of a builtin names as many arguments as it takes`(builtin: Builtin) {
        let words = builtin.usage.dropFirst().dropLast().split(separator: " ").dropFirst()
        let optional = words.filter { $0.hasPrefix("[") || $0.hasSuffix("…") }.count
        let repeats = words.contains { $0.hasSuffix("…") }

        // "number number…" shows a second, optional one.
        #expect(words.count >= builtin.signature.minimumCount)
        #expect(words.count - optional <= builtin.signature.minimumCount)
        #expect(repeats == (builtin.signature.maximumCount == nil), "\(builtin.usage)")
        if let maximum = builtin.signature.maximumCount { #expect(words.count == maximum, "\(builtin.usage)") }
    }

    @Test func `regular expressions are judged by whoever can compile them`() {
        let source = SourceFile.make("(split \"a\" #\"(\") '(#\"ok\" #\"(\")")

        let checked = Frontend.check(source) { $0 == "(" ? "missing )" : nil }

        #expect(checked.diagnostics.map(\.code) == ["invalid-pattern", "invalid-pattern"])
        #expect(checked.diagnostics.first?.message == "this regular expression doesn't compile: missing )")
    }

    static func codes(_ text: String) -> [String] {
        Frontend.check(.make(text)).diagnostics.map(\.code)
    }
}
