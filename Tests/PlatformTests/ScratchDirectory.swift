import Environment
import Foundation

@testable import Platform

/// A directory of its own for one test, removed when the test ends.
final class ScratchDirectory: Sendable {
    let path = FileManager.default.temporaryDirectory.path + "/weir-platform-\(UUID().uuidString)"

    init() {
        // A directory that can't be made shows in the first use of it.
        try? LocalDisk().createDirectory(self.path)
    }

    deinit {
        // What stays behind lies among temporary files anyway.
        try? FileManager.default.removeItem(atPath: self.path)
    }
}

extension LocalDisk {
    /// Opens something that exists for writing: a device.
    func openWritable(_ path: String) throws -> any DiskFile {
        LocalFile(path: path, descriptor: unsafe open(path, O_WRONLY))
    }
}
