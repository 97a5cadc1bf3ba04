import Testing

/// What `-D` gives and what `(param …)` reads.
@Suite struct ParameterTests {
    private let folder: TemporaryFolder

    /// A job that reads one parameter at the top level, one in a branch, and one in a map.
    init() throws {
        self.folder = try TemporaryFolder()
        try self.folder.write("a\nerror b\n", to: "in/text")
        try self.folder.write(
            """
            (define pattern (if (= (param "mode" "all") "some") (param "pattern") "in/*"))
            (define-mapreduce job
              :input (distributed-files pattern)
              :output (distributed-path "out")
              :map (lambda (line) (when (contains? line (param "word" "error")) (emit line 1))))
            """,
            to: "job.fl"
        )
    }

    @Test func `a name that nothing reads is refused with the nearest one`() throws {
        let outcome = try self.folder.run("-D", "wrod=b")

        #expect(outcome.code == 2)
        expect(
            outcome.notes,
            contains: [
                "-D wrod=", "nothing in job.fl reads (param \"wrod\")", "did you mean 'word'?", "mode, pattern, word",
            ]
        )
        #expect(self.folder.isWithoutOutput)
    }

    @Test(arguments: ["explain", "check"])
    func `other commands refuse it too`(command: String) throws {
        let outcome = try WeirProcess([command, "job.fl", "-D", "wrod=b"], in: self.folder).wait()

        #expect(outcome.code == 2)
        expect(outcome.notes, contains: ["did you mean 'word'?"])
    }

    @Test func `a summary for programs holds the refusal`() throws {
        let outcome = try self.folder.run("-D", "wrod=b", "--json")

        #expect(outcome.code == 2)
        #expect(try outcome.report().state == "refused")
        expect(try outcome.report().failure ?? "", contains: ["wrod", "word"])
    }

    @Test func `a name that is only read in a branch is known, and so is one for connectors`() throws {
        try self.folder.summary("-D", "pattern=nothing/*", "-D", "kafka.brokers=localhost:9092", "-D", "word=a")

        #expect(try self.folder.lines() == ["a\t1"])
    }

    @Test func `a name that is given twice is refused with both values`() throws {
        let outcome = try self.folder.run("-D", "word=a", "-D", "word=b")

        #expect(outcome.code == 2)
        expect(outcome.notes, contains: ["-D word=… is given twice", "as 'a' and as 'b'", "give it once"])
        #expect(self.folder.isWithoutOutput)
    }

    @Test func `a secret that is given twice isn't shown`() throws {
        let outcome = try self.folder.run("-D", "db-password=hunter2", "-D", "db-password=hunter3")

        #expect(outcome.code == 2)
        #expect(outcome.notes.contains("is given twice"))
        #expect(!outcome.notes.contains("hunter"))
    }

    @Test(arguments: ["run", "explain"])
    func `a parameter without a value is refused with what to pass`(command: String) throws {
        let outcome = try WeirProcess([command, "job.fl", "-D", "mode=some"], in: self.folder).wait()

        #expect(outcome.code == 2)
        expect(
            outcome.notes,
            contains: ["job.fl:1:53: error[unset-parameter]", "the parameter pattern isn't set", "-D pattern=…"]
        )
        #expect(self.folder.isWithoutOutput)
    }

    @Test(arguments: ["run", "explain"])
    func `one that a map reads for every record is refused before the job starts`(command: String) throws {
        try self.folder.writeJob(map: #"(when (contains? line (param "word")) (emit line 1))"#)

        let outcome = try WeirProcess([command, "job.fl"], in: self.folder).wait()

        #expect(outcome.code == 2)
        expect(outcome.notes, contains: ["job.fl:5:45: error[unset-parameter]", "-D word=…"])
        #expect(!outcome.notes.contains("failed after"))
    }

    @Test func `one that only some records come to fails with them`() throws {
        try self.folder.writeJob(map: #"(when (contains? line "error") (emit (param "word") 1))"#)

        let outcome = try self.folder.run()
        try self.folder.write("a\n", to: "in/text")
        try self.folder.summary()

        #expect(outcome.code == 1)
        expect(outcome.notes, contains: ["error[unset-parameter]", "-D word=…", "in/text, offset 2"])
    }
}
