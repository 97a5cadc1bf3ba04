import Environment
import FluentSyntax
private import Glibc
import Platform

/// Reads the files that users name.
enum ProgramFile {
    /// A program is written by a person: whatever is larger isn't one.
    static let bytesLimit = 16 << 20

    /// Stands for standard input.
    static let standardInput = "-"

    /// Reads the program at a path, or from ``standardInput``.
    static func read(_ path: String) throws(ProgramFileError) -> SourceFile {
        let isStandardInput = path == self.standardInput
        let descriptor = isStandardInput ? STDIN_FILENO : unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ProgramFileError(EnvironmentError.last("read the program '\(path)'")) }
        defer { if !isStandardInput { close(descriptor) } }
        let name = isStandardInput ? "<input>" : path
        return SourceFile(name: name, bytes: try self.read(descriptor, name: name))
    }

    private static func read(_ descriptor: Int32, name: String) throws(ProgramFileError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1_024)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { buffer in
                unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            }
            if count == 0 { return bytes }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw self.error(errno, name: name)
            }
            bytes += chunk[0..<count]
            guard bytes.count <= self.bytesLimit else {
                let limit = self.bytesLimit >> 20
                throw ProgramFileError(
                    "can't read the program '\(name)': it is larger than \(limit) MiB; name a FluentAI file, not its input"
                )
            }
        }
    }

    private static func error(_ code: Int32, name: String) -> ProgramFileError {
        guard code == EISDIR else { return ProgramFileError(.system("read the program '\(name)'", code: code)) }
        let inside = name.hasSuffix("/") ? "\(name)job.fl" : "\(name)/job.fl"
        let advice = unsafe access(inside, R_OK) == 0 ? "did you mean '\(inside)'?" : "name a .fl file in it"
        return ProgramFileError("can't read the program '\(name)': it is a directory; \(advice)")
    }
}

/// Why a file can't be read or replaced: the text for people.
struct ProgramFileError: Error, Hashable, Sendable {
    let message: String

    init(_ message: String) {
        self.message = message
    }

    init(_ error: EnvironmentError) {
        self.message = error.description
    }
}
