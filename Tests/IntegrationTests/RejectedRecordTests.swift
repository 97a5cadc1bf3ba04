import Testing

/// Records that fail under `:on-error`.
@Suite struct RejectedRecordTests {
    private let folder: TemporaryFolder

    init() throws {
        self.folder = try TemporaryFolder()
        try self.folder.write("1\n0\n2\n0\n5\n0\n0\n0\n0\n10\n", to: "in/text")
    }

    @Test func `skipped records are counted, and the first five shown`() throws {
        try self.folder.writeJob(map: #"(emit "all" (quot 100 (parse-int line)))"#, options: ":on-error 'skip")

        let outcome = try self.folder.run()

        #expect(outcome.code == 0)
        expect(
            outcome.notes,
            contains: [
                "rejected  6 records:", "in/text, offset 2: quot by zero", "in/text, offset 6:",
                "in/text, offset 10:", "in/text, offset 12:", "in/text, offset 14:", "and 1 more",
            ]
        )
        #expect(!outcome.notes.contains("offset 16:"))
        #expect(try self.folder.lines() == ["all\t180"])
    }

    @Test func `a fault of the program is none of its records, and ends the job under every policy`() throws {
        try self.folder.write(
            """
            (define-mapreduce j
              :input (distributed-files "in/*")
              :output (distributed-path "out")
              :on-error 'skip
              :map (lambda (line) (emit (twice line) 1)))
            (define (twice x) (str x x))
            """,
            to: "job.fl"
        )

        let outcome = try self.folder.run()

        #expect(outcome.code == 1)
        expect(outcome.notes, contains: ["twice is used before its define has run", "move its define above"])
        #expect(self.folder.names(in: "out") == nil)
    }

    @Test func `dead letters hold the file, the offset, the record and the error`() throws {
        try self.folder.write([UInt8(ascii: "x"), 0xFF, UInt8(ascii: "\n")] + Array("5\n".utf8), to: "in/text")
        try self.folder.writeJob(
            map: #"(emit "all" (quot 100 (parse-int line)))"#,
            options: #":on-error (dead-letter (distributed-path "rejected"))"#
        )

        let job = try self.folder.summary()

        let letters = try self.folder.lines(of: "rejected")
        #expect(job.rejectedRecords == 1)
        #expect(letters.count == 1)
        expect(
            letters.first ?? "",
            contains: [#""file":"in/text""#, #""offset":0"#, #""bytes":[120,255]"#, "quot needs an integer"]
        )
        #expect(try self.folder.lines() == ["all\t20"])
    }

    @Test func `parts of dead letters are numbered from 0, and none is empty`() throws {
        for index in 0..<4 { try self.folder.write(index == 2 ? "0\n" : "1\n", to: "in/text-\(index)") }
        try self.folder.writeJob(
            map: "(emit line (quot 100 (parse-int line)))",
            reduce: #"(emit key (if (= key "1") (throw "one") 0))"#,
            options: #":on-error (dead-letter (distributed-path "rejected"))"#
        )

        try self.folder.summary("--parallelism", "4")

        let parts = try self.folder.parts(of: "rejected")
        let names = (0..<parts.count).map { "part-0000\($0)" }
        #expect(self.folder.names(in: "rejected") == ["_SUCCESS"] + names)
        #expect(parts.allSatisfy { !$0.isEmpty })
        #expect(parts.flatMap { $0 }.count == 8)
    }

    @Test func `dead letters may lie in the output's directory`() throws {
        try self.folder.writeJob(
            map: #"(emit "all" (quot 100 (parse-int line)))"#,
            options: #":on-error (dead-letter (distributed-path "out/rejected"))"#
        )

        try self.folder.summary()

        #expect(try self.folder.lines(of: "out") == ["all\t180"])
        #expect(try self.folder.lines(of: "out/rejected").count == 6)
    }

    @Test func `a job that fails leaves no dead letters either`() throws {
        let whole = try self.folder.compressed((0..<10_000).map { "\($0 % 3)\n" }.joined(), "gzip")
        try self.folder.write(whole.prefix(whole.count / 2), to: "in/truncated")
        try self.folder.writeJob(
            map: "(emit line (quot 100 (parse-int line)))",
            options: #":on-error (dead-letter (distributed-path "rejected"))"#
        )

        let outcome = try self.folder.run()

        #expect(outcome.code == 1)
        #expect(self.folder.names(in: "rejected") == nil)
        #expect(self.folder.isWithoutOutput)
    }

    @Test func `dead letters hold the keys whose reduce fails, with what is known of them`() throws {
        try self.folder.writeJob(
            map: "(emit line 1)",
            reduce: "(emit key (quot 12 (- (reduce + 0 values) 6)))",
            options: #":on-error (dead-letter (distributed-path "rejected"))"#
        )

        let job = try self.folder.summary()

        let error = #""error":"quot by zero; test the divisor first","at":"job.fl:6:42""#
        #expect(try self.folder.lines(of: "rejected") == [#"{"job":"job","key":"0","values":6,\#(error)}"#])
        #expect(job.rejectedRecords == 1)
        #expect(try self.folder.lines() == ["1\t-2", "10\t-2", "2\t-2", "5\t-2"])
    }

    @Test(arguments: ["(emit key (quot 12 (- (sum values) 6)))", "(emit key (quot 12 (- (count values) 6)))"])
    func `a key whose aggregate makes the reduce fail is a dead letter`(reduce: String) throws {
        try self.folder.writeJob(
            map: "(emit line 1)",
            reduce: reduce,
            options: #":on-error (dead-letter (distributed-path "rejected"))"#
        )

        try self.folder.summary()

        let letters = try self.folder.lines(of: "rejected")
        #expect(letters.count == 1)
        expect(letters.first ?? "", contains: [#""key":"0""#, #""error":"quot by zero"#])
        #expect(letters.first?.contains(#""values":6"#) == reduce.contains("count"))
    }

    @Test func `a key whose values were spilled is a dead letter with their number`() throws {
        let padding = String(repeating: "x", count: 500)
        let text = (0..<60_000).map { "\($0 % 3)\(padding)\n" }.joined()
        try self.folder.write(text, to: "in/text")
        try self.folder.writeJob(
            map: "(emit (substring line 0 1) line)",
            reduce: #"(if (= key "1") (throw (first values)) (emit key (count values)))"#,
            options: #":on-error (dead-letter (distributed-path "rejected"))"#
        )

        let job = try self.folder.summary("--memory", "16MiB")

        let letters = try self.folder.lines(of: "rejected")
        #expect(job.spilledBytes > 0)
        #expect(letters.count == 1)
        expect(letters.first ?? "", contains: [#""key":"1""#, #""values":20000"#, #""error":"uncaught throw: 1xxx"#])
        #expect(try self.folder.lines() == ["0\t20000", "2\t20000"])
    }

    @Test func `keys whose reduce fails are skipped and counted`() throws {
        try self.folder.writeJob(
            map: "(emit line 1)",
            reduce: "(emit key (quot 12 (- (sum values) 1)))",
            options: ":on-error 'skip"
        )

        let job = try self.folder.summary()

        #expect(job.rejectedRecords == 4)
        expect(job.rejectedExamples.joined(separator: "\n"), contains: ["the values of key 10: quot by zero"])
        #expect(try self.folder.lines() == ["0\t2"])
    }
}
