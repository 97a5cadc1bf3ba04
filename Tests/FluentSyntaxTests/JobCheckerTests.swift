import FluentSyntax
import Testing

@Suite struct JobCheckerTests {
    @Test func `the specification's word count checks when it stands alone`() throws {
        let source = try Fixtures.read("spec-06.fl")
        let end = source.bytes.firstRange(of: Array(";; Streaming".utf8))?.lowerBound ?? 0
        let job = SourceFile(name: "word-count.fl", bytes: Array(source.bytes[..<end]))

        let checked = Frontend.check(job)

        #expect(checked.diagnostics == [])
        #expect(checked.program?.forms.count == 2)
    }

    @Test(arguments: [
        "", ":format 'json", ":format :csv", ":format \"bytes\"", ":format (csv :header true)", ":on-error 'skip",
        ":on-error (dead-letter (distributed-path \"bad\"))", ":memory \"512MiB\"", ":memory 100_000_000",
        ":memory \"1.5 GiB\"",
        ":partitions 7", ":partitions (param \"n\" 4)", ":combiner sum", ":combiner (lambda (xs) (sum xs))",
        ":reduce (lambda (k _) (emit k 1))", ":reduce (lambda (key values) nil)", ":reduce reducer",
        ":reduce (make 3)",
    ])
    func `a right option has no diagnostics`(options: String) {
        #expect(Self.check(options).map(\.code) == [])
    }

    @Test(arguments: [
        (":redcue reducer", "unknown-option", ":redcue"), (":partitions", "missing-value", ":partitions"),
        (":partitions 0", "option-value", "0"), (":partitions \"4\"", "option-type", "\"4\""),
        (":memory \"much\"", "option-value", "\"much\""), (":memory \"1KiB\"", "option-value", "\"1KiB\""),
        (":memory 512", "option-value", "512"), (":memory 'x", "option-value", "'x"),
        (":format 'jsn", "option-value", "'jsn"), (":format 7", "option-type", "7"),
        (":on-error 'ignore", "option-value", "'ignore"),
        (":on-error (dead-letter)", "argument-count", "(dead-letter)"),
        (":on-error (dead-letter \"x\")", "option-type", "\"x\""), (":reduce 5", "option-type", "5"),
        (":reduce (lambda (k) (emit k 1))", "argument-count", "(lambda (k) (emit k 1))"),
        (":reduce sum", "argument-count", "sum"), (":combiner mean", "not-combinable", "mean"),
        (":combiner count", "not-combinable", "count"),
        (":combiner count-distinct", "not-combinable", "count-distinct"),
        (":combiner (lambda (a b) (+ a b))", "argument-count", "(lambda (a b) (+ a b))"),
        (":map inc", "duplicate-option", ":map"), ("7", "malformed-form", "7"),
        (":sorted true", "unknown-option", ":sorted"),
        (":reduce undefined", "unknown-name", "undefined"),
    ])
    func `a wrong option is one error at its place`(options: String, code: String, place: String) {
        let (text, diagnostics) = Self.checkText(options)

        #expect(diagnostics.map(\.code) == [code])
        let marked = diagnostics.first.map { Array(text.utf8)[$0.range.start..<$0.range.end] } ?? []
        #expect(String(decoding: marked, as: UTF8.self) == place)
    }

