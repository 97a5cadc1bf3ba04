import Foundation
import Testing

/// Places that can't be written to.
@Suite struct OutputFaultTests {
    private let folder: TemporaryFolder

    init() throws {
        self.folder = try TemporaryFolder()
        try self.folder.write("a b a\n", to: "in/text")
    }

    @Test func `a directory that isn't empty is refused and left alone`() throws {
        try self.folder.write("mine", to: "out/notes")
        try self.folder.writeWordCount()

        let outcome = try self.folder.run()

        #expect(outcome.code == 1)
        expect(outcome.notes, contains: ["can't write to 'out'", "isn't empty ('notes')", ":overwrite true"])
        #expect(self.folder.names(in: "out") == ["notes"])
    }

    @Test func `overwriting replaces the output of the last run`() throws {
        try self.folder.writeWordCount()
        try self.folder.summary()
        try self.folder.write("c\n", to: "in/text")

        try self.folder.summary("--overwrite")

        #expect(try self.folder.lines() == ["c\t1"])
        #expect(self.folder.names(in: "out") == ["_SUCCESS", "part-00000", "part-00001"])
    }

    @Test func `a job never overwrites its own input`() throws {
        try self.folder.write("a b a\n", to: "out/text")
        try self.folder.writeWordCount(input: "out/*")

        let outcome = try self.folder.run("--overwrite")

        #expect(outcome.code == 1)
        expect(
            outcome.notes,
            contains: ["can't overwrite 'out'", "the job reads 'out/text'", "choose another directory"]
        )
        #expect(self.folder.names(in: "out") == ["text"])
    }

    @Test(arguments: [
        ("in", "in"), ("in/*", "in"), ("in/part-00000", "in"), ("in/*", "./in/../in"), ("in/*", "link"),
        ("link/*", "in"), ("in/**", "in/old"), ("in", "in/old"), ("in/part-00000", "."),
    ])
    func `output that would replace the job's input is refused before anything is deleted`(
        input: String,
        output: String
    ) throws {
        let names = ["old", "old/_SUCCESS", "old/part-00000", "part-00000"]
        try FileManager.default.removeItem(atPath: self.folder.file("in/text"))
        for name in names where name.contains("part") || name.contains("SUCC") {
            try self.folder.write("a\n", to: "in/\(name)")
        }
        try FileManager.default.createSymbolicLink(
            atPath: self.folder.file("link"),
            withDestinationPath: self.folder.file("in")
        )
        try self.folder.write(
            """
            (define-mapreduce job
              :input (distributed-files "\(input)")
              :output (distributed-path "\(output)" :overwrite true)
              :map (lambda (line) (emit line 1))
              :reduce (lambda (line ones) (emit line (sum ones))))
            """,
            to: "job.fl"
        )

        let outcome = try self.folder.run()

        #expect(outcome.code == 1)
        expect(outcome.notes, contains: ["can't overwrite '", "the job reads '", "choose another directory"])
        #expect(self.folder.names(in: "in") == names)
    }

    @Test func `two jobs of a program that write into one directory at once are told so`() throws {
        let job = """
            (define-mapreduce NAME
              :input (distributed-files "in/*")
              :output (distributed-path "out")
              :map (lambda (line) (emit line 1)))
            """
        let program = job.replacing("NAME", with: "one") + job.replacing("NAME", with: "two")
        try self.folder.write(program + "(submit-job one) (submit-job two)", to: "job.fl")

        let outcome = try self.folder.run()

        #expect(outcome.code == 1)
        #expect(!outcome.notes.contains("EEXIST"))
        // The second may come so late that the first has ended.
        if !outcome.notes.contains("isn't empty") {
            expect(outcome.notes, contains: ["can't write to 'out'", "writing there"])
        }
        #expect(try self.folder.lines() == ["a b a\t1"])
    }

    @Test func `dead letters in the output's own directory are refused`() throws {
        try self.folder.writeJob(
            map: "(emit line 1)",
            options: #":on-error (dead-letter (distributed-path "out"))"#
        )

        let outcome = try self.folder.run()

        #expect(outcome.code == 1)
        expect(outcome.notes, contains: ["can't write to 'out'", "this job's other sink", "its own directory"])
        #expect(self.folder.isWithoutOutput)
    }

