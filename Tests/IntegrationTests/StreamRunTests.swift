import Foundation
import Testing

/// Streams over files: what they write, and what is left after they were stopped, killed, damaged and changed.
@Suite struct StreamRunTests {
    private let folder: TemporaryFolder
    private let events = ShopEvents(count: 20_000, seed: 1)

    init() throws {
        self.folder = try TemporaryFolder()
        try self.folder.write(self.events.lines, to: "in/events.jsonl")
        try self.folder.write(ShopEvents.program(), to: "job.fl")
    }

    private var expected: [String] { self.events.results(size: 300_000, slide: 60_000) }

    private static let often = ["--state", "state", "--checkpoint-interval", "20ms"]

    /// A processor so slow that it takes many checkpoints, and doesn't end by itself soon.
    private func writeSlowJob() throws {
        let spin = "(define spin (lambda (n) (if (= n 0) true (spin (- n 1)))))\n"
        try self.folder.write(spin + ShopEvents.program(steps: "(filter (lambda (e) (spin 500)))"), to: "job.fl")
    }

    private func hasCheckpoint(_ folder: TemporaryFolder) -> Bool {
        (folder.names(in: "state/shop") ?? []).contains { $0.hasPrefix("checkpoint-") && $0.hasSuffix("/manifest") }
    }

    @Test(arguments: ["1", "2", "4"])
    func `windows are those of a recomputation at any parallelism`(parallelism: String) throws {
        let outcome = try self.folder.run("--parallelism", parallelism)

        #expect(outcome.code == 0, "\(outcome.notes)")
        #expect(try self.folder.lines().sorted() == self.expected)
    }

    @Test func `a step may call functions that call themselves and each other`() throws {
        let helpers = """
            (define spin (lambda (n) (if (= n 0) true (spin (- n 1)))))
            (define turn (lambda (n) (if (= n 0) true (if (spin 3) (turn (- n 1)) false))))

            """
        try self.folder.write(helpers + ShopEvents.program(steps: "(filter (lambda (e) (turn 3)))"), to: "job.fl")

        _ = try self.folder.run()

        #expect(try self.folder.lines().sorted() == self.events.results(size: 300_000, slide: 60_000))
    }

    @Test func `files that overlap in time give the windows of one file`() throws {
        let lines = self.events.lines.split(separator: "\n").map { $0 + "\n" }
        for part in 0..<3 {
            let share = lines.indices.filter { $0 % 3 == part }.map { lines[$0] }.joined()
            try self.folder.write(share, to: "in/events-\(part).jsonl")
        }
        try FileManager.default.removeItem(atPath: self.folder.file("in/events.jsonl"))

        let outcome = try self.folder.run("--parallelism", "2")

        #expect(outcome.code == 0, "\(outcome.notes)")
        #expect(try self.folder.lines().sorted() == self.expected)
    }

    @Test(arguments: ["gzip", "zstd"])
    func `a stream goes on in the middle of a compressed file`(tool: String) throws {
        try self.folder.write(self.folder.compressed(self.events.lines, tool), to: "in/events.jsonl")
        try self.writeSlowJob()
        let process = try WeirProcess(["run", "job.fl"] + Self.often, in: self.folder)
        try process.wait(until: "a checkpoint is complete") { self.hasCheckpoint(self.folder) }
        process.send(SIGTERM)
        _ = try process.wait()

        let outcome = try self.folder.run("--state", "state", "--resume")

        #expect(outcome.code == 0, "\(outcome.notes)")
        #expect(try self.folder.lines().sorted() == self.expected)
    }

    @Test func `a stream that is killed again and again writes each result once`() throws {
        try self.writeSlowJob()
        for round in 0..<3 {
            let resumes = round == 0 ? [] : ["--resume"]
            let parallelism = ["--parallelism", "\(1 + round % 3)"]
            let process = try WeirProcess(["run", "job.fl"] + Self.often + resumes + parallelism, in: self.folder)
            try process.wait(until: "a checkpoint is complete") { self.hasCheckpoint(self.folder) }
            process.send(SIGKILL)
            _ = try process.wait()
        }
        try self.folder.write(ShopEvents.program(steps: "(filter (lambda (e) true))"), to: "job.fl")

        let outcome = try self.folder.run("--state", "state", "--resume", "--retained-checkpoints", "2")

        #expect(outcome.code == 0, "\(outcome.notes)")
        #expect(try self.folder.lines().sorted() == self.expected)
        let names = self.folder.names(in: "state/shop") ?? []
        let places = Set(names.filter { $0.hasPrefix("checkpoint-") }.compactMap { $0.split(separator: "/").first })
        #expect(places.count == 2, "what a killed run left is gone, and the end counts: \(names)")
    }

