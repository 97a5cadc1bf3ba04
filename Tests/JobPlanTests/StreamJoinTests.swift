import FluentSyntax
import Testing

@testable import JobPlan

@Suite struct StreamJoinTests {
    private static func job(_ join: String, source: String, before: String = "") throws -> JobText {
        try JobText(
            """
            \(before)
            (define-stream-processor paid :source \(source) :sink (stdout) :time :ts \(join))
            """
        )
    }

    private static func plan(_ join: String, parts: String = ":payments (kafka-topic \"p\")") throws -> StreamPlan {
        try self.job(join, source: "(union :orders (kafka-topic \"o\") \(parts))").streamPlan()
    }

    @Test func `the map says of which side a record is, and gives it the key of that side`() throws {
        let plan = try Self.plan("(join (:payments :order) (:orders :id) :to 5)")

        #expect(
            plan.mapText == """
                (lambda (record) (if (= (source-name) "payments") (emit (get record :order) [false record]) \
                (emit (get record :id) [true record])))
                """
        )
        #expect(plan.usesSurroundings)
        #expect(plan.stages.map(\.isKeyed) == [true])
    }

    @Test func `a side has all parts of the union that is called so`() throws {
        let cash = "(union (kafka-topic \"d\") :old (kafka-topic \"e\"))"
        let parts = ":payments (union :card (kafka-topic \"c\") :cash \(cash))"
        let plan = try Self.plan("(join (:payments :order) (:orders :id) :to 5)", parts: parts)

        let names = ["card", "cash", "cash:old"].map { "(= (source-name) \"payments:\($0)\")" }.joined(separator: " ")
        #expect(plan.mapText.contains("(if (or \(names)) (emit (get record :order) [false record])"))
    }

    @Test func `without a function the left record's fields lie over those of the right one`() throws {
        let plan = try Self.plan("(join (:orders :id) (:payments :order) :to \"1 min\")")

        guard case .join(let join) = plan.stages[0].operation else {
            Issue.record("\(plan.stages[0].operation)")
            return
        }
        #expect(ExpressionPrinter().text(join.function.lambda) == "(lambda (left right) (merge right left))")
        #expect(join.from == 0 && join.to == 60_000)
    }

    @Test func `checkpoints call a join after its sides, and its state means its keys and its interval`() throws {
        let join = "(join (:orders [:id]) (:payments [(lambda (p) (lower (get p :id)))]) :from -60000 :to \"1 h\")"
        let stage = try Self.plan(join).stages[0]
        let named = try Self.plan(join.dropLast() + " :name \"paid\" (lambda (a b) a))").stages[0]

        #expect(stage.operatorID == "join(orders payments)")
        #expect(named.operatorID == "paid")
        #expect(stage.shape.hasPrefix(":orders by [:id] with :payments by [(lambda"))
        #expect(stage.shape.hasSuffix("], -1 min to 1 h later"))
        #expect(named.shape == stage.shape)
        for other in [
            join.replacing(":id]", with: ":no]"), join.replacing("lower", with: "upper"),
            join.replacing("-60000", with: "0"), join.replacing("1 h", with: "2 h"),
        ] {
            #expect(try Self.plan(other).stages[0].shape != stage.shape, "\(other)")
        }
    }

    @Test(arguments: [
        ("(union (generate) :orders (generate))", "has no source :payments, and its sources are :orders"),
        ("(generate)", "has no source :orders, and its sources have no names"),
        ("(union (generate) :orders (generate) :payments (generate))", "a source without a name is on no side"),
        (
            "(union :orders (generate) :payments (generate) :more (union :new (generate)))",
            "the source :more:new is on no side"
        ),
        ("(union :orders (generate) :payments-2 (generate))", "has no source :payments,"),
    ])
    func `sources that are known late are held against the sides then`(source: String, message: String) throws {
        let job = try Self.job(
            "(join (:orders :id) (:payments :order) :to 5)",
            source: "source",
            before: "(define source \(source))"
        )

        let problems = job.streamProblems()

        #expect(problems.map(\.code) == ["option-value"])
        #expect(problems.first?.message.contains(message) == true, "\(problems)")
        #expect(problems.first?.help.contains("(union :orders SOURCE :payments SOURCE)") == true)
    }

    @Test(arguments: [
        (":to x", "5", "", ""), (":from x :to 5", "6", "option-value", "can't end, at 5 ms, before"),
        (":to x", "-1", "option-value", "can't end, at -1 ms, before it begins, at 0 ms"),
        (":to x", "\"soon\"", "option-value", ":to needs a time"),
        (":to 5 x", "keys", "option-type", "a function of two records"), (":to 5 x", "merge", "", ""),
        (":to 5 x", "7", "option-type", "a function of two records"),
    ])
    func `values that are computed are checked when they are known`(
        rest: String,
        value: String,
        code: String,
        message: String
    ) throws {
        let job = try Self.job(
            "(join (:orders :id) (:payments :order) \(rest))",
            source: "(union :orders (generate) :payments (generate))",
            before: "(define x \(value))"
        )

        let problems = job.streamProblems()

        #expect(problems.map(\.code) == (code.isEmpty ? [] : [code]))
        #expect(problems.allSatisfy { $0.message.contains(message) }, "\(problems)")
    }

    @Test func `a join is explained with its sides, its interval and its function`() throws {
        let text = "(join (:orders :id) (:payments :order) :from \"-5 min\" :to \"1 h\" (lambda (o p) (get p :ts)))"
        let job = try Self.job(text, source: "(union :orders (generate) :payments (generate))")
        let explanation = StreamExplanation(try job.streamPlan(), source: job.source)

        #expect(
            explanation.text.contains(
                """
                  shuffle by key, ships records
                  join :orders by :id with :payments by :order, -5 min to 1 h later, (lambda (o p) (get p :ts))
                  map (lambda (record) (emit nil record))
                """
            )
        )
        #expect(explanation.dot.contains("\"paid/shuffle\" -> \"paid/join\" [style=bold, label=\"hash\"];"))
    }
}
