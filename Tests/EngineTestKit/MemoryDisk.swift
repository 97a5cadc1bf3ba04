package import Environment
internal import Synchronization

/// A disk of one file, in memory, which may be full and whose bytes may be damaged.
package final class MemoryDisk: Disk {
    package let file: MemoryFile

    /// A disk that has room for `limit` bytes.
    package init(limit: Int64 = Int64.max) {
        self.file = MemoryFile(limit: limit)
    }

    package func createDirectory(_ path: String) throws(EnvironmentError) {}

    package func createFile(_ path: String) throws(EnvironmentError) -> any DiskFile { self.file }

    package func createUnnamedFile(in directory: String) throws(EnvironmentError) -> any DiskFile { self.file }

    package func openFile(_ path: String) throws(EnvironmentError) -> any DiskFile { self.file }

    package func rename(_ path: String, to newPath: String) throws(EnvironmentError) {}

    package func remove(_ path: String) throws(EnvironmentError) {}

    package func list(_ directory: String) throws(EnvironmentError) -> [String] { [] }

    package func synchronizeDirectory(_ path: String) throws(EnvironmentError) {}
}

package final class MemoryFile: DiskFile {
    package let path = "spill"
    private let limit: Int64
    private let content = Mutex<[UInt8]>([])

    init(limit: Int64) {
        self.limit = limit
    }

    package var size: Int64 {
        get throws(EnvironmentError) { self.content.withLock { Int64($0.count) } }
    }

    package func append(_ bytes: UnsafeRawBufferPointer) throws(EnvironmentError) {
        try unsafe self.write(bytes, at: self.size)
    }

    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(EnvironmentError) {
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

    package func discard(_ range: Range<Int64>) {}

    package func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(EnvironmentError) -> Int {
        let bytes = self.content.withLock { Array($0.dropFirst(Int(offset)).prefix(buffer.count)) }
        unsafe buffer.copyBytes(from: bytes)
        return bytes.count
    }

    package func synchronize() throws(EnvironmentError) {}

    /// Changes the bits of a byte, where there is one.
    package func damage(at position: Int, with mask: UInt8) {
        self.content.withLock { content in
            if content.indices.contains(position) { content[position] ^= mask }
        }
    }

    package func truncate(to count: Int) {
        self.content.withLock { $0.removeLast($0.count - count) }
    }
}
