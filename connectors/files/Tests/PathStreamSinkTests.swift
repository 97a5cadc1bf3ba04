import ConnectorKit
import Foundation
import Testing

@testable import FilesConnector

@Suite struct PathStreamSinkTests {
    private let directory = TemporaryDirectory()

    @Test func `an epoch appears when it is committed, and not before`() throws {
        let sink = self.makeSink()
        try sink.prepareStream()
        let writer = try sink.writer(0)
        try writer.write("a\n")
        let tokens = try writer.endEpoch(7)
        try writer.write("b\n")

        let before = self.visibleNames()
        try sink.commitEpoch(tokens)

        #expect(before == [])
        #expect(self.visibleNames() == ["part-00000-00000007"])
        #expect(try self.directory.read("out/part-00000-00000007") == Array("a\n".utf8))
    }

    @Test func `each subtask and epoch has a file of its own, and one without output has none`() throws {
        let sink = self.makeSink()
        try sink.prepareStream()
        let writers = try [sink.writer(0), sink.writer(1)]

        try writers[0].write("a\n", "b\n")
        try sink.commitEpoch(try writers.flatMap { try $0.endEpoch(1) })
        try sink.commitEpoch(try writers.flatMap { try $0.endEpoch(2) })
        try writers[0].write("c\n")
        try writers[1].write("d\n")
        try sink.commitEpoch(try writers.flatMap { try $0.endEpoch(123_456_789) })
        try writers[1].write("e\n")
        let last = try writers.flatMap { try $0.endEpoch(.max) }
        for writer in writers { writer.close() }
        try sink.commitEpoch(last)
        try sink.endStream()

        #expect(
            self.directory.names() == [
                "out", "out/_SUCCESS", "out/part-00000-00000001", "out/part-00000-123456789",
                "out/part-00001-123456789", "out/part-00001-end",
            ]
        )
        #expect(try self.directory.read("out/part-00000-00000001") == Array("a\nb\n".utf8))
        #expect(try self.directory.read("out/part-00001-end") == Array("e\n".utf8))
    }

    @Test func `committing an epoch twice is harmless`() throws {
        let sink = self.makeSink()
        let tokens = try sink.run(epoch: 3, "a\n")

        try sink.commitEpoch(tokens)
        try sink.commitEpoch(tokens)

        #expect(self.visibleNames() == ["part-00000-00000003"])
        #expect(try self.directory.read("out/part-00000-00000003") == Array("a\n".utf8))
    }

    @Test func `an epoch whose file is nowhere is an error`() throws {
        let sink = self.makeSink()
        let tokens = try sink.run(epoch: 3, "a\n")
        try FileManager.default.removeItem(atPath: self.directory.file("out/\(tokens[0])"))

        let error = #expect(throws: ConnectorError.self) { try sink.commitEpoch(tokens) }

        #expect(error?.message.contains("rename") == true)
    }

    @Test(arguments: ["", "a/../../secret", "run/other", "/etc/passwd"])
    func `a token that names no part is refused`(token: String) throws {
        let sink = self.makeSink()
        try sink.prepareStream()

        #expect(throws: ConnectorError.self) { try sink.commitEpoch([token]) }
    }

    @Test func `a run that goes on gives the checkpoint's parts their names and removes the rest`() throws {
        var tokens: [String] = []
        do {
            // Dies between its checkpoint and the commit, in the middle of the next epoch.
            let crashed = self.makeSink()
            try crashed.prepareStream()
            let writer = try crashed.writer(0)
            try writer.write("a\n")
            try crashed.commitEpoch(try writer.endEpoch(1))
            try writer.write("b\n")
            tokens = try writer.endEpoch(2)
            try writer.write("c\n")
            _ = try writer.endEpoch(3)
            try writer.write("d\n")
        }

        let sink = self.makeSink()
        try sink.resumeStream(keeping: tokens)
        try sink.commitEpoch(tokens)
        let writer = try sink.writer(0)
        try writer.write("c again\n")
        try sink.commitEpoch(try writer.endEpoch(3))
        writer.close()
        try sink.endStream()

        let contents = try self.visibleNames().map {
            String(decoding: try self.directory.read("out/\($0)"), as: UTF8.self)
        }
        #expect(contents == ["", "a\n", "b\n", "c again\n"])
        #expect(self.directory.names().filter { $0.contains(".weir-tmp") } == [])
    }

    @Test func `a run that goes on from a finished one takes its mark away until the end`() throws {
        let first = self.makeSink()
        try first.commitEpoch(try first.run(epoch: 1, "a\n"))
        try first.endStream()

        let second = self.makeSink()
        try second.resumeStream(keeping: [])
        let meanwhile = self.visibleNames()
        try second.endStream()

        #expect(meanwhile == ["part-00000-00000001"])
        #expect(self.visibleNames() == ["_SUCCESS", "part-00000-00000001"])
    }

    @Test func `a run that fails leaves what its checkpoint counts as written`() throws {
        let failed = self.makeSink()
        var tokens: [String] = []
        do {
            try failed.prepareStream()
            let writer = try failed.writer(0)
            try writer.write("a\n")
            tokens = try writer.endEpoch(1)
            try writer.write("b\n")
            writer.close()
        }
        failed.abortStream()

        let next = self.makeSink()
        try next.resumeStream(keeping: tokens)

        #expect(self.visibleNames() == ["part-00000-00000001"])
    }

    @Test func `a run that fails before its first epoch leaves nothing`() throws {
        let sink = PathStreamSink(path: self.directory.file("a/b/out"), options: PathSinkOptions())
        try sink.prepareStream()
        let writer = try sink.writer(0)
        try writer.write("a\n")

        writer.close()
        sink.abortStream()

        #expect(self.directory.names() == [])
    }

    @Test func `a directory that isn't empty is refused and stays as it is`() throws {
        try self.directory.write("mine", to: "out/part-1")

        let error = #expect(throws: ConnectorError.self) { try self.makeSink().prepareStream() }

        #expect(error?.message.contains("the directory isn't empty ('part-1')") == true)
        #expect(self.directory.names() == ["out", "out/part-1"])
    }

    /// Somebody forgot to say that the run is to go on: what it needs for that is still there.
    @Test func `a start that is refused takes nothing from the run before`() throws {
        var tokens: [String] = []
        do {
            let crashed = self.makeSink()
            try crashed.prepareStream()
            let writer = try crashed.writer(0)
            try writer.write("a\n")
            try crashed.commitEpoch(try writer.endEpoch(1))
            try writer.write("b\n")
            tokens = try writer.endEpoch(2)
        }

        #expect(throws: ConnectorError.self) { try self.makeSink().prepareStream() }
        try self.makeSink().resumeStream(keeping: tokens)

        #expect(self.visibleNames() == ["part-00000-00000001", "part-00000-00000002"])
    }

    @Test func `overwriting removes what jobs wrote, and refuses to remove anything else`() throws {
        try self.directory.write("old", to: "out/part-00000-00000009")
        try self.directory.write("", to: "out/_SUCCESS")
        let sink = self.makeSink(replacesOutput: true)
        try sink.commitEpoch(try sink.run(epoch: 1, "new\n"))

        #expect(self.visibleNames() == ["part-00000-00000001"])

        try self.directory.write("mine", to: "other/notes.txt")
        let other = PathStreamSink(
            path: self.directory.file("other"),
            options: PathSinkOptions(replacesOutput: true)
        )
        let error = #expect(throws: ConnectorError.self) { try other.prepareStream() }
        #expect(error?.message.contains("'notes.txt', which no job wrote") == true)
        #expect(try self.directory.read("other/notes.txt") == Array("mine".utf8))
    }

    @Test(arguments: [false, true])
    func `two runs at once are refused`(resumes: Bool) throws {
        let first = self.makeSink()
        let tokens = try first.run(epoch: 1, "a\n")
        let second = self.makeSink(replacesOutput: true)

        let error = #expect(throws: ConnectorError.self) {
            if resumes { try second.resumeStream(keeping: []) } else { try second.prepareStream() }
        }
        second.abortStream()
        try first.commitEpoch(tokens)

        #expect(error?.message.contains("is writing there") == true)
        #expect(self.visibleNames() == ["part-00000-00000001"])
        #expect(try self.directory.read("out/part-00000-00000001") == Array("a\n".utf8))
    }

    @Test func `compressed parts say so in their names and can be read again`() throws {
        let sink = PathStreamSink(path: self.directory.file("out"), options: PathSinkOptions(compresses: true))
        let text = String(repeating: "a line of text\n", count: 10_000)

        try sink.commitEpoch(try sink.run(epoch: 1, text))

        #expect(self.visibleNames() == ["part-00000-00000001.zst"])
        #expect(try self.directory.read("out/part-00000-00000001.zst").count < text.utf8.count / 10)
        #expect(try FilesSource(patterns: [self.directory.file("out")], isRecursive: nil).lines() == text)
    }

    @Test func `records are taken from the one that is asked for`() throws {
        let sink = self.makeSink()
        try sink.prepareStream()
        let writer = try sink.writer(0)
        let block = OutputBlock.make("taken before\n", "a\n", "b\n")

        let taken = try writer.write(block, from: 1)
        try sink.commitEpoch(try writer.endEpoch(1))

        #expect(taken == 2)
        #expect(try writer.flush())
        #expect(try self.directory.read("out/part-00000-00000001") == Array("a\nb\n".utf8))
    }
}

