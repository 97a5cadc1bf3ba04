import Foundation
import Testing

/// Streams with keyed stages before their window: what they write, and what is left after they were stopped and killed.
@Suite struct KeyedStreamRunTests {
    private let folder: TemporaryFolder
    private let events = ShopEvents(count: 10_000, seed: 5)

    /// Makes a stream slow, so that it takes checkpoints before it ends.
    private static let spin = "(define spin (lambda (n) (if (= n 0) true (spin (- n 1)))))\n"
    private static let slow = "(filter (lambda (e) (spin 3_000)))"
    private static let often = ["--state", "state", "--checkpoint-interval", "20ms"]

    init() throws {
        self.folder = try TemporaryFolder()
    }

    /// Starts the job, and sends it a signal when it has taken a checkpoint.
    private func interrupt(_ signal: Int32, _ options: String...) throws -> Int32 {
        let process = try WeirProcess(["run", "job.fl"] + Self.often + options, in: self.folder)
        try process.wait(until: "a checkpoint is complete") {
            (self.folder.names(in: "state/shop") ?? []).contains {
                $0.hasPrefix("checkpoint-") && $0.hasSuffix("/manifest")
            }
        }
        process.send(signal)
        return try process.wait().code
    }

    @Test func `a window keeps its state when a keyed stage is put before it`() throws {
        try self.folder.write(self.events.lines, to: "in/events.jsonl")
        try self.folder.write(Self.spin + ShopEvents.program(steps: Self.slow), to: "job.fl")
        #expect(try self.interrupt(SIGTERM, "--parallelism", "2") == 0)
        let step = "(deduplicate [:user :page :spent :ts] :within \"1 min\")"
        try self.folder.write(ShopEvents.program(steps: step), to: "job.fl")

        let outcome = try self.folder.run("--state", "state", "--resume", "--parallelism", "2")

        #expect(outcome.code == 0, "\(outcome.notes)")
        #expect(try self.folder.lines().sorted() == self.events.results(size: 300_000, slide: 60_000))
    }

    @Test func `keyed stages and the window behind them go on from one checkpoint when they are killed`() throws {
        // Every event twice; the process numbers a user's events.
        let lines = self.events.lines.split(separator: "\n").flatMap { ["\($0)\n", "\($0)\n"] }
        try self.folder.write(lines.joined(), to: "in/events.jsonl")
        let steps = """
            (deduplicate [:user :page :spent :ts] :within "1 d")
            (process :user
              (on-event (lambda (e)
                (let ((n (inc (or state 0))))
                  (set-state n)
                  (emit (assoc e :spent n))))))
            """
        try self.folder.write(Self.spin + ShopEvents.program(steps: Self.slow + steps), to: "job.fl")
        for round in 0..<3 {
            _ = try self.interrupt(SIGKILL, "--parallelism", "1", round == 0 ? "--quiet" : "--resume")
        }
        try self.folder.write(ShopEvents.program(steps: steps), to: "job.fl")

        let outcome = try self.folder.run("--state", "state", "--resume", "--parallelism", "1")

        #expect(outcome.code == 0, "\(outcome.notes)")
        let expected = self.events.numbered.results(size: 300_000, slide: 60_000)
        #expect(try self.folder.lines().sorted() == expected)
    }
}
