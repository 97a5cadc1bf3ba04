import Foundation
import Testing

/// One process of the binary that was built with the tests.
///
/// Isolation: one test.
final class WeirProcess {
    /// How a process ended.
    struct Outcome {
        /// The exit code, or 128 and the number of the signal that ended it.
        let code: Int32
        let results: String
        let notes: String

        /// What `--json` printed.
        func report() throws -> RunSummary {
            try JSONDecoder().decode(RunSummary.self, from: Data(self.results.utf8))
        }
    }

    /// Far more than any of these runs needs, even on a machine that is busy with other things.
    private static let secondsLimit = 120

    private let process = Process()
    private let ended = DispatchSemaphore(value: 0)
    private let folder: TemporaryFolder

    /// - Parameters:
    ///   - arguments: Of `weir`.
    ///   - folder: Where the process runs; relative paths in the program start there.
    ///   - prefix: A program that starts the one behind it, with its arguments: to run with limits.
    ///   - environment: Variables besides those of the tests.
    /// - Throws: It can't be started.
    init(
        _ arguments: [String],
        in folder: TemporaryFolder,
        prefix: [String] = [],
        environment: [String: String] = [:]
    ) throws {
        let command = prefix + [Self.binary] + arguments
        self.folder = folder
        self.process.executableURL = URL(filePath: command[0])
        self.process.arguments = Array(command.dropFirst())
        self.process.currentDirectoryURL = URL(filePath: folder.path)
        self.process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        self.process.standardInput = FileHandle.nullDevice
        // Files, not pipes: no reader is needed while the process runs, however much it writes.
        self.process.standardOutput = try folder.open("results.log")
        self.process.standardError = try folder.open("notes.log")
        self.process.terminationHandler = { [ended] _ in ended.signal() }
        try self.process.run()
    }

    deinit {
        if self.process.isRunning { self.send(SIGKILL) }
    }

    func send(_ signal: Int32) {
        kill(self.process.processIdentifier, signal)
    }

    /// Waits for the end of the process.
    func wait() throws -> Outcome {
        let isEnded = self.ended.wait(timeout: .now() + .seconds(Self.secondsLimit)) == .success
        if !isEnded {
            self.send(SIGKILL)
            self.ended.wait()
        }
        #expect(isEnded, "the process didn't end in \(Self.secondsLimit) s")
        let isSignal = self.process.terminationReason == .uncaughtSignal
        return Outcome(
            code: isSignal ? 128 + self.process.terminationStatus : self.process.terminationStatus,
            results: String(decoding: try self.folder.read("results.log"), as: UTF8.self),
            notes: String(decoding: try self.folder.read("notes.log"), as: UTF8.self)
        )
    }

    /// Waits until the folder shows that the process has come to some point.
    func wait(until what: Comment, _ condition: () -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(Self.secondsLimit)
        while !condition() {
            try #require(self.process.isRunning && ContinuousClock.now < deadline, what)
            // A look at a folder has no event to wait for; this only keeps the loop from taking a processor.
            poll(nil, 0, 2)
        }
    }

    /// Beside the program that runs the tests.
    private static var binary: String {
        Bundle.main.bundleURL.appending(path: "weir").path
    }
}

/// What `weir run --json` prints, as far as the tests look at it.
struct RunSummary: Decodable {
    struct Job: Decodable {
        let name: String
        let state: String
        let inputBytes: Int
        let inputRecords: Int
        let mappedPairs: Int
        let shuffledRows: Int
        let shuffledBytes: Int
        let reducedKeys: Int
        let outputRecords: Int
        let spilledBytes: Int
        let rejectedRecords: Int
        let rejectedExamples: [String]
        let failure: String?
    }

    let state: String
    let jobs: [Job]
    let peakAnonymousBytes: Int
    let failure: String?
}
