package import ConnectorKit
package import CoordinationCore
package import CoreTypes
package import Engine

/// What subtasks tell whoever coordinates their job.
///
/// Called from any worker thread; returns at once.
package protocol WorkerReport: AnyObject, Sendable {
    func report(_ input: JobMaster.Input)

    /// The output of a subtask of the last stage, before it reports that it finished.
    func deliver(_ output: SubtaskOutput, of attempt: SubtaskAttempt)

    /// Turns an engine's error into what people read.
    func failure(_ error: EngineError) -> JobFailure

    /// A split by its id.
    func split(_ id: SplitID) -> Split
}

/// What a subtask made beside the batches it sent on.
package struct SubtaskOutput: Sendable {
    package var parts: [SinkPart] = []
    package var deadLetterParts: [SinkPart] = []
    package var rejectedExamples: [RejectedRecord] = []

    package init() {}
}

/// One message from the coordination to a subtask.
package enum SubtaskMessage: Sendable {
    case assign([SplitID])
    case noMoreSplits
    case cancel
}
