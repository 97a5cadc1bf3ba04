import Testing

/// Options of `weir run` that only streams heed.
@Suite struct StreamOptionTests {
    private let folder: TemporaryFolder

    init() throws {
        self.folder = try TemporaryFolder()
        try self.folder.write("a\n", to: "in/text")
        try self.folder.writeWordCount()
    }

    @Test(arguments: [
        ["--state", "state"], ["--checkpoint-interval", "1s"], ["--checkpoint-timeout", "1s"],
        ["--checkpoint-pause", "1s"], ["--unaligned-after", "1s"], ["--retained-checkpoints", "2"],
        ["--from", "state/job/checkpoint-1"],
        ["--until-idle", "1s"], ["--drain"], ["--allow-drop"], ["--allow-duplicates"], ["--dev-broker"],
    ])
    func `a program without a stream refuses them`(options: [String]) throws {
        let outcome = try WeirProcess(["run", "job.fl"] + options, in: self.folder).wait()

        #expect(outcome.code == 2)
        expect(
            outcome.notes,
            contains: [
                "can't use \(options[0]): only streams heed it, and job.fl defines none", "define-streaming-job",
            ]
        )
        #expect(self.folder.isWithoutOutput)
        #expect(self.folder.names(in: "state") == nil)
    }

    @Test func `all that were given are named, also in the summary for programs`() throws {
        let outcome = try self.folder.run("--state", "state", "--resume", "--json", "--watch")

        #expect(outcome.code == 2)
        #expect(try outcome.report().state == "refused")
        let failure = try outcome.report().failure ?? ""
        expect(failure, contains: ["can't use --state, --resume, --watch: only streams heed them"])
    }

    @Test func `a development broker isn't started for a program that has no use for it`() throws {
        let outcome = try self.folder.run("--dev-broker", "--fill", "topic=none.jsonl")

        #expect(outcome.code == 2)
        expect(outcome.notes, contains: ["can't use --dev-broker, --fill: only streams heed them"])
        #expect(!outcome.notes.contains("development broker, in memory"))
        #expect(!outcome.notes.contains("none.jsonl"))
    }

    @Test func `a program that has a stream beside a job that ends takes them`() throws {
        let job = String(decoding: try self.folder.read("job.fl"), as: UTF8.self)
        try self.folder.write(
            """
            \(job)
            (submit-job job)
            (define-stream-processor copies :source (generate :records 3 :format 'json) :time :time :sink (stdout))
            (submit-job copies)
            """,
            to: "job.fl"
        )

        let outcome = try self.folder.run("--state", "state", "--drain")

        #expect(outcome.code == 0, "\(outcome.notes)")
        #expect(self.folder.names(in: "state")?.first == "copies")
        #expect(try self.folder.lines() == ["a\t1"])
    }
}
