private import Glibc

/// The names in one directory.
struct DirectoryListing {
    /// Sorted, without `.` and `..`.
    let names: [String]

    /// Those of them that aren't UTF-8, which a program couldn't say: what isn't a character is shown as one that says so.
    let unsayable: Set<String>

    /// Lists a directory.
    ///
    /// - Throws: It can't be read.
    init(of path: String) throws(SystemFailure) {
        guard let directory = unsafe opendir(path) else { throw SystemFailure.last }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        var unsayable: Set<String> = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(directory) else {
                if errno != 0 { throw SystemFailure.last }
                break
            }
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                let bytes = unsafe bytes.prefix { $0 != 0 }
                if let name = unsafe String(validating: bytes, as: UTF8.self) { return name }
                let shown = unsafe String(decoding: bytes, as: UTF8.self)
                unsayable.insert(shown)
                return shown
            }
            if name != "." && name != ".." { names.append(name) }
        }
        self.names = names.sorted()
        self.unsayable = unsayable
    }

    /// What the directory holds; nil where there is no directory.
    static func ifExists(_ path: String) throws(SystemFailure) -> DirectoryListing? {
        do {
            return try DirectoryListing(of: path)
        } catch {
            guard error.code == ENOENT || error.code == ENOTDIR else { throw error }
            return nil
        }
    }
}