    @Test func `a stream that is terminated takes a savepoint, ends with 0 and goes on at another parallelism`() throws
    {
        try self.writeSlowJob()
        let process = try WeirProcess(["run", "job.fl", "--parallelism", "2"] + Self.often, in: self.folder)
        try process.wait(until: "a checkpoint is complete") { self.hasCheckpoint(self.folder) }
        process.send(SIGTERM)
        #expect(try process.wait().code == 0)
        let list = try WeirProcess(["checkpoint", "list", "state/shop"], in: self.folder).wait()
        #expect(list.results.contains("savepoint"))
        let objects = try WeirProcess(["checkpoint", "list", "state/shop", "--json"], in: self.folder).wait()
        let newest = try WeirProcess(["checkpoint", "inspect", "state/shop", "--json"], in: self.folder).wait()
        #expect(objects.results.hasSuffix(newest.results))
        expect(newest.results, contains: [#""job":"shop","isSavepoint":true,"#, #""operators":[{"id":"window","#])
        try self.folder.write(ShopEvents.program(), to: "job.fl")

        let outcome = try self.folder.run("--state", "state", "--resume", "--parallelism", "3")

        #expect(outcome.code == 0, "\(outcome.notes)")
        #expect(try self.folder.lines().sorted() == self.expected)
    }

    @Test func `a run whose state directory holds checkpoints is refused unless it resumes`() throws {
        #expect(try self.folder.run("--state", "state").code == 0)

        let outcome = try self.folder.run("--state", "state", "--overwrite")

        #expect(outcome.code == 1)
        expect(outcome.notes, contains: ["checkpoint", "--resume", "--state"])
    }

    @Test func `a stream that has come to its end has nothing to do when it resumes`() throws {
        #expect(try self.folder.run("--state", "state").code == 0)

        let outcome = try self.folder.run("--state", "state", "--resume")

        #expect(outcome.code == 0, "\(outcome.notes)")
        #expect(try self.folder.lines().sorted() == self.expected)
    }

    /// Stops the slow job, so that there is a savepoint of it.
    private func stopEarly() throws {
        try self.writeSlowJob()
        let process = try WeirProcess(["run", "job.fl", "--parallelism", "2"] + Self.often, in: self.folder)
        try process.wait(until: "a checkpoint is complete") { self.hasCheckpoint(self.folder) }
        process.send(SIGTERM)
        #expect(try process.wait().code == 0)
    }

    @Test
    func `a stream without a state directory that is terminated keeps what it wrote, and doesn't call it complete`()
        throws
    {
        try self.writeSlowJob()
        let process = try WeirProcess(["run", "job.fl", "--parallelism", "2"], in: self.folder)
        try process.wait(until: "it has begun to write") { self.folder.names(in: "out")?.isEmpty == false }
        process.send(SIGTERM)

        let outcome = try process.wait()

        #expect(outcome.code == 143)
        expect(outcome.notes, contains: ["shop was stopped after", "what it wrote stays"])
        #expect(!(self.folder.names(in: "out") ?? []).contains("_SUCCESS"))
    }

    @Test func `a change of what the state means is refused with both meanings`() throws {
        try self.stopEarly()
        try self.folder.write(ShopEvents.program(window: "(tumbling-window 60000)"), to: "job.fl")

        let outcome = try self.folder.run("--state", "state", "--resume")

        #expect(outcome.code == 1)
        expect(outcome.notes, contains: ["window 300000 every 60000", "window 60000 every 60000", "--allow-drop"])
    }

    @Test(arguments: [
        (":user", ":page", "by :user", "by :page"), ("(sum :spent)", "(sum :ts)", "sum of :spent", "sum of :ts"),
    ])
    func `another key, or another field of an aggregate, is a change of what the state means`(
        old: String,
        new: String,
        wasText: String,
        isText: String
    ) throws {
        try self.stopEarly()
        let program = String(decoding: try self.folder.read("job.fl"), as: UTF8.self)
        #expect(program.contains(old))
        try self.folder.write(program.replacingOccurrences(of: old, with: new), to: "job.fl")

        let outcome = try self.folder.run("--state", "state", "--resume")

        #expect(outcome.code == 1)
        expect(outcome.notes, contains: [wasText, isText, "--allow-drop"])
    }

    @Test func `a damaged checkpoint is left for the one before it, and that is said`() throws {
        try self.stopEarly()
        let numbers = (self.folder.names(in: "state/shop") ?? [])
            .compactMap { $0.hasPrefix("checkpoint-") ? Int($0.dropFirst("checkpoint-".count)) : nil }
        let newest = try #require(numbers.max())
        try #require(numbers.count > 1)
        let blobs = (self.folder.names(in: "state/shop/checkpoint-\(newest)") ?? []).filter { $0.hasSuffix(".blob") }
        try self.folder.write("garbage", to: "state/shop/checkpoint-\(newest)/\(try #require(blobs.first))")
        try self.folder.write(ShopEvents.program(), to: "job.fl")

        let outcome = try self.folder.run("--state", "state", "--resume", "--allow-duplicates")

        #expect(outcome.code == 0, "\(outcome.notes)")
        expect(outcome.notes, contains: ["went on from checkpoint", "checkpoint \(newest)"])
        #expect(Set(try self.folder.lines()) == Set(self.expected))
    }

    @Test func `going on from a checkpoint whose successor's output is there is refused`() throws {
        try self.stopEarly()
        try self.folder.write(ShopEvents.program(steps: "(filter (lambda (e) true))"), to: "job.fl")
        #expect(try self.folder.run("--state", "state", "--resume").code == 0)
        let numbers = (self.folder.names(in: "state/shop") ?? [])
            .compactMap { $0.hasPrefix("checkpoint-") ? Int($0.dropFirst("checkpoint-".count)) : nil }
        let newest = try #require(numbers.max())
        try #require(numbers.count > 1)
        try FileManager.default.removeItem(atPath: self.folder.file("state/shop/checkpoint-\(newest)"))

        let outcome = try self.folder.run("--state", "state", "--resume")

        #expect(outcome.code == 1)
        expect(outcome.notes, contains: ["is there already and would come again", "--allow-duplicates"])
    }

    @Test(.enabled(if: SmallDisk.isPossible, "only root may mount"), arguments: [16, 24])
    func `a disk too full for checkpoints costs no result`(kibibytes: Int) throws {
        let disk = try SmallDisk(path: self.folder.file("state"), bytes: kibibytes << 10)
        try self.writeSlowJob()

        let first = try self.folder.run("--state", "state", "--checkpoint-interval", "100ms", "--parallelism", "2")
        #expect(first.notes.contains("given up"), "\(first.notes)")
        // Where not even the end can be written, it fails, and goes on when there is room.
        if first.code != 0 {
            expect(first.notes, contains: ["No space left on device", "free some space"])
            try disk.resize(bytes: 8 << 20)
            let second = try self.folder.run("--state", "state", "--resume")
            #expect(second.code == 0, "\(second.notes)")
        }

        #expect(try self.folder.lines().sorted() == self.expected)
    }

    @Test func `a second run with the same state directory is refused`() throws {
        try self.writeSlowJob()
        let process = try WeirProcess(["run", "job.fl"] + Self.often, in: self.folder)
        try process.wait(until: "a checkpoint is complete") { self.hasCheckpoint(self.folder) }
        // It must not come to its end before the second one has given up.
        process.send(SIGSTOP)

        let second = try TemporaryFolder()
        try second.write(ShopEvents.program(), to: "job.fl")
        try second.write(self.events.lines, to: "in/events.jsonl")
        let outcome = try second.run("--state", self.folder.file("state"), "--resume")
        process.send(SIGKILL)
        _ = try process.wait()

        #expect(outcome.code == 1)
        expect(outcome.notes, contains: ["another run is using the state directory", "--state"])
    }

    @Test func `a record that can't be decoded stops the stream with its place`() throws {
        try self.folder.write(#"{"user":"u1","ts":1}"# + "\n{broken\n", to: "in/events.jsonl")

        let outcome = try self.folder.run()

        #expect(outcome.code == 1)
        expect(outcome.notes, contains: ["in/events.jsonl, offset 21", ":on-error 'skip"])
    }

    @Test func `a record without a time is left out and counted where the program says so`() throws {
        try self.folder.write(self.events.lines + #"{"user":"u1"}"# + "\n", to: "in/events.jsonl")
        try self.folder.write(ShopEvents.program(options: ":on-error 'skip"), to: "job.fl")

        let outcome = try self.folder.run()

        #expect(outcome.code == 0, "\(outcome.notes)")
        expect(outcome.notes, contains: ["rejected", "1 record", ":time gives nil"])
        #expect(try self.folder.lines().sorted() == self.expected)
    }

    @Test(arguments: ["", "(submit-job shop)"])
    func `a stream whose broker nobody names says how to name it, and where it is used`(submission: String) throws {
        let topic = ShopEvents.program().replacing(#"(distributed-files "in/*")"#, with: #"(kafka-topic "clicks")"#)
        try self.folder.write("\(topic)\n\(submission)\n", to: "job.fl")

        let outcome = try self.folder.run()

        #expect(outcome.code == 1)
        expect(outcome.notes, contains: ["-D kafka.brokers=host:port", "job.fl:"])
    }

    @Test func `files need a time`() throws {
        let program = ShopEvents.program().replacing("  :time :ts\n", with: "")
        try self.folder.write(program, to: "job.fl")

        let outcome = try self.folder.run()

        #expect(outcome.code == 2)
        expect(outcome.notes, contains: ["distributed-files gives its records no time", ":time"])
    }
}
