internal import CoordinationCore
internal import CoreTypes
internal import Environment
internal import FluentSyntax
internal import JobPlan
internal import JobService
internal import Platform
internal import Synchronization

/// A job or a stream that runs in this process.
protocol ManagedJob: Sendable {
    var id: JobID { get }

    /// Blocks until it has ended.
    func run() -> JobSummary
    func snapshot() -> JobSnapshot

    /// Asks it to stop.
    func cancel()
}

extension LocalJob: ManagedJob {}
extension StreamJob: ManagedJob {}

/// A job that a program submitted, on a thread of its own.
final class RunningJob: Sendable {
    /// Where its results can be read; nil for a stream, whose results go on.
    let definition: JobDefinition?
    private let job: any ManagedJob
    private let observer: any RunObserver
    private let held = Mutex<PinnedThreads?>(nil)
    private let result = Mutex<JobSummary?>(nil)

    /// Starts it; `definition` is that of a batch job.
    init(
        _ name: String,
        definition: JobDefinition?,
        job: any ManagedJob,
        observer: any RunObserver
    ) throws(EnvironmentError) {
        self.definition = definition
        self.job = job
        self.observer = observer
        observer.jobStarted(name) { job.snapshot() }
        try self.held.withLock { held throws(EnvironmentError) in
            held = try PinnedThreads(count: 1, name: "weir-job", isPinned: false) { _ in self.runToEnd() }
        }
    }

    private func runToEnd() {
        let summary = self.job.run()
        self.result.withLock { $0 = summary }
        self.observer.jobEnded(summary)
    }

    var id: String { self.job.id.rawValue }

    var state: JobState { self.job.snapshot().state }

    func cancel() { self.job.cancel() }

    /// Waits for the end.
    func wait() -> JobSummary {
        // Held while waiting: only the program's thread waits.
        self.held.withLock { $0.take()?.join() }
        guard let summary = self.result.withLock({ $0 }) else {
            preconditionFailure("a job that ended has a summary")
        }
        return summary
    }

    /// Waits for the end, which must be a success.
    func succeed(at range: SourceRange) throws(EvaluationError) {
        let summary = self.wait()
        guard summary.state != .finished else { return }
        let reason = summary.failure.isEmpty ? summary.state.rawValue : summary.failure
        throw EvaluationError(.host(message: "job \(summary.name) \(summary.state.rawValue): \(reason)"), at: range)
    }
}
