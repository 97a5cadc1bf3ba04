import Testing

/// Lambdas that go wrong: the run fails with the place in the program and in the input, and leaves nothing.
@Suite struct LambdaFaultTests {
    struct Fault: Sendable, CustomTestStringConvertible {
        let name: String
        var definitions = ""
        let map: String
        var arguments: [String] = []

        /// The code of the error and what it says to do.
        let code: String
        let advice: String

        var testDescription: String { self.name }
    }

    static let faults = [
        Fault(
            name: "division by zero",
            map: "(emit line (quot 1 (- (count line) 3)))",
            code: "division-by-zero",
            advice: "test the divisor first"
        ),
        Fault(
            name: "overflow",
            map: "(emit line (+ 9223372036854775807 (count line)))",
            code: "integer-overflow",
            advice: "use floats"
        ),
        Fault(
            name: "endless recursion",
            definitions: "(define f (lambda (n) (+ 1 (f n))))",
            map: "(emit line (f 1))",
            code: "call-depth-limit",
            advice: "is there an endless recursion?"
        ),
        Fault(
            name: "endless loop",
            definitions: "(define f (lambda (n) (f (+ n 1))))",
            map: "(emit line (f 1))",
            arguments: ["--step-limit", "100_000"],
            code: "step-limit",
            advice: "--step-limit raises the limit"
        ),
        Fault(
            name: "string without end",
            definitions: "(define f (lambda (s) (f (str s s))))",
            map: "(emit (f line) 1)",
            arguments: ["--record-memory", "1MiB"],
            code: "memory-limit",
            advice: "--record-memory raises the limit"
        ),
        Fault(
            name: "catastrophic backtracking",
            map:
                #"(when (re-match #"(a+)+$" (str "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" line)) (emit line 1))"#,
            code: "regex-limit",
            advice: "make its repetitions unambiguous"
        ),
        Fault(
            name: "thrown by the program",
            map: #"(throw (str "not a word: " line))"#,
            code: "thrown",
            advice: "not a word: two"
        ),
    ]

    @Test(arguments: faults, [[], ["--no-kernels"]])
    func `a fault in a map says where in the program and in the input`(fault: Fault, engine: [String]) throws {
        let folder = try TemporaryFolder()
        try folder.write("two\n", to: "in/text")
        try folder.writeJob(map: fault.map, definitions: fault.definitions)

        let outcome = try WeirProcess(["run", "job.fl"] + fault.arguments + engine, in: folder).wait()

        #expect(outcome.code == 1)
        let line = fault.definitions.contains("(f ") ? 1 : 5
        expect(
            outcome.notes,
            contains: [
                "job failed after", "job.fl:\(line):", "error[\(fault.code)]", fault.advice, "^^^",
                "record at in/text, offset 0",
            ]
        )
        #expect(folder.isWithoutOutput)
    }

    @Test(arguments: ["(emit x line)", "(try (emit x line) (catch e nil))"])
    func `pairs that one record emits without end are stopped`(emit: String) throws {
        let folder = try TemporaryFolder()
        try folder.write("two\n", to: "in/text")
        try folder.writeJob(map: "(for (x (range 1000000)) \(emit))", reduce: "(emit key (count (str values)))")

        let outcome = try WeirProcess(["run", "job.fl", "--record-memory", "1MiB"], in: folder).wait()

        #expect(outcome.code == 1)
        expect(outcome.notes, contains: ["error[memory-limit]", "--record-memory raises the limit"])
        #expect(folder.isWithoutOutput)
    }

    @Test func `a fault in a reduce says which key`() throws {
        let folder = try TemporaryFolder()
        try folder.write("a\nb\nb\n", to: "in/text")
        try folder.writeJob(map: "(emit line 1)", reduce: "(emit key (quot 1 (- (sum values) 2)))")

        let outcome = try folder.run()

        #expect(outcome.code == 1)
        expect(
            outcome.notes,
            contains: ["job.fl:6:", "error[division-by-zero]", "help: it was working on the values of key b\n"]
        )
        #expect(folder.isWithoutOutput)
    }

    @Test func `a limit is that of a record, a key or a form`() throws {
        let folder = try TemporaryFolder()
        try folder.write("a\n", to: "in/text")
        let endless = "(define (f n) (f (+ n 1)))"
        let limit = ["--step-limit", "10_000"]

        try folder.writeJob(map: "(emit (f 1) 1)", definitions: endless)
        let ofMap = try WeirProcess(["run", "job.fl"] + limit, in: folder).wait()
        try folder.writeJob(map: "(emit line 1)", reduce: "(emit key (f 1))", definitions: endless)
        let ofReduce = try WeirProcess(["run", "job.fl"] + limit, in: folder).wait()
        try folder.write("\(endless)\n(f 1)\n", to: "job.fl")
        let ofForm = try WeirProcess(["run", "job.fl"] + limit, in: folder).wait()

        expect(ofMap.notes, contains: ["one record took more than 10000 steps"])
        expect(ofReduce.notes, contains: ["one key took more than 10000 steps"])
        expect(ofForm.notes, contains: ["this top-level form took more than 10000 steps"])
        #expect([ofMap, ofReduce, ofForm].map(\.code) == [1, 1, 1])
    }

    @Test func `all mistakes of a program are shown before anything runs`() throws {
        let folder = try TemporaryFolder()
        try folder.write("a\n", to: "in/text")
        try folder.writeJob(map: "(emitt line 1)", options: ":partition 3")

        let outcome = try folder.run()

        #expect(outcome.code == 2)
        expect(
            outcome.notes,
            contains: [
                "job.fl:5:24: error[unknown-name]: unknown name emitt", "did you mean emit?",
                "job.fl:7:17: error[unknown-option]", "did you mean :partitions?",
            ]
        )
        #expect(folder.isWithoutOutput)
    }
}
