import FluentSyntax
import Testing

@testable import JobPlan

struct StreamDefinitionTests {
    private static let functions = ":map (lambda (e) (emit e 1)) :reduce (lambda (k vs) (emit k (sum vs)))"

    @Test func `every option is read`() throws {
        let definition = try StreamText.job(
            """
            :output (kafka-topic "out" :format 'json) :time :ts :watermark (bounded-out-of-orderness "2 s")
            :idle-after "1 min" :allowed-lateness 500 :late (kafka-topic "late") :alerts (kafka-topic "alerts")
            :trigger (trigger :early "10 s" :early-count 100 :late 'gathered) :format 'csv :on-error 'skip
            :memory "64MiB" :combiner sum \(Self.functions)
            """,
            window: "(tumbling-window \"1 min\" :offset 5)"
        ).stream()

        let settings = definition.settings
        #expect(definition.kind == .streamingJob)
        #expect(definition.window == .tumbling(size: 60_000, offset: 5))
        #expect(definition.columnCount == 1)
        #expect(definition.combiner == .builtin(.sum))
        #expect(settings.time.map { ExpressionPrinter().text($0.lambda) } == "(lambda (event) (get event :ts))")
        #expect(settings.outOfOrdernessBound == 2000)
        #expect(settings.idleAfter == 60_000)
        #expect(settings.allowedLateness == 500)
        #expect(settings.late?.arguments == [.string(Array("late".utf8))])
        #expect(settings.alerts?.arguments == [.string(Array("alerts".utf8))])
        #expect(settings.trigger.earlyMilliseconds == 10_000 && settings.trigger.earlyCount == 100)
        #expect(!settings.trigger.firesOnEachLateRecord)
        #expect(settings.format == .csv(CSVDialect()))
        #expect(settings.sinkFormat == .json)
        #expect(settings.onError == .skip)
        #expect(settings.memoryBytes == 64 << 20)
    }

    /// What surrounds an emission, and what variables are called, says nothing about the state of a window.
    @Test func `what a window groups by is told in the words of the program`() throws {
        let plain = try StreamText.job(":map (lambda (e) (emit (get e :user) (get e :spent)))").stream()
        let edited = try StreamText.job(
            ":map (lambda (r) (when (> (get r :spent) 0) (emit (get r :user) (get r :spent))))"
        ).stream()
        let other = try StreamText.job(":map (lambda (e) (emit (get e :page) (get e :spent)))").stream()
        let swapped = try StreamText.job(":map (lambda (a b) (emit b a))").stream()
        let straight = try StreamText.job(":map (lambda (a b) (emit a b))").stream()

        #expect(plain.grouping == "(emit (get v1 :user) (get v1 :spent))")
        #expect(edited.grouping == plain.grouping)
        #expect(other.grouping != plain.grouping)
        #expect(straight.grouping == "(emit v1 v2)")
        #expect(swapped.grouping != straight.grouping)
        #expect(try StreamText.processor(key: ":user").stream().grouping == ":user")
    }

