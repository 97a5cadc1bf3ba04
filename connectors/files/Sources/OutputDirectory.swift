internal import ConnectorKit
private import Glibc

/// What lies in the directory of a `distributed-path`, and how it is cleaned; ``PathSink`` says what the names mean.
struct OutputDirectory {
    static let stagePrefix = ".weir-tmp-"
    static let commitName = "commit"
    static let undoneName = "undone"
    static let oldPrefix = "old."
    static let partPrefix = "part-"
    static let successName = "_SUCCESS"

    let path: String

    /// Called before anything is renamed or removed, and may fail in its place: tests end a run there.
    var beforeChange: (@Sendable () throws(ConnectorError) -> Void)?

    static func partName(_ partition: Int) -> String {
        let digits = String(partition)
        return self.partPrefix + String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }

    /// A name that no other run has: of the process and the time.
    static func newStageName() -> String {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        let nanoseconds = UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
        return "\(self.stagePrefix)\(getpid())-\(String(nanoseconds, radix: 16))"
    }

    func file(_ name: String) -> String {
        FileFinder.join(self.path, name)
    }

    /// Makes sure that the directory exists.
    ///
    /// - Returns: The directories that had to be made, outermost first.
    func create() throws(ConnectorError) -> [String] {
        var missing: [String] = []
        var current = self.path
        while try Self.status(current) == nil {
            missing.append(current)
            guard let slash = current.lastIndex(of: "/"), slash > current.startIndex else { break }
            current = String(current[..<slash])
        }
        if missing.isEmpty, try Self.status(self.path)?.kind != .directory {
            let message = "can't write to '\(self.path)': it is a file; name a directory that is empty or doesn't exist"
            throw ConnectorError(.user, retry: .never, message)
        }
        var created: [String] = []
        for directory in missing.reversed() {
            if unsafe mkdir(directory, 0o777) == 0 {
                created.append(directory)
                continue
            }
            let failure = SystemFailure.last
            // Another job may have made it in this moment.
            if failure.code == EEXIST, try Self.status(directory)?.kind == .directory { continue }
            self.removeCreated(created)
            throw failure.error("create the directory '\(directory)'")
        }
        return created
    }

    /// Removes directories that ``create()`` made, unless somebody has put something into them.
    func removeCreated(_ directories: [String]) {
        for directory in directories.reversed() {
            unsafe rmdir(directory)
        }
    }

    /// Removes what killed runs left behind.
    ///
    /// - Throws: One of them isn't killed but at work, or something can't be removed.
    func removeLeftovers() throws(ConnectorError) {
        for name in try self.names() where name.hasPrefix(Self.stagePrefix) {
            guard let lock = try self.lockLeftover(self.file(name)) else {
                throw self.isTaken(by: name)
            }
            try self.recover(name)
            _ = consume lock
        }
    }

    /// Keeps others from preparing to write here as long as the result lives.
    ///
    /// - Returns: Nil where another one is at it.
    func lockForPreparation() throws(ConnectorError) -> OpenFile? {
        do throws(SystemFailure) {
            let lock = try OpenFile(directory: self.path)
            guard try lock.lock() else { return nil }
            return consume lock
        } catch {
            throw error.error("lock '\(self.path)'")
        }
    }

    /// - Parameters:
    ///   - stageName: Of the run that writes here, if it is known.
    ///   - isOurs: Whether another sink of this process is known to write here.
    /// - Returns: The error that says so.
    func isTaken(by stageName: String?, isOurs: Bool = false) -> ConnectorError {
        let isOurs = isOurs || stageName?.hasPrefix("\(Self.stagePrefix)\(getpid())-") == true
        let message =
            isOurs
            ? "another job of this program, or this job's other sink, is writing there; give each its own directory, "
                + "or wait for the other job's end before this one is submitted"
            : "another run is writing there\(stageName.map { " ('\($0)')" } ?? ""); wait for its end, or choose "
                + "another directory"
        return ConnectorError(.user, retry: .never, "can't write to '\(self.path)': \(message)")
    }

    /// - Returns: Nil where the run that made it is at work.
    private func lockLeftover(_ stage: String) throws(ConnectorError) -> OpenFile? {
        do throws(SystemFailure) {
            let lock = try OpenFile(directory: stage)
            guard try lock.lock() else { return nil }
            return consume lock
        } catch {
            throw error.error("lock '\(stage)', which another run left")
        }
    }

    /// Removes a run's directory.
    ///
    /// Unless its commit came to its end, its part files are removed and what they were to replace comes back. Every step can
    /// be done again, so that it may be interrupted too.
    func recover(_ stageName: String) throws(ConnectorError) {
        let stage = self.file(stageName)
        guard try Self.status(stage) != nil else { return }
        if try Self.status(self.file(Self.successName)) == nil {
            try self.undo(stage)
            try self.bringBackOld(from: stage)
        }
        try self.removeStage(stageName)
    }

