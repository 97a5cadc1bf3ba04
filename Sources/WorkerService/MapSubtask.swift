internal import ConnectorKit
internal import CoordinationCore
internal import CoreTypes
internal import Engine
internal import Platform

/// Reads splits, runs the map over their blocks, and hands batches on.
///
/// Isolation: one worker thread.
final class MapSubtask: Subtask {
    let attempt: SubtaskAttempt
    private var stage: MapStage
    private let source: any Source
    private let framing: Framing
    private let inboxes: [Inbox]
    private let mailbox: Mailbox
    private let doorbell: Doorbell
    private let report: any WorkerReport
    private let counters: WorkerCounters
    private let block: SourceBlock

    private var splits: [Split] = []
    private var reader: (any SourceReader)?
    private var outbox: [RoutedBatch] = []
    private var hasRequested = false
    private var isFinishing = false
    private var hasStarted = false
    private var hasOpenBlock = false
    private var counted = MapFigures()

    init(
        attempt: SubtaskAttempt,
        stage: consuming MapStage,
        input: (source: any Source, framing: Framing, block: SourceBlock),
        inboxes: [Inbox],
        wiring: SubtaskWiring
    ) {
        self.attempt = attempt
        self.stage = stage
        self.stage.stop(when: wiring.isCancelled)
        self.source = input.source
        self.framing = input.framing
        self.block = input.block
        self.inboxes = inboxes
        self.mailbox = wiring.mailbox
        self.doorbell = wiring.doorbell
        self.report = wiring.report
        self.counters = wiring.counters
    }

    func step() -> SubtaskStep {
        do {
            if !self.hasStarted {
                self.hasStarted = true
                self.report.report(.subtaskStarted(self.attempt))
            }
            self.readMail()
            guard self.sendOutbox() else { return .waiting }
            if self.isFinishing { return self.end() }
            if self.hasOpenBlock { return try self.stepBlock() }
            if self.reader != nil { return try self.readBlock() }
            return try self.openNextSplit()
        } catch .cancelled {
            // The thread looks next, and cancels all its subtasks.
            return .progressed
        } catch {
            self.cancel()
            self.report.report(.subtaskFailed(self.attempt, self.report.failure(error)))
            return .ended
        }
    }

    private func readMail() {
        for message in self.mailbox.take() {
            switch message {
            case .assign(let ids):
                self.splits += ids.map { self.report.split($0) }
                self.hasRequested = false
            case .noMoreSplits:
                self.isFinishing = true
                self.finishStage()
            case .cancel: break
            }
        }
    }

    private var finishFailure: EngineError?

    private func finishStage() {
        do {
            try self.stage.finish()
            self.outbox += self.stage.takeReady()
        } catch {
            self.finishFailure = error
        }
    }

    private func openNextSplit() throws(EngineError) -> SubtaskStep {
        guard !self.splits.isEmpty else {
            if !self.hasRequested {
                self.hasRequested = true
                self.report.report(.splitsRequested(self.attempt))
                return .progressed
            }
            return .waiting
        }
        do {
            self.reader = try self.source.makeReader(for: self.splits[0], framing: self.framing)
        } catch {
            throw .connector(error)
        }
        return .progressed
    }

    private func readBlock() throws(EngineError) -> SubtaskStep {
        guard let reader = self.reader else { return .progressed }
        let split = self.splits[0]
        do {
            self.block.consumedBytes = 0
            if try reader.poll(into: self.block) == .end {
                reader.close()
                self.reader = nil
                self.splits.removeFirst()
                try self.stage.endSplit()
                self.publish(bytes: self.block.consumedBytes)
                self.report.report(.splitFinished(split.id, by: self.attempt))
                return .progressed
            }
            self.stage.begin(self.block, of: split)
            self.hasOpenBlock = true
        } catch let error as ConnectorError {
            throw .connector(error)
        } catch let error as EngineError {
            throw error
        } catch {
            throw .corrupt("\(error)")
        }
        return try self.stepBlock()
    }

    /// Goes on with the block that was read last.
    private func stepBlock() throws(EngineError) -> SubtaskStep {
        self.hasOpenBlock = try self.stage.step()
        self.outbox += self.stage.takeReady()
        if !self.hasOpenBlock { self.publish(bytes: self.block.consumedBytes) }
        return .progressed
    }

    private func publish(bytes: Int64) {
        let figures = self.stage.figures
        self.counters.addInput(
            bytes: bytes,
            records: Int64(figures.records - self.counted.records),
            pairs: Int64(figures.pairs - self.counted.pairs),
            rejected: Int64(figures.rejected - self.counted.rejected)
        )
        self.counters.addShuffled(
            rows: Int64(figures.shuffledRows - self.counted.shuffledRows),
            bytes: Int64(figures.shuffledBytes - self.counted.shuffledBytes)
        )
        self.counted = figures
    }

    /// - Returns: False when a batch didn't fit: the doorbell rings when it may.
    private func sendOutbox() -> Bool {
        while let next = self.outbox.first {
            guard self.inboxes[next.destination].offer(next.batch, producer: self.doorbell) else { return false }
            self.outbox.removeFirst()
        }
        return true
    }

    private func end() -> SubtaskStep {
        if let failure = self.finishFailure {
            self.cancel()
            self.report.report(.subtaskFailed(self.attempt, self.report.failure(failure)))
            return .ended
        }
        self.publish(bytes: 0)
        if self.inboxes.isEmpty { self.counters.addOutput(keys: 0, records: Int64(self.stage.figures.pairs)) }
        var output = SubtaskOutput()
        output.parts = self.stage.parts
        output.deadLetterParts = self.stage.deadLetterPartsWritten
        output.rejectedExamples = self.stage.rejectedExamples
        self.report.deliver(output, of: self.attempt)
        for inbox in self.inboxes { inbox.close() }
        self.report.report(.subtaskFinished(self.attempt))
        return .ended
    }

    func cancel() {
        self.reader?.close()
        self.reader = nil
        self.outbox = []
        self.stage.discard()
    }
}

/// What every subtask is connected to.
struct SubtaskWiring {
    let mailbox: Mailbox
    let doorbell: Doorbell
    let report: any WorkerReport
    let counters: WorkerCounters
    /// Whether all subtasks are to give up.
    let isCancelled: @Sendable () -> Bool
}
