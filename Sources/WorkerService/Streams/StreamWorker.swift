package import ConnectorKit
package import Engine
package import Environment
internal import JobPlan
internal import Platform
internal import Storage

/// What a stream reads and writes.
package struct StreamEndpoints: Sendable {
    package let sources: StreamSources
    package let sink: any StreamSink
    package let alerts: any StreamSink
    package let late: (any StreamSink)?
    package let deadLetters: (any StreamSink)?

    /// In the order of the definition.
    package let sides: [Side]

    /// What the tables of the stream are read from, in the order of their numbers.
    package var tables: [Table]

    /// Where windows go that don't fit in memory; nil: they stay there.
    package let spill: (any SpillStore)?

    /// Where the states, timers and own windows of keys go that don't fit in memory; nil: they stay there.
    package let cold: (any ColdTier)?

    package struct Side: Sendable {
        package let name: String
        package let sink: any StreamSink

        package init(name: String, sink: any StreamSink) {
            self.name = name
            self.sink = sink
        }
    }

    package init(
        sources: StreamSources,
        sink: any StreamSink,
        alerts: any StreamSink,
        late: (any StreamSink)?,
        deadLetters: (any StreamSink)?,
        sides: [Side] = [],
        tables: [Table] = [],
        spill: (any SpillStore)? = nil,
        cold: (any ColdTier)? = nil
    ) {
        self.sources = sources
        self.sink = sink
        self.alerts = alerts
        self.late = late
        self.deadLetters = deadLetters
        self.sides = sides
        self.tables = tables
        self.spill = spill
        self.cold = cold
    }
}

/// What the subtasks of a stream begin with.
package struct StreamStart: Sendable {
    /// The checkpoint whose state is taken over, whatever its parallelism was; nil: none.
    package var state: RestoredState?

    /// The watermark up to which windows and timers were fired then.
    package var watermark = WatermarkTracker.none

    /// That of a stage's inputs, by ``CompiledStream/channelsID(before:)``, where stages were apart: a checkpoint overtook
    /// what was between them.
    package var stageWatermarks: [String: Int64] = [:]

    /// The largest number that any checkpoint has used: epochs go on behind it.
    package var lastNumber: Int64 = 0

    package init() {}
}

