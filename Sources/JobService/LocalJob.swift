package import ConnectorKit
package import CoordinationCore
package import CoreTypes
package import Engine
package import FluentSyntax
internal import JobPlan
internal import Platform
internal import Synchronization
package import WorkerService

/// Runs one job in this process: performs what ``JobMaster`` decides.
///
/// Isolation: ``run()`` blocks the calling thread and is called once; everything else from any thread.
package final class LocalJob: Sendable {
    private struct State {
        var master: JobMaster
        var splits: [SplitID: Split] = [:]
        var outputs: [SubtaskAttempt: SubtaskOutput] = [:]
        /// Effects that the job's own thread performs, in order.
        var pending: [JobMaster.Effect] = []
        var worker: Worker?
        var hasStarted = false
        var failures: [JobFailure] = []
        var totalBytes: Int64 = 0
        /// What the splits are read from, until the sinks are prepared.
        var resources: [String] = []
    }

    package let id: JobID
    private let job: CompiledJob
    private let endpoints: WorkerEndpoints
    private let source: SourceFile
    private let threadCount: Int
    private let note: @Sendable (String) -> Void
    private let counters = WorkerCounters()
    private let state: Mutex<State>
    private let doorbell = Doorbell()
    private let started = SystemMonotonicClock().now

    /// Splits of about this size keep all threads busy to the end, and cost little each.
    private static let splitBytes: Int64 = 16 << 20

    /// Prepares a run.
    ///
    /// `source` is the program that the job's lambdas come from, for messages; `note` takes what people should know
    /// though it doesn't stop the job.
    package init(
        id: JobID,
        job: CompiledJob,
        endpoints: WorkerEndpoints,
        source: SourceFile,
        threadCount: Int,
        note: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.id = id
        self.job = job
        self.endpoints = endpoints
        self.source = source
        self.threadCount = threadCount
        self.note = note
        self.state = Mutex(State(master: JobMaster(job: id, graph: job.graph)))
    }

    /// Runs the job to its end.
    package func run() -> JobSummary {
        // Before anything can start: whoever cancels then always finds somebody to tell.
        let worker = Worker(
            job: self.job,
            endpoints: self.endpoints,
            attempt: AttemptNumber.first.rawValue,
            threadCount: self.threadCount,
            counters: self.counters,
            report: self
        )
        self.state.withLock { $0.worker = worker }
        self.enumerate()
        while true {
            let next = self.state.withLock { state -> JobMaster.Effect? in
                state.pending.isEmpty ? nil : state.pending.removeFirst()
            }
            if let effect = next {
                self.perform(effect)
            } else if self.state.withLock({ $0.master.state.isTerminal }) {
                break
            } else {
                self.doorbell.wait()
            }
        }
        self.state.withLock { $0.worker }?.join()
        // The worker reports to this job: each would keep the other.
        self.state.withLock { $0.worker = nil }
        return self.summary()
    }

    package func cancel() {
        self.report(.cancelRequested)
    }

    private func enumerate() {
        do {
            let splits = try self.endpoints.source.enumerateSplits(
                framing: self.job.framing,
                targetBytes: Self.splitBytes,
                noting: self.note
            )
            self.state.withLock { state in
                for split in splits {
                    state.splits[split.id] = split
                    if split.resource != state.resources.last { state.resources.append(split.resource) }
                }
                state.totalBytes = splits.reduce(0) { $0 + $1.weightBytes }
            }
            self.report(
                .splitsEnumerated(splits.map { SplitDescriptor(id: $0.id, weightBytes: max($0.weightBytes, 0)) })
            )
        } catch {
            self.report(.preparationFailed(Self.failure(of: error)))
        }
    }

    /// Performs an effect that may take its time.
    private func perform(_ effect: JobMaster.Effect) {
        switch effect {
        case .prepareSinks: self.prepareSinks()
        case .commitSinks(let attempts): self.commitSinks(attempts)
        case .abortSinks:
            self.endpoints.sink.abort()
            self.endpoints.deadLetters?.abort()
            self.report(.sinksAborted)
        case .failed(let failure):
            self.state.withLock { $0.failures.append(failure) }
        case .start, .stateChanged, .assign, .noMoreSplits, .cancel:
            preconditionFailure("effects for subtasks are dispatched at once")
        }
    }

    private func prepareSinks() {
        let resources = self.state.withLock { state in
            defer { state.resources = [] }
            return state.resources
        }
        do {
            try self.endpoints.sink.checkSpares(resources)
            try self.endpoints.deadLetters?.checkSpares(resources)
            try self.endpoints.sink.prepare()
            try self.endpoints.deadLetters?.prepare()
            self.report(.sinksPrepared)
        } catch {
            self.report(.preparationFailed(Self.failure(of: error)))
        }
    }

    private func commitSinks(_ attempts: [SubtaskAttempt]) {
        let outputs = self.state.withLock { $0.outputs }
        let committed = Set(attempts)
        let ordered = outputs.sorted { $0.key.subtask.index < $1.key.subtask.index }
        let parts = ordered.filter { committed.contains($0.key) }.flatMap(\.value.parts)
        let rejected = Self.numbered(ordered.flatMap(\.value.deadLetterParts))
        do {
            try self.endpoints.deadLetters?.commit(rejected)
            try self.endpoints.sink.commit(parts)
            self.report(.sinksCommitted)
        } catch {
            self.report(.commitFailed(Self.failure(of: error)))
        }
    }

    /// Subtasks number the parts of their dead letters, and most have none: those with some are counted from 0.
    ///
    /// One stays in any case, so that the sink is committed.
    private static func numbered(_ parts: [SinkPart]) -> [SinkPart] {
        let parts = parts.sorted { $0.partition < $1.partition }
        let filled = parts.filter { $0.bytes > 0 }
        return (filled.isEmpty ? Array(parts.prefix(1)) : filled).enumerated().map { index, part in
            SinkPart(partition: index, attempt: part.attempt, bytes: part.bytes, token: part.token)
        }
    }

    /// Starts the worker with the first attempt that is to run: it makes all subtasks at once.
    ///
    /// One that was cancelled before it starts ends them at once.
    private func startWorker() {
        let worker = self.state.withLock { state -> Worker? in
            defer { state.hasStarted = true }
            return state.hasStarted ? nil : state.worker
        }
        do {
            try worker?.start()
        } catch {
            self.failSubtasks("\(error)")
        }
    }

    /// No thread could be started: every subtask fails for the same reason.
    private func failSubtasks(_ message: String) {
        for stage in self.job.graph.stages {
            for index in 0..<stage.parallelism {
                let subtask = SubtaskID(stage: stage.index, index: index)
                let attempt = SubtaskAttempt(subtask: subtask, attempt: .first)
                self.report(.subtaskFailed(attempt, JobFailure(.permanent, message: message)))
            }
        }
    }

    static func failure(of error: ConnectorError) -> JobFailure {
        let cause: JobFailure.Cause =
            switch error.domain {
            case .user: .userError
            case .external, .internal: .permanent
            case .reader: .readerGone
            }
        return JobFailure(cause, message: error.message)
    }

    private func summary() -> JobSummary {
        let (state, outputs, failures) = self.state.withLock { ($0.master.state, $0.outputs, $0.failures) }
        let ordered = outputs.sorted { $0.key.subtask.index < $1.key.subtask.index }
        var examples = RejectedExamples()
        for record in ordered.flatMap(\.value.rejectedExamples) { examples.add(record) }
        return JobSummary(
            id: self.id,
            name: self.job.graph.name,
            state: state,
            failure: failures.last?.message ?? "",
            isReaderGone: failures.last?.cause == .readerGone,
            input: self.endpoints.source.summary,
            output: self.endpoints.sink.summary,
            inputBytes: self.counters.inputBytes,
            inputRecords: self.counters.inputRecords,
            mappedPairs: self.counters.mappedPairs,
            shuffledRows: self.counters.shuffledRows,
            shuffledBytes: self.counters.shuffledBytes,
            reducedKeys: self.counters.reducedKeys,
            outputRecords: self.counters.outputRecords,
            outputBytes: ordered.flatMap(\.value.parts).reduce(0) { $0 + $1.bytes },
            spilledBytes: self.counters.spilledBytes,
            spilledRuns: self.counters.spilledRuns,
            rejectedRecords: self.counters.rejectedRecords,
            rejectedExamples: examples.records.map { FailureText.text(of: $0) },
            elapsed: SystemMonotonicClock().now - self.started
        )
    }

    package func snapshot() -> JobSnapshot {
        let (state, progress, total) = self.state.withLock { ($0.master.state, $0.master.progress, $0.totalBytes) }
        return JobSnapshot(
            id: self.id,
            name: self.job.graph.name,
            state: state,
            totalBytes: total,
            inputBytes: self.counters.inputBytes,
            inputRecords: self.counters.inputRecords,
            mappedPairs: self.counters.mappedPairs,
            reducedKeys: self.counters.reducedKeys,
            outputRecords: self.counters.outputRecords,
            spilledBytes: self.counters.spilledBytes,
            progress: progress,
            elapsed: SystemMonotonicClock().now - self.started
        )
    }
}

