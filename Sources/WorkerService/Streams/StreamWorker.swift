package import ConnectorKit
package import Engine
package import Environment
internal import Platform
package import Storage

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

/// A checkpoint whose every piece was read before.
package struct RestoredState: Sendable {
    package let manifest: CheckpointManifest
    package let store: any CheckpointStore

    /// Whether later checkpoints may name its pieces: it has the parallelism of the stream, and shares its blobs with them.
    package let keepsPieces: Bool

    package init(manifest: CheckpointManifest, store: any CheckpointStore, keepsPieces: Bool) {
        self.manifest = manifest
        self.store = store
        self.keepsPieces = keepsPieces
    }
}

/// What the subtasks of a stream begin with.
package struct StreamStart: Sendable {
    /// The checkpoint whose state is taken over, whatever its parallelism was; nil: none.
    package var state: RestoredState?

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
    private let settlements: [Settlements]

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
        self.mailboxes = doorbells.map { StreamMailbox(doorbell: $0) }
        self.settlements = doorbells.map { Settlements(doorbell: $0) }
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

    /// Tells those who handed state over for a checkpoint that nobody reads it any more, and whether it is complete.
    package func settle(_ checkpoint: Int64, isStored: Bool) {
        for settlements in self.settlements { settlements.post(.init(checkpoint: checkpoint, isStored: isStored)) }
    }

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
            idleAfter: self.stream.idleAfter
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
        if let state = self.begin.state { try self.restore(state, into: &stage, subtask: index) }
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
                settlements: self.settlements[index],
                writers: (output, alerts, late),
                lastNumber: self.begin.lastNumber,
                wiring: self.wiring(index)
            )
        } catch {
            throw .connector(error)
        }
    }

    private func restore(
        _ state: RestoredState,
        into stage: inout WindowStage,
        subtask: Int
    ) throws(EngineError) {
        let manifest = state.manifest
        var owners = Set(manifest.pieces.map(\.owner)).filter { $0.operatorID == CompiledStream.windowOperatorID }
        // At the same parallelism keys are where they were.
        if manifest.parallelism == self.stream.parallelism { owners = owners.filter { $0.subtask == subtask } }
        for owner in owners.sorted() {
            var reader = CheckpointReader(of: owner, in: manifest, of: state.store)
            while let (piece, chunk) = try Self.next(&reader) { try stage.restore(chunk, of: piece.name) }
        }
        guard state.keepsPieces else { return }
        for piece in manifest.pieces where owners.contains(piece.owner) {
            let id = PieceID(checkpoint: piece.checkpoint, index: piece.index)
            stage.noteStored(id, name: piece.name, keyCount: Int(piece.keyCount))
        }
    }

    private static func next(
        _ reader: inout CheckpointReader
    ) throws(EngineError) -> (piece: CheckpointManifest.Piece, chunk: [UInt8])? {
        do throws(CheckpointError) {
            return try reader.next()
        } catch {
            throw .corrupt("\(error)")
        }
    }
}
