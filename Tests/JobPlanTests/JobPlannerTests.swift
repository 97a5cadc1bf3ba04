import CoreTypes
import FluentSyntax
import Testing

@testable import JobPlan

struct JobPlannerTests {
    @Test func `word count becomes two stages around a shuffle of partial sums`() {
        let definition = WordCount.makeDefinition()

        let graph = PlannedJob(definition, options: PlanOptions(parallelism: 2)).graph

        #expect(
            graph.stages.map { $0.operators.map(\.kind.name) } == [
                ["source", "decode", "map", "combine", "shuffle"],
                ["merge", "reduce", "format", "sink"],
            ]
        )
        #expect(graph.stages.map(\.parallelism) == [2, 2])
        #expect(graph.partitionCount == 100)
        #expect(graph.keyGroupCount == 128)
    }

    @Test func `word count's lines needn't be cut and its key isn't needed`() throws {
        let definition = WordCount.makeDefinition()

        let plan = PlannedJob(definition, options: PlanOptions(parallelism: 2)).optimised

        let map = try #require(plan.map)
        #expect(!map.takesKey)
        #expect(map.closure.lambda.parameters == [WordCount.line])
        #expect(
            plan.decode?.lines == .elided(ElidedSplit(separator: .regex("\\s+"), element: WordCount.word))
        )
    }

    @Test(arguments: [Constant?.none, .builtin(.sum)])
    func `a sum combines before the shuffle with and without a combiner`(combiner: Constant?) throws {
        let definition = WordCount.makeDefinition(combiner: combiner)

        let plan = PlannedJob(definition, options: PlanOptions(parallelism: 2)).optimised

        let reduce = try #require(plan.aggregateReduce)
        #expect(reduce.aggregates.map(\.kind) == [.sum])
        #expect(reduce.closure.lambda.parameters.count == 2)
        #expect(plan.combine?.name == "sum")
        #expect(plan.isShippingPartialStates)
    }
}

extension OptimisedPlan {
    var map: MapFunction? {
        for case .map(let function) in self.operators { return function }
        return nil
    }

    var decode: DecodeStep? {
        for case .decode(let step) in self.operators { return step }
        return nil
    }

    var combine: CombineFunction? {
        for case .combine(let function) in self.operators { return function }
        return nil
    }

    var reduce: ReduceFunction? {
        for case .reduce(let function) in self.operators { return function }
        return nil
    }

    var aggregateReduce: AggregateReduce? {
        if case .some(.aggregates(let reduce)) = self.reduce { reduce } else { nil }
    }

    var isShippingPartialStates: Bool {
        for case .shuffle(let exchange) in self.operators {
            if case .partialStates = exchange.payload { return true }
        }
        return false
    }

    func rewrite(_ name: Rewrite.Name) -> Rewrite? {
        self.rewrites.first { $0.name == name }
    }
}
