package import ConnectorKit
internal import CoordinationCore
package import CoreTypes
package import Engine
package import Environment
internal import JobPlan
internal import Platform

/// Runs the subtasks of one job's attempt on pinned threads, each thread its share in turn.
///
/// ## Order of calls
/// `start` once, then `join` once. `post` and `cancelAll` from any thread meanwhile.
package final class Worker: Sendable {
    private let job: CompiledJob
    private let endpoints: WorkerEndpoints
    private let counters: WorkerCounters
    private let report: any WorkerReport
    private let threads: SubtaskThreads
    private let mailboxes: [[Mailbox]]
    private let inboxes: [Inbox]
    private let attempt: AttemptNumber

    /// Connects the subtasks of a job; `threadCount` is at least 1.
    package init(
        job: CompiledJob,
        endpoints: WorkerEndpoints,
        attempt: Int,
        threadCount: Int,
        counters: WorkerCounters,
        report: any WorkerReport
    ) {
        let threads = SubtaskThreads(count: threadCount, name: "weir-work")
        let doorbells = threads.doorbells
        let stages = job.graph.stages
        self.job = job
        self.endpoints = endpoints
        self.attempt = AttemptNumber(rawValue: attempt)
        self.counters = counters
        self.report = report
        self.threads = threads
        self.mailboxes = stages.map { stage in
            (0..<stage.parallelism).map { Mailbox(doorbell: doorbells[$0 % threadCount]) }
        }
        let waiting = Self.waitingBatches(job, producerCount: stages[0].parallelism)
        self.inboxes =
            stages.count < 2
            ? []
            : (0..<stages[1].parallelism).map { index in
                Inbox(
                    producerCount: stages[0].parallelism,
                    countLimit: waiting,
                    bytesLimit: 2 * waiting * CompiledJob.batchBytes,
                    consumer: doorbells[index % threadCount]
                )
            }
    }

    /// Batches that may wait before each reduce subtask, out of the exchange's share of memory.
    private static func waitingBatches(_ job: CompiledJob, producerCount: Int) -> Int {
        let subtasks = Int64(job.graph.stages.last?.parallelism ?? 1)
        let bytes = job.graph.memory.exchangeBytes / max(subtasks, 1)
        return Int(min(max(bytes / Int64(2 * CompiledJob.batchBytes), 2), 64))
    }

    package func post(_ message: SubtaskMessage, to subtask: SubtaskID) {
        self.mailboxes[subtask.stage.rawValue][subtask.index].post(message)
    }

    /// Makes every subtask give up at its next step.
    package func cancelAll() { self.threads.cancelAll() }

    /// Starts the threads; they end when every subtask has.
    package func start() throws(EnvironmentError) { try self.threads.start { self.runThread($0) } }

    /// Waits until every subtask has ended.
    package func join() { self.threads.join() }

    private func runThread(_ thread: Int) {
        let subtasks = self.makeSubtasks(of: thread)
        self.threads.run(
            subtasks,
            thread: thread,
            step: { $0.step() },
            cancel: { subtask in
                subtask.cancel()
                self.report.report(.subtaskCancelled(subtask.attempt))
            }
        )
    }

    /// Reduce subtasks come first: they empty what would otherwise stop the maps.
    private func makeSubtasks(of thread: Int) -> [any Subtask] {
        let block = SourceBlock(capacity: Self.blockBytes)
        var subtasks: [any Subtask] = []
        for (position, stage) in self.job.graph.stages.enumerated().reversed() {
            for index in stride(from: thread, to: stage.parallelism, by: self.threads.doorbells.count) {
                let id = SubtaskID(stage: StageIndex(rawValue: position), index: index)
                let attempt = SubtaskAttempt(subtask: id, attempt: self.attempt)
                do {
                    subtasks.append(try self.makeSubtask(attempt, thread: thread, block: block))
                } catch {
                    self.report.report(.subtaskFailed(attempt, self.report.failure(error)))
                }
            }
        }
        return subtasks
    }

    /// Bytes read at a time: enough to keep the kernels busy, little enough for the second-level cache.
    private static let blockBytes = 256 << 10

    private func makeSubtask(
        _ attempt: SubtaskAttempt,
        thread: Int,
        block: SourceBlock
    ) throws(EngineError) -> any Subtask {
        let stage = attempt.subtask.stage.rawValue
        let index = attempt.subtask.index
        let wiring = SubtaskWiring(
            mailbox: self.mailboxes[stage][index],
            doorbell: self.threads.doorbells[thread],
            report: self.report,
            counters: self.counters,
            isCancelled: self.threads.isCancelledNow
        )
        if stage == 0 {
            return MapSubtask(
                attempt: attempt,
                stage: try self.job.makeMapStage(
                    subtask: index,
                    attempt: attempt.attempt.rawValue,
                    sink: self.endpoints.sink,
                    deadLetters: self.endpoints.deadLetters
                ),
                input: (self.endpoints.source, self.job.framing, block),
                inboxes: self.inboxes,
                wiring: wiring
            )
        }
        return ReduceSubtask(
            attempt: attempt,
            stage: self.job.makeReduceStage(
                subtask: index,
                attempt: attempt.attempt.rawValue,
                sink: self.endpoints.sink,
                deadLetters: self.endpoints.deadLetters,
                store: self.endpoints.spill
            ),
            inbox: self.inboxes[index],
            wiring: wiring
        )
    }
}

/// What a job reads, writes and spills to.
package struct WorkerEndpoints: Sendable {
    package let source: any Source
    package let sink: any Sink
    package let deadLetters: (any Sink)?
    package let spill: any SpillStore

    package init(source: any Source, sink: any Sink, deadLetters: (any Sink)?, spill: any SpillStore) {
        self.source = source
        self.sink = sink
        self.deadLetters = deadLetters
        self.spill = spill
    }
}
