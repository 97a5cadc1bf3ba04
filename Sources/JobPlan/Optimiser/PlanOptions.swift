/// What whoever runs a job decides about its plan.
package struct PlanOptions: Hashable, Sendable {
    /// Subtasks of a stage; at least 1.
    package let parallelism: Int

    /// The job's memory limit, before the one in its definition; nil: the definition's, or
    /// ``memoryStandardBytes``.
    package let memoryBytes: Int64?

    /// What each of the job's tables may take at most; nil: its part of the job's limit.
    package let tableBytes: Int64?

    /// Whether lambdas may run as kernels; off, everything runs on the machine.
    package let kernelsEnabled: Bool

    /// What `(param "name")` gives, as text; nil: not known when planning, so that calls of `param` stay.
    package let parameters: [String: String]?

    package static let memoryStandardBytes: Int64 = 1 << 30

    package init(
        parallelism: Int,
        memoryBytes: Int64? = nil,
        tableBytes: Int64? = nil,
        kernelsEnabled: Bool = true,
        parameters: [String: String]? = nil
    ) {
        precondition(parallelism >= 1, "a job runs somewhere")
        self.parallelism = parallelism
        self.memoryBytes = memoryBytes
        self.tableBytes = tableBytes
        self.kernelsEnabled = kernelsEnabled
        self.parameters = parameters
    }

    /// Partitions of a job that doesn't say: two for each subtask, so that an unlucky one doesn't hold up half of the
    /// job, and at most 64, so that small jobs don't leave heaps of files.
    package var partitionsStandard: Int {
        max(self.parallelism, min(2 * self.parallelism, Self.partitionsStandardLimit))
    }

    private static let partitionsStandardLimit = 64
}
