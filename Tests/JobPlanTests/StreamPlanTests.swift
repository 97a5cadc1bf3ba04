import FluentSyntax
import Testing

@testable import JobPlan

struct StreamPlanTests {
    @Test func `the specification's streaming job ships a number and keeps a sum`() throws {
        let plan = try JobText(StreamText.realTimeAnalytics).streamPlan()

        #expect(plan.mapText == "(lambda (user-id) (emit user-id 1))")
        #expect(plan.decode.fields?.map(\.name) == ["user-id"])
        #expect(plan.columnCount == 1)
        #expect(plan.aggregateTexts == ["sum 0"])
        #expect(
            plan.reduceText
                == "(lambda (user-id sum-of-counts) (when (> sum-of-counts 100) (alert \"High activity\" user-id)))"
        )
        #expect(plan.definition.window == .tumbling(size: 60_000, offset: 0))
    }

    @Test func `the specification's processor decodes three fields and ships two`() throws {
        let plan = try JobText(StreamText.clickstream).streamPlan()

        #expect(plan.mapText == "(lambda (user-id page time-on-page) (emit user-id [page time-on-page]))")
        #expect(plan.decode.fields?.map(\.name) == ["user-id", "page", "time-on-page"])
        #expect(plan.columnCount == 2)
        #expect(plan.aggregateTexts == ["count", "count-distinct 0", "sum 1"])
        #expect(
            plan.reduceText
                == "(lambda (group count unique-pages duration) (emit group {:user-id group :count count "
                + ":unique-pages unique-pages :duration duration :window-start (window-start) "
                + ":window-end (window-end)}))"
        )
        #expect(plan.definition.window == .sliding(size: 300_000, slide: 30_000))
        #expect(
            plan.rewrite(.slide)?.reason == "no slide is given: a window begins every 30 s, a tenth of the size"
        )
    }

    @Test func `fields of the time come behind those of the map`() throws {
        let plan = try StreamText.plan(
            ":time (lambda (e) (+ (get e :ts) (get e :shift 0))) :map (lambda (e) (emit (get e :user) (get e :ts)))"
        )

        #expect(plan.decode.fields?.map(\.name) == ["user", "ts", "ts", "shift"])
        #expect(plan.mapText == "(lambda (user ts) (emit user ts))")
        let time = try #require(plan.time)
        #expect(time.fieldCount == 2)
        #expect(time.overFields.map { ExpressionPrinter().text($0.lambda) } == "(lambda (ts shift) (+ ts shift))")
        #expect(ExpressionPrinter().text(time.whole.lambda) == "(lambda (e) (+ (get e :ts) (get e :shift 0)))")
        #expect(plan.rewrite(.projection)?.reason == "only these fields are decoded: user, ts, shift")
    }

    @Test(arguments: [
        ":time (lambda (e) (count e)) :map (lambda (e) (emit (get e :user) 1))",
        ":time :ts :map (lambda (e) (emit (get e :user) (count e)))",
    ])
    func `one use of the whole record keeps it whole for both`(options: String) throws {
        let plan = try StreamText.plan(options)

        #expect(plan.decode.fields == nil)
        #expect(plan.map.fields == nil)
        #expect(plan.time?.overFields == nil && plan.time?.fieldCount == 0)
        #expect(plan.rewrite(.projection)?.isApplied == false)
        #expect(plan.rewrite(.projection)?.range != nil)
    }

    @Test func `text has no fields`() throws {
        let plan = try StreamText.plan(":format 'text :map (lambda (line) (emit line 1))")

        #expect(plan.decode.format == .text)
        #expect(plan.rewrite(.projection)?.reason == "records of format text have no named fields")
    }

    @Test func `helpers and parameters are built in`() throws {
        let plan = try StreamText.plan(
            """
            :time (lambda (e) (stamp e)) :map (lambda (offset e) (emit (get e :user) (param "n" 3)))
            :reduce (lambda (k vs) (emit k (total vs)))
            """,
            before: "(define (stamp e) (get e :ts)) (define (total vs) (sum vs))"
        )

        #expect(plan.mapText == "(lambda (user) (emit user 3))")
        #expect(!plan.map.takesKey)
        #expect(plan.reduceText == "(lambda (k sum-of-vs) (emit k sum-of-vs))")
        #expect(plan.rewrites.contains { $0.reason == "time: functions built in: stamp" })
    }

    @Test func `a processor's functions are built into its map`() throws {
        let plan = try StreamText.processor(
            steps: "(filter big) (map (lambda (r) (get r :payload)))",
            key: "(lambda (r) (lower (get r :user)))",
            ":n (sum doubled) :m (max doubled)",
            before: "(define (big r) (> (get r :size) 10)) (define (doubled r) (* 2 (get r :x)))"
        ).streamPlan()

        #expect(
            plan.mapText
                == "(lambda (size payload) (when (> size 10) (let ((record payload)) "
                + "(emit (lower (get record :user)) (* 2 (get record :x))))))"
        )
        #expect(plan.decode.fields?.map(\.name) == ["size", "payload"])
        #expect(plan.columnCount == 1)
        #expect(plan.aggregateTexts == ["sum 0", "max 0"])
    }

    @Test func `nothing travels that only counts`() throws {
        let plan = try StreamText.processor().streamPlan()

        #expect(plan.mapText == "(lambda (user) (emit user nil))")
        #expect(plan.columnCount == 0)
        #expect(plan.aggregateTexts == ["count"])
    }
}

