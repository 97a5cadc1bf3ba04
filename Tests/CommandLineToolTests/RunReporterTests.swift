import CoordinationCore
import JobService
import Platform
import ProgramService
import Testing

@testable import CommandLineTool

@Suite struct RunReporterTests {
    @Test func `what a program prints is a result`() {
        let (reporter, streams, console) = Self.make(.quiet)

        reporter.printLine(Array("hello".utf8))
        console.flush()

        #expect(streams.results == "hello\n")
        #expect(streams.notes.isEmpty)
    }

    @Test func `what a program prints isn't mixed into the summary for programs`() {
        let (reporter, streams, console) = Self.make(.json(isQuiet: false))

        reporter.printLine([0x61, 0xFF])
        console.flush()

        #expect(streams.results.isEmpty)
        #expect(streams.notes == "a\u{FFFD}\n")
    }

    @Test func `an ended job is summed up for people`() {
        let (reporter, streams, _) = Self.make(.standard)

        reporter.jobStarted("word-count") { .make() }
        reporter.jobEnded(.make())

        #expect(streams.notes.hasPrefix("word-count finished in 2 s\n"))
        #expect(reporter.summaries.map(\.name) == ["word-count"])
        #expect(reporter.progress().isEmpty)
    }

    @Test(arguments: [RunStyle.quiet, .json(isQuiet: false), .json(isQuiet: true)])
    func `nothing is said to people who didn't ask`(style: RunStyle) {
        let (reporter, streams, _) = Self.make(style)

        reporter.jobStarted("word-count") { .make() }
        reporter.jobEnded(.make())

        #expect(streams.notes.isEmpty)
        #expect(reporter.summaries.count == 1)
    }

    @Test func `a failure that was shown with its job isn't shown again`() {
        let (reporter, _, _) = Self.make(.standard)

        reporter.jobEnded(.make(state: .failed, failure: "division by zero"))

        #expect(reporter.hasShown("division by zero"))
        #expect(!reporter.hasShown("disk full"))
    }

    @Test func `a failure is still to be shown where summaries aren't`() {
        let (reporter, _, _) = Self.make(.quiet)

        reporter.jobEnded(.make(state: .failed, failure: "division by zero"))

        #expect(!reporter.hasShown("division by zero"))
    }

    @Test func `each running job has a line with its own speed`() {
        let (reporter, _, _) = Self.make(.standard)
        let reads = StepCounter()
        reporter.jobStarted("moving") {
            let step = reads.next()
            return .make(name: "moving", inputBytes: step * 100_000_000, elapsed: .seconds(step))
        }
        reporter.jobStarted("still") { .make(name: "still", inputBytes: 10_000_000) }

        _ = reporter.progress()
        let lines = reporter.progress()

        #expect(lines.map(\.plain) == ["moving: map 20 %, 100 MB/s, ETA 8 s", "still: map 1 %"])
    }

    @Test func `only some bars are drawn of very many jobs`() {
        let (reporter, streams, _) = Self.make(.standard, shape: FixedShape(isNotesTerminal: true, columnCount: 40))
        for number in 1...11 { reporter.jobStarted("job-\(number)") { .make(name: "job-\(number)", state: .planned) } }

        reporter.drawBars()

        #expect(streams.notes.contains("job-8  starting"))
        #expect(!streams.notes.contains("job-9"))
        #expect(streams.notes.contains("and 3 more jobs"))
    }

    @Test(arguments: [(LogLevel.info, ""), (.warning, ""), (.error, "error: lost\n")])
    func `a quiet run hears of errors only`(level: LogLevel, text: String) {
        let (reporter, streams, _) = Self.make(.quiet)

        reporter.log(level, "lost")

        #expect(streams.notes == text)
    }

    static func make(
        _ style: RunStyle,
        shape: FixedShape = FixedShape()
    ) -> (RunReporter, RecordedStreams, Console) {
        let streams = RecordedStreams()
        let console = Console(streams: streams, shape: shape)
        return (RunReporter(console: console, style: style, memory: PeakMemoryWatch()), streams, console)
    }
}
