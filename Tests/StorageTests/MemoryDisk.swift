import Environment
import Synchronization

/// A disk of one file, in memory, which may be full and whose bytes may be damaged.
final class MemoryDisk: Disk {
    let file: MemoryFile

    /// A disk that has room for `limit` bytes.
    init(limit: Int64 = Int64.max) {
        self.file = MemoryFile(limit: limit)
    }

    func createDirectory(_ path: String) throws(EnvironmentError) {}

    func createFile(_ path: String) throws(EnvironmentError) -> any DiskFile { self.file }

    func createUnnamedFile(in directory: String) throws(EnvironmentError) -> any DiskFile { self.file }

    func openFile(_ path: String) throws(EnvironmentError) -> any DiskFile { self.file }

    func rename(_ path: String, to newPath: String) throws(EnvironmentError) {}

    func remove(_ path: String) throws(EnvironmentError) {}

    func list(_ directory: String) throws(EnvironmentError) -> [String] { [] }

    func synchronizeDirectory(_ path: String) throws(EnvironmentError) {}
}

final class MemoryFile: DiskFile {
    let path = "spill"
    private let limit: Int64
    private let content = Mutex<[UInt8]>([])

    init(limit: Int64) {
        self.limit = limit
    }

    var size: Int64 {
        get throws(EnvironmentError) { self.content.withLock { Int64($0.count) } }
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws(EnvironmentError) {
        try unsafe self.write(bytes, at: self.size)
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(EnvironmentError) {
        let copy = unsafe Array(bytes)
        let end = Int(offset) + copy.count
        guard end <= self.limit else {
            throw EnvironmentError("write to 'spill'", reason: .noSpace, detail: "No space left on device (ENOSPC)")
        }
        self.content.withLock { content in
            if content.count < end { content += Array(repeating: 0, count: end - content.count) }
            unsafe content.withUnsafeMutableBytes { content in
                unsafe UnsafeMutableRawBufferPointer(rebasing: content[Int(offset)..<end]).copyBytes(from: copy)
            }
        }
    }

    func discard(_ range: Range<Int64>) {}

    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(EnvironmentError) -> Int {
        let bytes = self.content.withLock { Array($0.dropFirst(Int(offset)).prefix(buffer.count)) }
        unsafe buffer.copyBytes(from: bytes)
        return bytes.count
    }

    func synchronize() throws(EnvironmentError) {}

    func flip(_ position: Int) {
        self.content.withLock { $0[position] ^= 0x24 }
    }

    func truncate(to count: Int) {
        self.content.withLock { $0.removeLast($0.count - count) }
    }
}
