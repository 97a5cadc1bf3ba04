import Foundation
import Testing

/// Inputs of all shapes, against counts that these tests make themselves.
@Suite struct InputFormTests {
    private let folder: TemporaryFolder

    init() throws {
        self.folder = try TemporaryFolder()
    }

    @Test func `line ends and missing ones don't matter`() throws {
        try self.folder.write("a b\r\nb\r\n", to: "in/windows")
        try self.folder.write("a\nb", to: "in/without-end")
        try self.folder.write("", to: "in/empty")
        try self.folder.write("\n\n", to: "in/blank")
        try self.folder.writeJob(map: #"(for (word (split line " ")) (emit word 1))"#)

        let job = try self.folder.summary()

        #expect(try self.folder.lines() == ["\t2", "a\t2", "b\t3"])
        #expect(job.inputRecords == 6)
        #expect(job.inputBytes == 13)
    }

    @Test(arguments: ["plain", "gzip", "zstd"])
    func `a byte order mark isn't part of the first line, and offsets stay those of the file`(form: String) throws {
        let text = "\u{FEFF}a b\n\u{FEFF}a\n"
        if form == "plain" {
            try self.folder.write(text, to: "in/text")
        } else {
            try self.folder.write(self.folder.compressed(text, form), to: "in/text")
        }
        try self.folder.write("\u{FEFF}", to: "in/empty")
        try self.folder.write(
            """
            (define-mapreduce job
              :input (distributed-files "in/*")
              :output (distributed-path "out")
              :map (lambda (offset line) (emit offset line)))
            """,
            to: "job.fl"
        )

        try self.folder.summary()

        #expect(try self.folder.lines() == ["3\ta b", "7\t\u{FEFF}a"])
    }

    @Test func `lines of JSON may begin with a byte order mark`() throws {
        try self.folder.write("\u{FEFF}{\"a\": \"x\"}\n{\"a\": \"y\"}\n", to: "in/text")
        try self.folder.writeJob(map: "(emit (get line :a) 1)", options: ":format 'json")

        try self.folder.summary()

        #expect(try self.folder.lines() == ["x\t1", "y\t1"])
    }

    @Test(arguments: ["(get line :a)", "(str line)"])
    func `lines without content are no records of JSON`(key: String) throws {
        try self.folder.write("{\"a\": 1}\n\n  \n\t\r\n\r\n{\"a\": 1} \n ", to: "in/text")
        try self.folder.writeJob(map: "(emit \(key) 1)", options: ":format 'json")

        let job = try self.folder.summary()

        #expect(try self.folder.lines().allSatisfy { $0.hasSuffix("\t2") })
        #expect(job.inputRecords == 2)
    }

    @Test func `an empty input gives an empty output`() throws {
        try self.folder.write("", to: "in/empty")
        try self.folder.writeWordCount()

        let job = try self.folder.summary()

        #expect(job.inputRecords == 0)
        #expect(self.folder.names(in: "out") == ["_SUCCESS", "part-00000", "part-00001"])
        #expect(try self.folder.lines() == [])
    }

    @Test func `bytes that aren't UTF-8 are counted as bytes`() throws {
        try self.folder.write([0xFF, 0xFE, 0x20, 0x61, 0x0A, 0xFF, 0xFE, 0x20, 0x80, 0x0A], to: "in/text")
        try self.folder.writeWordCount()

        try self.folder.summary()

        let output = try self.folder.read("out/part-00000") + self.folder.read("out/part-00001")
        let lines = Set(output.split(separator: 0x0A).map { Array($0) })
        #expect(lines == [[0xFF, 0xFE, 0x09, 0x32], [0x61, 0x09, 0x31], [0x80, 0x09, 0x31]])
    }

    @Test func `a NUL byte is a part of a key like any other`() throws {
        try self.folder.write("a a\0 a \0a\n", to: "in/text")
        try self.folder.writeWordCount()

        try self.folder.summary()

        #expect(try self.folder.lines() == ["\0a\t1", "a\t2", "a\0\t1"].sorted())
    }

    @Test func `a line of 16 MiB is read`() throws {
        let line = [UInt8](repeating: UInt8(ascii: "x"), count: 16 << 20)
        try self.folder.write(Array("first\n".utf8) + line + Array("\nlast\n".utf8), to: "in/text")
        try self.folder.writeJob(map: "(emit (substring line 0 1) (count line))")

        let job = try self.folder.summary()

        #expect(try self.folder.lines() == ["f\t5", "l\t4", "x\t16777216"])
        #expect(job.inputBytes == (16 << 20) + 12)
    }

    @Test func `two thousand small files are read once each`() throws {
        for index in 0..<2_000 {
            try self.folder.write(
                index % 10 == 0 ? "" : index % 2 == 0 ? "even \(index)\n" : "odd \(index)",
                to: "in/\(index)"
            )
        }
        try self.folder.writeWordCount()

        let job = try self.folder.summary("--parallelism", "4")

        let lines = try self.folder.lines()
        #expect(job.inputRecords == 1_800)
        #expect(lines.count == 1_802)
        #expect(Set(["even\t800", "odd\t1000", "1999\t1", "2\t1"]).isSubset(of: lines))
    }

    /// Splits have 16 MiB, and lines of 1,001 bytes lie across all their edges.
    @Test func `a file in many splits is read exactly once`() throws {
        let padding = String(repeating: "x", count: 992)
        let block = (0..<1_000).map { "key-\(String(1_000 + $0)) \(padding)".prefix(1_000 - $0 % 7) + "\n" }.joined()
        let bytes = Data(block.utf8)
        let file = try self.folder.open("in/text")
        for _ in 0..<70 { try file.write(contentsOf: bytes) }
        try self.folder.writeJob(map: "(emit (substring line 0 8) (count line))")

        let job = try self.folder.summary("--parallelism", "4")

        let expected = (0..<1_000).map { "key-\(1_000 + $0)\t\(70 * (1_000 - $0 % 7))" }.sorted()
        #expect(try self.folder.lines() == expected)
        #expect(job.inputRecords == 70_000)
        #expect(job.inputBytes == 70 * bytes.count)
    }

    @Test func `files that the system makes when they are read have their content`() throws {
        try self.folder.writeWordCount(input: "/proc/sys/kernel/ostype")

        let job = try self.folder.summary()

        #expect(try self.folder.lines() == ["Linux\t1"])
        #expect(job.inputRecords == 1)
    }

    @Test func `compressed files are known by their content`() throws {
        let text = (0..<5_000).map { "w\($0 % 7) w\($0 % 11)\n" }.joined()
        var expected: [String: Int] = [:]
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) { expected[String(word), default: 0] += 3 }
        try self.folder.write(text, to: "in/plain")
        try self.folder.write(self.folder.compressed(text, "gzip"), to: "in/one")
        try self.folder.write(self.folder.compressed(text, "zstd"), to: "in/two.txt")
        try self.folder.writeWordCount()

        let job = try self.folder.summary()

        #expect(try self.folder.lines() == expected.map { "\($0.key)\t\($0.value)" }.sorted())
        #expect(job.inputRecords == 15_000)
    }
}

extension TemporaryFolder {
    /// A text, compressed by the program of that name.
    func compressed(_ text: String, _ program: String) throws -> Data {
        try self.write(text, to: "plain.txt")
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [program, "-c", self.file("plain.txt")]
        process.standardOutput = try self.open("compressed")
        try process.run()
        process.waitUntilExit()
        return try self.read("compressed")
    }
}
