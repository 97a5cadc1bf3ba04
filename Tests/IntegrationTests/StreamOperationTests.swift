import Foundation
import Testing

/// What can be seen of streams that run and are stopped, early results, and splits that wait for each other.
@Suite struct StreamOperationTests {
    private let folder: TemporaryFolder
    private let events = ShopEvents(count: 4_000, seed: 2)

    init() throws {
        self.folder = try TemporaryFolder()
        try self.folder.write(self.events.lines, to: "in/events.jsonl")
        try self.folder.write(ShopEvents.program(), to: "job.fl")
    }

    private func writeSlowJob(stepsPerRecord: Int = 3_000) throws {
        let spin = "(define spin (lambda (n) (if (= n 0) true (spin (- n 1)))))\n"
        let steps = "(filter (lambda (e) (spin \(stepsPerRecord))))"
        try self.folder.write(spin + ShopEvents.program(steps: steps), to: "job.fl")
    }

    /// To go on where a checkpoint is, and to begin anew where none is.
    private var resuming: [String] {
        let hasState = (self.folder.names(in: "state/shop") ?? []).contains { $0.hasSuffix("/manifest") }
        return hasState ? ["--resume"] : ["--overwrite"]
    }

    private func hasStatus(_ state: String) -> Bool {
        let text = (try? self.folder.read("state/shop/status")).map { String(decoding: $0, as: UTF8.self) }
        return text?.contains("state \(state)\n") ?? false
    }

    @Test func `a stream says what SIGTERM does, and weir why what it does and did`() throws {
        try self.writeSlowJob()
        let process = try WeirProcess(["run", "job.fl", "--state", "state"], in: self.folder)
        try process.wait(until: "its figures are there") { self.hasStatus("running") }
        let elsewhere = try TemporaryFolder()
        let asked = try WeirProcess(["why", self.folder.file("state")], in: elsewhere).wait()
        process.send(SIGTERM)
        let outcome = try process.wait()
        let after = try WeirProcess(["why", self.folder.file("state/shop")], in: elsewhere).wait()

        #expect(asked.code == 0 && asked.results.hasPrefix("shop: running\n"), "\(asked.results)\(asked.notes)")
        #expect(outcome.code == 0)
        expect(outcome.notes, contains: ["stopping behind a last checkpoint, a savepoint; once more ends at once"])
        #expect(after.results == "shop: finished\n  it has ended: finished\n")
    }

    @Test func `a savepoint of a stream that runs is gone on from, though the stream goes on`() throws {
        let events = ShopEvents(count: 100_000, seed: 5)
        try self.folder.write(events.lines, to: "in/events.jsonl")
        let options = ["--state", "state", "--checkpoint-interval", "20ms", "--retained-checkpoints", "1"]
        let process = try WeirProcess(["run", "job.fl", "--parallelism", "1"] + options, in: self.folder)
        let elsewhere = try TemporaryFolder()
        try process.wait(until: "there is a checkpoint") {
            (self.folder.names(in: "state/shop") ?? []).contains { $0.hasSuffix("/manifest") }
        }
        process.send(SIGSTOP)
        let copied = try WeirProcess(
            ["savepoint", self.folder.file("state/shop"), elsewhere.file("kept")],
            in: elsewhere
        ).wait()
        let again = try WeirProcess(
            ["savepoint", self.folder.file("state/shop"), elsewhere.file("kept")],
            in: elsewhere
        ).wait()
        process.send(SIGKILL)
        process.send(SIGCONT)
        _ = try process.wait()
        let savepoint = copied.results.trimmingCharacters(in: .newlines)
        #expect(again.code == 1)
        expect(again.notes, contains: ["exists; name another directory"])

        let resumed = try self.folder.run("--from", savepoint, "--overwrite")
        let rest = try self.folder.lines()

        #expect(copied.code == 0, "\(copied.notes)")
        #expect(resumed.code == 0, "\(resumed.notes)")
        #expect(!rest.isEmpty && Set(rest).isSubset(of: events.results(size: 300_000, slide: 60_000)))
    }

    @Test func `a savepoint of a stream without a checkpoint is refused`() throws {
        let outcome = try WeirProcess(["savepoint", "state/shop", "kept"], in: self.folder).wait()

        #expect(outcome.code == 1)
        expect(outcome.notes, contains: ["there is no checkpoint in 'state/shop' yet"])
    }

    @Test func `weir why says where there is nothing to read`() throws {
        let outcome = try WeirProcess(["why", "in"], in: self.folder).wait()

        #expect(outcome.code == 1)
        expect(outcome.notes, contains: ["can't find a stream's figures in 'in'", "--state"])
    }

