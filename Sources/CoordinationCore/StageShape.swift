package import JobPlan

/// A stage as far as coordinating it needs to know it.
package struct StageShape: Hashable, Sendable {
    /// At least 1.
    package let parallelism: Int

    /// Whether its subtasks read splits; the others read what earlier stages send.
    package let readsSplits: Bool

    package init(parallelism: Int, readsSplits: Bool) {
        precondition(parallelism >= 1, "a stage has a subtask")
        self.parallelism = parallelism
        self.readsSplits = readsSplits
    }
}

extension JobGraph {
    /// The shapes of its stages, in their order.
    package var stageShapes: [StageShape] {
        self.stages.map { StageShape(parallelism: $0.parallelism, readsSplits: $0.input == .splits) }
    }
}
