private import Glibc

/// The names in one directory.
struct DirectoryListing {
    /// Sorted, without `.` and `..`.
    let names: [String]

    /// Lists a directory.
    ///
    /// - Throws: It can't be read, or has a name that isn't UTF-8 (`EILSEQ`), which a program couldn't say.
    init(of path: String) throws(SystemFailure) {
        guard let directory = unsafe opendir(path) else { throw SystemFailure.last }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(directory) else {
                if errno != 0 { throw SystemFailure.last }
                break
            }
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let name else { throw SystemFailure(code: EILSEQ) }
            if name != "." && name != ".." { names.append(name) }
        }
        self.names = names.sorted()
    }

    /// What the directory holds; empty where there is no directory.
    static func ifExists(_ path: String) throws(SystemFailure) -> [String] {
        do {
            return try DirectoryListing(of: path).names
        } catch {
            guard error.code == ENOENT || error.code == ENOTDIR else { throw error }
            return []
        }
    }
}
