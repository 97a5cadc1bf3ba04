internal import CPlatform
package import Environment
private import Glibc

extension EnvironmentError {
    /// The error of the last system call of this thread.
    package static func last(_ attempt: String) -> EnvironmentError {
        .system(attempt, code: errno)
    }

    /// The error with a number of the operating system.
    package static func system(_ attempt: String, code: Int32) -> EnvironmentError {
        let reason: Reason =
            switch code {
            case ENOSPC, EDQUOT: .noSpace
            case ENOENT: .notFound
            case EEXIST: .alreadyExists
            case EACCES, EPERM, EROFS: .notPermitted
            default: .other(code: code)
            }
        return EnvironmentError(attempt, reason: reason, detail: Self.text(code))
    }

    private static func text(_ code: Int32) -> String {
        let name = unsafe weir_errno_name(code).map { unsafe String(cString: $0) } ?? "errno \(code)"
        guard let text = unsafe strerror(code) else { return name }
        return unsafe "\(String(cString: text)) (\(name))"
    }
}
