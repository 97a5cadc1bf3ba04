import ConnectorKit
import CoreTypes
import Foundation
import Testing

@testable import FilesConnector

@Suite struct FilesSourceTests {
    private let directory = TemporaryDirectory()

    @Test(arguments: ["", "\n", "a", "a\n", "a\r\nb\r\n", "\n\n\n", "a\n\nb", "\0\n\u{1}\n"])
    func `small texts are delivered as they are`(text: String) throws {
        let path = try self.directory.write(text, to: "text")

        let source = FilesSource(patterns: [path], isRecursive: nil)

        #expect(try source.lines() == text)
        #expect(try source.lines(targetBytes: 1) == text)
    }

    @Test(arguments: [1, 2, 3, 64])
    func `a file that says it is empty, and isn't, is read to its end`(capacity: Int) throws {
        let path = "/proc/sys/kernel/ostype"

        for framing in [Framing.lines(lengthLimit: 100), .stream, .whole(lengthLimit: 100)] {
            let blocks = try Self.read(path, framing: framing, capacity: capacity)

            #expect(String(decoding: blocks.flatMap(\.bytes), as: UTF8.self) == "Linux\n", "\(framing)")
        }
    }

    @Test func `one that the system makes in several pieces is read whole, and not cut`() throws {
        let source = FilesSource(patterns: ["/proc/self/smaps"], isRecursive: nil)

        let splits = try source.enumerateSplits(framing: .lines(lengthLimit: 10_000), targetBytes: 1)
        let text = try source.lines(targetBytes: 1)

        #expect(splits.map(\.end) == [nil])
        #expect(text.utf8.count > 4_096)
        #expect(text.hasSuffix("\n"))
    }

    @Test func `bytes that aren't UTF-8 are bytes`() throws {
        let bytes: [UInt8] = [0xFF, 0xFE, 0x0A, 0xC3, 0x0A, 0x00, 0x80]
        let path = try self.directory.write(bytes, to: "bytes")
        let source = FilesSource(patterns: [path], isRecursive: nil)
        let framing = Framing.lines(lengthLimit: 100)

        let splits = try source.enumerateSplits(framing: framing, targetBytes: 2)
        let read = try splits.flatMap { try source.blocks(of: $0, framing: framing) }.flatMap(\.bytes)

        #expect(read == bytes)
    }

    @Test(arguments: ["", "\n", "a", "a\nb\n", "\n\na", "\u{FEFF}\n"])
    func `a byte order mark is left out however the file is cut`(text: String) throws {
        let path = try self.directory.write("\u{FEFF}" + text, to: "text")
        let source = FilesSource(patterns: [path], isRecursive: nil)
        let framing = Framing.lines(lengthLimit: 100)

        for targetBytes: Int64 in 1...6 {
            for capacity in [1, 2, 3, 4, 64] {
                let splits = try source.enumerateSplits(framing: framing, targetBytes: targetBytes)
                let blocks = try splits.flatMap { try source.blocks(of: $0, framing: framing, capacity: capacity) }

                #expect(String(decoding: blocks.flatMap(\.bytes), as: UTF8.self) == text, "\(targetBytes), \(capacity)")
                var position: Int64 = 3
                for block in blocks {
                    #expect(block.position == position)
                    position += Int64(block.bytes.count)
                }
            }
        }
    }

    @Test func `what is only the beginning of a byte order mark is text`() throws {
        for bytes: [UInt8] in [[0xEF], [0xEF, 0xBB], [0xEF, 0xBB, 0x0A], [0x61, 0xEF, 0xBB, 0xBF]] {
            let path = try self.directory.write(bytes, to: "text")

            #expect(try Self.read(path, framing: .lines(lengthLimit: 100), capacity: 2).flatMap(\.bytes) == bytes)
        }
    }

    @Test func `a stream keeps its byte order mark`() throws {
        let path = try self.directory.write("\u{FEFF}a", to: "text")

        #expect(try Self.read(path, framing: .stream).flatMap(\.bytes) == Array("\u{FEFF}a".utf8))
    }

    @Test func `splits cover a file without gaps and are about equal`() throws {
        let path = try self.directory.write([UInt8](repeating: 65, count: 1_003), to: "text")
        let source = FilesSource(patterns: [path], isRecursive: nil)

        let splits = try source.enumerateSplits(framing: .lines(lengthLimit: 10_000), targetBytes: 100)

        #expect(splits.map(\.id.rawValue) == Array(0..<11))
        #expect(splits.first?.start == 0)
        #expect(splits.last?.end == 1_003)
        #expect(zip(splits, splits.dropFirst()).allSatisfy { $0.end == $1.start })
        #expect(splits.allSatisfy { (91...92).contains($0.weightBytes) })
    }

