internal import ConnectorKit
internal import CoreTypes
internal import Engine
internal import Platform
internal import Synchronization

/// One subtask of a stream as its thread sees it.
protocol StreamSubtask: AnyObject {
    var id: StreamSubtaskID { get }

    /// Does a little.
    func step() -> SubtaskStep

    /// Gives up.
    func cancel()
}

/// Messages for one reading subtask, in the order they came.
final class StreamMailbox: Sendable {
    private let messages = Mutex<[StreamMessageToSource]>([])
    private let doorbell: Doorbell

    init(doorbell: Doorbell) {
        self.doorbell = doorbell
    }

    func post(_ message: StreamMessageToSource) {
        self.messages.withLock { $0.append(message) }
        self.doorbell.ring()
    }

    func take() -> [StreamMessageToSource] {
        self.messages.withLock { messages in
            defer { messages = [] }
            return messages
        }
    }
}

/// Reads splits, runs the map over their records, and hands on what it aggregated.
///
/// Isolation: one worker thread.
final class StreamSourceSubtask: StreamSubtask {
    let id: StreamSubtaskID
    private var stage: StreamMapStage
    private let input: any StreamInput
    private let mailbox: StreamMailbox
    private let doorbell: Doorbell
    private let report: any StreamReport
    private let counters: StreamCounters
    private let overtaking: OvertakingBarrier
    private let idleAfter: Int64

    private var channels: OutgoingChannels

    /// Milliseconds after which what is held is sent on, for windows that fire so often; when it is due, and the time by then.
    private let earlyMilliseconds: Int64?
    private let paceBoard: PaceBoard?
    private var earlyAt: Int64?
    private var passes: Int64?

    /// Whether the next stage doesn't take what it sends.
    private var isBlocked = false
    private var hasOpenBlock = false

    /// How often the clock ticked since the open block was begun, or since time was sent on from the middle of it.
    private var openTicks = 0
    private static let openTicksLimit = 5
    private var isComplete = false

    /// Whether it knows its share of the splits: before that it can't say that it has nothing to read.
    private var isAssigned = false
    private var isForced = false

    /// Whether a last checkpoint was asked for: what comes behind it is the next run's.
    private var isPaused = false
    private var checkpoints: [Int64] = []

    /// The checkpoint that was taken last: what is written behind it is the next one's.
    private var lastNumber: Int64
    private var snapshots: [Int64: [SplitProgress]] = [:]
    private var stop: (isAsked: Bool, fires: Bool) = (false, false)
    private var hasEnded = false
    private var counted = StreamMapFigures()
    private var outlets: SinkOutlets

    init(
        index: Int,
        stage: consuming StreamMapStage,
        input: any StreamInput,
        channels: OutgoingChannels,
        wiring: StreamWiring,
        mailbox: StreamMailbox,
        outlets: SinkOutlets,
        lastNumber: Int64
    ) {
        self.lastNumber = lastNumber
        self.id = StreamSubtaskID(.source, index)
        self.stage = stage
        self.input = input
        self.channels = channels
        self.mailbox = mailbox
        self.doorbell = wiring.doorbell
        self.report = wiring.report
        self.counters = wiring.counters
        self.overtaking = wiring.overtaking
        self.idleAfter = wiring.idleAfter
        self.earlyMilliseconds = wiring.earlyMilliseconds
        self.paceBoard = wiring.paceBoard
        self.outlets = outlets
    }

    func step() -> SubtaskStep {
        do {
            try self.readMail()
            guard try self.outlets.write().isDone else { return .waiting }
            self.channels.push(throughBarrier: self.overtaking.checkpoint)
            if self.isOvertaking, self.hasEnded { self.channels.pushAll() }
            let isSent = self.sendOutbox()
            guard isSent || (self.isOvertaking && !self.checkpoints.isEmpty) else { return .waiting }
            if self.hasEnded { return try self.end() }
            // Between two records, wherever in a block: a slow function mustn't hold up a checkpoint.
            if let step = try self.takeCheckpoint() { return step }
            if self.stop.isAsked { return self.finish() }
            guard !self.isPaused else { return .waiting }
            return self.hasOpenBlock ? try self.stepBlock() : try self.poll()
        } catch {
            self.cancel()
            self.report.failed(self.id, error)
            return .ended
        }
    }

    private func readMail() throws(EngineError) {
        for message in self.mailbox.take() {
            switch message {
            case .tick(let now):
                self.input.findIdle(&self.stage, now: now, idleAfter: self.idleAfter)
                self.isForced = true
                self.openTicks += 1
                self.findEarly(now)
                try self.pace()
                self.publish()
            case .add(let splits):
                try self.input.add(splits, to: &self.stage)
                self.isAssigned = true
            case .noMoreSplits: self.isComplete = true
            case .checkpoint(let number, let isLast):
                self.checkpoints.append(number)
                self.isPaused = self.isPaused || isLast
            case .completed(let number):
                if let progress = self.snapshots[number] { self.input.publish(progress) }
                self.snapshots = self.snapshots.filter { $0.key > number }
            case .stop(let fires): self.stop = (true, fires)
            }
        }
    }

    /// Lets splits wait that are too far ahead, where there is a limit.
    private func pace() throws(EngineError) {
        guard let board = self.paceBoard else { return }
        let least = board.exchange(self.hasEnded ? nil : self.stage.clock.leastActive, of: self.id.index)
        try self.input.pace(self.stage, least: least, limit: board.limit)
    }

    private func findEarly(_ now: Int64) {
        guard let span = self.earlyMilliseconds else { return }
        if let due = self.earlyAt {
            guard now >= due else { return }
            self.passes = now
        }
        self.earlyAt = now + span
    }

