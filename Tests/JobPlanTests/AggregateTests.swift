import FluentSyntax
import Testing

@testable import JobPlan

struct AggregateTests {
    private static let map = ":map (lambda (line) (emit line 1))"

    @Test func `aggregates become parameters, each once`() throws {
        let plan = try JobText.plan(
            """
            \(Self.map)
            :reduce (lambda (k vs) (emit k [(sum vs) (count vs) (min vs) (max vs) (mean vs) (count-distinct vs) (sum vs)]))
            """
        )

        #expect(plan.aggregateTexts == ["sum", "count", "min", "max", "mean", "count-distinct"])
        #expect(
            plan.reduceText == "(lambda (k sum-of-vs count-of-vs min-of-vs max-of-vs mean-of-vs count-distinct-of-vs) "
                + "(emit k [sum-of-vs count-of-vs min-of-vs max-of-vs mean-of-vs count-distinct-of-vs sum-of-vs]))"
        )
    }

    @Test(arguments: [
        ("(count-distinct vs)", "no partial states are kept of count-distinct"),
        ("[(count vs) (sum (map (fn (v) (* v v)) vs))]", "no partial states are kept of sum of a part of each value"),
    ])
    func `aggregates without partial states are computed behind the shuffle, and the plan says so`(
        result: String,
        reason: String
    ) throws {
        let plan = try JobText.plan("\(Self.map) :reduce (lambda (k vs) (emit k \(result)))")

        let rewrite = try #require(plan.optimised.rewrite(.combiner))
        #expect(!plan.optimised.isShippingPartialStates)
        #expect(plan.optimised.combine == nil)
        #expect(plan.graph.memory.combineTableBytes == 0)
        #expect(!rewrite.isApplied && rewrite.range != nil)
        #expect(rewrite.reason == "no combiner: values are shipped whole because " + reason)
    }

    @Test(arguments: [
        ("(sum (map (lambda (v) (* v 2)) vs))", "sum of (lambda (v) (* v 2))"),
        ("(sum (map :price vs))", "sum of (lambda (value) (get value :price))"),
        ("(mean (map price vs))", "mean of (lambda (v) (get v :price))"),
        ("(max (for (v vs) (get v :n)))", "max of (lambda (v) (get v :n))"),
    ])
    func `an aggregate may look at a part of each value`(call: String, text: String) throws {
        let plan = try JobText.plan(
            "\(Self.map) :reduce (lambda (k vs) (emit k \(call)))",
            before: "(define (price v) (get v :price))"
        )

        #expect(plan.aggregateTexts == [text])
    }

    @Test func `equal inputs are one aggregate wherever they are written`() throws {
        let plan = try JobText.plan(
            """
            \(Self.map) :reduce (lambda (k vs)
              (when (> (sum (map :n vs)) 9) (emit k (sum (map (lambda (x) (get x :n)) vs)))))
            """
        )

        #expect(plan.aggregateTexts?.count == 1)
    }

    @Test(arguments: [
        "(for (v vs) (emit k v))",
        "(emit k (sort vs))",
        "(emit k (quantile 0.95 vs))",
        "(emit k (first vs))",
        "(emit k (last vs))",
        "(emit k (sum (rest vs)))",
        "(emit k [(sum vs) vs])",
        "(emit k (sum (map (lambda (v) (+ v (count k))) vs)))",
        "(emit k (sum (map (lambda (v) (do (emit v 1) v)) vs)))",
    ])
    func `values that are read in other ways are shipped whole`(body: String) throws {
        let plan = try JobText.plan("\(Self.map) :reduce (lambda (k vs) \(body))")

        let rewrite = try #require(plan.optimised.rewrite(.combiner))
        #expect(plan.optimised.aggregateReduce == nil)
        #expect(plan.optimised.combine == nil)
        #expect(!rewrite.isApplied)
        #expect(rewrite.range != nil)
        #expect(
            rewrite.reason == "no combiner: values are shipped whole because vs is read other than through "
                + "sum, count, min, max, mean and count-distinct"
        )
    }

    @Test func `an aggregate that could fail is computed ahead only where it is always evaluated`() throws {
        let sometimes = try JobText.plan(
            "\(Self.map) :reduce (lambda (k vs) (when (> (count vs) 9) (emit k (mean vs))))"
        )
        let always = try JobText.plan("\(Self.map) :reduce (lambda (k vs) (when (> (sum vs) 9) (emit k (sum vs))))")
        let harmless = try JobText.plan("\(Self.map) :reduce (lambda (k vs) (when k (emit k (count vs))))")

        #expect(sometimes.reason(.aggregates) == "(mean …) could fail and isn't evaluated for every key")
        #expect(always.aggregateTexts == ["sum"])
        #expect(harmless.aggregateTexts == ["count"])
    }

    @Test func `a caught failure keeps its aggregate where it is`() throws {
        let plan = try JobText.plan(
            "\(Self.map) :reduce (lambda (k vs) (emit k (try (sum vs) (catch e 0))))"
        )

        #expect(plan.optimised.aggregateReduce == nil)
    }

    @Test func `the reduce over whole values stays at hand`() throws {
        let plan = try JobText.plan("\(Self.map) :reduce (lambda (k vs) (emit k (sum vs)))")

        let whole = try #require(plan.optimised.aggregateReduce?.whole)
        #expect(ExpressionPrinter().text(whole.lambda) == "(lambda (k vs) (emit k (sum vs)))")
    }

    @Test func `a reduce without values says so`() throws {
        let plan = try JobText.plan("\(Self.map) :reduce (lambda (k vs) (emit k 1))")

        #expect(plan.reason(.aggregates) == "reduce never reads its values")
    }

    @Test(arguments: ["sum", "(lambda (xs) (sum xs))"])
    func `a combiner that is the aggregate itself ships partial states`(combiner: String) throws {
        let plan = try JobText.plan("\(Self.map) :combiner \(combiner) :reduce (lambda (k vs) (emit k (sum vs)))")

        #expect(plan.optimised.isShippingPartialStates)
        #expect(
            plan.reason(.combiner)
                == "the combiner sum is the aggregate of reduce itself: "
                + "partial states of the aggregates are built before the shuffle"
        )
    }

    @Test func `another combiner runs first and reduce aggregates what it gives`() throws {
        let plan = try JobText.plan("\(Self.map) :combiner max :reduce (lambda (k vs) (emit k (sum vs)))")

        #expect(plan.optimised.combine?.name == "max")
        #expect(plan.aggregateTexts == ["sum"])
        #expect(!plan.optimised.isShippingPartialStates)
        #expect(
            plan.reason(.combiner)
                == "the combiner max runs in the combine tables before the shuffle, and again where a reduce table is "
                + "spilled; reduce gets its results"
        )
    }

    @Test func `a lambda combiner runs before a general reduce`() throws {
        let plan = try JobText.plan(
            """
            \(Self.map)
            :combiner (lambda (xs) (sort (distinct (flat-map (lambda (x) x) xs))))
            :reduce (lambda (k vs) (for (v vs) (emit k v)))
            """
        )

        guard case .some(.closure(let closure)) = plan.optimised.combine else {
            Issue.record("the combiner is a closure")
            return
        }
        #expect(closure.lambda.parameters.count == 1)
        #expect(
            plan.reason(.combiner)
                == "the combiner lambda runs over the values that the combine tables collect before the shuffle, "
                + "key by key, and again where a reduce table is spilled; reduce gets its results"
        )
        #expect(plan.optimised.rewrite(.combiner)?.isApplied == true)
        #expect(plan.optimised.aggregateReduce == nil)
    }
}
