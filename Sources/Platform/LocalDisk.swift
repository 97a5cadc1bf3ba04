internal import CPlatform
package import Environment
private import Glibc

/// The file systems of this machine.
package struct LocalDisk: Disk {
    private let entropy = SystemEntropy()

    package init() {}

    package func createDirectory(_ path: String) throws(EnvironmentError) {
        if unsafe mkdir(path, 0o777) == 0 { return }
        let failure = errno
        if failure == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex {
            try self.createDirectory(String(path[..<slash]))
            guard unsafe mkdir(path, 0o777) == 0 || errno == EEXIST else {
                throw .last("create the directory '\(path)'")
            }
            return
        }
        // Something of that name is there: fine if it is a directory.
        guard failure == EEXIST, unsafe access(path + "/.", F_OK) == 0 else {
            throw .system("create the directory '\(path)'", code: failure)
        }
    }

    package func createFile(_ path: String) throws(EnvironmentError) -> any DiskFile {
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw .last("create '\(path)'") }
        return LocalFile(path: path, descriptor: descriptor)
    }

    package func createUnnamedFile(in directory: String) throws(EnvironmentError) -> any DiskFile {
        let descriptor = unsafe weir_open_unnamed(directory)
        if descriptor >= 0 { return LocalFile(path: directory, descriptor: descriptor) }
        // Old kernels answer EISDIR, file systems that can't EOPNOTSUPP: a name that goes away at once does as well.
        guard errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL else {
            throw .last("create a temporary file in '\(directory)'")
        }
        let path = "\(directory)/.weir-spill-\(String(self.entropy.next(), radix: 36))"
        let file = try self.createFile(path)
        try self.remove(path)
        return file
    }

    package func openFile(_ path: String) throws(EnvironmentError) -> any DiskFile {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open '\(path)'") }
        return LocalFile(path: path, descriptor: descriptor)
    }

    package func rename(_ path: String, to newPath: String) throws(EnvironmentError) {
        guard unsafe Glibc.rename(path, newPath) == 0 else { throw .last("rename '\(path)' to '\(newPath)'") }
    }

    package func remove(_ path: String) throws(EnvironmentError) {
        guard unsafe Glibc.remove(path) == 0 else { throw .last("remove '\(path)'") }
    }

    package func list(_ directory: String) throws(EnvironmentError) -> [String] {
        guard let stream = unsafe opendir(directory) else { throw .last("list '\(directory)'") }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw .last("list '\(directory)'") }
        return names.sorted()
    }

    package func synchronizeDirectory(_ path: String) throws(EnvironmentError) {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open '\(path)'") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .last("make '\(path)' durable") }
    }
}

/// An open file of a ``LocalDisk``.
package final class LocalFile: DiskFile {
    package let path: String
    private let descriptor: Int32

    init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit {
        close(self.descriptor)
    }

    package var size: Int64 {
        get throws(EnvironmentError) {
            var status = stat()
            guard unsafe fstat(self.descriptor, &status) == 0 else { throw .last("look at '\(self.path)'") }
            return Int64(status.st_size)
        }
    }

    package func append(_ bytes: UnsafeRawBufferPointer) throws(EnvironmentError) {
        try unsafe self.write(bytes, at: self.size)
    }

    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(EnvironmentError) {
        var written = 0
        while written < bytes.count {
            let count = unsafe pwrite(
                self.descriptor,
                bytes.baseAddress?.advanced(by: written),
                bytes.count - written,
                off_t(offset) + written
            )
            if count > 0 {
                written += count
            } else if errno != EINTR {
                throw .last("write \(bytes.count) bytes to '\(self.path)'")
            }
        }
    }

    package func discard(_ range: Range<Int64>) {
        // Where the file system can't, the space comes back when the file goes away.
        weir_punch_hole(self.descriptor, range.lowerBound, range.upperBound - range.lowerBound)
    }

    package func read(
        at offset: Int64,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(EnvironmentError) -> Int {
        var filled = 0
        while filled < buffer.count {
            let count = unsafe pread(
                self.descriptor,
                buffer.baseAddress?.advanced(by: filled),
                buffer.count - filled,
                off_t(offset) + filled
            )
            if count == 0 { break }
            if count > 0 {
                filled += count
            } else if errno != EINTR {
                throw .last("read '\(self.path)' at byte \(offset + Int64(filled))")
            }
        }
        return filled
    }

    package func synchronize() throws(EnvironmentError) {
        guard fsync(self.descriptor) == 0 else { throw .last("make '\(self.path)' durable") }
    }
}
