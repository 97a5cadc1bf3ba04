import Testing

@testable import CommandLineTool

@Suite struct ConsoleTests {
    static let terminals = FixedShape(isResultsTerminal: true, isNotesTerminal: true)

    @Test func `results wait until there are many of them`() {
        let streams = RecordedStreams()
        let console = Console(streams: streams, shape: FixedShape())

        console.write("one")
        let before = streams.results
        console.flush()

        #expect(before.isEmpty)
        #expect(streams.results == "one\n")
    }

    @Test func `pending results are bounded`() {
        let streams = RecordedStreams()
        let console = Console(streams: streams, shape: FixedShape())

        for _ in 0..<70 { console.write(String(repeating: "x", count: 1_023)) }

        #expect(streams.results.utf8.count == 64 * 1_024)
    }

    @Test func `a terminal gets results line by line`() {
        let streams = RecordedStreams()
        let console = Console(streams: streams, shape: Self.terminals)

        console.write("one")

        #expect(streams.results == "one\n")
    }

    @Test func `results come before notes that were made after them`() {
        let streams = RecordedStreams()
        let console = Console(streams: streams, shape: FixedShape())

        console.write("one")
        console.note("two")

        #expect(streams.results == "one\n")
        #expect(streams.notes == "two\n")
    }

    @Test func `bars are drawn over each other`() {
        let streams = RecordedStreams()
        let console = Console(streams: streams, shape: Self.terminals)

        console.draw(["a", "b"])
        console.draw(["c", "d"])

        #expect(streams.notes == "a\u{1B}[K\nb\u{1B}[K\r\u{1B}[1Ac\u{1B}[K\nd\u{1B}[K\r\u{1B}[1A")
    }

    @Test func `bars are erased before anything else is said`() {
        let streams = RecordedStreams()
        let console = Console(streams: streams, shape: Self.terminals)

        console.draw(["a"])
        console.note("done")

        #expect(streams.notes == "a\u{1B}[K\r\r\u{1B}[Jdone\n")
    }

    @Test func `bars are erased at the end`() {
        let streams = RecordedStreams()
        let console = Console(streams: streams, shape: Self.terminals)

        console.draw(["a"])
        console.flush()
        console.flush()

        #expect(streams.notes == "a\u{1B}[K\r\r\u{1B}[J")
    }

    @Test func `nothing more is written to an output that failed`() {
        let failure = OutputFailure(isBrokenPipe: true, message: "gone")
        let console = Console(streams: RecordedStreams(failure: failure), shape: Self.terminals)

        console.write("one")
        console.write("two")

        #expect(console.outputFailure == failure)
    }
}
