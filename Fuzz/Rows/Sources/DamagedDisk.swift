import Environment
import Synchronization

/// A disk of one file in memory.
final class DamagedDisk: Disk {
    let file = DamagedFile()

    func createDirectory(_ path: String) throws(EnvironmentError) {}

    func createFile(_ path: String) throws(EnvironmentError) -> any DiskFile { self.file }

    func createUnnamedFile(in directory: String) throws(EnvironmentError) -> any DiskFile { self.file }

    func openFile(_ path: String) throws(EnvironmentError) -> any DiskFile { self.file }

    func rename(_ path: String, to newPath: String) throws(EnvironmentError) {}

    func remove(_ path: String) throws(EnvironmentError) {}

    func list(_ directory: String) throws(EnvironmentError) -> [String] { [] }

    func synchronizeDirectory(_ path: String) throws(EnvironmentError) {}
}

final class DamagedFile: DiskFile {
    let path = "spill"
    private let content = Mutex<[UInt8]>([])

    var size: Int64 {
        get throws(EnvironmentError) { self.content.withLock { Int64($0.count) } }
    }

    /// Changes the bits of a byte, where there is one.
    func damage(at offset: Int, with mask: UInt8) {
        self.content.withLock { content in
            if offset < content.count { content[offset] ^= mask }
        }
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws(EnvironmentError) {
        try unsafe self.write(bytes, at: self.size)
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(EnvironmentError) {
        let copy = unsafe Array(bytes)
        let end = Int(offset) + copy.count
        self.content.withLock { content in
            if content.count < end { content.append(contentsOf: repeatElement(0, count: end - content.count)) }
            content.replaceSubrange(Int(offset)..<end, with: copy)
        }
    }

    func discard(_ range: Range<Int64>) {}

    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(EnvironmentError) -> Int {
        let bytes = self.content.withLock { content in
            Array(content[min(Int(offset), content.count)..<min(Int(offset) + buffer.count, content.count)])
        }
        unsafe buffer.copyBytes(from: bytes)
        return bytes.count
    }

    func synchronize() throws(EnvironmentError) {}
}
