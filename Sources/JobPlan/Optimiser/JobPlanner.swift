import CoreTypes
import FluentSyntax

/// A job's plans, from what was written to what runs.
package struct PlannedJob: Sendable {
    package let definition: JobDefinition
    package let logical: LogicalPlan
    package let optimised: OptimisedPlan
    package let graph: JobGraph

    /// Plans a job: a pure function of its arguments.
    package init(_ definition: JobDefinition, options: PlanOptions) {
        let partitionCount = Self.partitionCount(definition, options)
        let logical = LogicalPlan(definition, partitionCount: partitionCount)
        let optimised = Optimiser(
            definition: definition,
            partitionCount: partitionCount,
            options: options
        ).optimised()
        self.definition = definition
        self.logical = logical
        self.optimised = optimised
        self.graph = JobGraph(optimised, of: definition, partitionCount: partitionCount, options: options)
    }

    /// A job without a shuffle writes one partition for each subtask, so that no two of them share a file.
    private static func partitionCount(_ definition: JobDefinition, _ options: PlanOptions) -> Int {
        definition.partitions ?? (definition.reduce == nil ? options.parallelism : options.partitionsStandard)
    }
}

/// Runs the passes over one definition, each a pure function with a record of what it did.
struct Optimiser {
    let definition: JobDefinition
    let partitionCount: Int
    let options: PlanOptions

    func optimised() -> OptimisedPlan {
        let inlining = ClosureInlining(self.definition, parameters: self.options.parameters)
        let mapPlan = MapPlan(
            inlining.map,
            format: self.definition.format,
            kernelsEnabled: self.options.kernelsEnabled
        )
        var operators: [OperatorKind] = [
            .source(self.definition.input),
            .decode(DecodeStep(format: self.definition.format, fields: mapPlan.function.fields, lines: mapPlan.lines)),
            .map(mapPlan.function),
        ]
        var rewrites = inlining.rewrites + mapPlan.rewrites
        if let reduce = inlining.reduce {
            let reducePlan = ReducePlan(reduce, combiner: CombineFunction(inlining.combiner))
            if let combine = reducePlan.combine { operators.append(.combine(combine)) }
            let exchange = Exchange(
                partitionCount: self.partitionCount,
                keyGroupCount: KeyGroupCount.forPartitions(self.partitionCount),
                payload: reducePlan.payload
            )
            operators += [.shuffle(exchange), .reduce(reducePlan.function)]
            rewrites += reducePlan.rewrites
        }
        operators += [
            .format(self.definition.sinkFormat, isSorted: self.definition.isSorted), .sink(self.definition.output),
        ]
        rewrites.append(Self.fusion(of: operators))
        return OptimisedPlan(operators: operators, rewrites: rewrites)
    }

    /// What the graph's stages will be: everything up to the shuffle is one pass, everything behind it another.
    private static func fusion(of operators: [OperatorKind]) -> Rewrite {
        let chains = operators.split { if case .shuffle = $0 { true } else { false } }
        let text = chains.map { $0.map(\.name).joined(separator: " → ") }.joined(separator: ", and ")
        return Rewrite(.fusion, isApplied: true, "\(text) run as \(chains.count == 1 ? "one pass" : "one pass each")")
    }
}
