public import ConnectorKit
private import Glibc
private import Synchronization

/// How an output directory is written.
struct PathSinkOptions: Hashable, Sendable {
    /// Whether files that are already there are replaced when the job commits.
    var replacesOutput = false

    /// Whether part files are zstd frames.
    var compresses = false

    /// Whether each file is on the disk itself before the output is complete, so that it survives a power cut; a process
    /// that is killed never needs it.
    var isDurable = false

    /// Directories by event time, for streams; nil: none.
    var directories: DatedDirectories?
}

/// A directory of part files that appears as a whole or not at all: `distributed-path`.
///
/// | name                        | what it is                                                                  |
/// | --------------------------- | --------------------------------------------------------------------------- |
/// | `.weir-tmp-RUN/`            | what the run RUN writes; locked (`flock`) as long as its process lives      |
/// | `.weir-tmp-RUN/part-N.aM`   | partition N as attempt M writes it                                          |
/// | `.weir-tmp-RUN/commit`      | the names that the commit gives away, a line each: a commit has begun       |
/// | `.weir-tmp-RUN/undone`      | the same list: none of these names is one of the commit's any more          |
/// | `.weir-tmp-RUN/old.NAME`    | a file that the commit replaces                                             |
/// | `part-N`                    | partition N, committed; with `.zst` where it is compressed                  |
/// | `_SUCCESS`                  | JSON with the sizes: the output is complete; comes last                     |
///
/// A run that is killed leaves its directory unlocked. The next `prepare` removes it, and with it the part files of
/// a commit that didn't come to its end: what that was to replace comes back. So does `abort` where a commit fails.
public final class PathSink: Sink {
    private struct State: ~Copyable {
        var lock: OpenFile?

        /// Directories that `prepare` made, outermost first.
        var createdDirectories: [String] = []

        /// The files that this run's commit put there.
        var committedNames: [String] = []

        /// Of the directory, as long as this process is known to write there, or to have written.
        var claim: String?
    }

    let path: String
    let options: PathSinkOptions
    private let beforeChange: (@Sendable () throws(ConnectorError) -> Void)?
    private let stageName: String
    private let state = Mutex(State())

    /// - Parameters:
    ///   - path: Of the directory; needn't exist.
    ///   - options: What the program and the command line ask for.
    ///   - beforeChange: Called before a file that was finished is renamed or removed; what it throws is what happens.
    init(
        path: String,
        options: PathSinkOptions,
        beforeChange: (@Sendable () throws(ConnectorError) -> Void)? = nil
    ) {
        self.path = path
        self.options = options
        self.beforeChange = beforeChange
        self.stageName = OutputDirectory.newStageName()
    }

    private var directory: OutputDirectory {
        OutputDirectory(path: self.path, beforeChange: self.beforeChange)
    }

    public var summary: String { self.path }

    public func checkSpares(_ resources: [String]) throws(ConnectorError) {
        guard self.options.replacesOutput else { return }
        try self.directory.checkHoldsNone(of: resources)
    }

    public func prepare() throws(ConnectorError) {
        try self.state.withLock { state throws(ConnectorError) in
            precondition(state.lock == nil, "a sink is prepared once")
            let output = self.directory
            state.createdDirectories = try output.create()
            state.claim = OutputClaims.claim(self.path)
            let isOurs = OutputClaims.hasOthers(state.claim)
            // Of two that begin at once, one must see what the other has made.
            guard let preparation = try output.lockForPreparation() else {
                // The other one needs the directories.
                state.createdDirectories = []
                let isOurs = isOurs || OutputClaims.hasOthers(state.claim)
                Self.release(&state)
                throw output.isTaken(by: nil, isOurs: isOurs)
            }
            do throws(ConnectorError) {
                try output.removeLeftovers()
                try output.checkIsFree(replacesOutput: self.options.replacesOutput, isOurs: isOurs)
                state.lock = try output.makeStage(self.stageName)
            } catch {
                Self.release(&state)
                output.removeCreated(state.createdDirectories)
                state.createdDirectories = []
                throw error
            }
            _ = consume preparation
        }
    }

    public func makeWriter(
        partition: Int,
        attempt: Int,
        contentType: SinkContent
    ) throws(ConnectorError) -> any SinkWriter {
        let token = "\(self.stageName)/\(OutputDirectory.partName(partition)).a\(attempt)"
        return try PartWriter(
            path: FileFinder.join(self.path, token),
            token: token,
            partition: partition,
            attempt: attempt,
            options: self.options
        )
    }

    public func commit(_ parts: [SinkPart]) throws(ConnectorError) {
        let commit = OutputCommit(
            directory: self.directory,
            parts: parts,
            suffix: self.options.compresses ? ".zst" : "",
            options: self.options
        )
        try commit.run()
        self.state.withLock { state in
            state.lock = nil
            state.committedNames = parts.map(commit.finalName)
        }
    }

    public func abort() {
        self.state.withLock { state in
            let output = self.directory
            // What can't be removed stays for the next `prepare`, which says so.
            try? output.recover(self.stageName)
            try? output.takeBack(state.committedNames)
            state.committedNames = []
            output.removeCreated(state.createdDirectories)
            state.createdDirectories = []
            Self.release(&state)
            state.lock = nil
        }
    }

    private static func release(_ state: inout State) {
        OutputClaims.release(state.claim)
        state.claim = nil
    }
}