    @Test func `a newline just before a split gives it the line that begins there`() throws {
        let path = try self.directory.write("aaa\nbbb\nccc\n", to: "text")
        let source = FilesSource(patterns: [path], isRecursive: nil)
        let framing = Framing.lines(lengthLimit: 100)

        let splits = try source.enumerateSplits(framing: framing, targetBytes: 4)
        let texts = try splits.map { split in
            String(decoding: try source.blocks(of: split, framing: framing).flatMap(\.bytes), as: UTF8.self)
        }

        #expect(texts == ["aaa\n", "bbb\n", "ccc\n"])
    }

    @Test(arguments: [1, 16, 300, 4_096])
    func `a line of the limit's length passes and a longer one is an error`(capacity: Int) throws {
        let limit = 300
        let fitting = String(repeating: "x", count: limit)
        let good = try self.directory.write("a\n\(fitting)\nb\n\(fitting)", to: "good")
        let bad = try self.directory.write("a\n\(fitting)\nb\n\(fitting)y\nc\n", to: "bad")
        let framing = Framing.lines(lengthLimit: limit)

        let blocks = try Self.read(good, framing: framing, capacity: capacity)
        let error = #expect(throws: ConnectorError.self) {
            try Self.read(bad, framing: framing, capacity: capacity)
        }

        #expect(blocks.flatMap(\.bytes).count == 605)
        #expect(
            error?.message
                == "can't read '\(bad)': a line is longer than 300 bytes at byte 305; is it really a file of lines?"
        )
        #expect(error?.domain == .user)
    }

    @Test func `the last line without an end may not be longer than the limit`() throws {
        let path = try self.directory.write("a\n" + String(repeating: "x", count: 301), to: "text")

        #expect(throws: ConnectorError.self) {
            try Self.read(path, framing: .lines(lengthLimit: 300), capacity: 64)
        }
    }

    @Test func `a file of many splits and one line is read by its first split`() throws {
        let text = String(repeating: "x", count: 300_000) + "\nend\n"
        let path = try self.directory.write(text, to: "text")
        let source = FilesSource(patterns: [path], isRecursive: nil)

        #expect(try source.lines(targetBytes: 10_000) == text)
    }

    @Test func `progress adds up to the size on disk`() throws {
        let line = "a line of text\n"
        let path = try self.directory.write(String(repeating: line, count: 10_000), to: "text")

        let blocks = try Self.read(path, framing: .lines(lengthLimit: 1_000), capacity: 4_096)

        // The last bytes of a block may belong to the next one, but none is counted twice.
        #expect(blocks.reduce(0) { $0 + $1.consumedBytes } == Int64(line.count * 10_000))
        #expect(blocks.count > 30)
    }

    @Test func `a stream is cut anywhere and is one split`() throws {
        let path = try self.directory.write("alpha\nbeta\n", to: "text")
        let source = FilesSource(patterns: [path], isRecursive: nil)

        let splits = try source.enumerateSplits(framing: .stream, targetBytes: 3)
        let blocks = try source.blocks(of: try #require(splits.first), framing: .stream, capacity: 4)

        #expect(splits.count == 1)
        #expect(blocks.map { String(decoding: $0.bytes, as: UTF8.self) } == ["alph", "a\nbe", "ta\n"])
        #expect(blocks.map(\.position) == [0, 4, 8])
    }

    @Test func `a whole file is one block, up to the limit`() throws {
        let path = try self.directory.write("alpha\nbeta\n", to: "text")
        let empty = try self.directory.write("", to: "empty")

        let blocks = try Self.read(path, framing: .whole(lengthLimit: 11), capacity: 4)
        let none = try Self.read(empty, framing: .whole(lengthLimit: 11), capacity: 4)
        let error = #expect(throws: ConnectorError.self) {
            try Self.read(path, framing: .whole(lengthLimit: 10), capacity: 4)
        }

        #expect(blocks.map { String(decoding: $0.bytes, as: UTF8.self) } == ["alpha\nbeta\n"])
        #expect(none == [])
        #expect(error?.message.contains("the file is longer than 10 bytes") == true)
    }

    static func read(_ path: String, framing: Framing, capacity: Int = 4_096) throws -> [ReadBlock] {
        let source = FilesSource(patterns: [path], isRecursive: nil)
        let splits = try source.enumerateSplits(framing: framing, targetBytes: 1 << 30)
        return try splits.flatMap { try source.blocks(of: $0, framing: framing, capacity: capacity) }
    }
}

/// Files that change, vanish or can't be read.
@Suite struct UnreadableFileTests {
    private let directory = TemporaryDirectory()
    private let framing = Framing.lines(lengthLimit: 1_000)

