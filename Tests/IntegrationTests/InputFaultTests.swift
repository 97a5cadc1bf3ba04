import Foundation
import Testing

/// Inputs that can't be read: the run fails, says which file and what to do, and leaves nothing.
@Suite struct InputFaultTests {
    private let folder: TemporaryFolder

    init() throws {
        self.folder = try TemporaryFolder()
        try self.folder.write("a b a\n", to: "in/text")
    }

    @Test func `a pattern without files says how far the path exists`() throws {
        try self.folder.writeWordCount(input: "in/*.txt")

        try self.expectFailure([
            "no file matches 'in/*.txt'", "the directory 'in' has nothing of that name", "check the path",
        ])
    }

    @Test func `a directory without files is no missing one`() throws {
        try FileManager.default.createDirectory(atPath: self.folder.file("empty"), withIntermediateDirectories: true)
        try self.folder.writeWordCount(input: "empty")

        try self.expectFailure(["can't read 'empty': the directory holds no files", "name another directory"])
    }

    @Test func `a file that several names stand for is counted once`() throws {
        try FileManager.default.createSymbolicLink(
            atPath: self.folder.file("link"),
            withDestinationPath: self.folder.file("in/text")
        )
        try self.folder.writeWordCount(input: "in/*\" \"link\" \"in/../in/text\" \"\(self.folder.file("in/text"))")

        let outcome = try self.folder.run()

        #expect(outcome.code == 0)
        #expect(try self.folder.lines() == ["a\t2", "b\t1"])
        expect(
            outcome.notes,
            contains: ["warning: job job: 'link' stands for the file that is found as 'in/text' too", "read once"]
        )
    }

    @Test func `what stands behind a gzip stream is an error also where records may be skipped`() throws {
        try self.folder.write(self.folder.compressed("a b\n", "gzip") + Array("garbage".utf8), to: "in/text")
        try self.folder.writeJob(map: "(emit line 1)", options: ":on-error 'skip")

        try self.expectFailure(["can't decompress 'in/text' (gzip)", "fetch the file again"])
    }

    @Test func `a line that is too long is an error also where records may be skipped`() throws {
        try self.folder.write("a\n" + String(repeating: "b", count: (16 << 20) + 1) + "\nc\n", to: "in/text")
        try self.folder.writeJob(map: "(emit line 1)", options: ":on-error 'skip")

        try self.expectFailure(["can't read 'in/text': a line is longer than 16777216 bytes at byte 2"])
    }

