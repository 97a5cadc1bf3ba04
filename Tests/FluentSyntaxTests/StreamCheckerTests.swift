import FluentSyntax
import Testing

@Suite struct StreamCheckerTests {
    @Test(arguments: [
        "", ":time :ts", ":time (lambda (event) (get event :ts))", ":time inc", ":time stamp",
        ":watermark (bounded-out-of-orderness 2000)", ":watermark (bounded-out-of-orderness \"2 s\")",
        ":idle-after \"1 min\"", ":allowed-lateness 0", ":late (stdout)", ":alerts (kafka-topic \"alerts\")",
        ":trigger (trigger)", ":trigger (trigger :early \"10 s\" :early-count 100 :late 'gathered)",
        ":trigger (trigger :late :each)", ":format 'text", ":on-error 'skip", ":memory \"64MiB\"",
        ":output (kafka-topic \"results\" :format 'json)", ":combiner sum :reduce reducer",
        ":reduce (lambda (key values) (emit key [(window-start) (window-end) (pane)]))",
        ":reduce (lambda (key values) (alert \"high\" key))", ":reduce asking", ":idle-after (param \"idle\" 10)",
    ])
    func `a right option of a streaming job has no diagnostics`(options: String) {
        #expect(Self.check(options).map(\.code) == [])
    }

    @Test(arguments: [
        "(tumbling-window 60000)", "(tumbling-window \"1 h\" :offset \"15 min\")", "(sliding-window \"5 min\")",
        "(sliding-window 300000 \"30 s\")", "(session-window \"30 min\")", "(count-window 100)",
        "(count-window 100 10)",
        "(global-window)", "minute", "(sized 5)", "(tumbling-window (param \"size\" 5))",
    ])
    func `every window can be written`(window: String) {
        #expect(Self.check(window: window).map(\.code) == [])
    }

    @Test(arguments: [
        ("60000", "option-type", "60000"), ("(stdout)", "option-type", "(stdout)"), ("inc", "option-type", "inc"),
        ("(trigger)", "option-type", "(trigger)"), ("(tumbling-window)", "argument-count", "(tumbling-window)"),
        ("(tumbling-window 1 2)", "argument-count", "(tumbling-window 1 2)"),
        ("(tumbling-window 0)", "option-value", "0"), ("(tumbling-window -5)", "option-value", "-5"),
        ("(tumbling-window \"5 parsecs\")", "option-value", "\"5 parsecs\""),
        ("(tumbling-window 1.5)", "option-value", "1.5"),
        ("(tumbling-window \"99999 d\")", "option-value", "\"99999 d\""),
        ("(tumbling-window 10 :offset 10)", "option-value", "10"),
        ("(tumbling-window 10 :ofset 1)", "unknown-option", ":ofset"),
        ("(sliding-window 10 0)", "option-value", "0"), ("(session-window)", "argument-count", "(session-window)"),
        ("(count-window 0)", "option-value", "0"), ("(count-window \"5 s\")", "option-value", "\"5 s\""),
        ("(global-window 1)", "argument-count", "(global-window 1)"),
        ("(tumbling-windw 1)", "unknown-name", "tumbling-windw"), ("tumbling-window", "not-a-value", "tumbling-window"),
    ])
    func `a wrong window is one error at its place`(window: String, code: String, place: String) {
        let text = Self.text(window: window, "")
        let diagnostics = Frontend.check(.make(text)).diagnostics

        #expect(diagnostics.map(\.code) == [code])
        #expect(Self.marked(text, diagnostics.first) == place)
    }

