package import FluentSyntax
package import JobService

/// How a program is to be run in this process: what the command line says.
package struct RunOptions: Sendable {
    /// `-D name=value`: what `(param "name")` gives.
    package var parameters: [String: String] = [:]

    /// Worker threads; nil: one for each processor that the process may use.
    package var parallelism: Int?

    /// Overrides `:memory`.
    package var memoryBytes: Int64?

    /// What each table of a job may take before it spills; nil: its part of the job's memory.
    package var tableBytes: Int64?

    /// Lets jobs replace what an output directory holds, as `:overwrite true` does.
    package var overwritesOutput = false

    /// Off: lambdas run on the machine even where kernels could.
    package var kernelsEnabled = true

    /// Steps and bytes that one record may cost.
    package var recordSteps = 100_000_000
    package var recordMemoryBytes: Int?

    /// How streams are run.
    package var streaming = StreamingOptions()

    /// Where spill files go; nil: `TMPDIR`, or `/var/tmp`.
    package var spillDirectory: String?

    package init() {}
}

/// What the command line says about streams.
package struct StreamingOptions: Sendable {
    /// Where checkpoints live, a directory for each stream; nil: none are taken.
    package var stateDirectory: String?

    /// Milliseconds from one checkpoint to the next, and until one that isn't complete is given up.
    package var checkpointInterval: Int64 = 10_000
    package var checkpointTimeout: Int64 = 600_000
    package var minimumPause: Int64 = 0

    /// Milliseconds after which a checkpoint overtakes what is on its way between stages; the largest number: never.
    package var alignmentTimeout: Int64 = 10_000

    /// Checkpoints that are kept.
    package var retainedCheckpoints = 3

    /// Whether to go on from the newest checkpoint.
    package var resumes = false

    /// The directory of a checkpoint to begin from, `…/checkpoint-N`; nil: none.
    package var beginning: String?

    /// Milliseconds without input after which a stream stops; nil: never.
    package var untilIdle: Int64?

    /// Whether all windows are fired when a stream is stopped.
    package var drains = false

    /// Whether state that the program no longer has a use for may be dropped.
    package var allowsDrop = false

    /// Whether output that may have been delivered may be delivered again.
    package var allowsDuplicates = false

    package init() {}
}

/// Watches a program run.
///
/// Called from the program's and the jobs' threads.
package protocol RunObserver: AnyObject, Sendable {
    /// A job was submitted; `snapshot` may be asked for at any time until ``jobEnded(_:)``.
    func jobStarted(_ name: String, snapshot: @escaping @Sendable () -> JobSnapshot)
    func jobEnded(_ summary: JobSummary)

    /// What `println` prints: a line without its end, not always UTF-8.
    func printLine(_ line: [UInt8])

    /// `log-info` and its relatives, and notes of the engine.
    func log(_ level: LogLevel, _ message: String)
}

package enum LogLevel: String, Sendable {
    case info
    case warning
    case error
}

/// How a program ended.
package enum RunOutcome: Sendable {
    case finished
    /// A job or a top-level form failed: the text for people, with source positions.
    case failed(String)
    /// The program doesn't check or compile, or a job's options are wrong.
    case refused([Diagnostic])
    case cancelled
}
