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

    @Test func `a reader that goes away ends the run with an error`() throws {
        try self.folder.writeLines(30_000)
        try self.folder.write(
            """
            (define-mapreduce job
              :input (distributed-files "in/*")
              :output (stdout)
              :map (lambda (line) (emit line 1)))
            """,
            to: "job.fl"
        )

        let outcome = try self.folder.run(prefix: ["/bin/bash", "-c", #"set -o pipefail; "$0" "$@" | head -n 1"#])

        #expect(outcome.code == 1)
        #expect(outcome.results.split(separator: "\n").count == 1)
        expect(outcome.notes, contains: ["can't write", "to standard output", "whoever read it has gone away (EPIPE)"])
    }
}

extension TemporaryFolder {
    /// Different lines of about 70 bytes.
    func writeLines(_ count: Int) throws {
        let padding = String(repeating: "x", count: 60)
        try self.write((0..<count).map { "\($0)\(padding)\n" }.joined(), to: "in/text")
    }
}
