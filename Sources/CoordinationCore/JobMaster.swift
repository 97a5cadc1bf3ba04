package import CoreTypes
package import JobPlan

/// The life of one job: which attempts run, who reads which split, when sinks are committed or aborted.
///
/// ``step(_:)`` never blocks and reads no clock, file or socket; equal inputs give equal effects.
///
/// ## Order of calls
/// `splitsEnumerated` once, then `sinksPrepared` in answer to `prepareSinks`; from then on workers report, and every
/// `commitSinks` and `abortSinks` is answered once. `cancelRequested` may come at any time, any number of times.
///
/// - Important: Perform effects in array order. `commitSinks` comes only when every subtask has finished, and
///   `abortSinks` only when none runs any more, so that nobody writes into what is being committed or removed.
package struct JobMaster: Sendable {
    package let job: JobID
    package let configuration: CoordinationConfiguration
    package internal(set) var state = JobState.created

    /// Why the job failed, or last started again.
    package internal(set) var failure: JobFailure?

    let stages: [StageShape]

    /// Stage by stage, in the order of their indices.
    var subtasks: [SubtaskLife]
    var splits: SplitPool
    var restartCount = 0

    package init(
        job: JobID,
        stages: [StageShape],
        configuration: CoordinationConfiguration = CoordinationConfiguration()
    ) {
        precondition(!stages.isEmpty, "a job has a stage")
        precondition(configuration.restartLimit >= 0, "a limit isn't negative")
        precondition(configuration.groupWeightBytes > 0 && configuration.groupCountLimit > 0, "groups hold splits")
        self.job = job
        self.stages = stages
        self.configuration = configuration
        self.splits = SplitPool([], order: configuration.splitOrder)
        self.subtasks = stages.enumerated().flatMap { position, stage in
            (0..<stage.parallelism).map { index in
                SubtaskLife(
                    id: SubtaskID(stage: StageIndex(rawValue: position), index: index),
                    readsSplits: stage.readsSplits
                )
            }
        }
    }

    package init(
        job: JobID,
        graph: JobGraph,
        configuration: CoordinationConfiguration = CoordinationConfiguration()
    ) {
        self.init(job: job, stages: graph.stageShapes, configuration: configuration)
    }

    /// Applies one input and returns the effects it causes, in the order to perform them.
    package mutating func step(_ input: Input) -> [Effect] {
        guard !self.state.isTerminal else { return [] }
        var effects: [Effect] = []
        switch input {
        case .splitsEnumerated(let splits): self.plan(splits, &effects)
        case .preparationFailed(let failure): self.failPreparation(failure, &effects)
        case .sinksPrepared: self.start(&effects)
        case .subtaskStarted(let attempt): self.noteStart(of: attempt)
        case .splitsRequested(let attempt): self.handOut(to: attempt, &effects)
        case .splitFinished(let split, let attempt): self.noteEnd(of: split, by: attempt)
        case .subtaskFinished(let attempt): self.finish(attempt, &effects)
        case .subtaskFailed(let attempt, let failure): self.fail(attempt, failure, &effects)
        case .subtaskCancelled(let attempt): self.end(attempt, as: .cancelled, &effects)
        case .cancelRequested: self.cancel(&effects)
        case .sinksCommitted: self.endCommit(nil, &effects)
        case .commitFailed(let failure): self.endCommit(failure, &effects)
        case .sinksAborted: self.endAbort(&effects)
        }
        return effects
    }

    package var progress: JobProgress {
        JobProgress(
            splitCount: self.splits.count,
            finishedSplitCount: self.splits.finishedCount,
            weightBytes: self.splits.weightBytes,
            finishedWeightBytes: self.splits.finishedWeightBytes,
            stages: self.stages.indices.map { stage in
                let members = self.subtasks.filter { $0.id.stage.rawValue == stage }
                return JobProgress.StageProgress(
                    subtaskCount: members.count,
                    runningCount: members.count { $0.state == .running },
                    finishedCount: members.count { $0.state == .finished }
                )
            },
            restartCount: self.restartCount
        )
    }

    /// The newest attempt at a subtask and where it is; nil before the job runs.
    package func attempt(of subtask: SubtaskID) -> (attempt: SubtaskAttempt, state: AttemptState)? {
        let life = self.subtasks[self.position(of: subtask)]
        guard let state = life.state else { return nil }
        return (life.current, state)
    }

    func position(of subtask: SubtaskID) -> Int {
        let stage = subtask.stage.rawValue
        precondition(
            self.stages.indices.contains(stage) && (0..<self.stages[stage].parallelism).contains(subtask.index),
            "only subtasks of the job report to it"
        )
        return self.stages[..<stage].reduce(subtask.index) { $0 + $1.parallelism }
    }
}

/// One subtask with its newest attempt.
struct SubtaskLife: Sendable {
    let id: SubtaskID
    let readsSplits: Bool
    var attempt = AttemptNumber.first

    /// Nil before the first attempt.
    var state: AttemptState?

    /// Splits assigned to the attempt that it hasn't finished.
    var openSplitCount = 0

    /// Whether the attempt knows that there are no more splits.
    var hasSplitsEnd = false

    init(id: SubtaskID, readsSplits: Bool) {
        self.id = id
        self.readsSplits = readsSplits
    }

    var current: SubtaskAttempt { SubtaskAttempt(subtask: self.id, attempt: self.attempt) }
    var hasEnded: Bool { self.state?.hasEnded ?? true }
}
