import FluentSyntax

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The programs under `Fixtures/`: every block of the specification, and what was added.
enum Fixtures {
    static let names = (1...8).map { "spec-0\($0).fl" }

    static func read(_ name: String) throws -> SourceFile {
        let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let path = "\(folder)/Fixtures/\(name)"
        guard let file = unsafe fopen(path, "r") else { throw Missing(path: path) }
        defer { _ = unsafe fclose(file) }
        var bytes: [UInt8] = []
        // End of file is a negative byte.
        while case let byte = unsafe fgetc(file), byte >= 0 { bytes.append(UInt8(byte)) }
        return SourceFile(name: name, bytes: bytes)
    }

    struct Missing: Error {
        let path: String
    }
}
