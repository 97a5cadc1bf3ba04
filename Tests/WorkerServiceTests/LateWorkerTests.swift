import ConnectorKit
import CoordinationCore
import CoreTypes
import Engine
import Testing

@testable import WorkerService

@Suite struct LateWorkerTests {
    /// The order that a cancellation and a start race for: whoever cancels must find somebody to tell.
    @Test func `a worker that was cancelled before it starts ends every subtask at once`() throws {
        let world = CountedWorld()
        let worker = try world.makeWorker(parallelism: 3)
        world.report.worker = worker

        worker.cancelAll()
        try worker.start()
        worker.join()

        #expect(world.report.cancelled.count == 6)
        #expect(world.report.inputs.count == 6)
        #expect(world.sink.openCount == 0)
    }

    @Test func `a worker that isn't cancelled reads, shuffles and writes`() throws {
        let world = CountedWorld()
        let worker = try world.makeWorker(parallelism: 2)
        world.report.worker = worker

        try worker.start()
        worker.join()

        #expect(world.report.finishedCount == 4)
        #expect(world.sink.openCount == 0)
    }

    @Test func `where dead letters can't be written, the output that was opened is given up`() throws {
        let world = CountedWorld()
        let job = try CompiledJobText(":map (lambda (line) (emit line 1)) :on-error 'skip").compiled(parallelism: 1)

        #expect(throws: EngineError.self) {
            let stage = try job.makeMapStage(subtask: 0, attempt: 1, sink: world.sink, deadLetters: RefusingSink())
            _ = consume stage
        }

        #expect(world.sink.madeCount == 1)
        #expect(world.sink.openCount == 0)
    }

    @Test func `where the output can't be written, nothing is left open for dead letters`() throws {
        let world = CountedWorld()
        let job = try CompiledJobText(":map (lambda (line) (emit line 1)) :on-error 'skip").compiled(parallelism: 1)

        #expect(throws: EngineError.self) {
            let stage = try job.makeMapStage(subtask: 0, attempt: 1, sink: RefusingSink(), deadLetters: world.sink)
            _ = consume stage
        }

        #expect(world.sink.openCount == 0)
    }
}
