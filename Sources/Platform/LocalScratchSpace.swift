package import Environment
private import Glibc

/// Scratch directories on the disks of this machine.
///
/// Beside each directory lies a file that its process has locked. Whoever gets the lock of such a file knows that the process
/// is gone, however it ended, and removes both. A file without its directory belongs to a process that is about to make it:
/// that one looks again whether its file is still there once it has the lock.
package struct LocalScratchSpace: ScratchSpace {
    private static let prefix = ".weir-state-"
    private static let suffix = ".lock"

    /// Names that are tried.
    private static let attemptLimit = 16
    private let entropy = SystemEntropy()

    package init() {}

    package func makeDirectory(in directory: String) throws(EnvironmentError) -> any ScratchDirectory {
        try LocalDisk().createDirectory(directory)
        for _ in 0..<Self.attemptLimit {
            let path = "\(directory)/\(Self.prefix)\(String(self.entropy.next(), radix: 36))"
            let lock = unsafe open(path + Self.suffix, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard lock >= 0 || errno == EEXIST else { throw .last("create '\(path)\(Self.suffix)'") }
            guard lock >= 0 else { continue }
            guard flock(lock, LOCK_EX | LOCK_NB) == 0, Self.hasName(lock) else {
                close(lock)
                continue
            }
            guard unsafe mkdir(path, 0o700) == 0 else {
                let error = EnvironmentError.last("create the directory '\(path)'")
                unsafe unlink(path + Self.suffix)
                close(lock)
                throw error
            }
            return LocalScratchDirectory(path: path, lockPath: path + Self.suffix, lock: lock)
        }
        throw .system("create a directory in '\(directory)'", code: EEXIST)
    }

    private static func hasName(_ descriptor: Int32) -> Bool {
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 && status.st_nlink > 0
    }

    /// Removes what processes have left in a directory that ended without a chance to; what can't be removed stays.
    package func removeLeftovers(in directory: String) {
        guard let names = try? LocalDisk().list(directory) else { return }
        for name in names where name.hasPrefix(Self.prefix) && name.hasSuffix(Self.suffix) {
            let lockPath = "\(directory)/\(name)"
            let lock = unsafe open(lockPath, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
            guard lock >= 0 else { continue }
            guard flock(lock, LOCK_EX | LOCK_NB) == 0, Self.hasName(lock) else {
                close(lock)
                continue
            }
            // Removes them, and lets go of the lock.
            let path = String(lockPath.dropLast(Self.suffix.count))
            _ = LocalScratchDirectory(path: path, lockPath: lockPath, lock: lock)
        }
    }
}

/// A directory of files without directories in it.
final class LocalScratchDirectory: ScratchDirectory {
    let path: String
    private let lockPath: String
    private let lock: Int32

    init(path: String, lockPath: String, lock: Int32) {
        self.path = path
        self.lockPath = lockPath
        self.lock = lock
    }

    deinit {
        let disk = LocalDisk()
        for name in (try? disk.list(self.path)) ?? [] { try? disk.remove("\(self.path)/\(name)") }
        try? disk.remove(self.path)
        // Last, so that others look again if anything was left.
        unsafe unlink(self.lockPath)
        close(self.lock)
    }
}