    @Test func `a job that fails leaves the output that it was to overwrite`() throws {
        try self.folder.writeWordCount()
        try self.folder.summary()
        try self.folder.writeJob(map: "(emit line (quot 1 0))", options: "")

        let outcome = try self.folder.run("--overwrite")

        #expect(outcome.code == 1)
        #expect(try self.folder.lines() == ["a\t2", "b\t1"])
        #expect(self.folder.names(in: "out") == ["_SUCCESS", "part-00000", "part-00001"])
    }

    @Test(.enabled(if: SmallDisk.isPossible, "only root may mount"))
    func `a disk that is full in the middle is named, and nothing is left`() throws {
        let disk = try SmallDisk(path: self.folder.file("disk"), bytes: 1 << 20)
        try self.folder.writeLines(30_000)
        try self.folder.writeJob(map: "(emit line 1)", reduce: nil)
        try FileManager.default.createSymbolicLink(
            atPath: self.folder.file("out"),
            withDestinationPath: self.folder.file("disk")
        )

        let outcome = try self.folder.run()

        #expect(outcome.code == 1)
        expect(
            outcome.notes,
            contains: [
                "can't write", "bytes to 'out/.weir-tmp-", "No space left on device (ENOSPC)", "free some space",
            ]
        )
        #expect(self.folder.names(in: "disk") == [])
        withExtendedLifetime(disk) {}
    }

    @Test func `a file size limit is named, and nothing is left`() throws {
        try self.folder.writeLines(30_000)
        try self.folder.writeJob(map: "(emit line 1)", reduce: nil)

        // In blocks of 512 bytes.
        let outcome = try self.folder.run(prefix: ["/bin/sh", "-c", #"ulimit -f 1000; exec "$0" "$@""#])

        #expect(outcome.code == 1)
        expect(outcome.notes, contains: ["bytes to 'out/.weir-tmp-", "File too large (EFBIG)", "ulimit -f"])
        #expect(self.folder.isWithoutOutput)
    }

    @Test(.enabled(if: SmallDisk.isPossible, "only root may mount"))
    func `a disk without room for what doesn't fit in memory is named`() throws {
        let disk = try SmallDisk(path: self.folder.file("disk"), bytes: 64 << 10)
        try self.folder.writeLines(150_000)
        try self.folder.writeJob(map: "(emit line 1)")

        let outcome = try self.folder.run("--memory", "16MiB", environment: ["TMPDIR": self.folder.file("disk")])

        #expect(outcome.code == 1)
        expect(
            outcome.notes,
            contains: [
                "can't spill", "'\(self.folder.file("disk"))'", "No space left on device (ENOSPC)", "free some space",
            ]
        )
        #expect(self.folder.isWithoutOutput)
        withExtendedLifetime(disk) {}
    }

    @Test func `a full disk behind standard output is named`() throws {
        try self.writePrintingJob()

        let outcome = try self.folder.run(prefix: ["/bin/sh", "-c", #""$0" "$@" > /dev/full"#])

        #expect(outcome.code == 1)
        expect(
            outcome.notes,
            contains: ["to standard output", "No space left on device (ENOSPC)", "free some space on the disk"]
        )
    }

    private func writePrintingJob() throws {
        try self.folder.write(
            """
            (define-mapreduce job
              :input (distributed-files "in/*")
              :output (stdout)
              :map (lambda (line) (emit line 1)))
            """,
            to: "job.fl"
        )
    }

    @Test func `a reader that goes away ends the run without a word, as other programs do`() throws {
        try self.folder.writeLines(30_000)
        try self.writePrintingJob()

        let outcome = try self.folder.run(prefix: ["/bin/bash", "-c", #"set -o pipefail; "$0" "$@" | head -n 1"#])

        #expect(outcome.code == 141)
        #expect(outcome.results.split(separator: "\n").count == 1)
        #expect(outcome.notes == "")
    }
}

extension TemporaryFolder {
    /// Different lines of about 70 bytes.
    func writeLines(_ count: Int) throws {
        let padding = String(repeating: "x", count: 60)
        try self.write((0..<count).map { "\($0)\(padding)\n" }.joined(), to: "in/text")
    }
}