extension LocalJob: WorkerReport {
    /// Steps the core; what concerns subtasks is dispatched at once, the rest is left to the job's thread.
    package func report(_ input: JobMaster.Input) {
        var starts = false
        var cancels = false
        self.state.withLock { state in
            for effect in state.master.step(input) {
                switch effect {
                case .stateChanged: break
                case .start: starts = true
                case .assign(let splits, let to): state.worker?.post(.assign(splits), to: to.subtask)
                case .noMoreSplits(let to): state.worker?.post(.noMoreSplits, to: to.subtask)
                case .cancel: cancels = true
                case .prepareSinks, .commitSinks, .abortSinks, .failed: state.pending.append(effect)
                }
            }
        }
        if starts { self.startWorker() }
        if cancels { self.state.withLock { $0.worker }?.cancelAll() }
        self.doorbell.ring()
    }

    package func deliver(_ output: SubtaskOutput, of attempt: SubtaskAttempt) {
        self.state.withLock { $0.outputs[attempt] = output }
    }

    package func split(_ id: SplitID) -> Split {
        guard let split = self.state.withLock({ $0.splits[id] }) else {
            preconditionFailure("only enumerated splits are assigned")
        }
        return split
    }

    package func failure(_ error: EngineError) -> JobFailure {
        FailureText(source: self.source).failure(of: error)
    }
}
