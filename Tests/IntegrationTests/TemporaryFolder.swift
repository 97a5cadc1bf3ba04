import Foundation

/// A directory of its own for one test, removed when the test ends.
final class TemporaryFolder {
    let path: String

    init() throws {
        self.path = FileManager.default.temporaryDirectory.path + "/weir-run-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true)
    }

    deinit {
        // What stays behind lies among temporary files anyway.
        try? FileManager.default.removeItem(atPath: self.path)
    }

    func file(_ name: String) -> String {
        "\(self.path)/\(name)"
    }

    /// Writes a file and the directories above it.
    func write(_ bytes: some Sequence<UInt8>, to name: String) throws {
        let url = URL(filePath: self.file(name))
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
    }

    func write(_ text: String, to name: String) throws {
        try self.write(Array(text.utf8), to: name)
    }

    func read(_ name: String) throws -> Data {
        try Data(contentsOf: URL(filePath: self.file(name)))
    }

    /// An empty file to write to.
    func open(_ name: String) throws -> FileHandle {
        try self.write("", to: name)
        return try FileHandle(forWritingTo: URL(filePath: self.file(name)))
    }

    /// What is in and below a directory, sorted; nil where there is none.
    func names(in directory: String) -> [String]? {
        try? FileManager.default.subpathsOfDirectory(atPath: self.file(directory)).sorted()
    }

    /// The lines of all part files in a directory, part by part.
    func parts(of directory: String = "out") throws -> [[String]] {
        try (self.names(in: directory) ?? []).filter { $0.hasPrefix("part-") }.map { name in
            String(decoding: try self.read("\(directory)/\(name)"), as: UTF8.self)
                .split(separator: "\n").map { String($0) }
        }
    }

    /// The lines of all part files, sorted.
    func lines(of directory: String = "out") throws -> [String] {
        try self.parts(of: directory).flatMap { $0 }.sorted()
    }
}

/// A file system in memory that is full soon.
final class SmallDisk {
    static var isPossible: Bool { geteuid() == 0 }

    private let path: String

    /// - Parameters:
    ///   - path: A directory to make.
    ///   - bytes: Room for files.
    /// - Throws: It can't be mounted, as in some containers.
    init(path: String, bytes: Int) throws {
        self.path = path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let options = "size=\(bytes)"
        let result = unsafe options.withCString { unsafe mount("tmpfs", path, "tmpfs", 0, $0) }
        guard result == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EPERM) }
    }

    /// Gives it another size.
    func resize(bytes: Int) throws {
        let options = "size=\(bytes)"
        let result = unsafe options.withCString { unsafe mount("tmpfs", self.path, "tmpfs", UInt(MS_REMOUNT), $0) }
        guard result == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EPERM) }
    }

    deinit {
        unsafe umount2(self.path, Int32(MNT_DETACH))
    }
}