    @Test(arguments: [
        (":time (lambda (a b) (+ a b))", "argument-count", "(lambda (a b) (+ a b))"), (":time 5", "option-type", "5"),
        (":time (lambda (event) (emit event 1))", "emit-outside-job", "(emit event 1)"),
        (":watermark 2000", "option-type", "2000"),
        (":watermark (bounded-out-of-orderness -1)", "option-value", "-1"),
        (":watermark (bounded-out-of-orderness)", "argument-count", "(bounded-out-of-orderness)"),
        (":watermark (global-window)", "option-type", "(global-window)"), (":idle-after 0", "option-value", "0"),
        (":allowed-lateness \"soon\"", "option-value", "\"soon\""), (":allowed-lateness -1", "option-value", "-1"),
        (":late \"topic\"", "option-type", "\"topic\""), (":late (generate)", "option-type", "(generate)"),
        (":alerts (distributed-files \"a\")", "option-type", "(distributed-files \"a\")"),
        (":trigger 'early", "option-type", "'early"), (":trigger (trigger :late 'never)", "option-value", "'never"),
        (":trigger (trigger :early-count 0)", "option-value", "0"),
        (":trigger (trigger 5)", "argument-count", "(trigger 5)"), (":partitions 3", "unknown-option", ":partitions"),
        (":source (kafka-stream \"x\")", "unknown-option", ":source"),
        (":output (kafka-topic)", "argument-count", "(kafka-topic)"),
        (":output (tumbling-window 1)", "option-type", "(tumbling-window 1)"),
        (":combiner mean :reduce reducer", "not-combinable", "mean"),
        (":reduce (lambda (k) (emit k 1))", "argument-count", "(lambda (k) (emit k 1))"),
    ])
    func `a wrong option of a streaming job is one error at its place`(options: String, code: String, place: String) {
        let text = Self.text(options)
        let diagnostics = Frontend.check(.make(text)).diagnostics

        #expect(diagnostics.map(\.code) == [code])
        #expect(Self.marked(text, diagnostics.first) == place)
    }

    @Test func `input, window and map are needed`() {
        let diagnostics = Frontend.check(.make("(define-streaming-job j :alerts (stdout))")).diagnostics

        #expect(diagnostics.map(\.message) == ["j has no :input, :window and :map"])
    }

    @Test(
        arguments: [
            ("(union (kafka-topic \"a\") (distributed-files \"b\"))", [], nil),
            ("(union (kafka-topic \"a\") :old (union (generate) :b (generate)))", [], nil),
            ("(union)", ["argument-count"], "(union)"), ("(union (stdout))", ["option-type"], "(stdout)"),
            ("(union :old 5)", ["option-type"], "5"), ("(union (generate) :a)", ["missing-value"], ":a"),
            ("(union :a (generate) :a (generate))", ["duplicate-option"], ":a"),
        ] as [(String, [String], String?)]
    )
    func `a union consists of sources, some of them with names`(source: String, codes: [String], place: String?) {
        let functions = ":window (global-window) :map (lambda (event) (emit event 1))"
        let text = "(define-streaming-job j :input \(source) \(functions))"
        let diagnostics = Frontend.check(.make(text)).diagnostics

        #expect(diagnostics.map(\.code) == codes)
        #expect(place == nil || Self.marked(text, diagnostics.first) == place)
    }

    @Test func `a batch job can't read a union, and no job writes to one`() {
        let batch = "(define-mapreduce b :input (union (generate)) :output (stdout) :map (lambda (r) (emit r 1)))"

        #expect(CheckerTests.codes(batch) == ["option-type"])
        #expect(Self.check(":output (union (kafka-topic \"a\"))").map(\.code) == ["option-type"])
    }

    @Test func `all that is wrong is said at once`() {
        let codes = Self.check(":watermark 5 :idle-after -1 :late 3 :redcue reducer").map(\.code)

        #expect(codes == ["option-type", "option-value", "option-type", "unknown-option"])
    }

    @Test(arguments: [
        "(window-start)", "(println (pane))", "(define (f) (window-end)) (f)",
        "(define (f) (window-end)) (println (f))",
        "(define-mapreduce b :input (generate) :output (stdout) :map (lambda (r) (emit r 1)) "
            + ":reduce (lambda (k _vs) (emit k (window-start))))",
        "(define-streaming-job s :input (generate) :window (global-window) :map (lambda (r) (emit r (pane))))",
        "(define (f) (pane)) (define-streaming-job s :input (generate) :window (global-window) "
            + ":map (lambda (r) (emit r (f))))",
        "(define-streaming-job s :input (generate) :window (global-window) :time (lambda (r) (+ r (window-end))) "
            + ":map (lambda (r) (emit r 1)))",
    ])
    func `the window is only known to the reduce of a stream`(text: String) {
        #expect(CheckerTests.codes(text) == ["no-window"])
    }

    @Test func `streams are submitted and can't be called or travel`() {
        let job = Self.text("")

        #expect(CheckerTests.codes(job + " (submit-job j)") == [])
        #expect(CheckerTests.codes(job + " (j 1)") == ["not-a-function"])
        let captured = " (define-mapreduce b :input (generate) :output (stdout) :map (lambda (r) (emit j r)))"
        #expect(CheckerTests.codes(job + captured) == ["cannot-travel"])
        let inner = "(define-streaming-job j :input (generate) :window (global-window) :map (lambda (r) (emit r 1)))"
        #expect(CheckerTests.codes("(do \(inner))") == ["inner-definition"])
    }

