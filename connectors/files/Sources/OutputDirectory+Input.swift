internal import ConnectorKit
private import Glibc

extension OutputDirectory {
    /// Checks that none of these files lies in or below the directory: what is overwritten would be gone.
    ///
    /// Paths are compared as the file system sees them, behind links; names that aren't files are passed over.
    func checkHoldsNone(of files: [String]) throws(ConnectorError) {
        guard let own = Self.realPath(self.path) else { return }
        let prefix = own.hasSuffix("/") ? own : own + "/"
        // Files come in the order of their paths: most lie where the one before did.
        var parent = (name: "", path: String?.none)
        for file in files {
            let name = file.lastIndex(of: "/").map { String(file[...$0]) } ?? "./"
            if name != parent.name { parent = (name, Self.realPath(name)) }
            guard let directory = parent.path, let status = try Self.status(file, followsLinks: false) else { continue }
            let isInside = (directory.hasSuffix("/") ? directory : directory + "/").hasPrefix(prefix)
            let isLinkedInside = status.kind == .symbolicLink && Self.realPath(file)?.hasPrefix(prefix) == true
            guard isInside || isLinkedInside else { continue }
            let message =
                "can't overwrite '\(self.path)': the job reads '\(file)', which lies there and would be removed; "
                + "choose another directory for the output, or another input"
            throw ConnectorError(.user, retry: .never, message)
        }
    }

    /// Checks that the part files in it aren't those of a commit that is under way, or was interrupted: some would be
    /// missing.
    func checkIsNoOpenCommit() throws(ConnectorError) {
        guard try Self.status(self.file(Self.successName)) == nil else { return }
        for stage in try self.names() where stage.hasPrefix(Self.stagePrefix) {
            for name in [Self.commitName, Self.undoneName] where try Self.status(self.file("\(stage)/\(name)")) != nil {
                let message =
                    "can't read '\(self.path)': a job gives the part files there their names, or was interrupted while it "
                    + "did, and some are missing; wait for its end, or run it again"
                throw ConnectorError(.user, retry: .never, message)
            }
        }
    }

    /// The path without links and dots; nil where there is nothing.
    static func realPath(_ path: String) -> String? {
        guard let resolved = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }
}
