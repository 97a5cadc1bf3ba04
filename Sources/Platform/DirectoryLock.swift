package import Environment
private import Glibc

/// A directory that one process at a time may use, as long as this lives: also a process that is killed lets go of it.
///
/// Source: flock(2), on a file in the directory.
package final class DirectoryLock: Sendable {
    private let descriptor: Int32

    /// Makes the directory where there is none, and locks it.
    ///
    /// - Returns: Nil where another process, or another lock of this one, has it, and for longer than a process takes to be
    ///   gone that was killed.
    package init?(_ directory: String) throws(EnvironmentError) {
        try LocalDisk().createDirectory(directory)
        let path = "\(directory)/lock"
        self.descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard self.descriptor >= 0 else { throw .last("open '\(path)'") }
        for _ in 0..<Self.attempts {
            if flock(self.descriptor, LOCK_EX | LOCK_NB) == 0 { return }
            guard errno == EWOULDBLOCK else { throw .last("lock '\(path)'") }
            usleep(Self.pauseMicroseconds)
        }
        return nil
    }

    /// Two seconds in all: a process with much memory isn't gone at once.
    private static let attempts = 100
    private static let pauseMicroseconds: UInt32 = 20_000

    deinit {
        if self.descriptor >= 0 { close(self.descriptor) }
    }
}
