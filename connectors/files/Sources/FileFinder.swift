internal import ConnectorKit

/// Finds the files that patterns name.
///
/// A directory that a pattern names in words stands for the files in it, and in the directories below it unless
/// `isRecursive` is false; hidden names and those beginning with `_` are left out. A directory that only a wildcard
/// matches is passed over unless `isRecursive` is true. Symbolic links to files are followed; those to directories
/// only where a pattern names them, so that a loop of links ends.
///
/// Files are known by their identity: one that is found under several names, through symbolic links, detours or patterns
/// that overlap, is read once, under the name that was found first. Hard links are files of their own.
struct FileFinder {
    struct File: Hashable, Sendable {
        let path: String
        let size: Int64
    }

    /// How many files one source may have.
    static let fileLimit = 4_000_000

    /// How deep directories may lie in each other.
    static let depthLimit = 128

    let isRecursive: Bool?
    private var files: [File] = []
    private var names: [FileIdentity: String] = [:]
    private var passedOver: [String] = []
    private var remarks: [String] = []

    /// What the pattern at hand found, those included that were found before.
    private var foundCount = 0

    /// Directories in which it found nothing.
    private var emptyDirectories: [String] = []

    /// The first other name of a file that was found before, and that of the file.
    private var firstAlias: (name: String, first: String)?
    private var aliasCount = 0

    init(isRecursive: Bool?) {
        self.isRecursive = isRecursive
    }

    /// - Returns: All files of all patterns, sorted by path, each once.
    /// - Throws: A pattern matches nothing, or something can't be read.
    static func files(of patterns: [String], isRecursive: Bool?) throws(ConnectorError) -> [File] {
        try self.find(patterns, isRecursive: isRecursive).files
    }

    /// As ``files(of:isRecursive:)``, with what people should know of what was left out.
    static func find(
        _ patterns: [String],
        isRecursive: Bool?
    ) throws(ConnectorError) -> (files: [File], remarks: [String]) {
        var finder = FileFinder(isRecursive: isRecursive)
        for pattern in patterns {
            try finder.find(pattern)
        }
        finder.files.sort { $0.path < $1.path }
        var unique: [File] = []
        unique.reserveCapacity(finder.files.count)
        for file in finder.files where file.path != unique.last?.path {
            unique.append(file)
        }
        finder.noteAliases()
        try Self.checkAreWhole(unique)
        return (unique, finder.remarks)
    }

    /// Checks that no part files are those of output that isn't complete.
    private static func checkAreWhole(_ files: [File]) throws(ConnectorError) {
        var checked: String?
        for file in files {
            let slash = file.path.lastIndex(of: "/")
            let name = slash.map { file.path[file.path.index(after: $0)...] } ?? file.path[...]
            guard name.hasPrefix(OutputDirectory.partPrefix) else { continue }
            let directory = slash.map { $0 == file.path.startIndex ? "/" : String(file.path[..<$0]) } ?? "."
            // Files of one directory come behind one another.
            guard directory != checked else { continue }
            checked = directory
            try OutputDirectory(path: directory).checkIsNoOpenCommit()
        }
    }

    private mutating func find(_ text: String) throws(ConnectorError) {
        self.foundCount = 0
        self.passedOver = []
        self.emptyDirectories = []
        // A file may really be called "a[1].txt".
        if try Self.status(text) != nil {
            try self.add(Self.normalised(text), isNamed: true, depth: 0)
        } else {
            let pattern = GlobPattern(text)
            try self.expand(pattern.components[...], below: pattern.isAbsolute ? "/" : "", depth: 0)
        }
        if self.foundCount == 0 { throw self.nothingFound(text) }
        self.notePassedOver(text)
    }

    private mutating func noteAliases() {
        guard let alias = self.firstAlias else { return }
        let others =
            switch self.aliasCount {
            case ...1: ""
            case 2: ", and so does one other name of a file"
            default: ", and so do \(self.aliasCount - 1) other names of files"
            }
        self.remarks.append(
            "'\(alias.name)' stands for the file that is found as '\(alias.first)' too\(others); each file is read once"
        )
    }

