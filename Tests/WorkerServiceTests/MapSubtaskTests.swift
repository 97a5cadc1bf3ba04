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

@Suite struct MapSubtaskTests {
    private static let attempt = SubtaskAttempt.first(stage: 0, index: 0)

    @Test func `a subtask starts, asks once for splits and waits`() throws {
        let world = try World(texts: ["a b\n"])

        let steps = [world.subtask.step(), world.subtask.step(), world.subtask.step()]

        #expect(steps == [.progressed, .waiting, .waiting])
        #expect(world.report.inputs == [.subtaskStarted(Self.attempt), .splitsRequested(Self.attempt)])
    }

    @Test func `assigned splits are read to their ends before more are asked for`() throws {
        let world = try World(texts: ["a b\nc\n", "d\n"])
        world.mailbox.post(.assign([SplitID(rawValue: 1), SplitID(rawValue: 0)]))

        world.stepUntilWaiting()

        #expect(
            world.report.inputs == [
                .subtaskStarted(Self.attempt),
                .splitFinished(SplitID(rawValue: 1), by: Self.attempt),
                .splitFinished(SplitID(rawValue: 0), by: Self.attempt),
                .splitsRequested(Self.attempt),
            ]
        )
        #expect(world.source.calls.closed == 2)
        #expect(world.counters.inputRecords == 3)
        #expect(world.counters.inputBytes == 8)
    }

    @Test func `the end of the splits ships what is left and closes every inbox`() throws {
        let world = try World(texts: ["a b\nc\n"])
        world.mailbox.post(.assign([SplitID(rawValue: 0)]))
        world.stepUntilWaiting()
        #expect(world.hasSentNothing)

        world.mailbox.post(.noMoreSplits)
        let last = world.stepUntilEnd()

        let rows = world.inboxes.reduce(0) { count, inbox in
            var count = count
            while let batch = inbox.take() { count += batch.rowCount }
            return count
        }
        #expect(last == .ended)
        #expect(rows == 3)
        #expect(world.inboxes.map(\.isExhausted) == [true, true])
        #expect(world.report.inputs.last == .subtaskFinished(Self.attempt))
        #expect(world.report.outputs[Self.attempt]?.parts == [])
        #expect(world.counters.mappedPairs == 3)
    }

    @Test func `a full inbox makes the subtask wait and loses nothing`() throws {
        let text = (0..<400).map { "word-\($0)\n" }.joined()
        let world = try World(
            texts: [text],
            inboxLimit: 1,
            options: PlanOptions(parallelism: 2, tableBytes: 1 << 10)
        )
        world.mailbox.post(.assign([SplitID(rawValue: 0)]))
        world.report.onReport { [mailbox = world.mailbox] input in
            if case .splitsRequested = input { mailbox.post(.noMoreSplits) }
        }
        var rows = 0
        var waits = 0
        var step = SubtaskStep.progressed

        for _ in 0..<10_000 where step != .ended {
            step = world.subtask.step()
            guard step == .waiting else { continue }
            waits += 1
            for inbox in world.inboxes { rows += inbox.take()?.rowCount ?? 0 }
        }
        for inbox in world.inboxes { while let batch = inbox.take() { rows += batch.rowCount } }

        #expect(step == .ended)
        #expect(waits > 3)
        #expect(rows == 400)
    }

    @Test(arguments: [InMemorySource.Fault.opening(call: 1), .polling(call: 1), .polling(call: 2)])
    func `a source that breaks ends the subtask as failed`(fault: InMemorySource.Fault) throws {
        let world = try World(texts: ["a b\nc\n"], fault: fault)
        world.mailbox.post(.assign([SplitID(rawValue: 0)]))

        let last = world.stepUntilEnd()

        #expect(last == .ended)
        guard case .subtaskFailed(Self.attempt, let failure)? = world.report.inputs.last else {
            Issue.record("no failure is reported")
            return
        }
        #expect(failure.message.contains("the test wants it so"))
        #expect(world.source.calls.opened == world.source.calls.closed)
        #expect(world.hasSentNothing)
    }

    @Test func `a cancelled subtask closes its reader and sends nothing more`() throws {
        let world = try World(texts: [String(repeating: "a b\n", count: 1_000)])
        world.mailbox.post(.assign([SplitID(rawValue: 0)]))
        for _ in 0..<4 { _ = world.subtask.step() }

        world.subtask.cancel()

        #expect(world.source.calls.opened == 1)
        #expect(world.source.calls.closed == 1)
        #expect(world.hasSentNothing)
    }

    @Test func `a subtask of a job without a reduce delivers its parts`() throws {
        let world = try World(
            program: .make(map: "(lambda (offset line) (emit offset line))"),
            texts: ["a\nb\n"],
            options: PlanOptions(parallelism: 1)
        )
        world.mailbox.post(.assign([SplitID(rawValue: 0)]))
        world.stepUntilWaiting()
        world.mailbox.post(.noMoreSplits)

        world.stepUntilEnd()

        #expect(world.report.outputs[Self.attempt]?.parts.map(\.partition) == [0])
        #expect(world.sink.events == [.opened(partition: 0), .finished(partition: 0)])
        #expect(world.counters.outputRecords == 2)
    }

    /// A map subtask with everything that it is connected to.
    private struct World {
        let subtask: MapSubtask
        let source: InMemorySource
        let sink = InMemorySink()
        let report: RecordedReport
        let mailbox = Mailbox(doorbell: Doorbell())
        let counters = WorkerCounters()
        let inboxes: [Inbox]

        init(
            program: @autoclosure () throws -> JobProgram = try .makeWordCount(),
            texts: [String],
            fault: InMemorySource.Fault? = nil,
            inboxLimit: Int = 100,
            options: PlanOptions = PlanOptions(parallelism: 2)
        ) throws {
            let job = try program().compiled(options)
            self.source = InMemorySource(texts, blockBytes: 64, fault: fault)
            self.report = RecordedReport(splits: self.source.splits)
            let destinations = job.graph.stages.count > 1 ? job.graph.stages[1].parallelism : 0
            self.inboxes = (0..<destinations).map { _ in
                Inbox(producerCount: 1, countLimit: inboxLimit, bytesLimit: 1 << 30, consumer: Doorbell())
            }
            self.subtask = MapSubtask(
                attempt: MapSubtaskTests.attempt,
                stage: try job.makeMapStage(subtask: 0, attempt: 1, sink: self.sink, deadLetters: nil),
                input: (self.source, job.framing, SourceBlock(capacity: 64)),
                inboxes: self.inboxes,
                wiring: SubtaskWiring(
                    mailbox: self.mailbox,
                    doorbell: Doorbell(),
                    report: self.report,
                    counters: self.counters,
                    isCancelled: { false }
                )
            )
        }

        /// Whether no inbox has got a batch or been closed.
        var hasSentNothing: Bool { self.inboxes.allSatisfy { $0.take() == nil && !$0.isExhausted } }

        /// Far more steps than any of these tests needs.
        private static let stepLimit = 10_000

        func stepUntilWaiting() {
            for _ in 0..<Self.stepLimit where self.subtask.step() != .waiting { continue }
        }

        @discardableResult
        func stepUntilEnd() -> SubtaskStep {
            for _ in 0..<Self.stepLimit where self.subtask.step() == .ended { return .ended }
            return .progressed
        }
    }
}
