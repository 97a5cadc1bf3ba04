import Foundation
import Testing

@testable import CommandLineTool

/// The help texts, as recorded in `Golden/`: a change shows as a difference to review.
@Suite struct HelpTests {
    @Test(arguments: [
        (["--help"], "help.txt"), (["run", "--help"], "help-run.txt"), (["check", "--help"], "help-check.txt"),
        (["fmt", "--help"], "help-fmt.txt"), (["explain", "--help"], "help-explain.txt"),
    ])
    func `help is what was recorded`(arguments: [String], name: String) throws {
        let streams = RecordedStreams()
        let golden = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/\(name)")

        _ = CommandLineProgram.run(arguments, console: Console(streams: streams, shape: FixedShape()))

        #expect(streams.results == String(decoding: try Data(contentsOf: golden), as: UTF8.self))
    }
}
