import Environment
import Synchronization

/// A disk whose n-th call of one kind fails, in front of another one.
final class FaultyDisk: Disk {
    /// Calls are counted from 1 over all files.
    enum Fault: Hashable, Sendable {
        case creating
        case writing(call: Int)
        case reading(call: Int)
    }

    private let disk: any Disk
    private let fault: Fault
    private let calls = Mutex((writes: 0, reads: 0))

    init(_ disk: any Disk, fault: Fault) {
        self.disk = disk
        self.fault = fault
    }

    func createUnnamedFile(in directory: String) throws(EnvironmentError) -> any DiskFile {
        if self.fault == .creating { throw Self.refusal("create a file in '\(directory)'", .notPermitted) }
        return FaultyFile(try self.disk.createUnnamedFile(in: directory), disk: self)
    }

    fileprivate func noteWrite() throws(EnvironmentError) {
        let call = self.calls.withLock { calls in
            calls.writes += 1
            return calls.writes
        }
        if self.fault == .writing(call: call) { throw Self.refusal("write to the spill file", .noSpace) }
    }

    fileprivate func noteRead() throws(EnvironmentError) {
        let call = self.calls.withLock { calls in
            calls.reads += 1
            return calls.reads
        }
        if self.fault == .reading(call: call) { throw Self.refusal("read the spill file", .other(code: 5)) }
    }

    private static func refusal(_ attempt: String, _ reason: EnvironmentError.Reason) -> EnvironmentError {
        EnvironmentError(attempt, reason: reason, detail: "the test wants it so")
    }

    func createDirectory(_ path: String) throws(EnvironmentError) { try self.disk.createDirectory(path) }

    func createFile(_ path: String) throws(EnvironmentError) -> any DiskFile { try self.disk.createFile(path) }

    func openFile(_ path: String) throws(EnvironmentError) -> any DiskFile { try self.disk.openFile(path) }

    func rename(_ path: String, to newPath: String) throws(EnvironmentError) {
        try self.disk.rename(path, to: newPath)
    }

    func remove(_ path: String) throws(EnvironmentError) { try self.disk.remove(path) }

    func list(_ directory: String) throws(EnvironmentError) -> [String] { try self.disk.list(directory) }

    func synchronizeDirectory(_ path: String) throws(EnvironmentError) { try self.disk.synchronizeDirectory(path) }
}

private final class FaultyFile: DiskFile {
    private let file: any DiskFile
    private let disk: FaultyDisk

    init(_ file: any DiskFile, disk: FaultyDisk) {
        self.file = file
        self.disk = disk
    }

    var path: String { self.file.path }

    var size: Int64 {
        get throws(EnvironmentError) { try self.file.size }
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws(EnvironmentError) {
        try self.disk.noteWrite()
        try unsafe self.file.append(bytes)
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(EnvironmentError) {
        try self.disk.noteWrite()
        try unsafe self.file.write(bytes, at: offset)
    }

    func discard(_ range: Range<Int64>) { self.file.discard(range) }

    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(EnvironmentError) -> Int {
        try self.disk.noteRead()
        return try unsafe self.file.read(at: offset, into: buffer)
    }

    func synchronize() throws(EnvironmentError) { try self.file.synchronize() }
}
