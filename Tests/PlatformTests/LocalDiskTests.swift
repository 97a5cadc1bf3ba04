import Environment
import Testing

@testable import Platform

@Suite struct LocalDiskTests {
    private let disk = LocalDisk()
    private let scratch = ScratchDirectory()

    @Test func `what is appended is read back at any place`() throws {
        let file = try self.disk.createFile(self.scratch.path + "/file")

        try Self.append("alpha", to: file)
        try Self.append("beta", to: file)
        try file.synchronize()

        #expect(try file.size == 9)
        #expect(try Self.read(3, at: 4, from: file) == "abe")
        #expect(try Self.read(10, at: 7, from: file) == "ta")
        #expect(try Self.read(10, at: 9, from: file) == "")
    }

    @Test func `names are listed, changed and removed`() throws {
        let path = self.scratch.path
        _ = try self.disk.createFile(path + "/b")
        _ = try self.disk.createFile(path + "/a")
        try self.disk.createDirectory(path + "/c/d")

        try self.disk.rename(path + "/a", to: path + "/z")
        try self.disk.remove(path + "/b")
        try self.disk.synchronizeDirectory(path)

        #expect(try self.disk.list(path) == ["c", "z"])
        #expect(try self.disk.list(path + "/c") == ["d"])
    }

    @Test func `a directory that exists is fine, a file in its place isn't`() throws {
        try self.disk.createDirectory(self.scratch.path)
        _ = try self.disk.createFile(self.scratch.path + "/file")

        let error = #expect(throws: EnvironmentError.self) {
            try self.disk.createDirectory(self.scratch.path + "/file")
        }

        #expect(error?.reason == .alreadyExists)
    }

    @Test func `an unnamed file can be written and read and isn't listed`() throws {
        let file = try self.disk.createUnnamedFile(in: self.scratch.path)

        try Self.append("alpha", to: file)

        #expect(try Self.read(5, at: 0, from: file) == "alpha")
        #expect(try self.disk.list(self.scratch.path) == [])
    }

    @Test func `a range that is discarded costs nothing and leaves the rest`() throws {
        let file = try self.disk.createFile(self.scratch.path + "/file")
        for _ in 0..<3 {
            try Self.append(String(repeating: "x", count: 65_536), to: file)
        }

        file.discard(0..<131_072)

        #expect(try file.size == 196_608)
        #expect(try Self.read(2, at: 131_072, from: file) == "xx")
    }

    @Test func `errors name the operation, the path, the reason and what to do`() throws {
        let missing = #expect(throws: EnvironmentError.self) { try self.disk.openFile("/no/such/file") }
        let existing = self.scratch.path + "/file"
        _ = try self.disk.createFile(existing)
        let taken = #expect(throws: EnvironmentError.self) { try self.disk.createFile(existing) }

        #expect(missing?.reason == .notFound)
        #expect(
            missing?.description == "can't open '/no/such/file': No such file or directory (ENOENT); check the path"
        )
        #expect(taken?.reason == .alreadyExists)
    }

    @Test func `a full disk is told apart`() throws {
        let file = try self.disk.openWritable("/dev/full")

        let error = #expect(throws: EnvironmentError.self) { try Self.append("alpha", to: file) }

        #expect(error?.reason == .noSpace)
        #expect(
            error?.description
                == "can't write 5 bytes to '/dev/full': No space left on device (ENOSPC); free some space there or "
                + "choose another disk"
        )
    }

    private static func append(_ text: String, to file: any DiskFile) throws {
        try unsafe Array(text.utf8).withUnsafeBytes { try unsafe file.append($0) }
    }

    private static func read(_ count: Int, at offset: Int64, from file: any DiskFile) throws -> String {
        var bytes = [UInt8](repeating: 0, count: count)
        let filled = try unsafe bytes.withUnsafeMutableBytes { try unsafe file.read(at: offset, into: $0) }
        return String(decoding: bytes[0..<filled], as: UTF8.self)
    }
}
