internal import ConnectorKit
internal import Engine
internal import Platform

/// Runs one subtask of a keyed stage: takes what comes in over its channels, and hands on what the stage says.
///
/// Isolation: one worker thread.
final class KeyedSubtask: StreamSubtask {
    let id: StreamSubtaskID
    private var stage: KeyedStage
    private var input: AlignedInput
    private let settlements: Settlements
    private let output: any KeyedOutput
    private var outlets: SinkOutlets
    private let report: any StreamReport
    private let counters: StreamCounters
    private let overtaking: OvertakingBarrier

    /// Whether ``output`` works on what the stage emitted.
    private var hasOpenRecords = false

    /// The watermark that is passed on when its timers have fired.
    private var isTimePending = false
    private var saidEnd = false

    /// Whether a sink doesn't take what it writes.
    private var isBlocked = false

    /// The checkpoint that was taken last: what is written behind it is the next one's.
    private var lastNumber: Int64
    private var progress: StageProgress

    init(
        _ id: StreamSubtaskID,
        slot: Int,
        stage: consuming KeyedStage,
        inbox: StreamInbox,
        settlements: Settlements,
        output: any KeyedOutput,
        outlets: SinkOutlets,
        lastNumber: Int64,
        wiring: StreamWiring
    ) {
        self.id = id
        self.progress = StageProgress(slot: slot)
        self.stage = stage
        self.input = AlignedInput(inbox)
        self.settlements = settlements
        self.output = output
        self.outlets = outlets
        self.lastNumber = lastNumber
        self.report = wiring.report
        self.counters = wiring.counters
        self.overtaking = wiring.overtaking
    }

    func step() -> SubtaskStep {
        do {
            self.settle()
            let isWritten = try self.write()
            self.setBlocked(!isWritten)
            if isWritten, let step = try self.takeOvertaking() { return step }
            self.output.push(throughBarrier: self.overtaking.checkpoint)
            guard isWritten, self.output.send() else { return .waiting }
            if self.hasOpenRecords { return try self.stepRecords() }
            if try self.stage.step() { return try self.takeEmitted() }
            if self.isTimePending {
                self.passTime()
                return .progressed
            }
            if let checkpoint = self.input.checkpoint, self.input.isAligned { return try self.take(checkpoint) }
            if self.input.hasEnded { return try self.end() }
            return self.receive()
        } catch {
            self.cancel()
            self.report.failed(self.id, error)
            return .ended
        }
    }

    private func settle() {
        for settlement in self.settlements.take() {
            self.stage.settle(settlement.checkpoint, isStored: settlement.isStored)
        }
    }

    private func setBlocked(_ isBlocked: Bool) {
        guard isBlocked != self.isBlocked else { return }
        self.isBlocked = isBlocked
        self.counters.setBlocked(self.id, isBlocked)
    }

    private func receive() -> SubtaskStep {
        switch self.input.next() {
        case nil: return .waiting
        case .some(.timed(let batch)): self.stage.receive(batch)
        case .some(.time(let watermark)):
            self.stage.advance(to: watermark)
            self.isTimePending = true
        case .some(.clock(let now)): self.output.pass(clock: now)
        case .some(.slice): preconditionFailure("records come to a keyed stage one by one")
        case .some(.mark): break
        }
        return .progressed
    }

    private func takeEmitted() throws(EngineError) -> SubtaskStep {
        guard self.stage.emitted.count > 0 else { return .progressed }
        try self.output.begin(self.stage.emitted)
        self.hasOpenRecords = true
        return try self.stepRecords()
    }

    private func stepRecords() throws(EngineError) -> SubtaskStep {
        self.hasOpenRecords = try self.output.step()
        if !self.hasOpenRecords { self.stage.emitted.removeAll() }
        return .progressed
    }

    /// Lets a checkpoint overtake what is on its way, between two records.
    ///
    /// - Returns: Nil where there is none that may.
    private func takeOvertaking() throws(EngineError) -> SubtaskStep? {
        let checkpoint = self.overtaking.checkpoint
        guard checkpoint > self.lastNumber else { return nil }
        guard !self.saidEnd else {
            self.output.pushAll()
            return nil
        }
        // What one step emitted goes to the next stage, however full that is.
        if self.hasOpenRecords { return try self.stepRecords() }
        guard self.stage.isBetweenRecords else {
            _ = try self.stage.step()
            return try self.takeEmitted()
        }
        guard try self.outlets.flush() else { return .waiting }
        guard var elements = self.input.waiting(before: checkpoint) else { return nil }
        elements.addFirst(self.stage.waitingRecords(asOfChannel: 0))
        return try self.take(checkpoint, OvertakenElements(elements))
    }

    private func passTime() {
        self.isTimePending = false
        self.output.pass(self.stage.currentWatermark, isIdle: self.input.isIdle)
        self.publish()
    }

    /// Delivers what was written, then gives the state away.
    private func take(
        _ checkpoint: Int64,
        _ overtaken: OvertakenElements? = nil
    ) throws(EngineError) -> SubtaskStep {
        guard try self.write(), try self.outlets.flush() else { return .waiting }
        self.settle()
        self.output.barrier(checkpoint)
        let outputs = try self.outlets.endEpoch(checkpoint)
        self.lastNumber = checkpoint
        self.input.release(checkpoint)
        self.report.snapshot(
            SubtaskSnapshot(
                content: .state(try self.stage.freeze(checkpoint)),
                outputs: outputs,
                overtaken: overtaken
            ),
            of: self.id,
            checkpoint: checkpoint
        )
        return .progressed
    }

    private func end() throws(EngineError) -> SubtaskStep {
        guard self.saidEnd else {
            self.output.end()
            self.saidEnd = true
            return .progressed
        }
        guard try self.write(), try self.outlets.flush() else { return .waiting }
        self.publish()
        let outputs = try self.outlets.endEpoch(self.lastNumber + 1)
        self.outlets.close()
        let rejected = self.stage.rejectedExamples + self.output.rejectedExamples
        self.report.finished(self.id, SubtaskRemainder(outputs: outputs, rejected: rejected, splits: []))
        return .ended
    }

    /// - Returns: False where a writer is full.
    private func write() throws(EngineError) -> Bool {
        let written = try self.outlets.write()
        if written.outputCount > 0 {
            self.counters.addOutput(firings: 0, records: written.outputCount, late: 0, rejected: 0)
            self.counters.addOutputBytes(written.outputBytes)
        }
        return written.isDone
    }

    private func publish() {
        self.progress.tell(
            self.counters,
            StageFigures(
                firings: self.stage.firingCount,
                late: self.stage.lateCount,
                rejected: self.stage.rejectedCount + self.output.rejectedCount,
                spills: self.stage.spills,
                bytes: (self.stage.stateBytes, self.stage.spilledBytes),
                keyCount: self.stage.keyCount
            )
        )
    }

    func cancel() { self.outlets.close() }
}
