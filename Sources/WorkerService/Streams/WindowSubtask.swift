internal import ConnectorKit
internal import Engine
internal import Platform

/// Keeps windows: merges what comes in over its channels, fires, and writes the results.
///
/// Channels whose barrier has come wait until all have: what lies between the barriers is one checkpoint's.
///
/// Isolation: one worker thread.
final class WindowSubtask: StreamSubtask {
    let id: StreamSubtaskID
    private var stage: WindowStage
    private var input: AlignedInput
    private let settlements: Settlements
    private var outlets: SinkOutlets
    private let report: any StreamReport
    private let counters: StreamCounters
    private let overtaking: OvertakingBarrier

    /// The checkpoint that was taken last: what is written behind it is the next one's.
    private var lastNumber: Int64

    /// Whether a sink doesn't take what it writes.
    private var isBlocked = false
    private var progress: StageProgress

    init(
        index: Int,
        slot: Int,
        stage: consuming WindowStage,
        inbox: StreamInbox,
        settlements: Settlements,
        outlets: SinkOutlets,
        writesLate: Bool,
        lastNumber: Int64,
        wiring: StreamWiring
    ) {
        self.id = StreamSubtaskID(.window, index)
        self.progress = StageProgress(slot: slot)
        self.outlets = outlets
        self.writesLate = writesLate
        self.lastNumber = lastNumber
        self.stage = stage
        self.input = AlignedInput(inbox)
        self.settlements = settlements
        self.report = wiring.report
        self.counters = wiring.counters
        self.overtaking = wiring.overtaking
    }

    private let writesLate: Bool

    /// Steps that fired since figures were last told: there may be hundreds of slices to be added up.
    private var unpublishedSteps = 0
    private static let stepsPerPublication = 64

    func step() -> SubtaskStep {
        do {
            self.settle()
            guard try self.write() else {
                self.setBlocked(true)
                return .waiting
            }
            self.setBlocked(false)
            if try self.stage.step() {
                _ = try self.write()
                self.unpublishedSteps += 1
                if self.unpublishedSteps >= Self.stepsPerPublication { self.publish() }
                return .progressed
            }
            if let checkpoint = self.input.checkpoint, self.input.isAligned { return try self.take(checkpoint) }
            let checkpoint = self.overtaking.checkpoint
            if checkpoint > self.lastNumber, try self.write(), try self.outlets.flush(),
                let elements = self.input.waiting(before: checkpoint)
            {
                return try self.take(checkpoint, OvertakenElements(elements))
            }
            if self.input.hasEnded { return try self.end() }
            let hasTidied = self.stage.tidy()
            let step = try self.receive()
            if step == .waiting, self.unpublishedSteps > 0 { self.publish() }
            return hasTidied ? .progressed : step
        } catch {
            self.cancel()
            self.report.failed(self.id, error)
            return .ended
        }
    }

    private func setBlocked(_ isBlocked: Bool) {
        guard isBlocked != self.isBlocked else { return }
        self.isBlocked = isBlocked
        self.counters.setBlocked(self.id, isBlocked)
    }

    private func settle() {
        for settlement in self.settlements.take() {
            self.stage.settle(settlement.checkpoint, isStored: settlement.isStored)
        }
    }

    private func receive() throws(EngineError) -> SubtaskStep {
        switch self.input.next() {
        case nil: return .waiting
        case .some(.slice(let start, let batch)): try self.stage.receive(batch, slice: start)
        case .some(.timed(let batch)): try self.stage.receiveTimed(batch)
        case .some(.time(let watermark)): self.stage.advance(to: watermark)
        case .some(.clock(let now)): self.stage.pass(clock: now)
        case .some(.mark): break
        }
        return .progressed
    }

    /// Delivers what was written, then gives the state away.
    private func take(
        _ checkpoint: Int64,
        _ overtaken: OvertakenElements? = nil
    ) throws(EngineError) -> SubtaskStep {
        // Also what the last step fired.
        guard try self.write(), try self.outlets.flush() else { return .waiting }
        let outputs = try self.outlets.endEpoch(checkpoint)
        self.settle()
        let state = try self.stage.freeze(checkpoint)
        self.lastNumber = checkpoint
        self.input.release(checkpoint)
        self.report.snapshot(
            SubtaskSnapshot(
                content: .state(state),
                outputs: outputs,
                overtaken: overtaken
            ),
            of: self.id,
            checkpoint: checkpoint
        )
        return .progressed
    }

    private func end() throws(EngineError) -> SubtaskStep {
        guard try self.write(), try self.outlets.flush() else { return .waiting }
        self.publish()
        let outputs = try self.outlets.endEpoch(self.lastNumber + 1)
        self.outlets.close()
        self.report.finished(
            self.id,
            SubtaskRemainder(outputs: outputs, rejected: self.stage.rejectedExamples, splits: [])
        )
        return .ended
    }

    /// - Returns: False where a writer is full.
    private func write() throws(EngineError) -> Bool {
        let written = try self.outlets.write()
        if written.outputCount > 0 {
            self.counters.addOutput(firings: 0, records: written.outputCount, late: 0, rejected: 0)
            self.counters.addOutputBytes(written.outputBytes)
        }
        if !self.writesLate { self.stage.late.removeAll() }
        return written.isDone
    }

    private func publish() {
        self.unpublishedSteps = 0
        self.progress.tell(
            self.counters,
            StageFigures(
                firings: self.stage.firingCount,
                late: self.stage.lateCount,
                rejected: self.stage.rejectedCount,
                spills: self.stage.spills,
                bytes: (self.stage.stateBytes, self.stage.spilledBytes),
                keyCount: self.stage.keyCount
            )
        )
    }

    func cancel() {
        self.outlets.close()
    }
}
