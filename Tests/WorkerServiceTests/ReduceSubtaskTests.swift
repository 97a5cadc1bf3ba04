import ConnectorKit
import CoordinationCore
import CoreTypes
import Engine
import EngineTestKit
import JobPlan
import Platform
import Testing
import WireFormat

@testable import WorkerService

@Suite struct ReduceSubtaskTests {
    private static let attempt = SubtaskAttempt.first(stage: 1, index: 0)

    @Test func `a subtask waits until there is a batch or no producer`() throws {
        let world = try World()

        let waiting = [world.subtask.step(), world.subtask.step()]
        world.inbox.close()
        let closed = world.subtask.step()

        #expect(waiting == [.waiting, .waiting])
        #expect(closed == .progressed)
        #expect(world.report.inputs == [.subtaskStarted(Self.attempt)])
    }

    @Test func `everything that arrived is reduced and delivered before the end is reported`() throws {
        let world = try World()
        try world.send("b a\nb\n")
        try world.send("c a\n")
        world.inbox.close()

        let last = world.stepUntilEnd()

        let parts = try #require(world.report.outputs[Self.attempt]).parts
        try world.sink.commit(parts)
        #expect(last == .ended)
        #expect(world.report.inputs == [.subtaskStarted(Self.attempt), .subtaskFinished(Self.attempt)])
        #expect(world.sink.lines == ["a\t2", "b\t2", "c\t1"])
        #expect(world.counters.reducedKeys == 3)
        #expect(world.counters.outputRecords == 3)
    }

    @Test(arguments: [
        InMemorySink.Fault.opening(call: 1), .opening(call: 2), .writing(call: 1), .finishing(call: 1),
        .finishing(call: 2),
    ])
    func `a writer that refuses ends the subtask as failed, with nothing open`(fault: InMemorySink.Fault) throws {
        let world = try World(fault: fault)
        try world.send((0..<100).map { "word-\($0)\n" }.joined())
        world.inbox.close()

        world.stepUntilEnd()

        guard case .subtaskFailed(Self.attempt, let failure)? = world.report.inputs.last else {
            Issue.record("no failure is reported")
            return
        }
        #expect(failure.message.contains("the test wants it so"))
        #expect(world.sink.openWriterCount == 0)
        #expect(world.report.outputs.isEmpty)
    }

    @Test func `spilled runs are counted and given back at the end`() throws {
        let world = try World(options: PlanOptions(parallelism: 1, tableBytes: 1 << 10))
        for _ in 0..<5 { try world.send((0..<100).map { "word-\($0)\n" }.joined()) }
        world.inbox.close()

        world.stepUntilEnd()

        #expect(world.counters.spilledRuns >= 5)
        #expect(world.counters.spilledBytes > 0)
        #expect(world.report.inputs.last == .subtaskFinished(Self.attempt))
    }

    @Test func `a store that refuses ends the subtask as failed`() throws {
        let world = try World(
            options: PlanOptions(parallelism: 1, tableBytes: 1 << 10),
            spillFault: .appending(call: 2)
        )
        for _ in 0..<5 { try world.send((0..<100).map { "word-\($0)\n" }.joined()) }
        world.inbox.close()

        world.stepUntilEnd()

        #expect(
            world.report.inputs.last
                == .subtaskRefused(Self.attempt, SpillError.injected.message)
        )
    }

    @Test func `a cancelled subtask discards the partition that it writes`() throws {
        let world = try World()
        try world.send((0..<20_000).map { "a-word-that-is-long-\($0)\n" }.joined())
        world.inbox.close()
        for _ in 0..<1_000 where world.sink.events.isEmpty { _ = world.subtask.step() }

        world.subtask.cancel()

        #expect(world.sink.events == [.opened(partition: 0), .discarded(partition: 0)])
    }

    /// A reduce subtask with everything that it is connected to.
    private struct World {
        let subtask: ReduceSubtask
        let sink: InMemorySink
        let report = RecordedReport()
        let counters = WorkerCounters()
        let inbox: Inbox
        private let job: CompiledJob

        init(
            fault: InMemorySink.Fault? = nil,
            options: PlanOptions = PlanOptions(parallelism: 1),
            spillFault: InMemorySpillStore.Fault? = nil
        ) throws {
            self.job = try JobProgram.makeWordCount().compiled(options)
            self.sink = InMemorySink(fault: fault)
            self.inbox = Inbox(producerCount: 1, countLimit: 10_000, bytesLimit: 1 << 30, consumer: Doorbell())
            let doorbell = Doorbell()
            self.subtask = ReduceSubtask(
                attempt: ReduceSubtaskTests.attempt,
                stage: self.job.makeReduceStage(
                    subtask: 0,
                    attempt: 1,
                    sink: self.sink,
                    deadLetters: nil,
                    store: InMemorySpillStore(fault: spillFault)
                ),
                inbox: self.inbox,
                wiring: SubtaskWiring(
                    mailbox: Mailbox(doorbell: doorbell),
                    doorbell: doorbell,
                    report: self.report,
                    counters: self.counters,
                    isCancelled: { false }
                )
            )
        }

        /// Puts what the job's map makes of a text into the inbox.
        func send(_ text: String) throws {
            var figures = StageRun.Figures()
            let source = InMemorySource([text])
            for routed in try StageRun(self.job).map(source, &figures).batches {
                #expect(self.inbox.offer(routed.batch, producer: Doorbell()))
            }
        }

        @discardableResult
        func stepUntilEnd() -> SubtaskStep {
            for _ in 0..<10_000 where self.subtask.step() == .ended { return .ended }
            return .progressed
        }
    }
}

extension JobMaster.Input {
    fileprivate static func subtaskRefused(_ attempt: SubtaskAttempt, _ message: String) -> JobMaster.Input {
        .subtaskFailed(attempt, JobFailure(.permanent, message: message))
    }
}