    /// Removes the part files that a commit has named, and no others of these names: not before that is done may old ones
    /// come back, which is what the list is renamed for.
    private func undo(_ stage: String) throws(ConnectorError) {
        let list = FileFinder.join(stage, Self.commitName)
        guard try Self.status(list) != nil else { return }
        for entry in try CommitList.read(list) {
            // What is still in the run's directory was never named: another file has that name.
            if let draft = entry.draft, try Self.status(FileFinder.join(stage, draft)) != nil { continue }
            try self.remove(self.file(entry.name))
        }
        try self.move(list, to: FileFinder.join(stage, Self.undoneName))
    }

    private func bringBackOld(from stage: String) throws(ConnectorError) {
        let old = try Self.names(stage).filter { $0.hasPrefix(Self.oldPrefix) }
        let success = Self.oldPrefix + Self.successName
        for name in old.filter({ $0 != success }) + old.filter({ $0 == success }) {
            try self.move(FileFinder.join(stage, name), to: self.file(String(name.dropFirst(Self.oldPrefix.count))))
        }
    }

    func move(_ from: String, to: String) throws(ConnectorError) {
        try self.beforeChange?()
        guard unsafe rename(from, to) == 0 else { throw SystemFailure.last.error("rename '\(from)' to '\(to)'") }
    }

    /// Removes what a commit made visible: first what says that it is complete.
    func takeBack(_ names: [String]) throws(ConnectorError) {
        guard !names.isEmpty else { return }
        for name in [Self.successName] + names { try self.remove(self.file(name)) }
    }

    func removeStage(_ stageName: String) throws(ConnectorError) {
        let stage = self.file(stageName)
        // The list of the commit goes last: as long as part files might have to be removed, it says which.
        var names = try Self.names(stage)
        names.removeAll { $0 == Self.commitName }
        for name in names + [Self.commitName] {
            try self.remove(FileFinder.join(stage, name))
        }
        try self.beforeChange?()
        guard unsafe rmdir(stage) == 0 || errno == ENOENT else {
            throw SystemFailure.last.error("remove '\(stage)'")
        }
    }

    /// Checks that nothing is in the way.
    ///
    /// - Parameters:
    ///   - replacesOutput: Whether what jobs wrote may be there.
    ///   - isOurs: Whether another sink of this process is known to have written here.
    ///   - dated: Directories that may be replaced as well.
    /// - Throws: Something is in the way, which the error names.
    func checkIsFree(replacesOutput: Bool, isOurs: Bool = false, dated: [String] = []) throws(ConnectorError) {
        let names = try self.names()
        guard !names.isEmpty else { return }
        let shown = names.prefix(3).map { "'\($0)'" }.joined(separator: ", ") + (names.count > 3 ? ", …" : "")
        guard replacesOutput else {
            let message =
                isOurs
                ? "can't write to '\(self.path)': the directory isn't empty (\(shown)), since a job of this program has "
                    + "written there already; give each its own, submit it once, or say :overwrite true to keep the last "
                    + "output only"
                : "can't write to '\(self.path)': the directory isn't empty (\(shown)); choose another one, remove it, "
                    + "or say :overwrite true"
            throw ConnectorError(.user, retry: .never, message)
        }
        for name in names where !name.hasPrefix(".") && !dated.contains(name) {
            let isDirectory = try Self.status(self.file(name), followsLinks: false)?.kind == .directory
            guard isDirectory || !Self.isOutput(name) else { continue }
            let message =
                "can't overwrite '\(self.path)': it holds \(isDirectory ? "the directory " : "")'\(name)', which no job "
                + "wrote; remove that yourself or choose another directory"
            throw ConnectorError(.user, retry: .never, message)
        }
    }

    /// Whether jobs write files of this name: others, such as the job's own input, are never removed.
    static func isOutput(_ name: String) -> Bool {
        name.hasPrefix(Self.partPrefix) || name.hasPrefix("_")
    }

    /// Makes a run's directory and locks it.
    func makeStage(_ stageName: String) throws(ConnectorError) -> OpenFile {
        let stage = self.file(stageName)
        do throws(SystemFailure) {
            guard unsafe mkdir(stage, 0o777) == 0 else { throw SystemFailure.last }
            let lock = try OpenFile(directory: stage)
            _ = try lock.lock()
            return lock
        } catch {
            unsafe rmdir(stage)
            throw error.error("create the directory '\(stage)'")
        }
    }

    /// Removes a file; one that isn't there is fine.
    func remove(_ path: String) throws(ConnectorError) {
        try self.beforeChange?()
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw SystemFailure.last.error("remove '\(path)'") }
    }

    func names() throws(ConnectorError) -> [String] {
        try Self.names(self.path)
    }

    static func status(_ path: String, followsLinks: Bool = true) throws(ConnectorError) -> FileStatus? {
        do {
            return try FileStatus.ifExists(path, followsLinks: followsLinks)
        } catch {
            throw error.error("look at '\(path)'")
        }
    }

    private static func names(_ directory: String) throws(ConnectorError) -> [String] {
        do {
            return try DirectoryListing.ifExists(directory)?.names ?? []
        } catch {
            throw error.error("list '\(directory)'")
        }
    }
}
