import Testing

/// Whole programs: several jobs, results, and what the shell learns.
@Suite struct ProgramRunTests {
    private let folder: TemporaryFolder

    init() throws {
        self.folder = try TemporaryFolder()
        try self.folder.write("a b a\nc a\n", to: "in/text")
    }

    /// Counts words, then groups them by their number.
    private static let twoJobs = #"""
        (define-mapreduce counts
          :input (distributed-files "in/*")
          :output (distributed-path "out/counts")
          :map (lambda (line) (for (word (split line " ")) (emit word 1)))
          :reduce (lambda (word ones) (emit word (sum ones))))
        (define-mapreduce ranks
          :input (distributed-files "out/counts/part-*")
          :output (distributed-path "out/ranks")
          :map (lambda (line) (let ((fields (split line "\t"))) (emit (nth fields 1) (nth fields 0))))
          :reduce (lambda (count words) (emit count (join "," (sort words)))))

        """#

    @Test(arguments: ["(if false (submit-job lines) nil)", "(define go (lambda () (submit-job lines)))"])
    func `a job that the program decides not to submit isn't run`(form: String) throws {
        try self.folder.write(
            """
            (define-mapreduce lines
              :input (distributed-files "in/*")
              :output (distributed-path "out")
              :map (lambda (line) (emit line 1)))
            \(form)
            (println "nothing done")

            """,
            to: "job.fl"
        )

        let outcome = try self.folder.run()

        #expect(outcome.code == 0, "\(outcome.notes)")
        #expect(outcome.results == "nothing done\n")
        #expect(self.folder.names(in: "out") == nil)
    }

    @Test(arguments: [[], ["--quiet"]])
    func `a program of several jobs that submits none is refused before it does anything`(options: [String]) throws {
        try self.folder.write(Self.twoJobs + "(println \"begun\")\n", to: "job.fl")

        let outcome = try WeirProcess(["run", "job.fl"] + options, in: self.folder).wait()

        #expect(outcome.code == 2)
        #expect(outcome.results == "")
        expect(
            outcome.notes,
            contains: [
                "job.fl:1:1: error[no-submission]: the program defines 2 jobs and submits none, so that none runs",
                "add (submit-job counts)",
            ]
        )
        #expect(self.folder.isWithoutOutput)
    }

    @Test(arguments: ["check", "explain"])
    func `who looks at a program of several jobs that submits none is warned`(command: String) throws {
        try self.folder.write(Self.twoJobs, to: "job.fl")

        let outcome = try WeirProcess([command, "job.fl"], in: self.folder).wait()

        #expect(outcome.code == 0)
        expect(outcome.notes, contains: ["job.fl:1:1: warning[no-submission]: the program defines 2 jobs"])
    }

    @Test func `a definition that is asked like a job says how to submit it`() throws {
        try self.folder.write(
            Self.twoJobs + "(define (state job) (job:status job))\n(println (state counts))\n(submit-job ranks)",
            to: "job.fl"
        )

        let outcome = try self.folder.run()

        #expect(outcome.code == 1)
        expect(
            outcome.notes,
            contains: [
                "job:status: it needs a submitted job, and counts is the definition of one", "(submit-job counts)",
            ]
        )
    }

    @Test func `a function that is defined behind its job is advised to move`() throws {
        try self.folder.write(
            """
            (define-mapreduce job
              :input (distributed-files "in/*")
              :output (distributed-path "out")
              :map (lambda (line) (emit (first-word line) 1)))
            (define (first-word line) (first (split line " ")))