    /// A program that says `:recursive false` knows what it leaves out.
    private mutating func notePassedOver(_ pattern: String) {
        guard self.isRecursive == nil, let directory = self.passedOver.first else { return }
        let count = self.passedOver.count
        let directories = count == 1 ? "the directory '\(directory)'" : "\(count) directories such as '\(directory)'"
        self.remarks.append(
            "'\(pattern)' matches \(directories), which \(count == 1 ? "is" : "are") passed over; say :recursive true "
                + "to read the files below, or :recursive false to read none without this warning"
        )
    }

    private mutating func expand(
        _ components: ArraySlice<GlobPattern.Component>,
        below directory: String,
        depth: Int
    ) throws(ConnectorError) {
        guard depth <= Self.depthLimit else { throw Self.tooDeep(directory) }
        guard let component = components.first else { return }
        let rest = components.dropFirst()
        switch component {
        case .literal(let name):
            let path = Self.join(directory, name)
            if !rest.isEmpty {
                try self.expand(rest, below: path, depth: depth + 1)
            } else if try Self.status(path) != nil {
                try self.add(path, isNamed: true, depth: depth)
            }
        case .wildcard(let tokens):
            for name in try Self.names(directory, where: { GlobPattern.matches($0, tokens) }) {
                let path = Self.join(directory, name)
                if rest.isEmpty {
                    try self.add(path, isNamed: false, depth: depth)
                } else {
                    try self.expand(rest, below: path, depth: depth + 1)
                }
            }
        case .anyDepth:
            try self.expandAnyDepth(components, below: directory, depth: depth)
        }
    }

    private mutating func expandAnyDepth(
        _ components: ArraySlice<GlobPattern.Component>,
        below directory: String,
        depth: Int
    ) throws(ConnectorError) {
        let rest = components.dropFirst()
        if !rest.isEmpty { try self.expand(rest, below: directory, depth: depth + 1) }
        for name in try Self.names(directory, where: { !GlobPattern.isHidden($0) }) {
            let path = Self.join(directory, name)
            if try Self.status(path, followsLinks: false)?.kind == .directory {
                try self.expand(components, below: path, depth: depth + 1)
            } else if rest.isEmpty {
                try self.add(path, isNamed: false, depth: depth)
            }
        }
    }

    private mutating func add(_ path: String, isNamed: Bool, depth: Int) throws(ConnectorError) {
        let status: FileStatus
        do {
            status = try FileStatus(of: path)
            if status.kind == .file { try FileStatus.checkReadable(path) }
        } catch {
            throw error.error("read '\(path)'")
        }
        switch status.kind {
        case .file:
            // "." and "a.txt" name the same file.
            try self.add(status, as: path.hasPrefix("./") ? String(path.dropFirst(2)) : path)
        case .directory:
            guard isNamed || self.isRecursive == true else {
                self.passedOver.append(path)
                return
            }
            let before = self.foundCount
            try self.addAll(in: path, depth: depth + 1)
            if self.foundCount == before { self.emptyDirectories.append(path) }
        case .symbolicLink, .other:
            // Waiting in a directory for sockets and pipes is nobody's wish; one that is named is a mistake.
            guard isNamed else { return }
            let message = "can't read '\(path)': it is neither a file nor a directory; name a regular file"
            throw ConnectorError(.user, retry: .never, message)
        }
    }

    /// Adds a file unless it was found before.
    private mutating func add(_ status: FileStatus, as name: String) throws(ConnectorError) {
        self.foundCount += 1
        if var identity = status.identity {
            if status.hasHardLinks { identity.path = OutputDirectory.realPath(name) }
            if let first = self.names[identity] {
                guard first != name else { return }
                self.aliasCount += 1
                if self.firstAlias == nil { self.firstAlias = (name, first) }
                return
            }
            self.names[identity] = name
        }
        guard self.files.count < Self.fileLimit else { throw Self.tooMany(name) }
        self.files.append(File(path: name, size: status.size))
    }

    private mutating func addAll(in directory: String, depth: Int) throws(ConnectorError) {
        guard depth <= Self.depthLimit else { throw Self.tooDeep(directory) }
        for name in try Self.names(directory, where: { !GlobPattern.isHidden($0) }) {
            let path = Self.join(directory, name)
            switch try Self.status(path, followsLinks: false)?.kind {
            case .directory where self.isRecursive != false: try self.addAll(in: path, depth: depth + 1)
            case .file: try self.add(path, isNamed: false, depth: depth)
            case .symbolicLink: try self.addLinked(path, depth: depth)
            case .directory, .other, nil: continue
            }
        }
    }