    @Test func `the parts of unions are sources with the names on the way to them`() throws {
        let union = """
            (union (kafka-topic "a") (union (kafka-topic "b") :c (kafka-topic "c"))
                   :d (union (kafka-topic "d") :e (kafka-topic "e")))
            """
        let job = try JobText(
            "(define-streaming-job job :input \(union) :window (global-window) \(Self.functions))"
        )

        let sources = try job.stream().sources

        #expect(sources.map(\.name) == ["", "", "c", "d", "d:e"])
        #expect(
            sources.map { ExpressionPrinter().text($0.call) }
                == ["a", "b", "c", "d", "e"].map { "(kafka-topic \"\($0)\")" }
        )
    }

    @Test(arguments: [
        "(union (kafka-topic \"a\" :format 'text) (kafka-topic \"b\"))", "(union (param \"x\" 5))",
        "(union :a (param \"x\" nil))",
    ])
    func `what makes no union is refused at its place`(union: String) throws {
        let text = """
            (define source \(union))
            (define-streaming-job job :input source :window (global-window) \(Self.functions))
            """

        #expect(try JobText(text).streamProblems().map(\.code) == ["option-value"])
    }

    @Test func `a stream that says little gets the defaults`() throws {
        let definition = try StreamText.job(Self.functions).stream()

        let settings = definition.settings
        #expect(definition.output == nil && definition.combiner == nil)
        #expect(settings.time == nil && settings.outOfOrdernessBound == nil)
        #expect(settings.idleAfter == 10_000 && settings.allowedLateness == 0)
        #expect(settings.late == nil && settings.alerts == nil)
        #expect(settings.trigger.earlyMilliseconds == nil && settings.trigger.earlyCount == nil)
        #expect(settings.trigger.firesOnEachLateRecord)
        #expect(settings.format == .json && settings.sinkFormat == .text)
        #expect(settings.onError == .fail && settings.memoryBytes == nil)
    }

    @Test(arguments: [
        ("(sliding-window \"5 min\")", WindowSpecification.sliding(size: 300_000, slide: 30_000)),
        ("(sliding-window 5)", .sliding(size: 5, slide: 1)), ("(sliding-window 5 10)", .sliding(size: 5, slide: 10)),
        ("(session-window \"30 min\")", .session(gap: 1_800_000)), ("(count-window 10)", .count(count: 10, slide: 10)),
        ("(count-window 10 2)", .count(count: 10, slide: 2)), ("(global-window)", .global),
        ("minute", .session(gap: 7)),
    ])
    func `every window is read`(text: String, window: WindowSpecification) throws {
        let job = try StreamText.job(Self.functions, before: "(define minute (session-window 7))", window: text)

        #expect(try job.stream().window == window)
    }

    @Test(arguments: [
        (":idle-after none", "option-value"), (":allowed-lateness words", "option-value"),
        (":late words", "option-type"),
        (":watermark words", "option-type"), (":watermark late", "option-type"), (":trigger late", "option-type"),
        (":time words", "option-type"), (":time two", "parameter-count"), (":memory words", "option-value"),
        (":late late", "option-type"),
    ])
    func `a wrong value is refused where it was computed`(option: String, code: String) throws {
        let before = """
            (define words "a b") (define none 0) (define late (global-window)) (define two split)
            """
        let job = try StreamText.job("\(Self.functions) \(option)", before: before)

        let problems = job.streamProblems()

        #expect(problems.map(\.code) == [code])
        let start = try #require(problems.first?.range.start)
        #expect(job.source.bytes[start...].starts(with: option.split(separator: " ")[1].utf8))
    }

    @Test func `a window of computed sizes is checked when they are known`() throws {
        let job = try StreamText.job(
            Self.functions,
            before: "(define size \"5 parsecs\")",
            window: "(tumbling-window size)"
        )

        #expect(job.streamProblems().map(\.code) == ["option-value"])
        #expect(
            job.streamProblems().map(\.message)
                == ["the size of tumbling-window needs a time of at most 36525 days, found \"5 parsecs\""]
        )
    }

    @Test func `without a reduce each value is emitted under its key`() throws {
        let definition = try StreamText.job(":map (lambda (e) (emit e 1))").stream()

        guard case .general(let reduce) = definition.reduce else {
            Issue.record("there is a reduce")
            return
        }
        #expect(
            ExpressionPrinter().text(reduce.lambda) == "(lambda (key values) (for (value values) (emit key value)))"
        )
    }

    @Test func `all problems come at once`() throws {
        let job = try StreamText.job(
            "\(Self.functions) :memory words :late words :idle-after words",
            before: "(define words \"a b\")"
        )

        #expect(Set(job.streamProblems().map(\.code)) == ["option-type", "option-value"])
        #expect(job.streamProblems().count == 3)
    }
}

struct ProcessorDefinitionTests {
    @Test func `the map emits the group and the fields that aggregates are over, each once`() throws {
        let definition = try StreamText.processor(
            steps: "(filter :valid) (map parse-json) (flat-map :items)",
            key: "[:user :page]",
            ":n (count) :a (sum :x) :b (mean :x) :c (top 3 :y) :d (quantile 0.5 :x) :e (count :y)"
        ).stream()

        #expect(
            ExpressionPrinter().text(definition.map.lambda)
                == "(lambda (record) (when (get record :valid) (let ((record (parse-json record))) "
                + "(for (record (get record :items)) (emit [(get record :user) (get record :page)] "
                + "[(get record :x) (get record :y)])))))"
        )
        #expect(definition.columnCount == 2)
        guard case .aggregates(let aggregates, _) = definition.reduce else {
            Issue.record("a processor has aggregates")
            return
        }
        #expect(aggregates.map(\.function) == [.count, .sum, .mean, .top(3), .quantile(0.5), .count])
        #expect(aggregates.map(\.column) == [nil, 0, 0, 1, 0, 1])
        #expect(aggregates.map(\.skipsNil) == [false, true, true, true, true, true])
    }

    @Test(arguments: [
        (":user", "{:user group :n n :window-start (window-start) :window-end (window-end)}"),
        (
            "[:user page]",
            "{:user (nth group 0) :key-2 (nth group 1) :n n :window-start (window-start) :window-end (window-end)}"
        ),
        ("page", "{:key group :n n :window-start (window-start) :window-end (window-end)}"),
        ("[]", "{:n n :window-start (window-start) :window-end (window-end)}"),
    ])
    func `an output record has the group, the aggregates and the window`(key: String, record: String) throws {
        let definition = try StreamText.processor(key: key, before: "(define page (lambda (r) (get r :page)))").stream()

        guard case .aggregates(_, let result) = definition.reduce else {
            Issue.record("a processor has aggregates")
            return
        }
        #expect(ExpressionPrinter().text(result.lambda) == "(lambda (group n) (emit group \(record)))")
    }

    @Test(arguments: [
        ("words", ":n (count)", "option-type"), (":user", ":n (sum words)", "option-type"),
        (":user", ":n (top words :x)", "option-value"), (":user", ":n (sum two)", "parameter-count"),
        ("field", ":user (count)", "duplicate-name"), ("[:user field]", ":n (count)", "duplicate-name"),
    ])
    func `a wrong value in a clause is refused where it was computed`(
        key: String,
        aggregates: String,
        code: String
    ) throws {
        let before = "(define words \"a b\") (define two split) (define field :user)"

        let problems = try StreamText.processor(key: key, aggregates, before: before).streamProblems()

        #expect(problems.map(\.code) == [code])
    }
}
