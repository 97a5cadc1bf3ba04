import ConnectorKit
import CoordinationCore
import CoreTypes
import Engine
import Platform
import Synchronization

@testable import WorkerService

/// What a worker works with, and what it did.
struct CountedWorld {
    let report = CountedReport()
    let sink = CountedSink()

    func makeWorker(parallelism: Int) throws -> Worker {
        let job = try CompiledJobText(
            ":map (lambda (line) (emit line 1)) :reduce (lambda (key values) (emit key (count values)))"
        ).compiled(parallelism: parallelism)
        return Worker(
            job: job,
            endpoints: WorkerEndpoints(
                source: EmptySource(),
                sink: self.sink,
                deadLetters: nil,
                spill: RefusingStore()
            ),
            attempt: 1,
            threadCount: parallelism,
            counters: WorkerCounters(),
            report: self.report
        )
    }
}

/// Collects what subtasks report, and answers requests for splits: there are none.
final class CountedReport: WorkerReport {
    private struct State {
        var inputs: [JobMaster.Input] = []
        weak var worker: Worker?
    }

    private let state = Mutex(State())

    var worker: Worker? {
        get { self.state.withLock { $0.worker } }
        set { self.state.withLock { $0.worker = newValue } }
    }

    var inputs: [JobMaster.Input] { self.state.withLock { $0.inputs } }

    var cancelled: Set<SubtaskAttempt> {
        Set(
            self.inputs.compactMap { input in
                guard case .subtaskCancelled(let attempt) = input else { return nil }
                return attempt
            }
        )
    }

    var finishedCount: Int {
        self.inputs.count { input in
            guard case .subtaskFinished = input else { return false }
            return true
        }
    }

    func report(_ input: JobMaster.Input) {
        self.state.withLock { $0.inputs.append(input) }
        guard case .splitsRequested(let attempt) = input else { return }
        self.worker?.post(.noMoreSplits, to: attempt.subtask)
    }

    func deliver(_ output: SubtaskOutput, of attempt: SubtaskAttempt) {}

    func failure(_ error: EngineError) -> JobFailure { JobFailure(.permanent, message: "\(error)") }

    func split(_ id: SplitID) -> Split {
        Split(id: id, resource: "", start: 0, end: nil, weightBytes: 0)
    }
}

/// Counts its writers.
final class CountedSink: Sink {
    private let counts = Mutex((made: 0, open: 0))

    var madeCount: Int { self.counts.withLock { $0.made } }
    var openCount: Int { self.counts.withLock { $0.open } }

    var summary: String { "nowhere" }

    func prepare() throws(ConnectorError) {}

    func makeWriter(partition: Int, attempt: Int, contentType: SinkContent) throws(ConnectorError) -> any SinkWriter {
        self.counts.withLock { counts in
            counts.made += 1
            counts.open += 1
        }
        return CountedWriter(sink: self, partition: partition, attempt: attempt)
    }

    func commit(_ parts: [SinkPart]) throws(ConnectorError) {}

    func abort() {}

    fileprivate func end() { self.counts.withLock { $0.open -= 1 } }
}

private final class CountedWriter: SinkWriter {
    private let sink: CountedSink
    private let partition: Int
    private let attempt: Int

    init(sink: CountedSink, partition: Int, attempt: Int) {
        self.sink = sink
        self.partition = partition
        self.attempt = attempt
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(ConnectorError) {}

    func finish() throws(ConnectorError) -> SinkPart {
        self.sink.end()
        return SinkPart(partition: self.partition, attempt: self.attempt, bytes: 0, token: "")
    }

    func discard() { self.sink.end() }
}

/// A sink that can't be written.
struct RefusingSink: Sink {
    var summary: String { "a wall" }

    func prepare() throws(ConnectorError) {}

    func makeWriter(partition: Int, attempt: Int, contentType: SinkContent) throws(ConnectorError) -> any SinkWriter {
        throw ConnectorError(.external, retry: .never, "can't write")
    }

    func commit(_ parts: [SinkPart]) throws(ConnectorError) {}

    func abort() {}
}

/// A source without splits.
private struct EmptySource: Source {
    var summary: String { "nothing" }

    func enumerateSplits(framing: Framing, targetBytes: Int64) throws(ConnectorError) -> [Split] { [] }

    func makeReader(for split: Split, framing: Framing) throws(ConnectorError) -> any SourceReader {
        throw ConnectorError(.internal, retry: .never, "there is no split")
    }
}

private struct RefusingStore: SpillStore {
    func makeRun() throws(SpillError) -> any SpillRunWriter { throw SpillError(.failed, "nothing is spilled") }
}
