import Environment
private import Glibc
import Platform

/// Gives a file other contents, all at once.
enum FileReplacement {
    /// Writes `bytes` beside the file, then puts them in its place with its permissions.
    ///
    /// Where `path` is a symbolic link, what it leads to is replaced.
    ///
    /// - Throws: The file is as it was.
    static func write(_ bytes: [UInt8], to path: String) throws(ProgramFileError) {
        let target = self.resolved(path)
        var status = stat()
        guard unsafe stat(target, &status) == 0 else { throw ProgramFileError(.last("look at '\(path)'")) }
        // The process's number keeps two of them apart; a file that a killed one left is written over.
        let temporary = "\(target).weir-\(getpid())"
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW
        let descriptor = unsafe open(temporary, flags, 0o600)
        guard descriptor >= 0 else { throw ProgramFileError(.last("create '\(temporary)'")) }
        do throws(ProgramFileError) {
            try self.fill(descriptor, with: bytes, mode: status.st_mode & 0o7777, name: temporary)
            guard unsafe rename(temporary, target) == 0 else { throw ProgramFileError(.last("replace '\(path)'")) }
        } catch {
            unsafe unlink(temporary)
            throw error
        }
    }

    private static func resolved(_ path: String) -> String {
        guard let resolved = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    /// Writes everything, makes it durable and closes the file.
    private static func fill(
        _ descriptor: Int32,
        with bytes: [UInt8],
        mode: mode_t,
        name: String
    ) throws(ProgramFileError) {
        defer { close(descriptor) }
        var written = 0
        while written < bytes.count {
            let rest = bytes[written...]
            let count = unsafe rest.withUnsafeBytes { buffer in
                unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count)
            }
            if count > 0 {
                written += count
            } else if errno != EINTR {
                throw ProgramFileError(.last("write '\(name)'"))
            }
        }
        guard fchmod(descriptor, mode) == 0, fsync(descriptor) == 0 else {
            throw ProgramFileError(.last("write '\(name)'"))
        }
    }
}
