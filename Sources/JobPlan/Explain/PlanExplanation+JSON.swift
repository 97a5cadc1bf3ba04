import CoreTypes
import FluentSyntax

extension PlanExplanation {
    /// The same as JSON; members are only ever added.
    package var json: JSONNode {
        let graph = self.job.graph
        return .object([
            .init("job", .string(self.job.definition.name)),
            .init("place", self.source.node(for: self.job.definition.range)),
            .init("logical", .array(self.job.logical.operators.map(self.node))),
            .init("optimised", .array(self.job.optimised.operators.map(self.node))),
            .init("rewrites", .array(self.job.optimised.rewrites.map { $0.node(in: self.source) })),
            .init("stages", .array(graph.stages.map(self.node))),
            .init("partitions", .count(graph.partitionCount)),
            .init("key-groups", .count(graph.keyGroupCount)),
            .init("kernels", .boolean(graph.kernelsEnabled)),
            .init(
                "memory",
                .object([
                    .init("limit-bytes", .integer(graph.memory.limitBytes)),
                    .init("io-bytes", .integer(graph.memory.ioBytes)),
                    .init("exchange-bytes", .integer(graph.memory.exchangeBytes)),
                    .init("combine-table-bytes", .integer(graph.memory.combineTableBytes)),
                    .init("reduce-table-bytes", .integer(graph.memory.reduceTableBytes)),
                ])
            ),
        ])
    }

    private func node(_ kind: OperatorKind) -> JSONNode {
        .object([.init("kind", .string(kind.name)), .init("summary", .string(kind.summary))])
    }

    private func node(_ stage: Stage) -> JSONNode {
        let producer: JSONNode = if case .exchange(let stage) = stage.input { .count(stage.rawValue) } else { .null }
        let consumer: JSONNode = if case .exchange(let stage) = stage.output { .count(stage.rawValue) } else { .null }
        return .object([
            .init("index", .count(stage.index.rawValue)),
            .init("subtasks", .count(stage.parallelism)),
            .init("estimated-bytes", .integer(self.job.graph.memory.estimatedBytes(of: stage))),
            .init("reads-stage", producer),
            .init("feeds-stage", consumer),
            .init(
                "operators",
                .array(
                    stage.operators.map { planned in
                        .object([
                            .init("id", .string(planned.id.rawValue)),
                            .init("kind", .string(planned.kind.name)),
                            .init("summary", .string(planned.kind.summary)),
                        ])
                    }
                )
            ),
        ])
    }
}
