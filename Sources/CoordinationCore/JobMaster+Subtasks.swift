import CoreTypes

extension JobMaster {
    /// The position of an attempt's subtask, if the attempt is the newest and hasn't ended.
    private func position(of attempt: SubtaskAttempt) -> Int? {
        let position = self.position(of: attempt.subtask)
        let life = self.subtasks[position]
        return life.attempt == attempt.attempt && !life.hasEnded ? position : nil
    }

    mutating func noteStart(of attempt: SubtaskAttempt) {
        guard let position = self.position(of: attempt), self.subtasks[position].state == .scheduled else { return }
        self.subtasks[position].state = .running
    }

    mutating func handOut(to attempt: SubtaskAttempt, _ effects: inout [Effect]) {
        guard let position = self.position(of: attempt), self.subtasks[position].state != .cancelling else { return }
        precondition(self.subtasks[position].readsSplits, "only subtasks at a source ask for splits")
        let readerCount = self.stages[attempt.subtask.stage.rawValue].parallelism
        let group = self.splits.take(for: attempt, readerCount: readerCount, configuration: self.configuration)
        self.subtasks[position].openSplitCount += group.count
        self.subtasks[position].hasSplitsEnd = group.isEmpty
        effects.append(group.isEmpty ? .noMoreSplits(attempt) : .assign(group, to: attempt))
    }

    mutating func noteEnd(of split: SplitID, by attempt: SubtaskAttempt) {
        guard let position = self.position(of: attempt) else { return }
        guard self.splits.finish(split, by: attempt) else { return }
        self.subtasks[position].openSplitCount -= 1
        precondition(self.subtasks[position].openSplitCount >= 0, "a split is finished once")
    }

    mutating func finish(_ attempt: SubtaskAttempt, _ effects: inout [Effect]) {
        guard let position = self.position(of: attempt) else { return }
        let life = self.subtasks[position]
        // What was cancelled may end in the middle and still call it finished: its output goes nowhere.
        if life.readsSplits, life.state != .cancelling {
            precondition(
                life.hasSplitsEnd && life.openSplitCount == 0,
                "a reader finishes when nothing is left to read"
            )
        }
        self.end(attempt, as: .finished, &effects)
    }

    /// Notes the end of an attempt and goes on with what waited for it.
    mutating func end(_ attempt: SubtaskAttempt, as state: AttemptState, _ effects: inout [Effect]) {
        precondition(state.hasEnded, "an attempt ends in a final state")
        guard let position = self.position(of: attempt) else { return }
        precondition(
            state != .cancelled || self.subtasks[position].state == .cancelling,
            "only who was told to stop stops"
        )
        self.subtasks[position].state = state
        self.advance(&effects)
    }

    mutating func fail(_ attempt: SubtaskAttempt, _ failure: JobFailure, _ effects: inout [Effect]) {
        guard let position = self.position(of: attempt) else { return }
        let wasCancelling = self.subtasks[position].state == .cancelling
        self.subtasks[position].state = .failed
        // An attempt that breaks while it is being stopped has only stopped.
        guard !wasCancelling, self.state == .running else { return self.advance(&effects) }
        self.failure = failure
        effects.append(.failed(failure))
        guard failure.cause == .transient, self.restartCount < self.configuration.restartLimit else {
            self.change(to: .failing, &effects)
            self.cancelSubtasks(&effects)
            return self.advance(&effects)
        }
        self.restartCount += 1
        self.change(to: .restarting, &effects)
        // Whoever exchanges records with a failed subtask has seen records of it that will come again.
        if self.stages.count > 1 { self.cancelSubtasks(&effects) }
        self.advance(&effects)
    }

    /// Tells every attempt that runs to stop.
    mutating func cancelSubtasks(_ effects: inout [Effect]) {
        for position in self.subtasks.indices where !self.subtasks[position].hasEnded {
            guard self.subtasks[position].state != .cancelling else { continue }
            self.subtasks[position].state = .cancelling
            effects.append(.cancel(self.subtasks[position].current))
        }
    }

    /// Starts the attempts that a failure made necessary.
    ///
    /// With an exchange all subtasks form one region, and all of them start again. Without one each is a region of its own.
    mutating func restart(_ effects: inout [Effect]) {
        let isWhole = self.stages.count > 1
        let positions = self.subtasks.indices.filter { isWhole || self.subtasks[$0].state == .failed }
        self.splits.takeBack(from: Set(positions.map { self.subtasks[$0].id }))
        for position in positions { self.subtasks[position].attempt = self.subtasks[position].attempt.next() }
        self.change(to: .running, &effects)
        self.schedule(positions, &effects)
    }

    /// Consumers first, so that what is sent finds somebody.
    mutating func schedule(_ positions: [Int], _ effects: inout [Effect]) {
        let ordered = positions.sorted { left, right in
            let stages = (self.subtasks[left].id.stage, self.subtasks[right].id.stage)
            return stages.0 == stages.1 ? left < right : stages.0 > stages.1
        }
        for position in ordered {
            self.subtasks[position].state = .scheduled
            self.subtasks[position].openSplitCount = 0
            self.subtasks[position].hasSplitsEnd = false
            effects.append(.start(self.subtasks[position].current))
        }
    }
}
