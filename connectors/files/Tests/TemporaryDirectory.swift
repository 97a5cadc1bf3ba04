import Foundation

/// A directory of its own for one test, removed when the test ends.
final class TemporaryDirectory {
    let path: String

    init() {
        self.path = FileManager.default.temporaryDirectory.path + "/weir-files-\(UUID().uuidString)"
        // A directory that can't be made shows in the first use of it.
        try? FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true)
    }

    deinit {
        // What stays behind lies among temporary files anyway.
        try? FileManager.default.removeItem(atPath: self.path)
    }

    func file(_ name: String) -> String {
        "\(self.path)/\(name)"
    }

    /// Writes a file and the directories above it.
    @discardableResult
    func write(_ bytes: [UInt8], to name: String) throws -> String {
        let url = URL(fileURLWithPath: self.file(name))
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
        return self.file(name)
    }

    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        try self.write(Array(text.utf8), to: name)
    }

    func read(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: self.file(name))))
    }

    /// All names below the directory, sorted.
    func names() -> [String] {
        let enumerator = FileManager.default.enumerator(atPath: self.path)
        return (enumerator?.compactMap { $0 as? String } ?? []).sorted()
    }
}
