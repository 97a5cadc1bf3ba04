internal import ConnectorKit
private import Glibc

/// Gives finished parts their names: the commit of a ``PathSink``.
///
/// Every step can be done again, so that a commit that was interrupted is finished by running it once more.
struct OutputCommit {
    let directory: OutputDirectory
    let parts: [SinkPart]

    /// What follows `part-N`.
    let suffix: String
    let options: PathSinkOptions

    func run() throws(ConnectorError) {
        guard let stageName = self.parts.first?.token.split(separator: "/").first.map(String.init) else { return }
        let stage = self.directory.file(stageName)
        let success = self.directory.file(OutputDirectory.successName)
        if try OutputDirectory.status(stage) == nil, try OutputDirectory.status(success) != nil { return }

        let list = FileFinder.join(stage, OutputDirectory.commitName)
        let isResumed = try OutputDirectory.status(list) != nil
        if isResumed, try OutputDirectory.status(success) != nil, try self.hasNamedAll() {
            return try self.directory.removeStage(stageName)
        }
        if !isResumed {
            if !self.options.replacesOutput { try self.checkNamesAreFree() }
            try self.write(CommitList.text(self.parts.map(self.entry)), to: list)
        }
        if self.options.replacesOutput { try self.putOldAside(in: stageName, isResumed: isResumed) }
        for part in self.parts {
            try self.publish(part)
        }
        try self.synchronize()
        try self.write(self.summaryText(), to: FileFinder.join(stage, OutputDirectory.successName))
        try self.directory.move(FileFinder.join(stage, OutputDirectory.successName), to: success)
        try self.synchronize()
        try self.directory.removeStage(stageName)
    }

    /// Checks that nobody has put files there since the run began, which renaming would destroy.
    private func checkNamesAreFree() throws(ConnectorError) {
        for name in self.parts.map(self.finalName) where try OutputDirectory.status(self.directory.file(name)) != nil {
            let message =
                "can't write to '\(self.directory.path)': somebody has put '\(name)' there since the run began; run it "
                + "again into a directory of its own"
            throw ConnectorError(.user, retry: .never, message)
        }
    }

    /// Whether every part has its name: then a mark of success is that of this commit.
    private func hasNamedAll() throws(ConnectorError) -> Bool {
        for part in self.parts where try OutputDirectory.status(self.directory.file(part.token)) != nil { return false }
        return true
    }

    func finalName(_ part: SinkPart) -> String {
        OutputDirectory.partName(part.partition) + self.suffix
    }

    private func entry(_ part: SinkPart) -> CommitList.Entry {
        CommitList.Entry(name: self.finalName(part), draft: part.token.split(separator: "/").last.map(String.init))
    }

    /// Moves what the new output replaces into the run's directory, from where it comes back if the commit doesn't come to
    /// its end: first what says that it is complete.
    private func putOldAside(in stageName: String, isResumed: Bool) throws(ConnectorError) {
        var kept: Set<String> = []
        for part in self.parts where isResumed {
            // What is no longer in the run's directory has been given its name already.
            if try OutputDirectory.status(self.directory.file(part.token)) == nil { kept.insert(self.finalName(part)) }
        }
        let names = try self.directory.names().filter { OutputDirectory.isOutput($0) && !kept.contains($0) }
        let success = OutputDirectory.successName
        for name in names.filter({ $0 == success }) + names.filter({ $0 != success }) {
            let aside = "\(stageName)/\(OutputDirectory.oldPrefix)\(name)"
            try self.directory.move(self.directory.file(name), to: self.directory.file(aside))
        }
    }

    private func publish(_ part: SinkPart) throws(ConnectorError) {
        let from = self.directory.file(part.token)
        let to = self.directory.file(self.finalName(part))
        if try OutputDirectory.status(from) == nil, try OutputDirectory.status(to) != nil { return }
        try self.directory.move(from, to: to)
    }

    private func summaryText() -> String {
        let files = self.parts.map { #"{"name":"\#(self.finalName($0))","bytes":\#($0.bytes)}"# }
        let bytes = self.parts.reduce(0) { $0 + $1.bytes }
        return #"{"parts":\#(self.parts.count),"bytes":\#(bytes),"files":[\#(files.joined(separator: ","))]}"# + "\n"
    }

    /// Writes a small file so that it is there as a whole or not at all.
    private func write(_ text: String, to path: String) throws(ConnectorError) {
        let draft = path + ".new"
        try self.directory.remove(draft)
        do {
            let file = try OpenFile(creating: draft)
            try CommitList.write(text, to: file)
            if self.options.isDurable { try file.synchronize() }
        } catch {
            throw error.error("write \(text.utf8.count) bytes to '\(draft)'")
        }
        try self.directory.move(draft, to: path)
    }

    private func synchronize() throws(ConnectorError) {
        guard self.options.isDurable else { return }
        do {
            try OpenFile(directory: self.directory.path).synchronize()
        } catch {
            throw error.error("make '\(self.directory.path)' durable")
        }
    }
}

/// The list of names that a commit gives away: a line each, with what the part is called in the run's directory until then.
enum CommitList {
    struct Entry {
        let name: String

        /// Nil where it isn't known.
        let draft: String?
    }

    /// No list is longer: it names one file for every partition.
    private static let bytesLimit = 64 * 1_024 * 1_024

    static func text(_ entries: [Entry]) -> String {
        entries.map { "\($0.name)\($0.draft.map { "\t\($0)" } ?? "")\n" }.joined()
    }

    static func write(_ text: String, to file: borrowing OpenFile) throws(SystemFailure) {
        let bytes = Array(text.utf8)
        try unsafe bytes.withUnsafeBufferPointer { buffer throws(SystemFailure) in
            try unsafe file.write(UnsafeRawBufferPointer(buffer))
        }
    }

    /// - Returns: The entries that look like part files; none where there is no list.
    static func read(_ path: String) throws(ConnectorError) -> [Entry] {
        guard let status = try OutputDirectory.status(path) else { return [] }
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Int(min(status.size, Int64(self.bytesLimit))),
            alignment: 1
        )
        defer { unsafe buffer.deallocate() }
        let count: Int
        do {
            count = try unsafe OpenFile(reading: path).read(at: 0, into: buffer)
        } catch {
            throw error.error("read '\(path)'")
        }
        let lines = unsafe String(decoding: buffer[0..<count], as: UTF8.self).split(separator: "\n")
        return lines.filter { $0.hasPrefix(OutputDirectory.partPrefix) && !$0.contains("/") }.map { line in
            let words = line.split(separator: "\t", maxSplits: 1).map(String.init)
            return Entry(name: words[0], draft: words.count > 1 ? words[1] : nil)
        }
    }
}
