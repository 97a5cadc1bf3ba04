package import CoreTypes
package import FluentSyntax

/// What runs: stages of fused operators with the exchanges between them.
package struct JobGraph: Sendable {
    package let name: String

    /// In topological order, so that the stage with index `i` is at `i`.
    ///
    /// One for a job without reduce, otherwise two.
    package let stages: [Stage]

    /// Output partitions: files.
    package let partitionCount: Int
    package let keyGroupCount: Int
    package let onError: ErrorPolicy
    package let memory: MemoryPlan
    package let kernelsEnabled: Bool

    package init(
        name: String,
        stages: [Stage],
        partitions: (count: Int, keyGroupCount: Int),
        onError: ErrorPolicy,
        memory: MemoryPlan,
        kernelsEnabled: Bool
    ) {
        precondition(!stages.isEmpty, "a job has a stage")
        precondition(
            stages.enumerated().allSatisfy { $0.offset == $0.element.index.rawValue },
            "stages are numbered in order"
        )
        self.name = name
        self.stages = stages
        self.partitionCount = partitions.count
        self.keyGroupCount = partitions.keyGroupCount
        self.onError = onError
        self.memory = memory
        self.kernelsEnabled = kernelsEnabled
    }
}

/// Operators that run as one pass in every subtask.
package struct Stage: Sendable {
    package enum Input: Hashable, Sendable {
        /// Splits of a source, handed out on demand.
        case splits
        case exchange(from: StageIndex)
    }

    package enum Output: Hashable, Sendable {
        case exchange(to: StageIndex)
        case sink
    }

    package let index: StageIndex
    package let operators: [PlannedOperator]

    /// Subtasks.
    package let parallelism: Int
    package let input: Input
    package let output: Output

    package init(
        index: StageIndex,
        operators: [PlannedOperator],
        parallelism: Int,
        input: Input,
        output: Output
    ) {
        precondition(parallelism >= 1 && !operators.isEmpty, "a stage does something somewhere")
        self.index = index
        self.operators = operators
        self.parallelism = parallelism
        self.input = input
        self.output = output
    }
}

/// An operator of a graph, under an id that stays the same when others come and go.
package struct PlannedOperator: Sendable {
    package let id: OperatorID
    package let kind: OperatorKind

    package init(id: OperatorID, kind: OperatorKind) {
        self.id = id
        self.kind = kind
    }
}

extension JobGraph {
    /// The partitions that a subtask of the last stage writes: contiguous, none twice, all of them together.
    package func partitions(ofSubtask index: Int) -> Range<Int> {
        let parallelism = self.stages[self.stages.count - 1].parallelism
        precondition((0..<parallelism).contains(index), "no such subtask")
        return index * self.partitionCount / parallelism..<(index + 1) * self.partitionCount / parallelism
    }

    /// The subtask of the last stage that writes a partition.
    package func subtask(ofPartition partition: Int) -> Int {
        precondition((0..<self.partitionCount).contains(partition), "no such partition")
        let parallelism = self.stages[self.stages.count - 1].parallelism
        return ((partition + 1) * parallelism - 1) / self.partitionCount
    }

    package var source: ConnectorCall? {
        for case .source(let call) in self.stages[0].operators.map(\.kind) { return call }
        return nil
    }

    package var sink: ConnectorCall? {
        for case .sink(let call) in self.stages[self.stages.count - 1].operators.map(\.kind) { return call }
        return nil
    }
}
