/// How far a job is: counters for bars and summaries.
package struct JobProgress: Hashable, Sendable {
    package let splitCount: Int
    package let finishedSplitCount: Int
    package let weightBytes: Int64
    package let finishedWeightBytes: Int64

    /// One for each stage, in their order.
    package let stages: [StageProgress]
    package let restartCount: Int

    /// Of a job that has no end to be near to.
    package static let none = JobProgress(
        splitCount: 0,
        finishedSplitCount: 0,
        weightBytes: 0,
        finishedWeightBytes: 0,
        stages: [],
        restartCount: 0
    )

    package struct StageProgress: Hashable, Sendable {
        package let subtaskCount: Int
        package let runningCount: Int
        package let finishedCount: Int
    }
}
