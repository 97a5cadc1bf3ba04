import ConnectorKit
import Foundation
import Testing

@testable import FilesConnector

@Suite struct PathSinkTests {
    private let directory = TemporaryDirectory()

    @Test func `parts appear at the commit, and the mark of success with them`() throws {
        let sink = self.makeSink()
        try sink.prepare()
        let parts = try [sink.part(0, "a\n"), sink.part(1, "b\n")]
        let before = self.visibleNames()

        try sink.commit(parts)

        #expect(before == [])
        #expect(self.directory.names() == ["out", "out/_SUCCESS", "out/part-00000", "out/part-00001"])
        #expect(try self.directory.read("out/part-00001") == Array("b\n".utf8))
        let summary = String(decoding: try self.directory.read("out/_SUCCESS"), as: UTF8.self)
        let files = #"{"name":"part-00000","bytes":2},{"name":"part-00001","bytes":2}"#
        #expect(summary == #"{"parts":2,"bytes":4,"files":[\#(files)]}"# + "\n")
    }

    @Test func `a directory above that is missing is made`() throws {
        let sink = PathSink(path: self.directory.file("a/b/out"), options: PathSinkOptions())

        try sink.prepare()
        try sink.commit([try sink.part(0, "a\n")])

        #expect(try self.directory.read("a/b/out/part-00000") == Array("a\n".utf8))
    }

    @Test func `what was collected and what wasn't is written in order`() throws {
        let sink = self.makeSink()
        try sink.prepare()
        let writer = try sink.makeWriter(partition: 7, attempt: 1, contentType: .text)
        var expected: [UInt8] = []

        for (index, length) in [10, 300_000, 1, 262_144, 0, 262_143, 5].enumerated() {
            let bytes = [UInt8](repeating: UInt8(index), count: length)
            expected += bytes
            try unsafe bytes.withUnsafeBytes { try unsafe writer.write($0) }
        }
        let part = try writer.finish()
        try sink.commit([part])

        #expect(part.bytes == Int64(expected.count))
        #expect(try self.directory.read("out/part-00007") == expected)
    }

    @Test func `a file that somebody put there meanwhile is left alone`() throws {
        let sink = self.makeSink()
        try sink.prepare()
        let part = try sink.part(0, "a\n")
        try self.directory.write("mine", to: "out/part-00000")

        let error = #expect(throws: ConnectorError.self) { try sink.commit([part]) }
        sink.abort()

        #expect(error?.message.contains("somebody has put 'part-00000' there since the run began") == true)
        #expect(self.directory.names() == ["out", "out/part-00000"])
        #expect(try self.directory.read("out/part-00000") == Array("mine".utf8))
    }

    @Test func `of two attempts the one that is committed counts`() throws {
        let sink = self.makeSink()
        try sink.prepare()
        _ = try sink.part(0, "first\n", attempt: 1)
        let second = try sink.part(0, "second\n", attempt: 2)

        try sink.commit([second])

        #expect(try self.directory.read("out/part-00000") == Array("second\n".utf8))
        #expect(self.directory.names() == ["out", "out/_SUCCESS", "out/part-00000"])
    }

    @Test func `a partition that is discarded is removed`() throws {
        let sink = self.makeSink()
        try sink.prepare()
        let writer = try sink.makeWriter(partition: 0, attempt: 1, contentType: .text)

        writer.discard()

        #expect(self.directory.names().filter { $0.contains("part") } == [])
    }

    @Test func `a part that is discarded behind its end is removed, and discarding it again does nothing`() throws {
        let sink = self.makeSink()
        try sink.prepare()
        let writer = try sink.makeWriter(partition: 0, attempt: 1, contentType: .text)
        _ = try writer.finish()
        let other = try sink.part(1, "b\n")

        writer.discard()
        writer.discard()
        try sink.commit([other])

        #expect(self.directory.names() == ["out", "out/_SUCCESS", "out/part-00001"])
    }

    @Test func `an abort behind a commit takes the output back`() throws {
        let sink = PathSink(path: self.directory.file("a/out"), options: PathSinkOptions())
        try sink.prepare()
        try sink.commit([sink.part(0, "a\n"), sink.part(1, "b\n")])

        sink.abort()

        #expect(self.directory.names() == [])
    }

    @Test func `an abort behind a commit leaves alone what others put there`() throws {
        let sink = self.makeSink()
        try sink.prepare()
        try sink.commit([sink.part(0, "a\n")])
        try self.directory.write("mine", to: "out/notes.txt")

        sink.abort()

        #expect(self.directory.names() == ["out", "out/notes.txt"])
    }

