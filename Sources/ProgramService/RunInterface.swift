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
    package var recordMemoryBytes = 256 << 20

    /// Where spill files go; nil: `TMPDIR`, or `/var/tmp`.
    package var spillDirectory: String?

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
