internal import ConnectorKit
internal import CoordinationCore
internal import Engine
internal import Platform

/// Merges what arrives through its inbox, then reduces it.
///
/// Isolation: one worker thread.
final class ReduceSubtask: Subtask {
    private enum Phase {
        case receiving
        case reducing
    }

    let attempt: SubtaskAttempt
    private var stage: ReduceStage
    private let inbox: Inbox
    private let report: any WorkerReport
    private let counters: WorkerCounters
    private var phase = Phase.receiving
    private var hasStarted = false
    private var counted = (keys: 0, pairs: 0, spilled: Int64(0), runs: 0, rejected: 0)

    /// Batches merged before the thread looks at its other subtasks again.
    private static let batchesPerStep = 8

    init(attempt: SubtaskAttempt, stage: consuming ReduceStage, inbox: Inbox, wiring: SubtaskWiring) {
        self.attempt = attempt
        self.stage = stage
        self.stage.stop(when: wiring.isCancelled)
        self.inbox = inbox
        self.report = wiring.report
        self.counters = wiring.counters
    }

    func step() -> SubtaskStep {
        if !self.hasStarted {
            self.hasStarted = true
            self.report.report(.subtaskStarted(self.attempt))
        }
        do {
            defer { self.publish() }
            switch self.phase {
            case .receiving: return try self.receive()
            case .reducing: return try self.reduce()
            }
        } catch .cancelled {
            // The thread looks next, and cancels all its subtasks.
            return .progressed
        } catch {
            self.cancel()
            self.report.report(.subtaskFailed(self.attempt, self.report.failure(error)))
            return .ended
        }
    }

    private func receive() throws(EngineError) -> SubtaskStep {
        for count in 0..<Self.batchesPerStep {
            guard let batch = self.inbox.take() else {
                if count > 0 { return .progressed }
                guard self.inbox.isExhausted else { return .waiting }
                try self.stage.endInput()
                self.phase = .reducing
                return .progressed
            }
            try self.stage.receive(batch)
        }
        return .progressed
    }

    private func reduce() throws(EngineError) -> SubtaskStep {
        if try self.stage.step() { return .progressed }
        var output = SubtaskOutput()
        output.parts = try self.stage.finish()
        output.deadLetterParts = self.stage.deadLetterParts
        output.rejectedExamples = self.stage.rejectedExamples
        self.publish()
        self.report.deliver(output, of: self.attempt)
        self.report.report(.subtaskFinished(self.attempt))
        return .ended
    }

    private func publish() {
        let now = (
            keys: self.stage.keyCount, pairs: self.stage.pairCount, spilled: self.stage.spilledBytes,
            runs: self.stage.spilledRunCount, rejected: self.stage.rejectedCount
        )
        self.counters.addOutput(
            keys: Int64(now.keys - self.counted.keys),
            records: Int64(now.pairs - self.counted.pairs)
        )
        self.counters.addRejected(Int64(now.rejected - self.counted.rejected))
        self.counters.addSpilled(
            bytes: now.spilled - self.counted.spilled,
            runs: Int64(now.runs - self.counted.runs)
        )
        self.counted = now
    }

    func cancel() {
        self.stage.discard()
    }
}
