internal import ConnectorKit
private import Glibc

/// A system call that failed.
struct SystemFailure: Error {
    let code: Int32

    /// What the last call of this thread left behind.
    static var last: SystemFailure { SystemFailure(code: errno) }

    /// As people know it: "No space left on device (ENOSPC)".
    var reason: String {
        let name = Self.names[self.code] ?? "errno \(self.code)"
        guard let text = unsafe strerror(self.code) else { return name }
        return unsafe "\(String(cString: text)) (\(name))"
    }

    /// Whether the job's author can do something about it, rather than whoever runs the machine.
    var domain: ConnectorError.Domain {
        [EIO, ENOSPC, EDQUOT, EROFS, EMFILE, ENFILE, ENOMEM, ESTALE].contains(self.code) ? .external : .user
    }

    /// An error that says what was attempted, what happened and what to do.
    func error(_ attempt: String, file: String = #fileID, line: Int = #line) -> ConnectorError {
        let message = "can't \(attempt): \(self.reason); \(self.advice)"
        return ConnectorError(self.domain, retry: .never, message, cause: self, file: file, line: line)
    }

    private var advice: String {
        switch self.code {
        case ENOSPC: "free some space on that disk or choose another one"
        case EDQUOT: "free some of the quota there or choose another directory"
        case EFBIG: "raise the file size limit (ulimit -f) or use more partitions"
        case EACCES, EPERM: "check the permissions of the path and of the directories above it"
        case ENOENT: "check the path; it may have been removed meanwhile"
        case EMFILE, ENFILE: "raise the limit of open files (ulimit -n)"
        case EROFS: "choose a directory on a disk that may be written"
        case EIO: "check the disk"
        case EISDIR, ENOTDIR: "check the path"
        default: "check the path and the disk"
        }
    }

    private static let names: [Int32: String] = [
        EACCES: "EACCES", EBUSY: "EBUSY", EDQUOT: "EDQUOT", EEXIST: "EEXIST", EFBIG: "EFBIG", EINVAL: "EINVAL",
        EIO: "EIO", EISDIR: "EISDIR", ELOOP: "ELOOP", EMFILE: "EMFILE", ENAMETOOLONG: "ENAMETOOLONG",
        ENFILE: "ENFILE", ENOENT: "ENOENT", ENOMEM: "ENOMEM", ENOSPC: "ENOSPC", ENOTDIR: "ENOTDIR",
        ENOTEMPTY: "ENOTEMPTY", EPERM: "EPERM", EROFS: "EROFS", ESTALE: "ESTALE", ETXTBSY: "ETXTBSY", EXDEV: "EXDEV",
    ]
}
