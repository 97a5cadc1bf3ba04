package import ConnectorKit
package import Engine
package import Environment
internal import Platform

/// What a stream reads and writes.
package struct StreamEndpoints: Sendable {
    package let source: any Source
    package let sink: any StreamSink
    package let alerts: any StreamSink
    package let late: (any StreamSink)?
    package let deadLetters: (any StreamSink)?

    package init(
        source: any Source,
        sink: any StreamSink,
        alerts: any StreamSink,
        late: (any StreamSink)?,
        deadLetters: (any StreamSink)?
    ) {
        self.source = source
        self.sink = sink
        self.alerts = alerts
        self.late = late
        self.deadLetters = deadLetters
    }
}

/// What the subtasks of a stream begin with.
package struct StreamStart: Sendable {
    /// The states of all window subtasks of a checkpoint, whatever its parallelism was.
    package var states: [[UInt8]] = []

    /// The watermark up to which windows were fired then.
    package var watermark = WatermarkTracker.none

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
    private let inboxes: [StreamInbox]
    private let paceBoard: PaceBoard?

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
        self.inboxes = doorbells.map { doorbell in
            StreamInbox(
                producers: doorbells,
                consumer: doorbell,
                countLimit: Self.channelCountLimit,
                bytesLimit: Self.channelBytesLimit
            )
        }
    }

    package func post(_ message: StreamMessageToSource, to source: Int) { self.mailboxes[source].post(message) }

    /// Makes every subtask give up at its next step.
    package func cancelAll() { self.threads.cancelAll() }

    /// Starts the threads; they end when every subtask has.
    package func start() throws(EnvironmentError) { try self.threads.start { self.runThread($0) } }

    /// Waits until every subtask has ended.
    package func join() { self.threads.join() }

    private func runThread(_ thread: Int) {
        let subtasks: [any StreamSubtask]
        do {
            subtasks = [try self.makeWindows(thread), try self.makeSource(thread)]
        } catch {
            self.report.failed(StreamSubtaskID(.source, thread), error)
            self.report.cancelled(StreamSubtaskID(.window, thread))
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

    /// Bytes of a file read at a time.
    private static let blockBytes = 256 << 10

    private func wiring(_ thread: Int) -> StreamWiring {
        StreamWiring(
            doorbell: self.threads.doorbells[thread],
            report: self.report,
            counters: self.counters,
            idleAfter: self.stream.idleAfter,
            earlyMilliseconds: self.stream.earlyMilliseconds,
            paceBoard: self.paceBoard
        )
    }

    private func makeSource(_ index: Int) throws(EngineError) -> any StreamSubtask {
        let doorbell = self.threads.doorbells[index]
        var stage = self.stream.makeMapStage()
        stage.restore(sentWatermark: self.begin.watermark)
        let input: any StreamInput
        var letters: (any StreamWriter)?
        do {
            if let source = self.endpoints.source as? any StreamSource {
                input = MessageStreamInput(reader: try source.makeStreamReader { doorbell.ring() })
            } else {
                input = FileStreamInput(
                    source: self.endpoints.source,
                    framing: self.stream.framing,
                    block: SourceBlock(capacity: Self.blockBytes)
                )
            }
            letters = try self.endpoints.deadLetters?.makeStreamWriter(subtask: index, content: .json) {
                doorbell.ring()
            }
        } catch {
            throw .connector(error)
        }
        return StreamSourceSubtask(
            index: index,
            stage: stage,
            input: input,
            inboxes: self.inboxes,
            wiring: self.wiring(index),
            mailbox: self.mailboxes[index],
            deadLetterWriter: letters,
            lastNumber: self.begin.lastNumber
        )
    }

    private func makeWindows(_ index: Int) throws(EngineError) -> any StreamSubtask {
        let doorbell = self.threads.doorbells[index]
        var stage = self.stream.makeWindowStage(subtask: index, form: self.endpoints.sink.recordForm)
        for state in self.begin.states { try stage.restore(state) }
        do {
            let wake: @Sendable () -> Void = { doorbell.ring() }
            let output = try self.endpoints.sink.makeStreamWriter(
                subtask: index,
                content: self.stream.sinkContent,
                wake: wake
            )
            let alerts = try self.endpoints.alerts.makeStreamWriter(subtask: index, content: .json, wake: wake)
            let late = try self.endpoints.late?.makeStreamWriter(subtask: index, content: .json, wake: wake)
            return WindowSubtask(
                index: index,
                stage: stage,
                inbox: self.inboxes[index],
                writers: (output, alerts, late),
                lastNumber: self.begin.lastNumber,
                wiring: self.wiring(index)
            )
        } catch {
            throw .connector(error)
        }
    }
}