    private func poll() throws(EngineError) -> SubtaskStep {
        guard self.isAssigned else { return .waiting }
        switch try self.input.poll(&self.stage) {
        case .block:
            self.hasOpenBlock = true
            self.openTicks = 0
            return try self.stepBlock()
        case .progressed:
            self.advance()
            return .progressed
        case .nothing:
            let hadMore = self.isForced
            self.advance()
            if hadMore { self.publish() }
            return hadMore ? .progressed : .waiting
        case .finished:
            self.advance()
            guard self.isComplete else { return self.channels.isEmpty ? .waiting : .progressed }
            return self.finish()
        }
    }

    private func stepBlock() throws(EngineError) -> SubtaskStep {
        self.hasOpenBlock = try self.stage.step()
        if !self.hasOpenBlock {
            self.input.endBlock(&self.stage)
            self.advance()
            try self.pace()
            self.publish()
        } else if self.openTicks > Self.openTicksLimit {
            // Where functions are slow, windows needn't wait for the end of a block.
            self.openTicks = 0
            self.advance()
        } else if self.stage.isFull {
            self.collect()
        }
        return .progressed
    }

    /// Sends the watermark on where it matters, or where time has gone on.
    private func advance() {
        if let now = self.passes {
            self.stage.pass(clock: now)
            self.passes = nil
        }
        self.stage.advance(isComplete: self.isComplete, isForced: self.isForced)
        self.isForced = false
        self.collect()
    }

    private func collect() {
        self.channels.add(self.stage.takeReady())
    }

    /// Whether a checkpoint doesn't wait until the next stage takes what was sent before it.
    private var isOvertaking: Bool { self.overtaking.checkpoint > self.lastNumber }

    private func takeCheckpoint() throws(EngineError) -> SubtaskStep? {
        guard let number = self.checkpoints.first else { return nil }
        guard try self.outlets.flush() else { return .waiting }
        self.checkpoints.removeFirst()
        self.stage.barrier(number)
        self.collect()
        self.channels.push(throughBarrier: self.overtaking.checkpoint)
        let progress = self.input.progress(self.stage)
        self.snapshots[number] = progress
        let outputs = try self.outlets.endEpoch(number)
        self.lastNumber = number
        self.report.snapshot(
            SubtaskSnapshot(content: .source(progress), outputs: outputs),
            of: self.id,
            checkpoint: number
        )
        return .progressed
    }

    /// Nothing more is read: windows are fired where the input is at its end, or somebody asked for it.
    private func finish() -> SubtaskStep {
        if self.stop.isAsked, self.stop.fires { self.stage.endTime() }
        self.stage.end()
        self.collect()
        self.hasEnded = true
        _ = self.paceBoard?.exchange(nil, of: self.id.index)
        return .progressed
    }

    private func end() throws(EngineError) -> SubtaskStep {
        guard try self.outlets.flush() else { return .waiting }
        let outputs = try self.outlets.endEpoch(self.lastNumber + 1)
        self.outlets.close()
        self.publish()
        let splits = self.input.progress(self.stage)
        self.input.close()
        self.report.finished(
            self.id,
            SubtaskRemainder(outputs: outputs, rejected: self.stage.rejectedExamples, splits: splits)
        )
        return .ended
    }

    private func publish() {
        let figures = self.stage.figures
        self.counters.addInput(
            records: figures.records - self.counted.records,
            bytes: self.input.takeBytes(),
            pairs: figures.pairs - self.counted.pairs,
            rejected: figures.rejected - self.counted.rejected
        )
        self.counted = figures
        self.counters.setWarning(self.id.index, self.input.warning)
        let slowest = self.stage.clock.slowest
        self.counters.setSource(
            self.id.index,
            SourceFigures(
                watermark: self.stage.clock.isWhollyIdle ? WatermarkTracker.end : self.stage.clock.current,
                slowest: slowest.map { self.stage.splitName($0) },
                splitCount: self.stage.clock.splitCount,
                idleCount: self.stage.clock.idleCount,
                heldCount: self.input.heldCount,
                lagRecords: self.input.lagRecords,
                advances: self.input.advances
            )
        )
    }

    private func setBlocked(_ isBlocked: Bool) {
        guard isBlocked != self.isBlocked else { return }
        self.isBlocked = isBlocked
        self.counters.setBlocked(self.id, isBlocked)
    }

    /// - Returns: False when an element didn't fit: the doorbell rings when it may.
    private func sendOutbox() -> Bool {
        let isSent = self.channels.send()
        self.setBlocked(!isSent)
        return isSent
    }

    func cancel() {
        self.input.close()
        self.outlets.close()
        self.channels.removeAll()
    }
}

/// What every subtask of a stream is connected to.
struct StreamWiring {
    let doorbell: Doorbell
    let report: any StreamReport
    let counters: StreamCounters
    let idleAfter: Int64

    /// Milliseconds between two firings of windows before their end; nil: there are none.
    let earlyMilliseconds: Int64?

    /// Where reading subtasks tell each other how far they are; nil: splits don't wait for each other.
    let paceBoard: PaceBoard?
    let overtaking: OvertakingBarrier
}

/// Which checkpoint overtakes what is on its way between subtasks.
final class OvertakingBarrier: Sendable {
    private let number = Atomic<Int64>(.min)

    func set(_ checkpoint: Int64) { self.number.store(checkpoint, ordering: .releasing) }

    /// The last that did or does: a subtask that took an earlier one last has still to take it.
    var checkpoint: Int64 { self.number.load(ordering: .acquiring) }
}
