import ConnectorKit
import CoordinationCore
import CoreTypes
import Engine
import EngineTestKit
import JobPlan
import Synchronization
import Testing

@testable import WorkerService

@Suite struct WorkerTests {
    @Test(arguments: [1, 2, 3])
    func `every subtask starts and finishes once, however many threads there are`(threadCount: Int) throws {
        let world = try World(texts: ["a b\n", "b\n", "c a\n"], parallelism: 3, threadCount: threadCount)
        world.answerRequests()

        try world.worker.start()
        world.worker.join()

        let attempts = Set((0..<3).map { SubtaskAttempt.first(stage: 0, index: $0) })
            .union((0..<2).map { SubtaskAttempt.first(stage: 1, index: $0) })
        #expect(world.started == attempts)
        #expect(world.finished == attempts)
        #expect(world.report.inputs.count(where: \.isFinish) == 5)
        try world.sink.commit(world.parts)
        #expect(world.sink.lines == ["a\t2", "b\t2", "c\t1"])
    }

    @Test(arguments: [1, 2])
    func `a cancellation ends every thread and is reported by every subtask`(threadCount: Int) throws {
        let world = try World(texts: ["a b\n"], parallelism: 3, threadCount: threadCount)

        try world.worker.start()
        world.worker.cancelAll()
        world.worker.join()

        #expect(world.cancelled.count == 5)
        #expect(world.finished.isEmpty)
    }

    @Test func `a worker that is cancelled before it starts runs nothing`() throws {
        let world = try World(texts: ["a b\n"], parallelism: 2, threadCount: 2)
        world.answerRequests()

        world.worker.cancelAll()
        try world.worker.start()
        world.worker.join()

        #expect(world.cancelled.count == 4)
        #expect(world.source.calls.opened == 0)
    }

    @Test func `a subtask that can't be made is reported as failed and the others run`() throws {
        let world = try World(
            program: .make(map: "(lambda (offset line) (emit offset line))"),
            texts: ["a\n", "b\n"],
            fault: .opening(call: 1),
            parallelism: 2,
            threadCount: 1
        )
        world.answerRequests()

        try world.worker.start()
        world.worker.join()

        let failures = world.report.inputs.count { if case .subtaskFailed = $0 { true } else { false } }
        #expect(failures == 1)
        #expect(world.finished.count == 1)
    }

    /// A worker that nobody coordinates but the test.
    private struct World {
        let worker: Worker
        let source: InMemorySource
        let sink: InMemorySink
        let report: RecordedReport

        init(
            program: @autoclosure () throws -> JobProgram = try .makeWordCount(),
            texts: [String],
            fault: InMemorySink.Fault? = nil,
            parallelism: Int,
            threadCount: Int
        ) throws {
            self.source = InMemorySource(texts)
            self.sink = InMemorySink(fault: fault)
            self.report = RecordedReport(splits: self.source.splits)
            self.worker = Worker(
                job: try program().compiled(PlanOptions(parallelism: parallelism)),
                endpoints: WorkerEndpoints(
                    source: self.source,
                    sink: self.sink,
                    deadLetters: nil,
                    spill: InMemorySpillStore()
                ),
                attempt: 1,
                threadCount: threadCount,
                counters: WorkerCounters(),
                report: self.report
            )
        }

        /// Gives all splits to whoever asks first, and tells everybody else that there are none.
        func answerRequests() {
            let turn = FirstTurn()
            let splits = self.source.splits.map(\.id)
            self.report.onReport { [worker] input in
                guard case .splitsRequested(let attempt) = input else { return }
                worker.post(turn.take() ? .assign(splits) : .noMoreSplits, to: attempt.subtask)
            }
        }

        var started: Set<SubtaskAttempt> {
            Set(self.report.inputs.compactMap { if case .subtaskStarted(let attempt) = $0 { attempt } else { nil } })
        }

        var finished: Set<SubtaskAttempt> {
            Set(self.report.inputs.compactMap { if case .subtaskFinished(let attempt) = $0 { attempt } else { nil } })
        }

        var cancelled: Set<SubtaskAttempt> {
            Set(self.report.inputs.compactMap { if case .subtaskCancelled(let attempt) = $0 { attempt } else { nil } })
        }

        var parts: [SinkPart] {
            self.report.outputs.values.flatMap(\.parts)
        }
    }
}

extension JobMaster.Input {
    fileprivate var isFinish: Bool {
        if case .subtaskFinished = self { true } else { false }
    }
}

/// True for whoever asks first.
private final class FirstTurn: Sendable {
    private let isTaken = Mutex(false)

    func take() -> Bool {
        self.isTaken.withLock { isTaken in
            defer { isTaken = true }
            return !isTaken
        }
    }
}
