import ConnectorKit
import Foundation
import Testing

@testable import StdoutConnector

@Suite struct StdoutSinkTests {
    @Test func `records of partitions that write at once stay whole`() async throws {
        let file = OutputFile()
        let sink = StdoutSink(descriptor: file.descriptor)
        try sink.prepare()
        let lines = 2_000

        try await withThrowingTaskGroup(of: Void.self) { group in
            for partition in 0..<4 {
                group.addTask { try Self.writeLines(lines, partition: partition, to: sink) }
            }
            try await group.waitForAll()
        }

        let read = try file.text().split(separator: "\n")
        #expect(read.count == 4 * lines)
        #expect(read.allSatisfy { $0.count == 200 && Set($0).count == 1 })
    }

    @Test func `a record larger than the buffer is written whole`() throws {
        let file = OutputFile()
        let sink = StdoutSink(descriptor: file.descriptor)
        let record = String(repeating: "x", count: 300_000) + "\n"

        let writer = try sink.makeWriter(partition: 0, attempt: 1, contentType: .text)
        try Self.write("first\n", to: writer)
        try Self.write(record, to: writer)
        let part = try writer.finish()
        try sink.commit([part])

        #expect(try file.text() == "first\n" + record)
        #expect(part.bytes == 300_007)
    }

    @Test func `a reader that has gone away is an error`() throws {
        let pipe = Pipe()
        let sink = StdoutSink(descriptor: pipe.fileHandleForWriting.fileDescriptor)
        try sink.prepare()
        try pipe.fileHandleForReading.close()
        let writer = try sink.makeWriter(partition: 0, attempt: 1, contentType: .text)
        try Self.write("first\n", to: writer)

        let error = #expect(throws: ConnectorError.self) { try writer.finish() }

        #expect(error?.message.contains("whoever read it has gone away (EPIPE)") == true)
        #expect(error?.domain == .reader)
        #expect(error?.retry == .never)
    }

    @Test func `what is discarded isn't written`() throws {
        let file = OutputFile()
        let sink = StdoutSink(descriptor: file.descriptor)
        let writer = try sink.makeWriter(partition: 0, attempt: 1, contentType: .text)
        try Self.write("first\n", to: writer)

        writer.discard()
        _ = try writer.finish()

        #expect(try file.text() == "")
    }

    @Test func `a full disk behind it is an error`() throws {
        let handle = try #require(FileHandle(forWritingAtPath: "/dev/full"))
        let sink = StdoutSink(descriptor: handle.fileDescriptor)
        let writer = try sink.makeWriter(partition: 0, attempt: 1, contentType: .text)
        try Self.write("first\n", to: writer)

        let error = #expect(throws: ConnectorError.self) { try writer.finish() }

        #expect(error?.message.contains("No space left on device (ENOSPC); free some space on the disk") == true)
    }

    private static func writeLines(_ count: Int, partition: Int, to sink: StdoutSink) throws {
        let writer = try sink.makeWriter(partition: partition, attempt: 1, contentType: .text)
        for _ in 0..<count {
            try self.write(String(repeating: "\(partition)", count: 200) + "\n", to: writer)
        }
        _ = try writer.finish()
    }

    private static func write(_ text: String, to writer: any SinkWriter) throws {
        try unsafe Array(text.utf8).withUnsafeBytes { try unsafe writer.write($0) }
    }
}

/// What stands for standard output in a test: a pipe would need somebody to read it meanwhile.
final class OutputFile: Sendable {
    let descriptor: Int32
    private let path = FileManager.default.temporaryDirectory.path + "/weir-stdout-\(UUID().uuidString)"

    init() {
        self.descriptor = unsafe open(self.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    }

    deinit {
        close(self.descriptor)
        unsafe unlink(self.path)
    }

    func text() throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: self.path)), as: UTF8.self)
    }
}