            """,
            to: "job.fl"
        )

        let outcome = try self.folder.run()

        #expect(outcome.code == 1)
        expect(outcome.notes, contains: ["first-word is used before its define has run; move its define above"])
    }

    @Test(arguments: ["", "(await (job:wait-completion first))"])
    func `a job that is submitted twice says that this program writes there`(between: String) throws {
        try self.folder.write(
            Self.twoJobs + """
                (let ((first (submit-job counts)))
                  \(between.isEmpty ? "(job:id first)" : between)
                  (await (job:wait-completion (submit-job counts))))
                """,
            to: "job.fl"
        )

        let outcome = try self.folder.run("--quiet")

        #expect(outcome.code == 1)
        expect(outcome.notes, contains: ["can't write to 'out/counts'", "job of this program"])
        #expect(!outcome.notes.contains("another run"))
    }

    @Test func `a second job reads what the first one wrote`() throws {
        try self.folder.write(
            Self.twoJobs + """
                (await (job:wait-completion (submit-job counts)))
                (await (job:wait-completion (submit-job ranks)))
                """,
            to: "job.fl"
        )

        let outcome = try self.folder.run()

        #expect(outcome.code == 0)
        expect(outcome.notes, contains: ["counts finished in", "ranks finished in"])
        #expect(try self.folder.lines(of: "out/ranks") == ["1\tb,c", "3\ta"])
    }

    @Test func `results come back to the program, which prints`() throws {
        try self.folder.write(
            Self.twoJobs + #"""
                (let ((job (submit-job counts)))
                  (await (job:wait-completion job))
                  (println "status" (job:status job))
                  (for (pair (sort (job:get-results job)))
                    (println (nth pair 0) "->" (nth pair 1)))
                  (println (sum (map (lambda (pair) (nth pair 1)) (job:get-results job)))))
                """#,
            to: "job.fl"
        )

        let outcome = try self.folder.run("--quiet")

        #expect(outcome.code == 0)
        #expect(outcome.results == "status :finished\na -> 3\nb -> 1\nc -> 1\n5\n")
        #expect(outcome.notes == "")
    }

    @Test func `a job that fails ends the program where it waits`() throws {
        try self.folder.write(
            Self.twoJobs.replacing("(sum ones)", with: "(quot 1 0)") + """
                (await (job:wait-completion (submit-job counts)))
                (await (job:wait-completion (submit-job ranks)))
                (println "never")
                """,
            to: "job.fl"
        )

        let outcome = try self.folder.run()

        #expect(outcome.code == 1)
        expect(outcome.notes, contains: ["counts failed after", "job.fl:5:", "error[division-by-zero]"])
        #expect(!outcome.notes.contains("ranks"))
        #expect(outcome.results == "")
        #expect(self.folder.names(in: "out") == nil)
    }

    @Test func `a summary for programs holds the failure`() throws {
        try self.folder.writeJob(map: "(emit line (quot 1 0))")

        let outcome = try self.folder.run("--json", "--quiet")

        let report = try outcome.report()
        #expect(outcome.code == 1)
        #expect(report.state == "failed")
        #expect(report.jobs.map(\.state) == ["failed"])
        expect(report.jobs.first?.failure ?? "", contains: ["job.fl:5:", "quot by zero", "in/text, offset 0"])
        #expect(report.failure != nil)
    }

    @Test func `a job without a reduce writes what it maps`() throws {
        try self.folder.write(
            """
            (define-mapreduce job
              :input (distributed-files "in/*")
              :output (distributed-path "out")
              :map (lambda (offset line) (when (contains? line "c") (emit offset line))))
            """,
            to: "job.fl"
        )

        let job = try self.folder.summary()

        #expect(try self.folder.lines() == ["6\tc a"])
        #expect(job.outputRecords == 1)
    }

    @Test func `sorted output is sorted part by part`() throws {
        try self.folder.write((0..<5_000).map { "\($0 &* 7_919 % 5_000)\n" }.joined(), to: "in/text")
        try self.folder.writeJob(map: "(emit line 1)", sink: ":sorted true")

        try self.folder.summary("--parallelism", "4")

        let parts = try self.folder.parts()
        #expect(parts.count == 2)
        for part in parts {
            let keys = part.map { $0.prefix { $0 != "\t" } }
            #expect(!keys.isEmpty)
            #expect(keys == keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
        }
        #expect(parts.flatMap { $0 }.sorted() == (0..<5_000).map { "\($0)\t1" }.sorted())
    }
}
