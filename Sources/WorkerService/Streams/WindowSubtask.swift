internal import ConnectorKit
internal import Engine
internal import Platform

/// Keeps windows: merges what comes in over its channels, fires, and writes the results.
///
/// Channels whose barrier has come wait until all have: what lies between the barriers is one checkpoint's.
///
/// Isolation: one worker thread.
final class WindowSubtask: StreamSubtask {
    private struct Outlet {
        let sink: WrittenOutput.Sink
        let writer: any StreamWriter
        let block: OutputBlock
        var takenCount = 0
    }

    let id: StreamSubtaskID
    private var stage: WindowStage
    private let inbox: StreamInbox
    private let settlements: Settlements
    private var outlets: [Outlet]
    private let report: any StreamReport
    private let counters: StreamCounters

    private var clock: ChannelClock
    private var hasEnded: [Bool]
    private var isAligned: [Bool]
    private var checkpoint: Int64?

    /// The checkpoint that was taken last: what is written behind it is the next one's.
    private var lastNumber: Int64
    private var nextChannel = 0
    private var counted = (firings: 0, late: 0, rejected: 0)

    init(
        index: Int,
        stage: consuming WindowStage,
        inbox: StreamInbox,
        settlements: Settlements,
        writers: (output: any StreamWriter, alerts: any StreamWriter, late: (any StreamWriter)?),
        lastNumber: Int64,
        wiring: StreamWiring
    ) {
        self.id = StreamSubtaskID(.window, index)
        self.outlets = [
            Outlet(sink: .output, writer: writers.output, block: stage.output),
            Outlet(sink: .alerts, writer: writers.alerts, block: stage.alerts),
        ]
        if let late = writers.late { self.outlets.append(Outlet(sink: .late, writer: late, block: stage.late)) }
        self.writesLate = writers.late != nil
        self.lastNumber = lastNumber
        self.stage = stage
        self.inbox = inbox
        self.settlements = settlements
        self.report = wiring.report
        self.counters = wiring.counters
        self.clock = ChannelClock(channelCount: inbox.channelCount)
        self.hasEnded = Array(repeating: false, count: inbox.channelCount)
        self.isAligned = self.hasEnded
    }

    private let writesLate: Bool

    func step() -> SubtaskStep {
        do {
            self.settle()
            guard try self.write() else { return .waiting }
            if try self.stage.step() {
                _ = try self.write()
                self.publish()
                return .progressed
            }
            if let checkpoint = self.checkpoint, self.isReady { return try self.take(checkpoint) }
            if self.hasEnded.allSatisfy({ $0 }) { return try self.end() }
            let hasTidied = self.stage.tidy()
            let step = try self.receive()
            return hasTidied ? .progressed : step
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

    /// Whether every channel that goes on has come to the barrier.
    private var isReady: Bool { self.isAligned.indices.allSatisfy { self.isAligned[$0] || self.hasEnded[$0] } }

    private func receive() throws(EngineError) -> SubtaskStep {
        for _ in 0..<self.inbox.channelCount {
            let channel = self.nextChannel
            self.nextChannel = (channel + 1) % self.inbox.channelCount
            guard !self.isAligned[channel], !self.hasEnded[channel] else { continue }
            guard let element = self.inbox.take(from: channel) else { continue }
            try self.take(element, from: channel)
            return .progressed
        }
        return .waiting
    }

    private func take(_ element: StreamElement, from channel: Int) throws(EngineError) {
        switch element {
        case .slice(let start, let batch): try self.stage.receive(batch, slice: start)
        case .timed(let batch): try self.stage.receiveTimed(batch)
        case .watermark(let watermark): self.stage.advance(to: self.clock.advance(channel, to: watermark))
        case .idle: self.stage.advance(to: self.clock.setIdle(channel))
        case .barrier(let number):
            self.isAligned[channel] = true
            self.checkpoint = number
        case .end: self.hasEnded[channel] = true
        }
    }

    /// Delivers what was written, then gives the state away.
    private func take(_ checkpoint: Int64) throws(EngineError) -> SubtaskStep {
        guard try self.flush() else { return .waiting }
        let outputs = try self.endEpoch(checkpoint)
        self.settle()
        let state = self.stage.freeze(checkpoint)
        self.lastNumber = checkpoint
        self.checkpoint = nil
        self.isAligned = Array(repeating: false, count: self.isAligned.count)
        self.report.snapshot(
            SubtaskSnapshot(
                content: .state(operatorID: CompiledStream.windowOperatorID, state),
                outputs: outputs
            ),
            of: self.id,
            checkpoint: checkpoint
        )
        return .progressed
    }

    private func end() throws(EngineError) -> SubtaskStep {
        guard try self.flush() else { return .waiting }
        self.publish()
        let outputs = try self.endEpoch(self.lastNumber + 1)
        for outlet in self.outlets { outlet.writer.close() }
        self.report.finished(
            self.id,
            SubtaskRemainder(outputs: outputs, rejected: self.stage.rejectedExamples, splits: [])
        )
        return .ended
    }

    /// - Returns: False where a writer is full.
    private func write() throws(EngineError) -> Bool {
        var isDone = true
        for index in self.outlets.indices where self.outlets[index].block.count > 0 {
            let outlet = self.outlets[index]
            let taken: Int
            do {
                taken = try outlet.writer.write(outlet.block, from: outlet.takenCount)
            } catch {
                throw .connector(error)
            }
            self.outlets[index].takenCount += taken
            self.counters.addOutput(firings: 0, records: index == 0 ? taken : 0, late: 0, rejected: 0)
            if self.outlets[index].takenCount == outlet.block.count {
                outlet.block.removeAll()
                self.outlets[index].takenCount = 0
            } else {
                isDone = false
            }
        }
        if !self.writesLate { self.stage.late.removeAll() }
        return isDone
    }

    private func endEpoch(_ checkpoint: Int64) throws(EngineError) -> [WrittenOutput] {
        var outputs: [WrittenOutput] = []
        for outlet in self.outlets {
            do {
                outputs += try outlet.writer.endEpoch(checkpoint).map {
                    WrittenOutput(sink: outlet.sink, subtask: self.id.index, token: $0)
                }
            } catch {
                throw .connector(error)
            }
        }
        return outputs
    }

    private func flush() throws(EngineError) -> Bool {
        var isDone = true
        for outlet in self.outlets {
            do {
                if try !outlet.writer.flush() { isDone = false }
            } catch {
                throw .connector(error)
            }
        }
        return isDone
    }

    private func publish() {
        let now = (firings: self.stage.firingCount, late: self.stage.lateCount, rejected: self.stage.rejectedCount)
        self.counters.addOutput(
            firings: now.firings - self.counted.firings,
            records: 0,
            late: now.late - self.counted.late,
            rejected: now.rejected - self.counted.rejected
        )
        self.counted = now
        self.counters.setWindows(self.id.index, stateBytes: self.stage.stateBytes, keyCount: self.stage.keyCount)
    }

    func cancel() {
        for outlet in self.outlets { outlet.writer.close() }
    }
}