/// Runs the subtasks of one stream on pinned threads, each thread its share in turn.
///
/// ## Order of calls
/// `start` once, then `join` once. `post` and `cancelAll` from any thread meanwhile.
package final class StreamWorker: Sendable {
    private let stream: CompiledStream
    private let endpoints: StreamEndpoints
    private let counters: StreamCounters
    private let report: any StreamReport
    private let begin: StreamStart
    private let threads: SubtaskThreads
    private let mailboxes: [StreamMailbox]

    /// By stage behind the one that reads, then by subtask.
    private let inboxes: [[StreamInbox]]
    private let settlements: [[Settlements]]
    private let paceBoard: PaceBoard?
    private let overtaking = OvertakingBarrier()

    /// Elements and bytes that wait in each channel.
    private static let channelCountLimit = 16
    private static let channelBytesLimit = 1 << 20

    package init(
        stream: CompiledStream,
        endpoints: StreamEndpoints,
        begin: StreamStart,
        counters: StreamCounters,
        report: any StreamReport
    ) {
        let threads = SubtaskThreads(count: stream.parallelism, name: "weir-stream")
        let doorbells = threads.doorbells
        self.stream = stream
        self.endpoints = endpoints
        self.begin = begin
        self.counters = counters
        self.report = report
        self.threads = threads
        self.paceBoard = stream.driftLimit.map { PaceBoard(limit: $0, subtaskCount: stream.parallelism) }
        self.mailboxes = doorbells.map { StreamMailbox(doorbell: $0) }
        self.settlements = (0..<stream.stageCount).map { _ in doorbells.map { Settlements(doorbell: $0) } }
        self.inboxes = (0..<stream.stageCount).map { _ in
            doorbells.map { doorbell in
                StreamInbox(
                    producers: doorbells,
                    consumer: doorbell,
                    countLimit: Self.channelCountLimit,
                    bytesLimit: Self.channelBytesLimit
                )
            }
        }
    }

    package func post(_ message: StreamMessageToSource, to source: Int) { self.mailboxes[source].post(message) }

    /// Tells those who handed state over for a checkpoint that nobody reads it any more, and whether it is complete.
    package func settle(_ checkpoint: Int64, isStored: Bool) {
        for settlements in self.settlements.joined() {
            settlements.post(.init(checkpoint: checkpoint, isStored: isStored))
        }
    }

    /// Lets a checkpoint that was begun overtake what is on its way between subtasks.
    package func overtake(_ checkpoint: Int64) {
        self.overtaking.set(checkpoint)
        for doorbell in self.threads.doorbells { doorbell.ring() }
    }

    /// Makes every subtask give up at its next step.
    package func cancelAll() { self.threads.cancelAll() }

    /// Starts the threads, whose functions look up in these tables; they end when every subtask has.
    package func start(_ tables: [LookupTable]) throws(EnvironmentError) {
        try self.threads.start { self.runThread($0, tables) }
    }

    /// Waits until every subtask has ended.
    package func join() { self.threads.join() }

    private func runThread(_ thread: Int, _ tables: [LookupTable]) {
        let subtasks: [any StreamSubtask]
        do {
            subtasks = try self.makeSubtasks(thread, tables)
        } catch {
            self.report.failed(StreamSubtaskID(.source, thread), error)
            for stage in 0..<self.stream.stageCount { self.report.cancelled(self.id(stage, thread)) }
            return
        }
        self.threads.run(
            subtasks,
            thread: thread,
            step: { $0.step() },
            cancel: { subtask in
                subtask.cancel()
                self.report.cancelled(subtask.id)
            }
        )
    }

    /// Those that others wait for come first.
    private func makeSubtasks(_ thread: Int, _ tables: [LookupTable]) throws(EngineError) -> [any StreamSubtask] {
        var subtasks: [any StreamSubtask] = []
        for stage in (0..<self.stream.stageCount).reversed() {
            let isWindow = self.id(stage, thread).stage == .window
            subtasks.append(isWindow ? try self.makeWindows(thread) : try self.makeKeyed(stage, thread, tables))
        }
        return subtasks + [try self.makeSource(thread, tables)]
    }

    private func id(_ stage: Int, _ index: Int) -> StreamSubtaskID {
        let isWindow = stage + 1 == self.stream.stageCount && self.stream.windows != nil
        return StreamSubtaskID(isWindow ? .window : .keyed(stage), index)
    }

    /// How far time is in the channels before a stage.
    private func sentWatermark(to stage: Int) -> Int64 {
        guard !self.begin.stageWatermarks.isEmpty else { return self.begin.watermark }
        return self.begin.stageWatermarks[self.stream.channelsID(before: stage)] ?? WatermarkTracker.none
    }

    /// Bytes of a file read at a time.
    private static let blockBytes = 256 << 10

    private func wiring(_ thread: Int) -> StreamWiring {
        StreamWiring(
            doorbell: self.threads.doorbells[thread],
            report: self.report,
            counters: self.counters,
            idleAfter: self.stream.idleAfter,
            earlyMilliseconds: self.stream.earlyMilliseconds,
            paceBoard: self.paceBoard,
            overtaking: self.overtaking
        )
    }

    private func makeSource(_ index: Int, _ tables: [LookupTable]) throws(EngineError) -> any StreamSubtask {
        let doorbell = self.threads.doorbells[index]
        var stage = self.stream.makeMapStage(tables: tables, sideForms: self.endpoints.sides.map(\.sink.recordForm))
        stage.restore(sentWatermark: self.sentWatermark(to: 0))
        let input: any StreamInput
        let outlets: SinkOutlets
        do {
            input = try self.makeInput(doorbell)
            outlets = try self.makeOutlets(index, of: stage, doorbell)
        } catch {
            throw .connector(error)
        }
        return StreamSourceSubtask(
            index: index,
            stage: stage,
            input: input,
            channels: OutgoingChannels(self.inboxes[0], index: index, isKeyed: self.stream.isKeyed(0)),
            wiring: self.wiring(index),
            mailbox: self.mailboxes[index],
            outlets: outlets,
            lastNumber: self.begin.lastNumber
        )
    }

    private func makeOutlets(
        _ subtask: Int,
        of stage: borrowing StreamMapStage,
        _ doorbell: Doorbell
    ) throws(ConnectorError) -> SinkOutlets {
        var outlets = SinkOutlets()
        let wake: @Sendable () -> Void = { doorbell.ring() }
        if let sink = self.endpoints.deadLetters, let block = stage.deadLetters {
            let writer = try sink.makeStreamWriter(subtask: subtask, content: .json, wake: wake)
            outlets.add(.deadLetters, writer, block, number: subtask)
        }
        let definitions = self.stream.plan.definition.settings.sides
        for (index, block) in stage.sideBlocks.enumerated() {
            let side = self.endpoints.sides[index]
            let content = self.stream.sideContent(definitions[index])
            let writer = try side.sink.makeStreamWriter(subtask: subtask, content: content, wake: wake)
            outlets.add(.side(side.name), writer, block, number: subtask)
        }
        return outlets
    }

    private func makeInput(_ doorbell: Doorbell) throws(ConnectorError) -> any StreamInput {
        var inputs: [any StreamInput] = []
        for part in self.endpoints.sources.parts {
            if let source = part.source as? any StreamSource {
                inputs.append(MessageStreamInput(reader: try source.makeStreamReader { doorbell.ring() }))
                continue
            }
            let block = SourceBlock(capacity: Self.blockBytes)
            inputs.append(FileStreamInput(source: part.source, framing: self.stream.framing, block: block))
        }
        return inputs.count == 1 ? inputs[0] : UnionStreamInput(inputs)
    }

    private func makeKeyed(
        _ number: Int,
        _ index: Int,
        _ tables: [LookupTable]
    ) throws(EngineError) -> any StreamSubtask {
        let form = self.endpoints.sink.recordForm
        var stage = self.stream.makeKeyedStage(
            number,
            subtask: index,
            form: form,
            tables: tables,
            cold: self.endpoints.cold
        )
        if let state = self.begin.state, let operatorID = self.stream.operatorID(of: number) {
            try self.restore(&stage, operatorID, index, from: state)
        }
        try self.restoreChannels(number, index)
        let isLast = number + 1 == self.stream.stageCount
        var outlets = SinkOutlets()
        let output: any KeyedOutput
        let doorbell = self.threads.doorbells[index]
        let wake: @Sendable () -> Void = { doorbell.ring() }
        let letters = stage.deadLetters
        do {
            if self.stream.alerts(in: number) {
                try self.addAlerts(stage.alerts, of: number, index, to: &outlets)
            }
            try self.addDeadLetters(letters, of: number, index, to: &outlets)
            if isLast {
                let sink = self.stream.makeSinkStage(form: form, tables: tables, deadLetters: letters)
                let content = self.stream.sinkContent
                let writer = try self.endpoints.sink.makeStreamWriter(subtask: index, content: content, wake: wake)
                outlets.add(.output, writer, sink.output, number: index)
                output = SinkOutput(sink)
            } else {
                var map = self.stream.makeMapStage(behind: number, tables: tables, deadLetters: letters)
                map.restore(sentWatermark: self.sentWatermark(to: number + 1))
                let isKeyed = self.stream.isKeyed(number + 1)
                output = StageOutput(map, OutgoingChannels(self.inboxes[number + 1], index: index, isKeyed: isKeyed))
            }
        } catch {
            throw .connector(error)
        }
        return KeyedSubtask(
            self.id(number, index),
            slot: number * self.stream.parallelism + index,
            stage: stage,
            inbox: self.inboxes[number][index],
            settlements: self.settlements[number][index],
            output: output,
            outlets: outlets,
            lastNumber: self.begin.lastNumber,
            wiring: self.wiring(index)
        )
    }

    private func makeWindows(_ index: Int) throws(EngineError) -> any StreamSubtask {
        let doorbell = self.threads.doorbells[index]
        var stage = self.stream.makeWindowStage(
            subtask: index,
            form: self.endpoints.sink.recordForm,
            spill: self.endpoints.spill,
            cold: self.endpoints.cold
        )
        if let state = self.begin.state { try self.restore(&stage, index, from: state) }
        let number = self.stream.stageCount - 1
        try self.restoreChannels(number, index)
        do {
            let wake: @Sendable () -> Void = { doorbell.ring() }
            var outlets = SinkOutlets()
            let output = try self.endpoints.sink.makeStreamWriter(
                subtask: index,
                content: self.stream.sinkContent,
                wake: wake
            )
            outlets.add(.output, output, stage.output, number: index)
            try self.addAlerts(stage.alerts, of: number, index, to: &outlets)
            if let late = try self.endpoints.late?.makeStreamWriter(subtask: index, content: .json, wake: wake) {
                outlets.add(.late, late, stage.late, number: index)
            }
            try self.addDeadLetters(stage.deadLetters, of: number, index, to: &outlets)
            return WindowSubtask(
                index: index,
                slot: number * self.stream.parallelism + index,
                stage: stage,
                inbox: self.inboxes[number][index],
                settlements: self.settlements[number][index],
                outlets: outlets,
                writesLate: self.endpoints.late != nil,
                lastNumber: self.begin.lastNumber,
                wiring: self.wiring(index)
            )
        } catch {
            throw .connector(error)
        }
    }

    private func restore(
        _ stage: inout KeyedStage,
        _ operatorID: String,
        _ index: Int,
        from state: RestoredState
    ) throws(EngineError) {
        let parallelism = self.stream.parallelism
        let pieces = try state.read(operatorID, subtask: index, parallelism: parallelism) {
            chunk,
            _ throws(EngineError) in try stage.restore(chunk)
        }
        for piece in pieces {
            let id = PieceID(checkpoint: piece.checkpoint, index: piece.index)
            try stage.noteStored(id, name: piece.name, keyCount: Int(piece.keyCount))
        }
    }

    private func restore(_ stage: inout WindowStage, _ index: Int, from state: RestoredState) throws(EngineError) {
        let id = CompiledStream.windowOperatorID
        let parallelism = self.stream.parallelism
        for (piece, keyCount) in state.expectedKeys(id, subtask: index, parallelism: parallelism) {
            stage.expect(keyCount, of: piece)
        }
        let pieces = try state.read(id, subtask: index, parallelism: parallelism) { chunk, piece throws(EngineError) in
            try stage.restore(chunk, of: piece)
        }
        for piece in pieces {
            let id = PieceID(checkpoint: piece.checkpoint, index: piece.index)
            try stage.noteStored(id, name: piece.name, keyCount: Int(piece.keyCount))
        }
    }

    /// Puts back what was on its way to a subtask when the checkpoint overtook it.
    private func restoreChannels(_ stage: Int, _ index: Int) throws(EngineError) {
        guard let state = self.begin.state else { return }
        let parallelism = self.stream.parallelism
        var elements: [[StreamElement]] = Array(repeating: [], count: parallelism)
        let id = self.stream.channelsID(before: stage)
        _ = try state.read(id, subtask: index, parallelism: parallelism) { chunk, _ throws(EngineError) in
            let (channel, element) = try ChannelSnapshot.element(chunk, channelCount: parallelism)
            elements[channel].append(element)
        }
        for channel in elements.indices where !elements[channel].isEmpty {
            self.inboxes[stage][index].restore(elements[channel], channel: channel)
        }
    }

    // Several stages write to these sinks: each of their subtasks is a writer of its own there.

    private func addAlerts(
        _ block: OutputBlock,
        of stage: Int,
        _ index: Int,
        to outlets: inout SinkOutlets
    ) throws(ConnectorError) {
        let number = stage * self.stream.parallelism + index
        let doorbell = self.threads.doorbells[index]
        let writer = try self.endpoints.alerts.makeStreamWriter(subtask: number, content: .json) { doorbell.ring() }
        outlets.add(.alerts, writer, block, number: number)
    }

    private func addDeadLetters(
        _ block: OutputBlock?,
        of stage: Int,
        _ index: Int,
        to outlets: inout SinkOutlets
    ) throws(ConnectorError) {
        guard let sink = self.endpoints.deadLetters, let block else { return }
        // Those that read come first.
        let number = (stage + 1) * self.stream.parallelism + index
        let doorbell = self.threads.doorbells[index]
        let writer = try sink.makeStreamWriter(subtask: number, content: .json) { doorbell.ring() }
        outlets.add(.deadLetters, writer, block, number: number)
    }
}
