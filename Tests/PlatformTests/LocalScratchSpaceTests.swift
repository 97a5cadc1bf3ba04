import Environment
import Testing

@testable import Platform

@Suite struct LocalScratchSpaceTests {
    private let disk = LocalDisk()
    private let scratch = ScratchDirectory()
    private let space = LocalScratchSpace()

    @Test func `a directory goes away with its files when nobody refers to it`() throws {
        let path = self.scratch.path + "/made"
        var directory: (any Environment.ScratchDirectory)? = try self.space.makeDirectory(in: path)
        let made = try #require(directory?.path)
        _ = try self.disk.createFile(made + "/000001.sst")
        #expect(try self.disk.list(path).count == 2)

        directory = nil

        #expect(try self.disk.list(path) == [])
    }

    @Test func `directories that are in use don't meet, and stay when leftovers are removed`() throws {
        let path = self.scratch.path
        let directories = try (0..<8).map { _ in try self.space.makeDirectory(in: path) }
        for directory in directories { _ = try self.disk.createFile(directory.path + "/file") }

        self.space.removeLeftovers(in: path)

        #expect(Set(directories.map(\.path)).count == 8)
        for directory in directories { #expect(try self.disk.list(directory.path) == ["file"]) }
    }

    @Test func `what a process that was killed has left is removed, and nothing else`() throws {
        let path = self.scratch.path
        // A lock that nobody holds, with its directory and without one.
        _ = try self.disk.createFile(path + "/.weir-state-abc.lock")
        try self.disk.createDirectory(path + "/.weir-state-abc")
        _ = try self.disk.createFile(path + "/.weir-state-abc/000001.sst")
        _ = try self.disk.createFile(path + "/.weir-state-def.lock")
        _ = try self.disk.createFile(path + "/mine.lock")
        try self.disk.createDirectory(path + "/.weir-state-mine")

        self.space.removeLeftovers(in: path)

        #expect(try self.disk.list(path) == [".weir-state-mine", "mine.lock"])
    }

    @Test func `a directory that can't be made is named`() throws {
        _ = try self.disk.createFile(self.scratch.path + "/file")

        let error = #expect(throws: EnvironmentError.self) {
            try self.space.makeDirectory(in: self.scratch.path + "/file/below")
        }

        #expect(error?.description.contains("file/below") == true)
    }
}
