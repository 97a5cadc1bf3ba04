import Foundation
import Testing

/// Runs that are stopped or disturbed in the middle.
@Suite struct StoppedRunTests {
    private let folder: TemporaryFolder

    /// A job that has written some of its output and would take long for the rest.
    init() throws {
        self.folder = try TemporaryFolder()
        let padding = String(repeating: "x", count: 1_000)
        try self.folder.write((0..<20_000).map { "\($0)\(padding)\n" }.joined(), to: "in/text")
        try self.folder.writeJob(
            map: "(do (spin 3_000) (emit line 1))",
            reduce: nil,
            definitions: "(define spin (lambda (n) (if (= n 0) 0 (spin (- n 1)))))"
        )
    }

    @Test func `a killed run leaves nothing that looks like output, and the next one succeeds`() throws {
        let process = try WeirProcess(["run", "job.fl"], in: self.folder)
        try process.wait(until: "a part was begun") { self.isWriting }

        process.send(SIGKILL)
        let outcome = try process.wait()

        #expect(outcome.code == 128 + SIGKILL)
        #expect(try self.folder.parts() == [])
        #expect((self.folder.names(in: "out") ?? []).allSatisfy { $0.hasPrefix(".weir-tmp-") })
        #expect(!outcome.notes.contains("finished"))

        try self.folder.write("a\nb\n", to: "in/text")
        try self.folder.summary()

        #expect(try self.folder.lines() == ["a\t1", "b\t1"])
        #expect((self.folder.names(in: "out") ?? []).allSatisfy { !$0.hasPrefix(".weir-tmp-") })
    }

    @Test(arguments: [(SIGINT, 130), (SIGTERM, 143)])
    func `a signal cancels the run and leaves nothing`(signal: Int32, code: Int) throws {
        let process = try WeirProcess(["run", "job.fl"], in: self.folder)
        try process.wait(until: "a part was begun") { self.isWriting }

        process.send(signal)
        let outcome = try process.wait()

        #expect(Int(outcome.code) == code)
        expect(outcome.notes, contains: ["cancelling", "job was cancelled after", "it left no output"])
        #expect(self.folder.isWithoutOutput)
    }

    @Test(arguments: ["(emit line (spin 900_000_000_000))", "(emit line 1)"])
    func `a lambda that would run for hours is cancelled`(map: String) throws {
        try self.folder.write("a\n", to: "in/text")
        try self.folder.writeJob(
            map: map,
            reduce: "(emit key (spin 900_000_000_000))",
            definitions: "(define spin (lambda (n) (if (= n 0) 0 (spin (- n 1)))))"
        )
        let process = try WeirProcess(["run", "job.fl", "--step-limit", "1000000000000"], in: self.folder)
        try process.wait(until: "the job has begun") {
            self.folder.names(in: "out")?.contains { $0.hasPrefix(".weir-tmp-") } == true
        }

        process.send(SIGINT)
        let outcome = try process.wait()

        #expect(outcome.code == 130)
        expect(outcome.notes, contains: ["cancelling", "it left no output"])
        #expect(self.folder.isWithoutOutput)
    }

    @Test func `a skipped record isn't how a cancelled lambda ends`() throws {
        try self.folder.write("a\n", to: "in/text")
        try self.folder.writeJob(
            map: "(try (emit line (spin 900_000_000_000)) (catch error (emit line 0)))",
            options: ":on-error 'skip",
            definitions: "(define spin (lambda (n) (if (= n 0) 0 (spin (- n 1)))))"
        )
        let process = try WeirProcess(["run", "job.fl", "--step-limit", "1000000000000"], in: self.folder)
        try process.wait(until: "the job has begun") {
            self.folder.names(in: "out")?.contains { $0.hasPrefix(".weir-tmp-") } == true
        }

        process.send(SIGTERM)
        let outcome = try process.wait()

        #expect(outcome.code == 143)
        #expect(self.folder.isWithoutOutput)
    }

    @Test func `a program that would compute for hours is cancelled`() throws {
        try self.folder.write(
            """
            (define spin (lambda (n) (if (= n 0) 0 (spin (- n 1)))))
            (println "begun")
            (spin 900_000_000_000)
            (println "done")
            """,
            to: "job.fl"
        )
        let process = try WeirProcess(["run", "job.fl", "--step-limit", "1000000000000"], in: self.folder)
        try process.wait(until: "the program has begun") {
            (try? self.folder.read("results.log")).map { String(decoding: $0, as: UTF8.self) } == "begun\n"
        }

        process.send(SIGINT)
        let outcome = try process.wait()

        #expect(outcome.code == 130)
        #expect(outcome.results == "begun\n")
    }

    @Test func `a second run into the same directory is refused while the first is at work`() throws {
        let process = try WeirProcess(["run", "job.fl"], in: self.folder)
        try process.wait(until: "a part was begun") { self.isWriting }
        try self.folder.writeWordCount()
        let second = try TemporaryFolder()
        try second.write(self.folder.read("job.fl"), to: "job.fl")
        try second.write("a\n", to: "in/text")
        try FileManager.default.createSymbolicLink(
            atPath: second.file("out"),
            withDestinationPath: self.folder.file("out")
        )

        let outcome = try second.run()
        process.send(SIGKILL)
        _ = try process.wait()

        #expect(outcome.code == 1)
        expect(outcome.notes, contains: ["can't write to 'out'", "another run is writing there", "wait for its end"])
    }

    @Test func `a file that shrinks while it is read is named`() throws {
        let process = try WeirProcess(["run", "job.fl"], in: self.folder)
        try process.wait(until: "a part was begun") { self.isWriting }

        unsafe truncate(self.folder.file("in/text"), 1_000)
        let outcome = try process.wait()

        #expect(outcome.code == 1)
        expect(
            outcome.notes,
            contains: ["can't read 'in/text'", "while it was read", "run the job when nobody changes it"]
        )
        #expect(self.folder.isWithoutOutput)
    }

    /// Whether the run has begun to write.
    private var isWriting: Bool {
        self.folder.names(in: "out")?.contains { $0.hasPrefix(".weir-tmp-") && $0.contains("/part-") } == true
    }
}
