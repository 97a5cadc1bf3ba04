import ConnectorKit
import CoreTypes
import Foundation
import Testing

@testable import FilesConnector

/// Files that the tools `gzip` and `zstd` made, where they are installed.
@Suite struct CompressedFileTests {
    private let directory = TemporaryDirectory()

    @Test(arguments: ["gzip", "zstd"])
    func `a compressed file is recognised by its content and read as one split`(tool: String) throws {
        let text = Self.makeText(lineCount: 20_000)
        // The name says nothing.
        let path = try self.directory.write(try Self.compressed(text, tool), to: "plain.txt")
        let source = FilesSource(patterns: [path], isRecursive: nil)
        let framing = Framing.lines(lengthLimit: 1_000)

        let splits = try source.enumerateSplits(framing: framing, targetBytes: 1_000)
        let blocks = try splits.flatMap { try source.blocks(of: $0, framing: framing, capacity: 50_000) }

        #expect(splits.map(\.end) == [nil])
        #expect(blocks.flatMap(\.bytes) == text)
        #expect(blocks.count > 10)
        #expect(blocks.allSatisfy { $0.bytes.last == UInt8(ascii: "\n") })
        #expect(blocks.reduce(0) { $0 + $1.consumedBytes } == splits.first?.weightBytes)
        #expect(blocks.allSatisfy { Array(text[Int($0.position)...].prefix($0.bytes.count)) == $0.bytes })
    }

    @Test(arguments: ["gzip", "zstd"])
    func `reading goes on behind a line in the middle of a compressed file`(tool: String) throws {
        let text = Self.makeText(lineCount: 20_000)
        let path = try self.directory.write(try Self.compressed(text, tool), to: "small")
        let source = FilesSource(patterns: [path], isRecursive: nil)
        let framing = Framing.lines(lengthLimit: 1_000)
        let whole = try #require(try source.enumerateSplits(framing: framing, targetBytes: 1 << 30).first)
        let first = try #require(try source.blocks(of: whole, framing: framing, capacity: 100_000).first)
        let position = Int64(first.bytes.count)

        let rest = Split(id: whole.id, resource: path, start: position, end: whole.end, weightBytes: whole.weightBytes)
        let blocks = try source.blocks(of: rest, framing: framing, capacity: 50_000)

        #expect(position < text.count)
        #expect(blocks.first?.position == position)
        #expect(first.bytes + blocks.flatMap(\.bytes) == text)
    }

    @Test(arguments: ["gzip", "zstd"])
    func `a compressed file that has become shorter than what was read of it is an error`(tool: String) throws {
        let path = try self.directory.write(try Self.compressed(Self.makeText(lineCount: 10), tool), to: "small")
        let source = FilesSource(patterns: [path], isRecursive: nil)
        let split = Split(id: SplitID(rawValue: 0), resource: path, start: 1 << 20, end: nil, weightBytes: 0)

        let error = #expect(throws: ConnectorError.self) {
            try source.makeReader(for: split, framing: .lines(lengthLimit: 1_000))
        }

        #expect(error?.message.contains("ends at decompressed byte") == true, "\(String(describing: error))")
    }

    @Test(arguments: ["gzip", "zstd"])
    func `members behind each other are one file`(tool: String) throws {
        let first = Self.makeText(lineCount: 500)
        let second = Array("no line end here".utf8)
        let bytes = try Self.compressed(first, tool) + Self.compressed(second, tool)
        let path = try self.directory.write(bytes, to: "file")

        let source = FilesSource(patterns: [path], isRecursive: nil)

        #expect(try source.lines() == String(decoding: first + second, as: UTF8.self))
    }

    @Test(arguments: ["gzip", "zstd"])
    func `a truncated file is an error with its name and the offset`(tool: String) throws {
        let bytes = try Self.compressed(Self.makeText(lineCount: 5_000), tool)
        let path = try self.directory.write(Array(bytes.prefix(bytes.count / 2)), to: "file")

        let error = #expect(throws: ConnectorError.self) {
            try FilesSource(patterns: [path], isRecursive: nil).lines()
        }

        #expect(error?.message.contains("can't decompress '\(path)' (\(tool))") == true)
        #expect(error?.message.contains("end too early, at byte \(bytes.count / 2)") == true)
        #expect(error?.message.contains("\(tool) --test") == true)
    }

    @Test(arguments: ["gzip", "zstd"])
    func `a damaged file is an error, never a crash`(tool: String) throws {
        let text = Self.makeText(lineCount: 2_000)
        let original = try Self.compressed(text, tool)
        var random = SplitMix64(seed: 11)

        for _ in 0..<40 {
            var bytes = original
            let position = random.next(in: 4..<bytes.count)
            bytes[position] ^= UInt8(1 << random.next(in: 0..<8))
            let path = try self.directory.write(bytes, to: "file")
            let read = try? FilesSource(patterns: [path], isRecursive: nil).lines()
            #expect(read == nil || read == String(decoding: text, as: UTF8.self), "byte \(position)")
        }
    }

    @Test(arguments: ["gzip", "zstd"])
    func `limits hold for what a compressed file stands for`(tool: String) throws {
        let bomb = [UInt8](repeating: 65, count: 5_000_000)
        let path = try self.directory.write(try Self.compressed(bomb, tool), to: "file")
        let source = FilesSource(patterns: [path], isRecursive: nil)

        #expect(throws: ConnectorError.self) { try source.lines(limit: 1_000_000) }
        #expect(throws: ConnectorError.self) {
            try FilesSourceTests.read(path, framing: .whole(lengthLimit: 1_000_000))
        }
    }

    static func makeText(lineCount: Int) -> [UInt8] {
        var random = SplitMix64(seed: 5)
        return (0..<lineCount).flatMap { "line \($0) \(random.next())\n".utf8 }
    }

    static func compressed(_ bytes: [UInt8], _ tool: String) throws -> [UInt8] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [tool, "-c", "-q"]
        let input = FileManager.default.temporaryDirectory.appendingPathComponent("weir-in-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: input) }
        try Data(bytes).write(to: input)
        process.standardInput = try FileHandle(forReadingFrom: input)
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let result = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return [UInt8](result)
    }
}
