import ConnectorKit
import Foundation
import Testing

@testable import FilesConnector

@Suite struct DatedDirectoriesTests {
    private let directory = TemporaryDirectory()

    @Test(arguments: [
        (0, "1970-01-01T00"), (-1, "1969-12-31T23"), (3_600_000, "1970-01-01T01"), (1_700_000_000_000, "2023-11-14T22"),
        (951_782_400_000, "2000-02-29T00"), (951_868_800_000, "2000-03-01T00"), (4_107_542_399_999, "2100-02-28T23"),
        (4_107_542_400_000, "2100-03-01T00"), (-62_167_219_200_000, "0000-01-01T00"),
    ])
    func `a time lies in the directory of its hour, and of its day`(time: Int64, name: String) {
        #expect(DatedDirectories.hourly.name(DatedDirectories.hourly.number(of: time)) == name)
        #expect(DatedDirectories.daily.name(DatedDirectories.daily.number(of: time)) == String(name.prefix(10)))
        #expect(DatedDirectories.isName(name))
    }

    @Test func `records appear in the directories of their hours when their epoch is committed`() throws {
        let sink = self.makeSink()
        try sink.prepareStream()
        let writer = try Self.writer(of: sink)
        _ = try writer.write(Self.block([("a\n", 0), ("b\n", 3_600_000), ("c\n", 1)]), from: 0)
        let tokens = try writer.endEpoch(7)
        let before = self.names()

        try sink.commitEpoch(tokens)
        try sink.commitEpoch(tokens)
        writer.close()
        try sink.endStream()

        #expect(before.isEmpty)
        #expect(
            self.names() == [
                "1970-01-01T00", "1970-01-01T00/part-00000-00000007", "1970-01-01T01",
                "1970-01-01T01/part-00000-00000007", "_SUCCESS",
            ]
        )
        #expect(try self.directory.read("out/1970-01-01T00/part-00000-00000007") == Array("a\nc\n".utf8))
        #expect(try sink.newestEpoch(besides: []) == 7)
        #expect(try sink.newestEpoch(besides: tokens) == nil)
    }

    @Test func `records of more hours than files may be open at once are all kept`() throws {
        let sink = self.makeSink()
        try sink.prepareStream()
        let writer = try Self.writer(of: sink)
        let hours = (0..<100).map { Int64($0) } + (0..<100).map { Int64($0) }
        _ = try writer.write(Self.block(hours.map { ("\($0)\n", $0 * 3_600_000) }), from: 0)
        try sink.commitEpoch(try writer.endEpoch(1))
        writer.close()
        try sink.endStream()

        let parts = self.names().filter { $0.contains("/part-") }
        let lines = try parts.flatMap { try self.directory.read("out/\($0)") }
        let expected = hours.map { "\($0)" }.sorted()
        #expect(String(decoding: lines, as: UTF8.self).split(separator: "\n").map(String.init).sorted() == expected)
    }

    @Test func `a new stream replaces dated directories where it may, and no others`() throws {
        let first = self.makeSink()
        try first.prepareStream()
        let writer = try Self.writer(of: first)
        _ = try writer.write(Self.block([("a\n", 0)]), from: 0)
        try first.commitEpoch(try writer.endEpoch(1))
        writer.close()
        try first.endStream()

        #expect(throws: ConnectorError.self) { try self.makeSink().prepareStream() }
        let second = self.makeSink(replaces: true)
        try second.prepareStream()
        #expect(self.names().isEmpty)
        try second.endStream()

        try self.directory.write("mine", to: "out/1970-01-01T00/notes.txt")
        #expect(throws: ConnectorError.self) { try self.makeSink(replaces: true).prepareStream() }
        #expect(self.names().contains("1970-01-01T00/notes.txt"))
    }

    private func makeSink(replaces: Bool = false) -> PathStreamSink {
        var options = PathSinkOptions(replacesOutput: replaces)
        options.directories = .hourly
        return PathStreamSink(path: self.directory.file("out"), options: options)
    }

    /// What lies in the sink's directory, without what runs work on.
    private func names() -> [String] {
        self.directory.names().filter { $0.hasPrefix("out/") && !$0.contains("/.") }.map { String($0.dropFirst(4)) }
    }

    private static func writer(of sink: PathStreamSink) throws -> any StreamWriter {
        try sink.makeStreamWriter(subtask: 0, content: .json) {}
    }

    private static func block(_ records: [(text: String, time: Int64)]) -> OutputBlock {
        let block = OutputBlock()
        for record in records {
            let bytes = Array(record.text.utf8)
            unsafe bytes.withUnsafeBytes { unsafe block.append(key: nil, value: $0, timestamp: record.time) }
        }
        return block
    }
}
