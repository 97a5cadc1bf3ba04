import Foundation
import Testing

/// Streams whose states of keys don't fit in the memory they may use.
@Suite struct SpilledKeysRunTests {
    private let folder: TemporaryFolder
    private let events = ShopEvents(count: 10_000, seed: 11)

    /// A user's events are numbered; a timer forgets who was silent.
    private static let steps = """
        (process :user
          (on-event (lambda (e)
            (let ((n (inc (or state 0))))
              (set-state n)
              (set-timer (+ (get e :ts) 3_600_000))
              (emit (assoc e :spent n)))))
          (on-timer (lambda (time) (when (and state (< state 0)) (set-state nil)))))
        """

    /// Makes a stream slow, so that it takes checkpoints before it ends.
    private static let spin = "(define spin (lambda (n) (if (= n 0) true (spin (- n 1)))))\n"
    private static let slow = "(filter (lambda (e) (spin 2_000)))"
    private static let small = ["--memory", "16MiB", "--table-memory", "1KiB"]

    init() throws {
        self.folder = try TemporaryFolder()
        try self.folder.write(self.events.lines, to: "in/events.jsonl")
    }

    private var expected: [String] {
        self.events.numbered.results(size: 300_000, slide: 60_000)
    }

    private var scratch: String { self.folder.file("scratch") }

    @Test func `states on disk survive a process that is killed, which leaves nothing that stays`() throws {
        let options = ["--state", "state", "--checkpoint-interval", "20ms", "--parallelism", "1"]
        try self.folder.write(Self.spin + ShopEvents.program(steps: Self.slow + Self.steps), to: "job.fl")
        for round in 0..<3 {
            let arguments = ["run", "job.fl"] + options + Self.small + (round == 0 ? [] : ["--resume"])
            let process = try WeirProcess(arguments, in: self.folder, environment: ["TMPDIR": self.scratch])
            let known = self.manifests()
            try process.wait(until: "a checkpoint is complete and a database there") {
                self.manifests().count > known.count && !(self.folder.names(in: "scratch") ?? []).isEmpty
            }
            process.send(SIGKILL)
            _ = try process.wait()
        }
        #expect(self.folder.names(in: "scratch")?.isEmpty == false)
        try self.folder.write(ShopEvents.program(steps: Self.steps), to: "job.fl")

        let resumed = try WeirProcess(
            ["run", "job.fl", "--resume", "--json"] + options,
            in: self.folder,
            environment: ["TMPDIR": self.scratch]
        ).wait()

        #expect(resumed.code == 0, "\(resumed.notes)")
        #expect(try self.folder.lines().sorted() == self.expected)
        #expect(self.folder.names(in: "scratch") == [])
    }

    private func manifests() -> Set<String> {
        Set((self.folder.names(in: "state/shop") ?? []).filter { $0.hasSuffix("/manifest") })
    }

    @Test func `states that were in memory go on on disk, and say how much is there`() throws {
        try self.folder.write(ShopEvents.program(steps: Self.steps), to: "job.fl")

        let outcome = try WeirProcess(
            ["run", "job.fl", "--json", "--parallelism", "1"] + Self.small,
            in: self.folder,
            environment: ["TMPDIR": self.scratch]
        ).wait()

        #expect(outcome.code == 0, "\(outcome.notes)")
        #expect(try outcome.report().jobs[0].spilledBytes > 0)
        #expect(try self.folder.lines().sorted() == self.expected)
        #expect(self.folder.names(in: "scratch") == [])
    }

    @Test func `a place for states that can't be written to fails the stream, and is named`() throws {
        try self.folder.write(ShopEvents.program(steps: Self.steps), to: "job.fl")
        try self.folder.write("", to: "file")

        let outcome = try WeirProcess(
            ["run", "job.fl", "--parallelism", "1"] + Self.small,
            in: self.folder,
            environment: ["TMPDIR": self.folder.file("file")]
        ).wait()

        #expect(outcome.code == 1)
        #expect(outcome.notes.contains("can't spill"), "\(outcome.notes)")
        #expect(outcome.notes.contains(self.folder.file("file")), "\(outcome.notes)")
    }
}
