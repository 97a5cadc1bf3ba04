public import ConnectorKit
private import Glibc
private import Synchronization

/// A directory of part files that grows by whole files: `distributed-path` as the sink of a stream.
///
/// | name                          | what it is                                                                     |
/// | ----------------------------- | ------------------------------------------------------------------------------ |
/// | `.weir-tmp-RUN/`              | what the run RUN writes; locked (`flock`) as long as its process lives         |
/// | `.weir-tmp-RUN/part-S-E`      | what subtask S wrote in the epoch that checkpoint E ends                       |
/// | `part-S-E`                    | the same, once that checkpoint exists; never changed afterwards                |
/// | `DATE/part-S-E`               | the same with `:directories`, for each hour or day; `DATE@part-S-E` before      |
/// | `_SUCCESS`                    | the stream has come to its end                                                 |
///
/// A file is given its name after its checkpoint exists, and again after a crash: a name that is taken already is that file.
public final class PathStreamSink: StreamSink {
    private struct State: ~Copyable {
        var lock: OpenFile?
        var createdDirectories: [String] = []
    }

    let path: String
    let options: PathSinkOptions
    private let stageName: String
    private let state = Mutex(State())

    /// - Parameters:
    ///   - path: Of the directory; needn't exist.
    ///   - options: What the program and the command line ask for.
    init(path: String, options: PathSinkOptions) {
        self.path = path
        self.options = options
        self.stageName = OutputDirectory.newStageName()
    }

    public var summary: String { self.path }

    public var recordForm: OutputForm { .lines }

    public func prepareStream() throws(ConnectorError) {
        try self.state.withLock { state throws(ConnectorError) in
            let output = OutputDirectory(path: self.path)
            state.createdDirectories = try output.create()
            // Before anything is removed: a run that is to go on, and wasn't said to, keeps what it needs for that.
            if try output.names().contains(where: { !$0.hasPrefix(OutputDirectory.stagePrefix) }) {
                let dated = try output.datedDirectories()
                try output.checkIsFree(replacesOutput: self.options.replacesOutput, dated: dated)
            }
            try output.removeLeftovers()
            try output.removeDated()
            for name in try output.names() where OutputDirectory.isOutput(name) {
                try output.remove(output.file(name))
            }
            state.lock = try output.makeStage(self.stageName)
        }
    }

    public func resumeStream(keeping tokens: [String]) throws(ConnectorError) {
        try self.state.withLock { state throws(ConnectorError) in
            let output = OutputDirectory(path: self.path)
            state.createdDirectories = try output.create()
            try output.remove(output.file(OutputDirectory.successName))
            // What the checkpoint counts as written gets its name before the rest of that run is removed.
            try self.commitEpoch(tokens)
            try output.removeLeftovers()
            state.lock = try output.makeStage(self.stageName)
        }
    }

    public func newestEpoch(besides tokens: [String]) throws(ConnectorError) -> Int64? {
        let own = Set(tokens.compactMap { $0.split(separator: "/").last.map(String.init) })
        let output = OutputDirectory(path: self.path)
        var names = try output.names()
        for directory in try output.datedDirectories() {
            let inside = try OutputDirectory(path: output.file(directory)).names()
            names += inside.map { OutputDirectory.stagedName($0, in: directory) }
        }
        return names.filter { !own.contains($0) }
            .compactMap { OutputDirectory.place(of: $0).flatMap { OutputDirectory.streamPartEpoch($0.name) } }
            .max()
    }

    public func commitEpoch(_ tokens: [String]) throws(ConnectorError) {
        guard !tokens.isEmpty else { return }
        let output = OutputDirectory(path: self.path)
        var changed: Set<String> = []
        for token in tokens {
            let staged = token.split(separator: "/").last.map(String.init) ?? ""
            guard let place = OutputDirectory.place(of: staged) else {
                throw ConnectorError(.internal, retry: .never, "'\(token)' isn't a part of '\(self.path)'")
            }
            let from = output.file(token)
            var to = output.file(place.name)
            if let directory = place.directory {
                try output.makeDirectory(directory)
                to = FileFinder.join(output.file(directory), place.name)
                changed.insert(output.file(directory))
            }
            guard unsafe rename(from, to) == 0 else {
                let failure = SystemFailure.last
                if try OutputDirectory.status(to) != nil { continue }
                throw failure.error("rename '\(from)' to '\(to)'")
            }
        }
        for directory in changed.sorted() + [self.path] {
            do {
                try OpenFile(directory: directory).synchronize()
            } catch {
                throw error.error("make '\(directory)' durable")
            }
        }
    }

