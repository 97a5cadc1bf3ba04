package import Environment
private import Glibc

/// A directory that one process at a time may use, as long as this lives: also a process that is killed lets go of it.
///
/// Source: flock(2), on a file in the directory.
package final class DirectoryLock: Sendable {
    private let descriptor: Int32

    /// Makes the directory where there is none, and locks it.
    ///
    /// - Returns: Nil where another process, or another lock of this one, has it.
    package init?(_ directory: String) throws(EnvironmentError) {
        try LocalDisk().createDirectory(directory)
        let path = "\(directory)/lock"
        self.descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard self.descriptor >= 0 else { throw .last("open '\(path)'") }
        guard flock(self.descriptor, LOCK_EX | LOCK_NB) == 0 else {
            guard errno == EWOULDBLOCK else { throw .last("lock '\(path)'") }
            return nil
        }
    }

    deinit {
        if self.descriptor >= 0 { close(self.descriptor) }
    }
}
