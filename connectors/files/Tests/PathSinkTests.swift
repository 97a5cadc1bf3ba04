import ConnectorKit
import Testing

@testable import FilesConnector

@Suite struct PathSinkTests {
    private let directory = TemporaryDirectory()

    @Test func `parts appear at the commit and the mark of success with them`() throws {
        let sink = self.makeSink()
        try sink.prepare()
        let parts = try [sink.part(0, "a\n"), sink.part(1, "b\n")]
        let before = self.directory.names().filter { $0.hasPrefix("out/part") || $0.contains("_SUCCESS") }

        try sink.commit(parts)

        #expect(before == [])
        #expect(self.directory.names() == ["out", "out/_SUCCESS", "out/part-00000", "out/part-00001"])
        #expect(try self.directory.read("out/part-00001") == Array("b\n".utf8))
        let summary = String(decoding: try self.directory.read("out/_SUCCESS"), as: UTF8.self)
        #expect(summary.hasPrefix(#"{"parts":2,"bytes":4,"files":[{"name":"part-00000","bytes":2}"#))
    }

    private func makeSink(replacesOutput: Bool = false) -> PathSink {
        PathSink(path: self.directory.file("out"), replacesOutput: replacesOutput, compresses: false)
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
