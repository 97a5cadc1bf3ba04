import Testing

/// What `weir check` says about sources and sinks, before anything runs.
@Suite struct ConnectorCheckTests {
    private let folder: TemporaryFolder

    init() throws {
        self.folder = try TemporaryFolder()
    }

    @Test func `all wrong settings of a program are told at once, each at its place`() throws {
        try self.folder.write(
            """
            (define-mapreduce words
              :input (distributed-files "in/*" :recursiv true :separator ";;")
              :output (distributed-path "out" "more" :compression 'zst :overwrite 1 :directories 'hourly)
              :on-error (dead-letter (distributed-path 7))
              :map (lambda (line) (emit lin 1)))
            (define-streaming-job clicks
              :input (kafka-topic "click stream" :from 'beginning :properties {"linger.sm" 5})
              :output (stdout :sorted true :format (csv :header true))
              :window (tumbling-window "1 min")
              :map (lambda (event) (emit 1 1)))
            (define-stream-processor copies
              :source (union (generate :kind 'noise :records -1) :b (kafka-topic "b" :pattern "yes"))
              :sink (kafka-topic "copies" :key :user))
            (define-mapreduce endless :input (kafka-topic "t") :output (stdout) :map (lambda (r) (emit r 1)))
            """,
            to: "job.fl"
        )

        let outcome = try self.check()

        #expect(outcome.code == 2)
        expect(
            outcome.notes,
            contains: [
                "job.fl:2:36: error[unknown-option]: distributed-files has no option :recursiv",
                "did you mean :recursive? its options are :format :header :recursive :separator",
                "job.fl:2:62: error[option-value]: :separator of distributed-files must be",
                "job.fl:3:11: error[argument-count]: distributed-path takes one argument",
                "job.fl:3:55: error[option-value]: :compression of distributed-path must be one of 'none, 'zstd",
                "job.fl:3:71: error[option-type]: :overwrite of distributed-path must be true or false, not 1",
                "job.fl:3:73: error[unknown-option]: distributed-path can't have :directories: it is for streams",
                "job.fl:4:44: error[option-value]: distributed-path needs the path of a directory",
                "job.fl:5:29: error[unknown-name]",
                "job.fl:7:23: error[option-value]: kafka-topic can't have \"click stream\"",
                "job.fl:7:44: error[option-value]: :from of kafka-topic must be one of 'earliest, 'latest, 'committed",
                "job.fl:7:67: error[option-value]: :properties of kafka-topic can't be used: \"linger.sm\"",
                "did you mean \"linger.ms\"?",
                "job.fl:8:19: error[unknown-option]: stdout can't have :sorted",
                "job.fl:8:45: error[unknown-option]: csv can't have :header",
                "job.fl:12:34: error[option-value]: :kind of generate must be one of 'events, 'words, not \"noise\"",
                "job.fl:12:50: error[option-value]: :records of generate must be an integer from 0",
                "job.fl:12:83: error[option-type]: :pattern of kafka-topic must be true or false",
                "job.fl:13:31: error[unknown-option]: kafka-topic can't have :key",
                "job.fl:14:34: error[option-type]: kafka-topic is for streams: a job that ends can't read it",
                "define-stream-processor; here right are (distributed-files …), (generate …)",
                "  (define-mapreduce endless :input (kafka-topic \"t\") :output (stdout) :map (lambda (r) (emit r 1)))\n"
                    + "                                   ^^^^^^^^^^^^^^^^^\n",
            ]
        )
    }

    @Test func `editors get the same as JSON`() throws {
        try self.folder.writeJob(map: "(emit line 1)", sink: ":sortd true")

        let outcome = try self.check("--json")

        #expect(outcome.code == 2)
        expect(outcome.results, contains: ["\"unknown-option\"", "has no option :sortd", "did you mean :sorted?"])
    }

    @Test func `a run refuses what the check does, and touches nothing`() throws {
        try self.folder.write("a\n", to: "in/text")
        try self.folder.writeJob(map: "(emit line 1)", sink: ":sortd true")

        let outcome = try self.folder.run()

        #expect(outcome.code == 2)
        expect(outcome.notes, contains: ["job.fl:4:35: error[unknown-option]: distributed-path has no option :sortd"])
        #expect(self.folder.isWithoutOutput)
    }

    @Test func `what only a run can know is left to it`() throws {
        try self.folder.write("a\n", to: "in/text")
        try self.folder.write(
            """
            (define kind (param "kind" 'none))
            (define files (distributed-files (param "input" "in/*") :recursive (= kind 'deep)))
            (define-mapreduce job
              :input files
              :output (distributed-path "out" :compression kind)
              :map (lambda (line) (emit line 1)))
            """,
            to: "job.fl"
        )

        let checked = try self.check()
        let refused = try self.folder.run("-D", "kind=lzma")
        let run = try self.folder.run()

        #expect(checked.code == 0, "\(checked.notes)")
        #expect(refused.code == 1)
        let problem = "option :compression must be one of 'none, 'zstd, not \"lzma\""
        expect(refused.notes, contains: ["job.fl:5:11", problem])
        #expect(run.code == 0, "\(run.notes)")
    }

    private func check(_ arguments: String...) throws -> WeirProcess.Outcome {
        try WeirProcess(["check", "job.fl"] + arguments, in: self.folder).wait()
    }
}