    @Test func `watched figures come an object a line, and the summary last`() throws {
        try self.writeSlowJob()

        let process = try WeirProcess(["run", "job.fl", "--json", "--watch", "--parallelism", "1"], in: self.folder)
        try process.wait(until: "figures are printed") { self.folder.hasText("results.log", "\"inputPerSecond\":") }
        process.send(SIGTERM)
        let lines = try process.wait().results.split(separator: "\n").map(String.init)

        let objects = try lines.map { try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
        #expect(objects.dropLast().allSatisfy { $0?["job"] as? String == "shop" })
        #expect(objects.last??["jobs"] != nil)
    }

    @Test func `the summary counts the bytes that a stream wrote`() throws {
        let outcome = try self.folder.run("--json")
        let lines = try self.folder.lines()

        let report = try #require(JSONSerialization.jsonObject(with: Data(outcome.results.utf8)) as? [String: Any])
        let job = try #require((report["jobs"] as? [[String: Any]])?.first)
        let bytes = try #require(job["outputBytes"] as? Int)
        let written = lines.reduce(0) { $0 + $1.utf8.count + 1 }
        #expect((written - lines.count...written).contains(bytes), "\(bytes) of \(written)")
    }

    /// Each file is a time of its own: without a limit two subtasks would read both at once.
    @Test(arguments: ["1", "2", "3"])
    func `splits that wait for each other change no result`(parallelism: String) throws {
        let lines = self.events.lines.split(separator: "\n").map { $0 + "\n" }
        for part in 0..<4 {
            let share = lines[(part * 1_000)..<(part * 1_000 + 1_000)].joined()
            try self.folder.write(share, to: "in/events-\(part).jsonl")
        }
        try FileManager.default.removeItem(atPath: self.folder.file("in/events.jsonl"))
        try self.folder.write(ShopEvents.program(options: ":drift-limit 10000"), to: "job.fl")

        let outcome = try self.folder.run("--parallelism", parallelism)

        #expect(outcome.code == 0, "\(outcome.notes)")
        #expect(try self.folder.lines().sorted() == self.events.results(size: 300_000, slide: 60_000))
    }

    @Test(arguments: ["parts-collected", "state-written", "manifest-written", "sinks-committed", "removal-begun"])
    func `a stream that ends at a failpoint goes on as if it were killed there`(point: String) throws {
        let events = ShopEvents(count: 10_000, seed: 3)
        try self.folder.write(events.lines, to: "in/events.jsonl")
        try self.writeSlowJob(stepsPerRecord: 500)
        let often = ["--state", "state", "--checkpoint-interval", "20ms"]
        for _ in 0..<2 {
            let run = ["run", "job.fl"] + often + self.resuming
            let outcome = try WeirProcess(run, in: self.folder, environment: ["WEIR_FAILPOINT": point]).wait()
            #expect(outcome.code == 128 + SIGKILL, "\(outcome.notes)")
        }
        try self.folder.write(ShopEvents.program(), to: "job.fl")

        let outcome = try WeirProcess(["run", "job.fl", "--state", "state"] + self.resuming, in: self.folder).wait()

        #expect(outcome.code == 0, "\(outcome.notes)")
        #expect(try self.folder.lines().sorted() == events.results(size: 300_000, slide: 60_000))
    }

    @Test func `a failpoint that doesn't exist is refused with the names of those that do`() throws {
        let process = try WeirProcess(["run", "job.fl"], in: self.folder, environment: ["WEIR_FAILPOINT": "nowhere"])
        let outcome = try process.wait()

        #expect(outcome.code == 2)
        expect(outcome.notes, contains: ["WEIR_FAILPOINT=nowhere", "manifest-written"])
    }

    @Test func `the development broker serves a run that is filled from a file`() throws {
        let program = ShopEvents.program().replacing(
            "(distributed-files \"in/*\")",
            with: "(kafka-topic \"shop\" :format 'json)"
        )
        try self.folder.write(program, to: "job.fl")

        let outcome = try self.folder.run(
            "--dev-broker",
            "--fill",
            "shop=in/events.jsonl",
            "--until-idle",
            "2s",
            "--drain"
        )

        #expect(outcome.code == 0, "\(outcome.notes)")
        expect(outcome.notes, contains: ["development broker, in memory, at least once", "shop: 4,000 records"])
        #expect(try self.folder.lines().sorted() == self.events.results(size: 300_000, slide: 60_000))
    }

    @Test func `a table is what a topic holds when the stream begins, the last record of each key`() throws {
        let users = (0..<2_000).map { #"{"id":"u\#($0 % 40)","team":"t\#($0)"}"# + "\n" }
        try self.folder.write(users.joined(), to: "users.jsonl")
        let program = """
            (define users (table (kafka-topic "users" :format 'json) :key :id))
            (define-stream-processor shop
              :source (distributed-files "in/*")
              :sink (distributed-path "out")
              :time :ts
              :watermark (bounded-out-of-orderness \(ShopEvents.bound))
              (enrich users :on :user)
              (window (tumbling-window 3600000000)
                (group-by :team (aggregate :views (count)))))
            """
        try self.folder.write(program, to: "job.fl")

        let outcome = try self.folder.run("--dev-broker", "--fill", "users=users.jsonl")

        #expect(outcome.code == 0, "\(outcome.notes)")
        var views: [String: Int] = [:]
        // The last record of user N of 40 is the one of number 1,960 + N.
        for event in self.events.events { views["t\(1_960 + (Int(event.user.dropFirst()) ?? 0))", default: 0] += 1 }
        let found = try self.folder.lines()
        #expect(found.count == views.count)
        for (team, count) in views {
            #expect(found.contains { $0.hasPrefix(#"{"team":"\#(team)","views":\#(count),"#) }, "\(team): \(count)")
        }
    }

    /// With so little fetched ahead the library asks the broker once a second, which is far longer than the idle time.
    @Test func `a stream isn't idle before it has read what the brokers had`() throws {
        let many = ShopEvents(count: 40_000, seed: 3)
        try self.folder.write(many.lines, to: "in/events.jsonl")
        let program = ShopEvents.program().replacing(
            "(distributed-files \"in/*\")",
            with: "(kafka-topic \"shop\" :format 'json)"
        )
        try self.folder.write(program, to: "job.fl")
        let slowly = ["-D", "kafka.queued.min.messages=1", "-D", "kafka.max.partition.fetch.bytes=1000"]

        let outcome = try WeirProcess(
            ["run", "job.fl", "--dev-broker", "--fill", "shop=in/events.jsonl", "--until-idle", "1ms", "--drain"]
                + slowly,
            in: self.folder
        ).wait()

        #expect(outcome.code == 0, "\(outcome.notes)")
        #expect(try self.folder.lines().sorted() == many.results(size: 300_000, slide: 60_000))
    }

    /// One topic is an hour behind the other: without a limit both would be read at the same pace.
    @Test func `partitions of a topic that is ahead wait for those that are behind, and all is read`() throws {
        let lines = self.events.lines.split(separator: "\n").map { $0 + "\n" }
        try self.folder.write(lines[..<2_000].joined(), to: "old.jsonl")
        try self.folder.write(lines[2_000...].joined(), to: "new.jsonl")
        let program = ShopEvents.program(options: ":drift-limit 30000 :idle-after 500").replacing(
            "(distributed-files \"in/*\")",
            with: "(kafka-topic \"old\" \"new\" :format 'json)"
        )
        try self.folder.write(program, to: "job.fl")
        let fill = ["--dev-broker", "--fill", "old=old.jsonl", "--fill", "new=new.jsonl"]

        let outcome = try WeirProcess(
            ["run", "job.fl", "--until-idle", "3s", "--drain", "--parallelism", "2"] + fill,
            in: self.folder
        ).wait()

        #expect(outcome.code == 0, "\(outcome.notes)")
        let expected = self.events.results(size: 300_000, slide: 60_000)
        #expect(try self.folder.lines().sorted() == expected)
    }

    @Test func `a window gives early results as its records come, and the last one at its end`() throws {
        let count = 7
        let records = (1...count).map { #"{"user":"a","ts":\#($0)}"# + "\n" }.joined()
        try self.folder.write(records, to: "in/events.jsonl")
        try self.folder.write(
            """
            (define-streaming-job early
              :input (distributed-files "in/*" :format 'json)
              :output (distributed-path "out")
              :window (tumbling-window 1000)
              :time :ts
              :trigger (trigger :early-count 3)
              :map (lambda (event) (emit (get event :user) 1))
              :reduce (lambda (user ones) (emit (pane) (sum ones))))
            """,
            to: "job.fl"
        )

        let outcome = try self.folder.run("--parallelism", "2")

        #expect(outcome.code == 0, "\(outcome.notes)")
        #expect(try self.folder.lines().sorted() == ["-1\t3", "-2\t6", "0\t7"])
    }
}

extension TemporaryFolder {
    fileprivate func hasText(_ name: String, _ text: String) -> Bool {
        (try? self.read(name)).map { String(decoding: $0, as: UTF8.self).contains(text) } ?? false
    }
}