    private static func check(_ options: String = "", window: String = "(tumbling-window 60000)") -> [Diagnostic] {
        Frontend.check(.make(self.text(window: window, options))).diagnostics
    }

    private static func text(window: String = "(tumbling-window 60000)", _ options: String) -> String {
        """
        (define (reducer k vs) (emit k (sum vs)))
        (define (asking k vs) (emit k [(window-start) (count vs)]))
        (define (stamp event) (get event :ts))
        (define minute (tumbling-window "1 min"))
        (define (sized n) (tumbling-window n))
        (define-streaming-job j :input (kafka-stream "events") :window \(window)
          :map (lambda (event) (emit event 1)) \(options))
        """
    }

    static func marked(_ text: String, _ diagnostic: Diagnostic?) -> String {
        let bytes = diagnostic.map { Array(text.utf8)[$0.range.start..<$0.range.end] } ?? []
        return String(decoding: bytes, as: UTF8.self)
    }
}

@Suite struct ProcessorCheckerTests {
    @Test(arguments: [
        ":n (count)", ":n (count :x)", ":n (count-distinct :x) :m (count-distinct-approx :x)",
        ":a (sum :x) :b (min :x) :c (max :x) :d (mean :x)", ":a (first :x) :b (last :x) :c (collect :x)",
        ":a (top 3 :x) :b (quantile 0.95 :x) :c (quantile 1 :x)", ":a (sum (lambda (r) (* 2 (get r :x))))",
        ":a (sum price)", ":a (top (param \"n\" 3) :x)",
    ])
    func `every aggregate can be written`(aggregates: String) {
        #expect(Self.check(aggregates).map(\.code) == [])
    }

    @Test(arguments: [
        ("(sum)", "argument-count", "(sum)"), ("(sum :x :y)", "argument-count", "(sum :x :y)"),
        ("(top :x)", "argument-count", "(top :x)"), ("(top 0 :x)", "option-value", "0"),
        ("(quantile 95 :x)", "option-value", "95"), ("(quantile \"a\" :x)", "option-value", "\"a\""),
        ("(summ :x)", "unknown-name", "summ"), ("7", "malformed-form", "7"), ("sum", "malformed-form", "sum"),
        ("(sum \"x\")", "option-type", "\"x\""),
        ("(sum (lambda (a b) (+ a b)))", "argument-count", "(lambda (a b) (+ a b))"),
        ("(sum (lambda (r) (emit r 1)))", "emit-outside-job", "(emit r 1)"),
        ("(sum (lambda (r) (+ r (pane))))", "no-window", "(pane)"),
    ])
    func `a wrong aggregate is one error at its place`(aggregate: String, code: String, place: String) {
        let text = Self.text(":n \(aggregate)")
        let diagnostics = Frontend.check(.make(text)).diagnostics

        #expect(diagnostics.map(\.code) == [code])
        #expect(StreamCheckerTests.marked(text, diagnostics.first) == place)
    }

    @Test(arguments: [
        "(filter (lambda (r) (get r :x)))", "(filter :x) (map (lambda (r) (assoc r :y 1))) (flat-map :items)",
        "(map parse-json)", "(filter big)", "",
    ])
    func `records may be filtered and changed before they are grouped`(steps: String) {
        #expect(Self.check(":n (count)", steps: steps).map(\.code) == [])
    }

    @Test(arguments: [
        ("(filter)", "argument-count"), ("(filter inc dec)", "argument-count"), ("(filter 5)", "option-type"),
        ("(map +)", ""), ("(map split)", "argument-count"), ("(fliter big)", "malformed-form"),
        ("(filter (lambda (a b) (= a b)))", "argument-count"), ("(filter (lambda (r) (emit r 1)))", "emit-outside-job"),
        ("(filter unknown)", "unknown-name"), ("7", "malformed-form"),
        ("(window (global-window) (group-by :k (aggregate :n (count))))", "malformed-form"),
        (":input (stdout)", "unknown-option"), (":map inc", "unknown-option"),
    ])
    func `a wrong step is one error`(steps: String, code: String) {
        #expect(Self.check(":n (count)", steps: steps).map(\.code) == (code.isEmpty ? [] : [code]))
    }

