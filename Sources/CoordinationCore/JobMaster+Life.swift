import CoreTypes

extension JobMaster {
    mutating func plan(_ splits: [SplitDescriptor], _ effects: inout [Effect]) {
        precondition(self.state == .created, "a source is enumerated once")
        self.splits = SplitPool(splits, order: self.configuration.splitOrder)
        self.change(to: .planned, &effects)
        effects.append(.prepareSinks)
    }

    mutating func failPreparation(_ failure: JobFailure, _ effects: inout [Effect]) {
        switch self.state {
        case .created:
            // No sink was touched: there is nothing to abort.
            self.failure = failure
            effects.append(.failed(failure))
            self.change(to: .failed, &effects)
        case .planned:
            self.failure = failure
            effects.append(.failed(failure))
            self.change(to: .failing, &effects)
            effects.append(.abortSinks)
        case .cancelling:
            effects.append(.abortSinks)
        case .running, .restarting, .finishing, .finished, .failing, .failed, .cancelled:
            preconditionFailure("preparation ends once, before the job runs")
        }
    }

    mutating func start(_ effects: inout [Effect]) {
        switch self.state {
        case .planned:
            self.change(to: .running, &effects)
            self.schedule(Array(self.subtasks.indices), &effects)
        case .cancelling:
            effects.append(.abortSinks)
        case .created, .running, .restarting, .finishing, .finished, .failing, .failed, .cancelled:
            preconditionFailure("sinks are prepared once, when the job is planned")
        }
    }

    /// Takes the step that the ends of attempts have made possible.
    mutating func advance(_ effects: inout [Effect]) {
        switch self.state {
        case .running:
            guard self.subtasks.allSatisfy({ $0.state == .finished }) else { return }
            precondition(self.splits.isFinished, "a job finishes when every split was read")
            self.change(to: .finishing, &effects)
            effects.append(.commitSinks(self.lastStageAttempts))
        case .restarting:
            guard self.stages.count == 1 || self.subtasks.allSatisfy(\.hasEnded) else { return }
            self.restart(&effects)
        case .failing, .cancelling:
            guard self.subtasks.allSatisfy(\.hasEnded) else { return }
            effects.append(.abortSinks)
        case .created, .planned, .finishing, .finished, .failed, .cancelled:
            return
        }
    }

    mutating func cancel(_ effects: inout [Effect]) {
        switch self.state {
        case .created:
            self.change(to: .cancelled, &effects)
        case .planned:
            // The sinks are being prepared: they are aborted once that is over.
            self.change(to: .cancelling, &effects)
        case .running, .restarting:
            self.change(to: .cancelling, &effects)
            self.cancelSubtasks(&effects)
            self.advance(&effects)
        case .finishing, .finished, .failing, .failed, .cancelling, .cancelled:
            // A commit that has begun is carried through, and what ends already ends only once.
            return
        }
    }

    mutating func endCommit(_ failure: JobFailure?, _ effects: inout [Effect]) {
        precondition(self.state == .finishing, "a commit ends when one was asked for")
        guard let failure else { return self.change(to: .finished, &effects) }
        self.failure = failure
        effects.append(.failed(failure))
        self.change(to: .failing, &effects)
        effects.append(.abortSinks)
    }

    mutating func endAbort(_ effects: inout [Effect]) {
        switch self.state {
        case .failing: self.change(to: .failed, &effects)
        case .cancelling: self.change(to: .cancelled, &effects)
        case .created, .planned, .running, .restarting, .finishing, .finished, .failed, .cancelled:
            preconditionFailure("an abort ends when one was asked for")
        }
    }

    mutating func change(to state: JobState, _ effects: inout [Effect]) {
        precondition(!self.state.isTerminal, "nothing follows \(self.state)")
        self.state = state
        effects.append(.stateChanged(state))
    }

    private var lastStageAttempts: [SubtaskAttempt] {
        self.subtasks.filter { $0.id.stage.rawValue == self.stages.count - 1 }.map(\.current)
    }
}
