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
    private var outlets: [Outlet]
    private let report: any StreamReport
    private let counters: StreamCounters

    private var clock: ChannelClock
    private var hasEnded: [Bool]

    /// What the clock of each channel's sender said last.
    private var ticks: [Int64]
    private var isAligned: [Bool]
    private var checkpoint: Int64?

    /// The checkpoint that was taken last: what is written behind it is the next one's.
    private var lastNumber: Int64
    private var nextChannel = 0

    /// Whether a sink doesn't take what it writes.
    private var isBlocked = false
    private var counted = (firings: 0, late: 0, rejected: 0)

    init(
        index: Int,
        stage: consuming WindowStage,
        inbox: StreamInbox,
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
        self.report = wiring.report
        self.counters = wiring.counters
        self.clock = ChannelClock(channelCount: inbox.channelCount)
        self.hasEnded = Array(repeating: false, count: inbox.channelCount)
        self.ticks = Array(repeating: .min, count: inbox.channelCount)
        self.isAligned = self.hasEnded
    }

    private let writesLate: Bool

    func step() -> SubtaskStep {
        do {
            guard try self.write() else {
                self.setBlocked(true)
                return .waiting
            }
            self.setBlocked(false)
            if try self.stage.step() {
                _ = try self.write()
                self.publish()
                return .progressed
            }
            if let checkpoint = self.checkpoint, self.isReady { return try self.take(checkpoint) }
            if self.hasEnded.allSatisfy({ $0 }) { return try self.end() }
            return try self.receive()
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
        case .tick(let now): self.tick(channel, now)
        case .barrier(let number):
            self.isAligned[channel] = true
            self.checkpoint = number
        case .end: self.hasEnded[channel] = true
        }
    }

    /// The clock goes on when all have sent what they had by then.
    private func tick(_ channel: Int, _ now: Int64) {
        self.ticks[channel] = now
        let least = self.ticks.indices.filter { !self.hasEnded[$0] }.map { self.ticks[$0] }.min() ?? now
        if least > .min { self.stage.pass(clock: least) }
    }

    /// Delivers what was written, then gives the state away.
    private func take(_ checkpoint: Int64) throws(EngineError) -> SubtaskStep {
        guard try self.flush() else { return .waiting }
        var state: [[UInt8]] = []
        self.stage.writeSnapshot { state.append($0.array) }
        let keyCount = self.stage.keyCount
        let outputs = try self.endEpoch(checkpoint)
        self.lastNumber = checkpoint
        self.checkpoint = nil
        self.isAligned = Array(repeating: false, count: self.isAligned.count)
        self.report.snapshot(
            SubtaskSnapshot(
                content: .windows(state: state, keyCount: keyCount, watermark: self.stage.watermark),
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
            let bytes = outlet.takenCount == 0 ? outlet.block.byteCount : 0
            let taken: Int
            do {
                taken = try outlet.writer.write(outlet.block, from: outlet.takenCount)
            } catch {
                throw .connector(error)
            }
            self.outlets[index].takenCount += taken
            if index == 0 {
                self.counters.addOutput(firings: 0, records: taken, late: 0, rejected: 0)
                // A block's bytes count when the first of them is taken.
                if taken > 0 { self.counters.addOutputBytes(bytes) }
            }
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
