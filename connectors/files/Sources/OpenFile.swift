private import Glibc

/// An open file with exactly one owner, closed when that goes away.
struct OpenFile: ~Copyable {
    let path: String
    let descriptor: Int32

    init(reading path: String) throws(SystemFailure) {
        try self.init(path, O_RDONLY, 0)
    }

    /// Creates a file that must not exist yet.
    init(creating path: String) throws(SystemFailure) {
        try self.init(path, O_WRONLY | O_CREAT | O_EXCL, 0o666)
    }

    /// Opens a directory, to lock or to sync it.
    init(directory path: String) throws(SystemFailure) {
        try self.init(path, O_RDONLY | O_DIRECTORY, 0)
    }

    private init(_ path: String, _ flags: Int32, _ mode: mode_t) throws(SystemFailure) {
        self.path = path
        // Non-blocking, because opening a named pipe would wait for whoever writes to it.
        self.descriptor = unsafe open(path, flags | O_CLOEXEC | O_NONBLOCK, mode)
        if self.descriptor < 0 { throw SystemFailure.last }
    }

    deinit {
        if self.descriptor >= 0 { close(self.descriptor) }
    }

    func status() throws(SystemFailure) -> FileStatus {
        var status = stat()
        guard unsafe fstat(self.descriptor, &status) == 0 else { throw SystemFailure.last }
        return FileStatus(status)
    }

    /// Reads at most `buffer.count` bytes from `offset`; 0 means the end of the file.
    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(SystemFailure) -> Int {
        while true {
            let count = unsafe pread(self.descriptor, buffer.baseAddress, buffer.count, off_t(offset))
            if count >= 0 { return count }
            guard errno == EINTR else { throw SystemFailure.last }
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(SystemFailure) {
        var written = 0
        while written < bytes.count {
            let count = unsafe Glibc.write(
                self.descriptor,
                bytes.baseAddress?.advanced(by: written),
                bytes.count - written
            )
            if count > 0 {
                written += count
            } else if errno != EINTR {
                throw SystemFailure.last
            }
        }
    }

    /// Tells the kernel that the range is read from front to back.
    func adviseSequential(from start: Int64, count: Int64) {
        posix_fadvise(self.descriptor, off_t(start), off_t(count), POSIX_FADV_SEQUENTIAL)
    }

    func synchronize() throws(SystemFailure) {
        guard fsync(self.descriptor) == 0 else { throw SystemFailure.last }
    }

    /// Locks the file against other processes for as long as it is open.
    ///
    /// - Returns: False where somebody else has it locked, and for longer than a process takes to be gone that was killed.
    func lock() throws(SystemFailure) -> Bool {
        for _ in 0..<Self.lockAttempts {
            if flock(self.descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
            guard errno == EWOULDBLOCK else { throw SystemFailure.last }
            // Nobody rings when a lock is free.
            _ = poll(nil, 0, Self.lockPauseMilliseconds)
        }
        return false
    }

    /// A second in all.
    private static let lockAttempts = 50
    private static let lockPauseMilliseconds: Int32 = 20
}

/// Which file it is, whatever path leads to it.
struct FileIdentity: Hashable, Sendable {
    let device: UInt64

    /// Of the inode.
    let number: UInt64

    /// Without links and dots, of a file that has several names of its own.
    var path: String?
}

/// What the file system knows about a path.
struct FileStatus: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        case file
        case directory
        case symbolicLink
        case other
    }

    let kind: Kind
    let size: Int64

    /// Nil where the file system gives its files no numbers.
    let identity: FileIdentity?

    /// Whether other names are as much its own as this one: hard links.
    let hasHardLinks: Bool

    /// When the content was last changed, in nanoseconds since 1970.
    let modifiedNanoseconds: Int64

    fileprivate init(_ status: stat) {
        self.kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .directory
            case S_IFLNK: .symbolicLink
            default: .other
            }
        self.size = Int64(status.st_size)
        self.identity =
            status.st_ino == 0
            ? nil : FileIdentity(device: UInt64(status.st_dev), number: UInt64(status.st_ino))
        self.hasHardLinks = status.st_nlink > 1
        self.modifiedNanoseconds = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
    }

    /// `followsLinks`: Whether a symbolic link stands for what it points to.
    init(of path: String, followsLinks: Bool = true) throws(SystemFailure) {
        var status = stat()
        let result = unsafe fstatat(AT_FDCWD, path, &status, followsLinks ? 0 : AT_SYMLINK_NOFOLLOW)
        guard result == 0 else { throw SystemFailure.last }
        self.init(status)
    }

    /// The status of what `path` stands for, or nil where there is nothing.
    static func ifExists(_ path: String, followsLinks: Bool = true) throws(SystemFailure) -> FileStatus? {
        do {
            return try FileStatus(of: path, followsLinks: followsLinks)
        } catch {
            guard error.code == ENOENT || error.code == ENOTDIR else { throw error }
            return nil
        }
    }

    /// Whether this process may read the path.
    static func checkReadable(_ path: String) throws(SystemFailure) {
        guard unsafe faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0 else { throw SystemFailure.last }
    }
}