extension PathStreamSinkTests {
    private func makeSink(replacesOutput: Bool = false) -> PathStreamSink {
        PathStreamSink(
            path: self.directory.file("out"),
            options: PathSinkOptions(replacesOutput: replacesOutput)
        )
    }

    private func visibleNames() -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: self.directory.file("out"))) ?? []
        return names.filter { !$0.hasPrefix(".") }.sorted()
    }
}

extension PathStreamSink {
    fileprivate func writer(_ subtask: Int) throws -> any StreamWriter {
        try self.makeStreamWriter(subtask: subtask, content: .text) {}
    }

    /// Prepares, and writes one epoch of subtask 0.
    fileprivate func run(epoch: Int64, _ lines: String...) throws -> [String] {
        try self.prepareStream()
        let writer = try self.writer(0)
        for line in lines { try writer.write(line) }
        return try writer.endEpoch(epoch)
    }
}

extension StreamWriter {
    fileprivate func write(_ lines: String...) throws {
        for line in lines { _ = try self.write(OutputBlock.make(line), from: 0) }
    }
}

extension OutputBlock {
    fileprivate static func make(_ lines: String...) -> OutputBlock {
        let block = OutputBlock()
        for line in lines {
            unsafe Array(line.utf8).withUnsafeBytes { bytes in
                unsafe block.append(key: nil, value: bytes, timestamp: nil)
            }
        }
        return block
    }
}