    @Test func `a path without its directory says which one exists`() throws {
        try self.folder.writeWordCount(input: "in/books/*.txt")

        try self.expectFailure(["no file matches 'in/books/*.txt'", "'in/books' isn't a directory", "check the path"])
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv") || geteuid() != 0))
    func `a file without permission is named`() throws {
        try self.folder.writeWordCount()
        unsafe chmod(self.folder.file("in/text"), 0)
        // Root may read everything, unless this right is taken away.
        let prefix = geteuid() == 0 ? ["/usr/bin/setpriv", "--bounding-set=-dac_override,-dac_read_search"] : []

        try self.expectFailure(
            ["can't read 'in/text'", "Permission denied (EACCES)", "check the permissions"],
            prefix: prefix
        )
    }

    @Test func `a directory that a wildcard matches is passed over`() throws {
        try self.folder.write("not counted\n", to: "in/directory/text")
        try self.folder.writeWordCount()

        let outcome = try self.folder.run()

        #expect(outcome.code == 0)
        expect(
            outcome.notes,
            contains: ["warning: job job: 'in/*' matches the directory 'in/directory'", ":recursive true"]
        )
        #expect(try self.folder.lines() == ["a\t2", "b\t1"])
    }

    @Test func `a program that says so passes directories over without a warning`() throws {
        try self.folder.write("not counted\n", to: "in/directory/text")
        try self.folder.write(
            """
            (define-mapreduce job
              :input (distributed-files "in/*" :recursive false)
              :output (distributed-path "out")
              :map (lambda (line) (emit line 1)))
            """,
            to: "job.fl"
        )

        let outcome = try self.folder.run()

        #expect(outcome.code == 0)
        #expect(!outcome.notes.contains("warning"))
    }

    @Test func `a wildcard that matches directories only says how to read them`() throws {
        try self.folder.write("not counted\n", to: "in/directory/text")
        try self.folder.writeWordCount(input: "in/d*")

        try self.expectFailure(["no file matches 'in/d*', only directories", "'in/directory'", ":recursive true"])
    }

    @Test(arguments: ["gzip", "zstd"])
    func `a truncated file is named with the byte where it ends`(format: String) throws {
        let text = (0..<20_000).map { "\($0 &* 2_654_435_761)\n" }.joined()
        let whole = try self.folder.compressed(text, format)
        try self.folder.write(whole.prefix(whole.count / 2), to: "in/text")
        try self.folder.writeWordCount()

        try self.expectFailure([
            "can't decompress 'in/text' (\(format))", "end too early, at byte \(whole.count / 2) of the file",
            "check it with '\(format) --test'",
        ])
    }

    @Test(arguments: [("gz", [0x1F, 0x8B, 8]), ("zst", [0x28, 0xB5, 0x2F])], 1...3)
    func `what is left of a compressed file is no text`(file: (ending: String, bytes: [UInt8]), count: Int) throws {
        try self.folder.write(file.bytes.prefix(count), to: "in/text.\(file.ending)")
        try self.folder.writeWordCount(input: "in/*.\(file.ending)")

        try self.expectFailure([
            "can't decompress 'in/text.\(file.ending)'", "end too early, at byte \(count) of the file",
        ])
    }

    @Test func `a short text with the name of a compressed file is a text, and nothing is nothing`() throws {
        try self.folder.write("a\n", to: "in/text.gz")
        try self.folder.write("", to: "in/empty.gz")
        try self.folder.write("", to: "in/empty.zst")
        try self.folder.writeWordCount(input: "in/*.*")

        try self.folder.summary()

        #expect(try self.folder.lines() == ["a\t1"])
    }

    @Test func `a header with two equal names is named with its file`() throws {
        try self.folder.write("x,y,x\n1,2,3\n", to: "in/text")
        try self.folder.writeJob(map: #"(emit (get line "x") 1)"#, options: ":format (csv :header true)")

        try self.expectFailure(["in/text: can't read the CSV header", "two columns are called 'x'", "rename one"])
    }

    @Test(arguments: ["true", "false"])
    func `a CSV file of one giant line says what ends its lines`(header: String) throws {
        try self.folder.write("x,y\r1,2\r3,4\r", to: "in/text")
        try self.folder.writeJob(map: "(emit line 1)", options: ":format (csv :header \(header))")

        try self.expectFailure([
            "in/text: can't read the CSV file", "end in a bare carriage return (the first at byte 3)", "tr '\\r'",
        ])
    }

    @Test func `a number beyond the range of floats is an error at its byte, used or not`() throws {
        try self.folder.write("{\"x\":1}\n{\"x\":2,\"y\":1e400}\n", to: "in/text")
        try self.folder.writeJob(map: #"(emit (get line "x") 1)"#, options: ":format 'json")

        try self.expectFailure(["in/text", "byte 11 of the JSON text: expected a number within the range of floats"])
    }

    @Test func `a line of 100 MiB is named with its offset`() throws {
        try self.folder.writeWordCount()
        let file = try self.folder.open("in/text")
        try file.write(contentsOf: Data("first\n".utf8))
        // Zero bytes are no line ends, and a hole takes no place on the disk.
        try file.truncate(atOffset: 100 << 20)

        try self.expectFailure([
            "can't read 'in/text'", "a line is longer than 16777216 bytes at byte 6", "is it really a file of lines?",
        ])
    }

    @Test func `a record that isn't JSON is named with its offset`() throws {
        try self.folder.write("{\"a\": 1}\n{\"a\": \n", to: "in/text")
        try self.folder.writeJob(map: "(emit (get line :a) 1)", options: ":format 'json")

        try self.expectFailure(["in/text, offset 9", ":on-error 'skip"])
    }

    /// Runs the job and demands that it fails as it should.
    private func expectFailure(
        _ pieces: [String],
        prefix: [String] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let outcome = try self.folder.run(prefix: prefix)

        #expect(outcome.code == 1, sourceLocation: sourceLocation)
        expect(outcome.notes, contains: ["job failed after"] + pieces, sourceLocation: sourceLocation)
        #expect(self.folder.isWithoutOutput, sourceLocation: sourceLocation)
    }
}