    @Test func `an unknown option lists the right ones and the nearest`() {
        let help = Self.check(":partitons 3").first?.help

        #expect(
            help == "did you mean :partitions? its options are :input :output :map :combiner :reduce :partitions "
                + ":format :on-error :memory"
        )
    }

    @Test func `input, output and map are needed`() {
        let diagnostics = Frontend.check(.make("(define-mapreduce j :reduce (lambda (k v) (emit k v)))")).diagnostics

        #expect(diagnostics.map(\.message) == ["j has no :input, :output and :map"])
    }

    @Test(arguments: [
        ("(stdout)", "(stdout)"), ("\"a.txt\"", "(stdout)"), ("(distributed-files \"a\")", "(generate)"),
        ("(distributed-files \"a\")", "(distributed-files \"b\")"), ("(lambda (x) x)", "(stdout)"),
    ])
    func `what isn't a source or sink is refused as one`(input: String, output: String) {
        let text = "(define-mapreduce j :input \(input) :output \(output) :map (lambda (r) (emit r 1)))"

        #expect(CheckerTests.codes(text) == ["option-type"])
    }

    @Test func `a source or option that was refused isn't refused again for its type`() {
        let text = """
            (define-mapreduce j :input (distributed-files) :output (http-sink "x") :map (lambda (r) (emit r 1))
              :format undefined :partitions (splt 1) :memory nothing)
            """

        #expect(
            CheckerTests.codes(text)
                == ["argument-count", "not-available", "unknown-name", "unknown-name", "unknown-name"]
        )
    }

    @Test(arguments: [
        "(emit 1 2)", "(define x (emit 1 2))", "(for (x [1]) (emit x 1))", "(for-each emit [1])",
        "(define (helper k) (emit k 1)) (helper 1)",
        "(define (inner k) (emit k 1)) (define (outer k) (inner k)) (outer 1)",
        "(define (helper k) (for-each (lambda (x) (emit x 1)) k)) (println (helper [1]))",
    ])
    func `emit at the top level is an error, also through helpers`(text: String) {
        #expect(CheckerTests.codes(text) == ["emit-outside-job"])
    }

    @Test(arguments: [
        "(define (helper k) (emit k 1))",
        "(define (inner k) (emit k 1)) (define (outer k) (inner k))",
        "(define (helper k) (emit k 1)) (define (other) (helper 1))",
        "(define (make n) (lambda (k v) (emit k (+ n (sum v))))) (define made (make 3))",
    ])
    func `a helper that emits is fine where only jobs use it`(text: String) {
        #expect(CheckerTests.codes(text) == [])
    }

    @Test func `emit works in helpers that jobs call`() {
        let text = """
            (define (put k) (emit k 1))
            (define (put-all ks) (for (k ks) (put k)))
            (define-mapreduce j :input (generate) :output (stdout) :map (lambda (r) (put-all r)) :reduce reducer)
            (define (reducer k vs) (emit k (sum vs)))
            """

        #expect(CheckerTests.codes(text) == [])
    }

    @Test func `a combiner can't emit`() {
        #expect(Self.check(":combiner (lambda (vs) (emit 1 vs))").map(\.code) == ["emit-outside-job"])
    }

    @Test(arguments: [
        "(define h (submit-job first)) (define-mapreduce j :input (generate) :output (stdout) :map (lambda (r) (emit h r)))",
        "(define h (submit-job first)) (define (use r) (str h r)) "
            + "(define-mapreduce j :input (generate) :output (stdout) :map (lambda (r) (emit (use r) r)))",
        "(define-mapreduce j :input (generate) :output (stdout) "
            + ":map (let ((h (submit-job first))) (lambda (r) (emit (job:id h) r))))",
        "(define-mapreduce j :input (generate) :output (stdout) :map (lambda (r) (emit first r)))",
    ])
    func `a job handle can't travel with a job's function`(text: String) {
        let first = "(define-mapreduce first :input (generate) :output (stdout) :map (lambda (r) (emit r 1)))\n"
        let codes = CheckerTests.codes(first + text)

        #expect(codes.contains("cannot-travel"), "\(codes)")
    }

    @Test(arguments: [
        ("(emit r (fn [x] x))", "this is a function", "(fn [x] x)"), ("(emit inc r)", "inc is a function", "inc"),
        ("(emit r parse)", "parse is a function", "parse"), ("(emit r limit)", "limit is a function", "limit"),
        ("(emit r table)", "table holds a function", "table"),
        ("(emit r [1 {:f parse}])", "parse is a function", "parse"),
        ("(emit r #\"a\")", "this is a regular expression", "#\"a\""),
        ("(emit r pattern)", "pattern is a regular expression", "pattern"),
        ("(let ((f (lambda (x) x))) (emit (f r) f))", "f is a function", "f"),
        ("(letrec ((f (lambda (x) (f x)))) (emit (f r) f))", "f is a function", "f"),
        ("(emit r (if r 1 parse))", "parse is a function", "parse"),
        ("(emit r (let ((f inc)) (f 1) f))", "f is a function", "f"),
    ])
    func `a function or pattern that is emitted is found where it is written`(
        emission: String,
        message: String,
        place: String
    ) throws {
        let text = """
            (define (parse x) (parse-int x))
            (define limit (lambda (x) (> x 1)))
            (define table {:parse parse :sizes [1 2]})
            (define pattern #"b+")
            (define-mapreduce j :input (generate) :output (stdout) :map (lambda (r) \(emission)))
            """

        let diagnostics = Frontend.check(.make(text)).diagnostics.filter { $0.severity == .error }

        let diagnostic = try #require(diagnostics.first)
        #expect(diagnostics.map(\.code) == ["cannot-travel"])
        #expect(diagnostic.message == "\(message), which emit can't hand on: only data travels")
        #expect(!diagnostic.help.isEmpty)
        #expect(
            String(decoding: text.utf8.dropFirst(diagnostic.range.start).prefix(place.utf8.count), as: UTF8.self)
                == place
        )
    }

    @Test(arguments: [
        "(emit r (map parse [r]))", "(emit (parse r) (limit 2))", "(emit r (get table :sizes))",
        "(let ((f (lambda (x) x))) (emit r (f r)))", "(emit r (re-match pattern r))", "(emit 'inc \"#a\")",
    ])
    func `what functions give can be emitted`(emission: String) {
        let text = """
            (define (parse x) (parse-int x))
            (define limit (lambda (x) (> x 1)))
            (define table {:parse parse :sizes [1 2]})
            (define pattern #"b+")
            (define-mapreduce j :input (generate) :output (stdout) :map (lambda (r) \(emission)))
            """

        #expect(CheckerTests.codes(text) == [])
    }

    @Test(arguments: [
        (":map (lambda (r) (println r) (emit r 1))", "println works only in the program, not inside a job"),
        (":map (lambda (r) (for-each println [r]) (emit r 1))", "println works only in the program, not inside a job"),
        (
            ":map (lambda (r) (emit r 1)) :reduce (lambda (k v) (log-warn k) (emit k (sum v)))",
            "log-warn works only in the program, not inside a job"
        ),
        (
            ":map (lambda (r) (outer r))",
            "outer calls log-info, which works only in the program, not inside a job"
        ),
        (":map (lambda (r) (when (= r 1) (alert r)) (emit r 1))", "alert works only where a stream's windows"),
    ])
    func `what prints works in the program only`(functions: String, message: String) throws {
        let text = """
            (define (inner r) (log-info (str r)) r)
            (define (outer r) (emit (inner r) 1))
            (println (inner 1))
            (alert "started")
            (define-mapreduce j :input (generate) :output (stdout) \(functions))
            """

        let diagnostics = Frontend.check(.make(text)).diagnostics

        #expect(diagnostics.count == 1)
        #expect(diagnostics.first?.message.hasPrefix(message) == true, "\(diagnostics)")
        #expect(diagnostics.first?.help.contains("emit what is") == true)
    }

    @Test(arguments: ["job:status", "job:wait-completion", "job:get-results", "job:cancel", "job:id", "await"])
    func `a job must be submitted before it is asked`(builtin: String) throws {
        let job = "(define-mapreduce j :input (generate) :output (stdout) :map (lambda (r) (emit r 1)))"

        let wrong = Frontend.check(.make("\(job) (println (\(builtin) j))")).diagnostics
        let right = CheckerTests.codes("\(job) (let ((h (submit-job j))) (println (\(builtin) h)))")

        #expect(wrong.map(\.code) == ["not-submitted"])
        #expect(wrong.first?.message == "\(builtin) needs a submitted job, and j is the definition of one")
        #expect(wrong.first?.help.contains("(submit-job j)") == true)
        #expect(right == [])
    }

    @Test func `jobs aren't submitted inside jobs`() {
        let text = "(define-mapreduce j :input (generate) :output (stdout) :map (lambda (r) (emit (await r) 1)))"

        #expect(CheckerTests.codes(text) == ["not-in-job"])
    }

    @Test func `parameters of job functions may go unused`() {
        #expect(Self.check(":reduce (lambda (key values) (emit 1 1))").isEmpty)
        #expect(Self.check(":combiner (lambda (values) 1)").map(\.code) == ["unused-binding"])
    }

    private static func check(_ options: String) -> [Diagnostic] { self.checkText(options).diagnostics }

    private static func checkText(_ options: String) -> (text: String, diagnostics: [Diagnostic]) {
        let text = """
            (define (reducer k vs) (emit k (sum vs)))
            (define (make n) (lambda (k vs) (emit k (* n (sum vs)))))
            (println (reduce + [1]))
            (define-mapreduce j
              :input (distributed-files "a" :format 'text) :output (distributed-path "b" :sorted true)
              :map (lambda (line) (emit line 1)) \(options))
            """
        return (text, Frontend.check(.make(text)).diagnostics)
    }
}