struct ColumnPlacementTests {
    private static let reading = ":map (lambda (e) (emit (get e :user) e))"

    @Test func `fields that the reduce reads of its values become columns`() throws {
        let plan = try StreamText.plan(
            """
            \(Self.reading)
            :reduce (lambda (k vs) (emit k [(sum (map (lambda (v) (get v :x)) vs)) (mean (map :y vs)) (max (map :x vs))
                                            (count vs)]))
            """
        )

        #expect(plan.mapText == "(lambda (user x y) (emit user [x y]))")
        #expect(plan.columnCount == 2)
        #expect(plan.aggregateTexts == ["sum 0", "mean 1", "max 0", "count"])
        #expect(plan.rewrite(.columns)?.isApplied == true)
    }

    @Test func `elements of a list or map that is emitted become columns`() throws {
        let plan = try StreamText.plan(
            """
            :map (lambda (e) (do (emit (get e :user) {:x (get e :a) :y (+ (get e :b) 1) :z (get e :c)})
                                 (emit "all" {:x 1 :y 2})))
            :reduce (lambda (k vs) (emit k [(sum (map :x vs)) (sum (map (lambda (v) (get v :z 7)) vs))]))
            """
        )

        #expect(
            plan.mapText
                == "(lambda (user b a c) (do (let ((key user) (part (+ b 1))) (emit key [a c])) (emit \"all\" [1 7])))"
        )
        #expect(plan.aggregateTexts == ["sum 0", "sum 1"])
    }

    @Test func `a value that is read whole too is a column beside its parts`() throws {
        let plan = try StreamText.plan(
            """
            :map (lambda (e) (emit (get e :user) (get e :x)))
            :reduce (lambda (k vs) (emit k [(sum vs) (sum (map (lambda (v) (if (nil? v) 0 1)) vs))]))
            """
        )

        #expect(plan.mapText == "(lambda (user x) (emit user [x (if (nil? x) 0 1)]))")
    }

    @Test func `only the count of values ships none`() throws {
        let plan = try StreamText.plan("\(Self.reading) :reduce (lambda (k vs) (emit k (count vs)))")

        #expect(plan.mapText == "(lambda (user) (emit user nil))")
        #expect(plan.columnCount == 0)
        #expect(plan.aggregateTexts == ["count"])
    }

    @Test func `a value that could fail is still computed where only the count is needed`() throws {
        let plan = try StreamText.plan(
            ":map (lambda (e) (emit (get e :user) (/ 1 (get e :x)))) :reduce (lambda (k vs) (emit k (count vs)))"
        )

        #expect(plan.mapText == "(lambda (user x) (let ((key user) (value (/ 1 x))) (emit key nil)))")
    }

    @Test(arguments: [
        // Records that are no maps have no fields, and nothing before the emit says that they are.
        (":map (lambda (e) (emit 1 e))", "(sum (map :x vs))", "(get value :x)"),
        (
            ":map (lambda (e) (emit (get e :user) e))", "(sum (map (lambda (v) (* 2 (get v :x))) vs))",
            "(* 2 (get v :x))"
        ),
        (":map (lambda (e) (emit (get e :user) (get e :x)))", "(count (map (lambda (v) (+ v 1)) vs))", "(+ v 1)"),
    ])
    func `what could fail stays behind the window`(map: String, aggregate: String, part: String) throws {
        let plan = try StreamText.plan("\(map) :reduce (lambda (k vs) (emit k \(aggregate)))")

        #expect(plan.aggregateTexts == nil)
        let reason = try #require(plan.rewrite(.aggregates)?.reason)
        #expect(reason.contains(part) && reason.contains("could fail"), "\(reason)")
    }

    @Test func `a field that was read before shows that others can be`() throws {
        let plan = try StreamText.plan(
            """
            :map (lambda (e) (when (get e :valid) (emit 1 e)))
            :reduce (lambda (k vs) (emit k (sum (map :x vs))))
            """
        )

        #expect(plan.mapText == "(lambda (valid x) (when valid (emit 1 x)))")
    }

    @Test func `what is read in a branch that isn't taken shows nothing`() throws {
        let plan = try StreamText.plan(
            """
            :map (lambda (e) (do (when (now) (emit 2 (get e :y))) (emit 1 e)))
            :reduce (lambda (k vs) (emit k (sum (map :x vs))))
            """
        )

        #expect(plan.aggregateTexts == nil)
    }

    @Test func `rows of CSV with a header are maps`() throws {
        let plan = try StreamText.plan(
            """
            :format (csv :header true) :map (lambda (row) (emit 1 row))
            :reduce (lambda (k vs) (emit k (sum (map :x vs))))
            """
        )

        #expect(plan.mapText == "(lambda (x) (emit 1 x))")
    }

    @Test func `values that are read in other ways are kept`() throws {
        let plan = try StreamText.plan("\(Self.reading) :reduce (lambda (k vs) (emit k (sort vs)))")

        #expect(plan.aggregateTexts == nil)
        #expect(plan.rewrite(.aggregates)?.isApplied == false)
        #expect(plan.columnCount == 1)
    }

    @Test func `an emit that can't be seen keeps the values`() throws {
        let plan = try StreamText.plan(
            """
            :map (lambda (e) (do (get e :user) (for-each (lambda (f) (f 1 e)) [emit])))
            :reduce (lambda (k vs) (emit k (sum (map :x vs))))
            """
        )

        #expect(plan.aggregateTexts == nil)
        #expect(plan.rewrite(.aggregates)?.reason == "the map hands on a function that emits as a value")
    }

    @Test func `a reduce that never reads its values counts them`() throws {
        let plan = try StreamText.plan("\(Self.reading) :reduce (lambda (k vs) (emit k (window-end)))")

        #expect(plan.aggregateTexts == ["count"])
        #expect(plan.reduceText == "(lambda (k vs) (emit k (window-end)))")
    }

    @Test(arguments: [
        ("(sum vs)", "the combiner isn't needed: the aggregates of reduce are kept as records come"),
        ("(sort vs)", "the combiner isn't used: a window keeps its values as they are"),
    ])
    func `a combiner isn't run, and the plan says so`(value: String, reason: String) throws {
        let plan = try StreamText.plan("\(Self.reading) :combiner sum :reduce (lambda (k vs) (emit k \(value)))")

        #expect(plan.rewrite(.combiner)?.reason == reason)
        #expect(plan.rewrite(.combiner)?.isApplied == false)
    }
}