    @Test(arguments: [
        ("(enrich items :on :id)", ""), ("(enrich items :on big :as :item :missing 'drop)", ""),
        ("(enrich (table (generate) :key :id) :on :id)", ""), ("(side :a (stdout))", ""),
        ("(side :a (stdout) big) (side :b (stdout) :x)", ""), ("(filter (lambda (r) (lookup items r)))", ""),
        ("(enrich)", "malformed-form"), ("(enrich items)", "malformed-form"),
        ("(enrich (stdout) :on :id)", "option-type"),
        ("(enrich items :on 5)", "option-type"), ("(enrich items :on :id :missing 'stop)", "option-value"),
        ("(enrich items :on :id :from 1)", "unknown-option"), ("(side (stdout))", "malformed-form"),
        ("(side :a (generate))", "option-type"), ("(side :a (stdout)) (side :a (stdout))", "duplicate-name"),
        ("(filter (lambda (r) (emit-to :a r)))", "no-side-output"),
        ("(side :a (stdout)) (key-by :x) (enrich items :on :id)", ""),
        ("(process :x (on-event (lambda (r) (emit (lookup items (state))))))", ""),
        ("(process :x (on-event (lambda (r) (emit (message-key)))))", "no-record"),
        ("(process :x (on-event (lambda (r) (emit-to :a r))))", "no-side-output"),
        ("(key-by :x) (side :a (stdout))", "malformed-form"),
    ])
    func `records are enriched, and written to side outputs`(steps: String, code: String) {
        let table = "(define items (table (distributed-files \"items\") :key :id)) "
        let text = table + Self.text(":n (count)", steps: steps)

        #expect(Frontend.check(.make(text)).diagnostics.map(\.code) == (code.isEmpty ? [] : [code]))
    }

    @Test(arguments: [
        ("(table (generate))", "missing-option"), ("(table :key :id)", "argument-count"),
        ("(table (generate) :key 5)", "option-type"), ("(table (stdout) :key :id)", "option-type"),
        ("(table (union (generate)) :key :id)", "option-type"),
        ("(table (generate) :key :id :kee 1)", "unknown-option"),
    ])
    func `a wrong table is one error`(table: String, code: String) {
        #expect(CheckerTests.codes("(define t \(table))") == [code])
    }

    @Test(arguments: ["(message-key)", "(lookup 1 2)", "(define (f) (message-offset)) (f)"])
    func `a record is only at hand in the functions of a stream`(call: String) {
        let batch = "(define-mapreduce b :input (generate) :output (stdout) :map (lambda (r) (emit r (message-key))))"

        #expect(CheckerTests.codes(call) == ["no-record"])
        #expect(CheckerTests.codes(batch) == ["no-record"])
    }

    @Test func `a misspelt clause comes with the right one`() {
        let help = Self.check(":n (count)", steps: "(fliter big)").first?.help

        #expect(help?.hasPrefix("did you mean filter?") == true)
    }

    @Test(arguments: [":user", "(lambda (r) (get r :user))", "[:user :page]", "[:user big]", "[]", "big"])
    func `records are grouped by fields and functions`(key: String) {
        #expect(Self.check(":n (count)", key: key).map(\.code) == [])
    }

    @Test(arguments: [
        ("\"user\"", "option-type"), ("[:a 1]", "option-type"), ("[:a :a]", "duplicate-name"), (":n", "duplicate-name"),
        (":window-start", "duplicate-name"), ("(lambda (a b) (+ a b))", "argument-count"),
    ])
    func `a wrong key is one error`(key: String, code: String) {
        #expect(Self.check(":n (count)", key: key).map(\.code) == [code])
    }

    @Test func `two fields of an output record can't share a name`() {
        #expect(Self.check(":n (count) :n (sum :x)").map(\.code) == ["duplicate-option"])
        #expect(Self.check(":key (count)", key: "big").map(\.code) == ["duplicate-name"])
        #expect(Self.check(":window-end (count)").map(\.code) == ["duplicate-name"])
    }

    @Test(arguments: [
        ("(window)", "malformed-form"), ("(window (global-window))", "malformed-form"),
        ("(window (global-window) (count))", "malformed-form"),
        ("(window (global-window) (group-by :k))", "malformed-form"),
        ("(window (global-window) (group-by :k (count)))", "malformed-form"),
        ("(window (global-window) (group-by :k (aggregate)))", "malformed-form"),
        ("(window 5 (group-by :k (aggregate :n (count))))", "option-type"),
    ])
    func `a window is whole`(window: String, code: String) {
        let text = "(define-stream-processor p :source (kafka-topic \"clicks\") \(window))"

        #expect(CheckerTests.codes(text) == [code])
    }