    @Test func `compressed parts have the name's ending and can be read again`() throws {
        let sink = PathSink(path: self.directory.file("out"), options: PathSinkOptions(compresses: true))
        try sink.prepare()
        let text = String(repeating: "a line of text\n", count: 100_000)

        try sink.commit([try sink.part(0, text)])

        #expect(try self.directory.read("out/part-00000.zst").count < text.utf8.count / 10)
        #expect(try FilesSource(patterns: [self.directory.file("out")], isRecursive: nil).lines() == text)
    }

    @Test func `a directory that isn't empty is refused and stays as it is`() throws {
        try self.directory.write("mine", to: "out/notes.txt")
        let sink = self.makeSink()

        let error = #expect(throws: ConnectorError.self) { try sink.prepare() }
        sink.abort()

        #expect(
            error?.message
                == "can't write to '\(self.directory.file("out"))': the directory isn't empty ('notes.txt'); choose "
                + "another one, remove it, or say :overwrite true"
        )
        #expect(error?.domain == .user)
        #expect(self.directory.names() == ["out", "out/notes.txt"])
    }

    @Test func `a file in the directory's place is refused`() throws {
        try self.directory.write("mine", to: "out")

        let error = #expect(throws: ConnectorError.self) { try self.makeSink().prepare() }

        #expect(error?.message.contains("it is a file") == true)
    }

    @Test func `an empty directory is used and stays after an abort`() throws {
        try FileManager.default.createDirectory(atPath: self.directory.file("out"), withIntermediateDirectories: true)
        let sink = self.makeSink()
        try sink.prepare()
        _ = try sink.part(0, "a\n")

        sink.abort()

        #expect(self.directory.names() == ["out"])
    }

    @Test func `an abort removes everything, the directories that it made as well`() throws {
        let sink = PathSink(path: self.directory.file("a/b/out"), options: PathSinkOptions())
        try sink.prepare()
        _ = try sink.part(0, "a\n")
        _ = try sink.makeWriter(partition: 1, attempt: 1, contentType: .text)

        sink.abort()
        sink.abort()

        #expect(self.directory.names() == [])
    }

    @Test func `with overwrite the old output stays until the commit`() throws {
        try self.directory.write("old", to: "out/part-00000")
        try self.directory.write("old", to: "out/part-00001")
        try self.directory.write("{}", to: "out/_SUCCESS")
        let sink = self.makeSink(replacesOutput: true)
        try sink.prepare()
        let part = try sink.part(0, "new\n")
        let before = self.visibleNames()

        try sink.commit([part])

        #expect(before == ["out/_SUCCESS", "out/part-00000", "out/part-00001"])
        #expect(self.visibleNames() == ["out/_SUCCESS", "out/part-00000"])
        #expect(try self.directory.read("out/part-00000") == Array("new\n".utf8))
    }

    @Test func `with overwrite an abort leaves the old output as it was`() throws {
        try self.directory.write("old", to: "out/part-00000")
        let sink = self.makeSink(replacesOutput: true)
        try sink.prepare()
        _ = try sink.part(0, "new\n")

        sink.abort()

        #expect(self.directory.names() == ["out", "out/part-00000"])
        #expect(try self.directory.read("out/part-00000") == Array("old".utf8))
    }

    @Test func `with overwrite a directory with directories in it is refused`() throws {
        try self.directory.write("thesis", to: "out/documents/thesis.txt")

        let error = #expect(throws: ConnectorError.self) { try self.makeSink(replacesOutput: true).prepare() }

        #expect(error?.message.contains("it holds the directory 'documents'") == true)
        #expect(try self.directory.read("out/documents/thesis.txt") == Array("thesis".utf8))
    }

    @Test func `a commit that is done is done again without effect`() throws {
        let sink = self.makeSink(replacesOutput: true)
        try sink.prepare()
        let parts = try [sink.part(0, "a\n"), sink.part(1, "b\n")]
        try sink.commit(parts)

        try sink.commit(parts)
        try self.makeSink(replacesOutput: true).commit(parts)

        #expect(self.directory.names() == ["out", "out/_SUCCESS", "out/part-00000", "out/part-00001"])
        #expect(try self.directory.read("out/part-00000") == Array("a\n".utf8))
    }

    private func makeSink(replacesOutput: Bool = false) -> PathSink {
        PathSink(path: self.directory.file("out"), options: PathSinkOptions(replacesOutput: replacesOutput))
    }

    private func visibleNames() -> [String] {
        self.directory.names().filter { !$0.contains("/.") && $0 != "out" }
    }
}

extension PathSink {
    /// Writes a partition in one go.
    func part(_ partition: Int, _ text: String, attempt: Int = 1) throws -> SinkPart {
        let writer = try self.makeWriter(partition: partition, attempt: attempt, contentType: .text)
        try unsafe Array(text.utf8).withUnsafeBytes { try unsafe writer.write($0) }
        return try writer.finish()
    }
}
