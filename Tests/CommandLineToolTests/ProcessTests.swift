import Foundation
import Testing

/// The program as a shell sees it.
@Suite struct ProcessTests {
    @Test func `the version is one line`() throws {
        let call = try WeirProcess("--version")

        #expect(call.code == 0)
        #expect(call.results.hasPrefix("weir "))
        #expect(call.results.hasSuffix("\n"))
        #expect(call.notes.isEmpty)
    }

    @Test func `a wrong option exits with 2`() throws {
        let call = try WeirProcess("run", "job.fl", "--colour")

        #expect(call.code == 2)
        #expect(call.results.isEmpty)
        #expect(call.notes.hasPrefix("error: Unknown option '--colour'"))
    }

    @Test func `a program that doesn't check exits with 2`() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("(prinln 1)\n", to: "a.fl")

        let call = try WeirProcess("check", path)

        #expect(call.code == 2)
        #expect(
            call.notes == """
                \(path):1:2: error[unknown-name]: unknown name prinln
                  (prinln 1)
                   ^^^^^^
                help: did you mean println?

                """
        )
    }

    @Test func `a program is read from standard input and laid out on standard output`() throws {
        let call = try WeirProcess("fmt", "-", input: "(define   x\n1)")

        #expect(call.code == 0)
        #expect(call.results == "(define x\n  1)\n")
        #expect(call.notes.isEmpty)
    }

    @Test func `a file that would change fails the check`() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("(define   x 1)\n", to: "a.fl")

        #expect(try WeirProcess("fmt", "--check", path).code == 1)
        #expect(try WeirProcess("fmt", path).code == 0)
        #expect(try WeirProcess("fmt", "--check", path).code == 0)
    }
}

/// One run of the binary that was built with the tests.
struct WeirProcess {
    let code: Int32
    let results: String
    let notes: String

    init(_ arguments: String..., input: String = "") throws {
        let folder = try TemporaryFolder()
        let process = Process()
        process.executableURL = Self.binary
        process.arguments = arguments
        // Files, not pipes: no reader is needed while the process runs, however much it writes.
        process.standardInput = try FileHandle(forReadingFrom: URL(filePath: try folder.write(input, to: "input")))
        process.standardOutput = try FileHandle(forWritingTo: URL(filePath: try folder.write("", to: "results")))
        process.standardError = try FileHandle(forWritingTo: URL(filePath: try folder.write("", to: "notes")))
        try process.run()
        process.waitUntilExit()
        self.code = process.terminationStatus
        self.results = try folder.read("results")
        self.notes = try folder.read("notes")
    }

    /// Beside the program that runs the tests.
    private static var binary: URL {
        Bundle.main.bundleURL.appending(path: "weir")
    }
}