    @Test func `limits are named`() {
        let steps = String(repeating: "(filter big) ", count: 65)
        let aggregates = (0..<101).map { ":a\($0) (count)" }.joined(separator: " ")

        #expect(Self.check(":n (count)", steps: steps).map(\.message) == ["a processor has at most 64 steps"])
        #expect(Self.check(aggregates).map(\.message) == ["a processor has at most 100 aggregates"])
    }

    @Test func `functions, fields and numbers become options`() throws {
        let text =
            "(define-stream-processor p :source (generate) (filter :x) "
            + "(window (count-window 5) (group-by [:a :b] (aggregate :n (count) :t (top 3 :c)))))"
        let program = Frontend.check(.make(text)).program

        guard case .defineJob(let job) = try #require(program?.forms.first).kind else {
            Issue.record("the form defines a job")
            return
        }
        #expect(job.options.map(\.name) == ["source", "step 0", "window", "key 0", "key 1", "parameter 1", "input 1"])
        let processor = try #require(job.processor)
        #expect(processor.steps == [.filter])
        #expect(processor.keyCount == 2 && processor.hasKeyList)
        #expect(processor.aggregates.map(\.function) == [.count, .top])
    }

    private static func check(_ aggregates: String, key: String = ":user", steps: String = "") -> [Diagnostic] {
        Frontend.check(.make(self.text(aggregates, key: key, steps: steps))).diagnostics
    }

    private static func text(_ aggregates: String, key: String = ":user", steps: String = "") -> String {
        """
        (define (price r) (get r :price))
        (define (big r) (> (get r :x) 10))
        (define-stream-processor p :source (kafka-topic "clicks") :sink (stdout) :time :ts
          \(steps)
          (window (tumbling-window "1 min") (group-by \(key) (aggregate \(aggregates)))))
        """
    }
}

@Suite struct TimeSpanTests {
    @Test(arguments: [
        ("250 ms", Int64(250)), ("30 s", 30_000), ("5 min", 300_000), ("1 h", 3_600_000), ("1 d", 86_400_000),
        ("30s", 30_000), ("0 s", 0), ("36525 d", TimeSpan.millisecondsLimit),
    ])
    func `spans are read as they are written`(text: String, milliseconds: Int64) {
        #expect(TimeSpan.milliseconds(of: .string(Array(text.utf8))) == milliseconds)
    }

    @Test(arguments: [
        ("-5 min", Int64(-300_000)), ("5 min", 300_000), ("-0 s", 0), ("-36525 d", -TimeSpan.millisecondsLimit),
    ])
    func `a span may have a sign where it is a distance`(text: String, milliseconds: Int64) {
        #expect(TimeSpan.offsetMilliseconds(of: .string(Array(text.utf8))) == milliseconds)
        #expect(TimeSpan.offsetMilliseconds(of: .integer(milliseconds)) == milliseconds)
        #expect(TimeSpan.text(of: milliseconds).hasPrefix("-") == (milliseconds < 0))
    }

    @Test(arguments: ["", "-", "--5 s", "- 5 s", "-36526 d", "-9223372036854775808 ms"])
    func `what isn't a span with a sign is refused`(text: String) {
        #expect(TimeSpan.offsetMilliseconds(of: .string(Array(text.utf8))) == nil)
        #expect(TimeSpan.offsetMilliseconds(of: .integer(-TimeSpan.millisecondsLimit - 1)) == nil)
    }

    @Test(arguments: ["", "5", "min", "-5 s", "1.5 s", "5 minutes", "5 S", "36526 d", "9223372036854775807 d"])
    func `what isn't a span is refused`(text: String) {
        #expect(TimeSpan.milliseconds(of: .string(Array(text.utf8))) == nil)
    }

    @Test(arguments: [
        (Int64(0), "0 ms"), (1500, "1500 ms"), (90_000, "90 s"), (300_000, "5 min"), (7_200_000, "2 h"),
        (172_800_000, "2 d"),
    ])
    func `a span is shown in its largest whole unit`(milliseconds: Int64, text: String) {
        #expect(TimeSpan.text(of: milliseconds) == text)
    }
}