    public func endStream() throws(ConnectorError) {
        let output = OutputDirectory(path: self.path)
        try output.removeStage(self.stageName)
        let success = output.file(OutputDirectory.successName)
        do {
            _ = try OpenFile(creating: success)
        } catch {
            throw error.error("create '\(success)'")
        }
        self.state.withLock { $0.lock = nil }
    }

    public func abortStream() {
        self.state.withLock { state in
            let output = OutputDirectory(path: self.path)
            // Parts that a checkpoint counts as written may lie there: the next run gives them their names or removes them.
            try? output.removeEmptyStage(self.stageName)
            output.removeCreated(state.createdDirectories)
            state.lock = nil
        }
    }

    public func makeStreamWriter(
        subtask: Int,
        content: SinkContent,
        wake: @escaping @Sendable () -> Void
    ) throws(ConnectorError) -> any StreamWriter {
        if let directories = self.options.directories {
            return DatedStreamWriter(
                root: self.path,
                stageName: self.stageName,
                subtask: subtask,
                options: self.options,
                directories: directories
            )
        }
        return PathStreamWriter(
            directory: self.path,
            stageName: self.stageName,
            subtask: subtask,
            options: self.options
        )
    }
}

extension OutputDirectory {
    /// Removes a run's directory if nothing is in it.
    func removeEmptyStage(_ stageName: String) throws(ConnectorError) {
        guard unsafe rmdir(self.file(stageName)) == 0 || errno == ENOENT || errno == ENOTEMPTY else {
            throw SystemFailure.last.error("remove '\(self.file(stageName))'")
        }
    }

    /// The epoch of a stream's part by its name; the last possible one for what comes behind all checkpoints.
    static func streamPartEpoch(_ name: String) -> Int64? {
        let fields = name.prefix { $0 != "." }.split(separator: "-")
        guard fields.count == 3, fields[0] == "part" else { return nil }
        return fields[2] == "end" ? .max : Int64(fields[2])
    }

    /// What a stream's part is called: its subtask and epoch, in an order that sorts.
    static func streamPartName(subtask: Int, epoch: Int64) -> String {
        guard epoch < .max else { return "\(self.partName(subtask))-end" }
        let digits = String(epoch)
        return "\(self.partName(subtask))-" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    }
}

/// Writes the parts of one subtask, one for each epoch that has output.
final class PathStreamWriter: StreamWriter {
    private let directory: String
    private let stageName: String
    private let subtask: Int
    private let options: PathSinkOptions
    private var part: PartWriter?
    private var partCount = 0

    init(directory: String, stageName: String, subtask: Int, options: PathSinkOptions) {
        self.directory = directory
        self.stageName = stageName
        self.subtask = subtask
        self.options = options
    }

    private var draft: String { "\(self.stageName)/draft-\(self.subtask)-\(self.partCount)" }

    func write(_ records: OutputBlock, from first: Int) throws(ConnectorError) -> Int {
        let part = try self.openPart()
        // A typed error can't pass through the closure's rethrow.
        let result = unsafe records.withBytes(from: first) { bytes in
            Result { () throws(ConnectorError) in try unsafe part.write(bytes) }
        }
        try result.get()
        return records.count - first
    }

    private func openPart() throws(ConnectorError) -> PartWriter {
        if let part = self.part { return part }
        let part = try PartWriter(
            path: FileFinder.join(self.directory, self.draft),
            token: self.draft,
            partition: self.subtask,
            attempt: 0,
            options: PathSinkOptions(compresses: self.options.compresses, isDurable: true)
        )
        self.part = part
        return part
    }

    func flush() throws(ConnectorError) -> Bool { true }

    func endEpoch(_ checkpoint: Int64) throws(ConnectorError) -> [String] {
        guard let part = self.part else { return [] }
        _ = try part.finish()
        let suffix = self.options.compresses ? ".zst" : ""
        let name = OutputDirectory.streamPartName(subtask: self.subtask, epoch: checkpoint) + suffix
        let token = "\(self.stageName)/\(name)"
        let from = FileFinder.join(self.directory, self.draft)
        let to = FileFinder.join(self.directory, token)
        guard unsafe rename(from, to) == 0 else { throw SystemFailure.last.error("rename '\(from)' to '\(to)'") }
        do {
            // The checkpoint that is about to exist relies on the name.
            try OpenFile(directory: FileFinder.join(self.directory, self.stageName)).synchronize()
        } catch {
            throw error.error("make '\(to)' durable")
        }
        self.part = nil
        self.partCount += 1
        return [token]
    }

    func close() {
        self.part?.discard()
        self.part = nil
    }
}