    /// Adds what a link points to if that is a file; a link to nowhere is reported.
    private mutating func addLinked(_ path: String, depth: Int) throws(ConnectorError) {
        if try Self.status(path)?.kind == .directory { return }
        try self.add(path, isNamed: false, depth: depth)
    }
}

// MARK: - Paths

extension FileFinder {
    static func join(_ directory: String, _ name: String) -> String {
        if directory.isEmpty { return name }
        return directory.hasSuffix("/") ? directory + name : directory + "/" + name
    }

    /// Without empty components and `.`, so that one file has one name.
    static func normalised(_ path: String) -> String {
        let names = path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
        if path.hasPrefix("/") { return "/" + names }
        return names.isEmpty ? "." : names
    }

    private static func status(_ path: String, followsLinks: Bool = true) throws(ConnectorError) -> FileStatus? {
        do {
            return try FileStatus.ifExists(path, followsLinks: followsLinks)
        } catch {
            throw error.error("look at '\(path)'")
        }
    }

    /// The names in a directory that are wanted.
    private static func names(
        _ directory: String,
        where isWanted: (String) -> Bool
    ) throws(ConnectorError) -> [String] {
        let listing: DirectoryListing?
        do {
            listing = try DirectoryListing.ifExists(directory.isEmpty ? "." : directory)
        } catch {
            throw error.error("list '\(directory)'")
        }
        guard let listing else { return [] }
        let names = listing.names.filter(isWanted)
        if let name = names.first(where: { listing.unsayable.contains($0) }) {
            let path = Self.join(directory, name)
            let message = "can't read '\(path)': its name isn't UTF-8; rename it, or match others only"
            throw ConnectorError(.user, retry: .never, message)
        }
        return names
    }

    private static func tooDeep(_ path: String) -> ConnectorError {
        let message = "can't list '\(path)': directories lie more than \(self.depthLimit) deep; name a deeper one"
        return ConnectorError(.user, retry: .never, message)
    }

    private static func tooMany(_ path: String) -> ConnectorError {
        let message = "can't read '\(path)': the source has more than \(self.fileLimit) files; use several jobs"
        return ConnectorError(.user, retry: .never, message)
    }

    private func nothingFound(_ pattern: String) -> ConnectorError {
        let message: String
        if let directory = self.emptyDirectories.first {
            let which = directory == Self.normalised(pattern) ? "" : ", which '\(pattern)' names,"
            let below = self.isRecursive == false ? " of its own, and :recursive false leaves out those below it" : ""
            message =
                "can't read '\(directory)': the directory\(which) holds no files\(below); names that begin with . or _ "
                + "don't count; put files there, or name another directory"
        } else if let directory = self.passedOver.first {
            message =
                "no file matches '\(pattern)', only directories (such as '\(directory)'); "
                + "write '\(pattern)/*' for the files in them, or say :recursive true"
        } else {
            message = "no file matches '\(pattern)': \(Self.nearest(to: pattern)); check the path"
        }
        return ConnectorError(.user, retry: .never, message)
    }

    /// How far the directories of a pattern exist.
    private static func nearest(to text: String) -> String {
        let pattern = GlobPattern(text)
        var directory = pattern.isAbsolute ? "/" : ""
        for component in pattern.components.dropLast() {
            guard case .literal(let name) = component else { break }
            let next = self.join(directory, name)
            // What can't be looked at isn't the nearest one either.
            guard (try? FileStatus(of: next))?.kind == .directory else {
                return
                    "'\(next)' isn't a directory; the nearest existing one is '\(directory.isEmpty ? "." : directory)'"
            }
            directory = next
        }
        let shown = directory.isEmpty ? "." : directory
        if let names = try? DirectoryListing.ifExists(shown)?.names, names.isEmpty {
            return "the directory '\(shown)' is empty"
        }
        return "the directory '\(shown)' has nothing of that name"
    }
}
