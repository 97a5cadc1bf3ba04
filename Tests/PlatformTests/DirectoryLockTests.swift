import Testing

@testable import Platform

@Suite struct DirectoryLockTests {
    @Test func `a directory is locked once, and free again when the lock is gone`() throws {
        let scratch = ScratchDirectory()
        let directory = "\(scratch.path)/state/job"

        var first = try DirectoryLock(directory)
        let second = try DirectoryLock(directory)
        #expect(first != nil && second == nil)

        first = nil
        #expect(try DirectoryLock(directory) != nil)
    }
}
