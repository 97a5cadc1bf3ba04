internal import ConnectorKit
internal import CoordinationCore
package import CoreTypes
package import Engine
package import FluentSyntax
internal import Platform
internal import Storage
internal import Synchronization
package import WorkerService

/// Runs one stream in this process: performs what ``CheckpointCoordinator`` decides.
///
/// Isolation: ``run()`` blocks the calling thread and is called once; everything else from any thread.
package final class StreamJob: Sendable {
    struct State {
        var phase = JobState.created
        var worker: StreamWorker?
        var ended = 0
        var failure: JobFailure?
        var isStopping = false
        /// Whether its windows are lost when it stops, because nobody keeps them.
        var isCancelled = false
        var events: [StreamEvent] = []
        var splits: [SplitProgress] = []
        var rejected = RejectedExamples()
        var figures = StreamFigures()
        var monitor = StreamMonitor()

        /// Why the newest checkpoint that was given up was, where none has completed since.
        var checkpointProblem: String?

        /// Since when the output of a checkpoint is under way to its sink.
        var deliveringSince: Int64?

        /// When the first record had been taken.
        var firstRecordAt: Int64?
        var checkpoint: (number: Int64, milliseconds: Int64, bytes: Int64, endedAt: Int64)?
    }

    package let id: JobID
    let stream: CompiledStream
    let endpoints: StreamEndpoints
    let source: SourceFile
    let options: StreamOptions
    let counters: StreamCounters
    let state = Mutex(State())
    let doorbell = Doorbell()
    let started = SystemMonotonicClock().now

    /// Prepares a run; `source` is the program that the stream's functions come from, for messages.
    package init(
        id: JobID,
        stream: CompiledStream,
        endpoints: StreamEndpoints,
        source: SourceFile,
        options: StreamOptions
    ) {
        self.id = id
        self.stream = stream
        self.endpoints = endpoints
        self.source = source
        self.options = options
        self.counters = StreamCounters(parallelism: stream.parallelism, stageCount: stream.stageCount)
    }

    /// Milliseconds since it was started.
    var now: Int64 { (SystemMonotonicClock().now - self.started).milliseconds }

    /// Runs the stream until its input ends, it fails, or it is stopped.
    package func run() -> JobSummary {
        var runner = StreamRunner(job: self)
        runner.run()
        // The worker reports to this job: each would keep the other.
        self.state.withLock { $0.worker = nil }
        return self.summary()
    }

    /// Asks it to stop: with a last checkpoint where there is a place for it.
    package func cancel() {
        self.state.withLock { $0.isStopping = true }
        self.doorbell.ring()
    }

    package func snapshot() -> JobSnapshot {
        let phase = self.state.withLock { $0.phase }
        return JobSnapshot(
            id: self.id,
            name: self.stream.name,
            state: phase,
            totalBytes: 0,
            inputBytes: self.counters.inputBytes,
            inputRecords: self.counters.inputRecords,
            mappedPairs: self.counters.mappedPairs,
            reducedKeys: self.counters.firings,
            outputRecords: self.counters.outputRecords,
            spilledBytes: self.counters.spilledBytes,
            progress: .none,
            elapsed: SystemMonotonicClock().now - self.started,
            stream: self.figures
        )
    }

    private func summary() -> JobSummary {
        let (phase, failure, rejected) = self.state.withLock { ($0.phase, $0.failure, $0.rejected) }
        return JobSummary(
            id: self.id,
            name: self.stream.name,
            state: phase,
            failure: failure?.message ?? "",
            isReaderGone: failure?.cause == .readerGone,
            input: self.endpoints.sources.summary,
            output: self.endpoints.sink.summary,
            inputBytes: self.counters.inputBytes,
            inputRecords: self.counters.inputRecords,
            mappedPairs: self.counters.mappedPairs,
            shuffledRows: 0,
            shuffledBytes: 0,
            reducedKeys: self.counters.firings,
            outputRecords: self.counters.outputRecords,
            outputBytes: self.counters.outputBytes,
            spilledBytes: self.counters.spilledBytes,
            spilledRuns: self.counters.spilledRuns,
            rejectedRecords: self.counters.rejectedRecords,
            rejectedExamples: rejected.records.map { FailureText.text(of: $0) },
            elapsed: SystemMonotonicClock().now - self.started,
            stream: self.figures
        )
    }
}

/// What the subtasks of a stream report to its thread.
enum StreamEvent {
    case snapshot(SubtaskSnapshot, StreamSubtaskID, checkpoint: Int64)

    /// A checkpoint exists, or couldn't be written.
    case stored(Int64, Result<CheckpointManifest, CheckpointError>)

    /// A subtask has come to its end: this is its part of the next checkpoint, and but for the outputs of all behind that.
    case finished(SubtaskSnapshot, StreamSubtaskID)
}

extension StreamJob: StreamReport {
    package func snapshot(_ snapshot: SubtaskSnapshot, of subtask: StreamSubtaskID, checkpoint: Int64) {
        self.state.withLock { $0.events.append(.snapshot(snapshot, subtask, checkpoint: checkpoint)) }
        self.doorbell.ring()
    }

    package func finished(_ subtask: StreamSubtaskID, _ remainder: SubtaskRemainder) {
        self.state.withLock { state in
            state.ended += 1
            state.splits += remainder.splits
            for record in remainder.rejected { state.rejected.add(record) }
            let content: SubtaskSnapshot.Content =
                subtask.stage == .source ? .source(remainder.splits) : .state(.nothing)
            state.events.append(.finished(SubtaskSnapshot(content: content, outputs: remainder.outputs), subtask))
        }
        self.doorbell.ring()
    }

    package func failed(_ subtask: StreamSubtaskID, _ error: EngineError) {
        let failure = FailureText(source: self.source).failure(of: error)
        self.fail(failure)
        self.state.withLock { $0.ended += 1 }
        self.doorbell.ring()
    }

    package func cancelled(_ subtask: StreamSubtaskID) {
        self.state.withLock { $0.ended += 1 }
        self.doorbell.ring()
    }

    /// Stops everything; the first failure is the job's.
    func fail(_ failure: JobFailure) {
        let worker = self.state.withLock { state -> StreamWorker? in
            if state.failure == nil { state.failure = failure }
            state.phase = .failing
            return state.worker
        }
        worker?.cancelAll()
    }
}

extension Duration {
    /// Whole milliseconds.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = self.components
        return seconds * 1_000 + attoseconds / 1_000_000_000_000_000
    }
}
