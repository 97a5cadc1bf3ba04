import CoordinationCore
import FluentSyntax
import Foundation
import JobService
import Platform
import ProgramService
import Synchronization
import Testing

@testable import CommandLineTool

@Suite struct RunSessionTests {
    @Test func `a program that finishes is done`() throws {
        let run = try Run { observer in
            observer.printLine(Array("hello".utf8))
            return .finished
        }

        #expect(run.status == .done)
        #expect(run.results == "hello\n")
        #expect(run.notes.isEmpty)
    }

    @Test func `a program that fails says why`() throws {
        let run = try Run { _ in .failed("can't add text and a number") }

        #expect(run.status == .failed)
        #expect(run.notes == "error: can't add text and a number\n")
    }

    @Test func `a job whose reader has gone away ends the run without a word`() throws {
        let run = try Run { observer in
            observer.jobStarted("word-count") { .make() }
            observer.jobEnded(.make(state: .failed, failure: "can't write", isReaderGone: true))
            return .failed("job word-count failed: can't write")
        }

        #expect(run.status == .brokenPipe)
        #expect(run.notes.isEmpty)
    }

    @Test func `a failure is said once`() throws {
        let run = try Run { observer in
            observer.jobStarted("word-count") { .make() }
            observer.jobEnded(.make(state: .failed, failure: "disk full"))
            return .failed("job.fl:1:1: word-count failed: disk full")
        }

        #expect(run.status == .failed)
        #expect(run.notes.split(separator: "disk full", omittingEmptySubsequences: false).count == 2)
    }

    @Test func `a program that the planner refuses shows diagnostics`() throws {
        let run = try Run(style: .json(isQuiet: false)) { _ in
            .refused([.init(.error, "wrong-option", "there is no :colour", at: .init(start: 1, end: 8))])
        }

        #expect(run.status == .refused)
        #expect(run.notes.contains(":1:2: error[wrong-option]: there is no :colour"))
        #expect(run.results.contains(#""state":"refused""#))
        #expect(run.results.contains(#""code":"wrong-option""#))
    }

    @Test func `the summary for programs is all that is on standard output`() throws {
        let run = try Run(style: .json(isQuiet: false)) { observer in
            observer.printLine(Array("hello".utf8))
            observer.jobStarted("word-count") { .make() }
            observer.jobEnded(.make())
            return .finished
        }

        let read = try JSONSerialization.jsonObject(with: Data(run.results.utf8)) as? [String: Any]
        #expect(run.status == .done)
        #expect(read?["state"] as? String == "finished")
        #expect((read?["jobs"] as? [[String: Any]])?.first?["outputRecords"] as? Int == 43)
        #expect((read?["peakAnonymousBytes"] as? Int ?? 0) > 0)
        #expect(run.notes == "hello\n")
    }

    @Test func `a program that its own jobs cancelled has failed`() throws {
        #expect(try Run { _ in .cancelled }.status == .failed)
    }

    @Test func `output that can't be written cancels the program`() throws {
        let streams = RecordedStreams(failure: OutputFailure(isBrokenPipe: true, message: "gone"))
        let isCancelled = Doorbell()

        let run = try Run(streams: streams, cancel: { isCancelled.ring() }) { observer in
            observer.printLine(Array("hello".utf8))
            isCancelled.wait()
            return .cancelled
        }

        #expect(run.status == .failed)
    }
}

/// One run of a program of which only the end matters.
private struct Run {
    let status: CommandStatus
    let results: String
    let notes: String

    init(
        style: RunStyle = .standard,
        streams: RecordedStreams = RecordedStreams(),
        cancel: @escaping @Sendable () -> Void = {},
        body: @escaping (any RunObserver) -> RunOutcome
    ) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("(println 1)\n", to: "job.fl")
        let console = Console(streams: streams, shape: FixedShape())
        let session = RunSession(console: console, style: style, watchesSignals: false) { _, _, observer in
            RunnableProgram(run: { body(observer) }, cancel: cancel)
        }
        self.status = session.run(path: path, options: RunOptions())
        console.flush()
        self.results = streams.results
        self.notes = streams.notes
    }
}

@Suite struct StopRequestTests {
    @Test func `the first signal cancels`() {
        let streams = RecordedStreams()
        let cancelled = StepCounter()
        let stop = StopRequest(console: Console(streams: streams, shape: FixedShape())) { _ = cancelled.next() }

        stop.receive(.terminate)

        #expect(cancelled.next() == 2)
        #expect(stop.signal == .terminate)
        #expect(streams.notes == "cancelling; once more ends at once\n")
    }

    @Test func `the second signal ends the process with its own code`() async {
        await #expect(processExitsWith: .exitCode(130)) {
            let stop = StopRequest(console: Console(streams: RecordedStreams(), shape: FixedShape())) {}
            stop.receive(.terminate)
            stop.receive(.interrupt)
        }
    }
}
