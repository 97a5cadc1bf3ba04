package import CoordinationCore
package import Environment

/// The figures of a running stream in its state directory, for who asks from another process.
///
/// It is there as a whole or not at all; it isn't durable, as nobody needs it after a crash.
package struct StatusFile {
    package static let name = "status"

    private let disk: any Disk
    private let directory: String

    package init(disk: any Disk, directory: String) {
        self.disk = disk
        self.directory = directory
    }

    package func write(_ status: StreamStatus) throws(EnvironmentError) {
        let path = "\(self.directory)/\(Self.name)"
        try self.disk.createDirectory(self.directory)
        // One that a crash left behind.
        try? self.disk.remove("\(path).new")
        let file = try self.disk.createFile("\(path).new")
        let bytes = Array(status.text.utf8)
        let result = unsafe bytes.withUnsafeBytes { buffer in
            Result { () throws(EnvironmentError) in try unsafe file.append(buffer) }
        }
        try result.get()
        try self.disk.rename("\(path).new", to: path)
    }

    /// - Returns: Nil where none was written, or something else lies there.
    package func read() throws(EnvironmentError) -> StreamStatus? {
        var bytes = [UInt8](repeating: 0, count: StreamStatus.byteLimit)
        do {
            let file = try self.disk.openFile("\(self.directory)/\(Self.name)")
            let result = unsafe bytes.withUnsafeMutableBytes { buffer in
                Result { () throws(EnvironmentError) in try unsafe file.read(at: 0, into: buffer) }
            }
            bytes.removeLast(bytes.count - (try result.get()))
        } catch {
            if error.reason == .notFound { return nil }
            throw error
        }
        return StreamStatus(parsing: String(decoding: bytes, as: UTF8.self))
    }
}