    @Test func `a file that is cut off while it is read is an error`() throws {
        let path = try self.directory.write(String(repeating: "line\n", count: 1_000), to: "text")
        let source = FilesSource(patterns: [path], isRecursive: nil)
        let split = try #require(try source.enumerateSplits(framing: self.framing, targetBytes: 1 << 20).first)
        let reader = try source.makeReader(for: split, framing: self.framing)
        let block = SourceBlock(capacity: 1_000)
        #expect(try reader.poll(into: block) == .block)

        let truncated = unsafe truncate(path, 1_200)
        try #require(truncated == 0)

        let error = #expect(throws: ConnectorError.self) {
            while try reader.poll(into: block) == .block {}
        }
        reader.close()
        #expect(error?.message.contains("'\(path)'") == true)
        #expect(error?.message.contains("while it was read") == true)
    }

    @Test func `a file that is written to while it is read is an error`() throws {
        let path = try self.directory.write("alpha\nbeta\n", to: "text")
        let source = FilesSource(patterns: [path], isRecursive: nil)
        let split = try #require(try source.enumerateSplits(framing: self.framing, targetBytes: 1 << 20).first)
        let reader = try source.makeReader(for: split, framing: self.framing)

        var times = [timespec(tv_sec: 1_000, tv_nsec: 0), timespec(tv_sec: 1_000, tv_nsec: 0)]
        let touched = unsafe utimensat(AT_FDCWD, path, &times, 0)
        try #require(touched == 0)

        #expect(throws: ConnectorError.self) { try reader.poll(into: SourceBlock(capacity: 1_000)) }
        reader.close()
    }

    @Test func `what is appended while a file is read is left out`() throws {
        let path = try self.directory.write("alpha\n", to: "text")
        let source = FilesSource(patterns: [path], isRecursive: nil)
        let split = try #require(try source.enumerateSplits(framing: self.framing, targetBytes: 1 << 20).first)
        let reader = try source.makeReader(for: split, framing: self.framing)
        let block = SourceBlock(capacity: 1_000)

        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("beta\n".utf8))

        #expect(try reader.poll(into: block) == .block)
        #expect(block.count == 6)
        #expect(try reader.poll(into: block) == .end)
        reader.close()
    }

    @Test func `memory that a long line needed is given back with the next block`() throws {
        let long = String(repeating: "x", count: 50_000)
        let path = try self.directory.write(long + "\n" + String(repeating: "line\n", count: 1_000), to: "text")
        let source = FilesSource(patterns: [path], isRecursive: nil)
        let framing = Framing.lines(lengthLimit: 1 << 20)
        let split = try #require(try source.enumerateSplits(framing: framing, targetBytes: 1 << 20).first)
        let reader = try source.makeReader(for: split, framing: framing)
        let block = SourceBlock(capacity: 1_000)
        var capacities: [Int] = []

        while try reader.poll(into: block) == .block { capacities.append(block.capacity) }
        reader.close()

        #expect(capacities.first ?? 0 > 50_000)
        #expect(capacities.dropFirst(2).allSatisfy { $0 == 1_000 })
    }

    @Test func `a file that vanished after it was listed is an error`() throws {
        let path = try self.directory.write("alpha\n", to: "text")
        let source = FilesSource(patterns: [path], isRecursive: nil)
        let split = try #require(try source.enumerateSplits(framing: self.framing, targetBytes: 1 << 20).first)

        try FileManager.default.removeItem(atPath: path)

        let error = #expect(throws: ConnectorError.self) { try source.makeReader(for: split, framing: self.framing) }
        #expect(error?.message.hasPrefix("can't read '\(path)': No such file or directory (ENOENT)") == true)
    }

    @Test func `a file that shrank after it was listed is an error`() throws {
        let path = try self.directory.write("alpha\nbeta\n", to: "text")
        let source = FilesSource(patterns: [path], isRecursive: nil)
        let split = try #require(try source.enumerateSplits(framing: self.framing, targetBytes: 1 << 20).first)

        try self.directory.write("a\n", to: "text")

        #expect(throws: ConnectorError.self) { try source.makeReader(for: split, framing: self.framing) }
    }

    @Test(.enabled(if: geteuid() != 0, "root may read everything"))
    func `a file without the permission to read it is an error`() throws {
        let path = try self.directory.write("alpha\n", to: "text")
        try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: path)

        let error = #expect(throws: ConnectorError.self) {
            try FilesSource(patterns: [path], isRecursive: nil).lines()
        }

        #expect(error?.message.contains("Permission denied (EACCES)") == true)
    }

    @Test(arguments: ["/dev/zero", "/dev/null"])
    func `a device is an error and not read`(path: String) {
        let error = #expect(throws: ConnectorError.self) {
            try FilesSource(patterns: [path], isRecursive: nil).lines()
        }

        #expect(error?.message.contains("neither a file nor a directory") == true)
    }

    @Test func `a named pipe is an error and not waited for`() throws {
        let path = self.directory.file("pipe")
        let made = unsafe mkfifo(path, 0o600)
        try #require(made == 0)

        let error = #expect(throws: ConnectorError.self) {
            try FilesSource(patterns: [path], isRecursive: nil).lines()
        }

        #expect(error?.message.contains("neither a file nor a directory") == true)
    }
}
