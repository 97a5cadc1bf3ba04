internal import CoordinationCore
internal import CoreTypes
internal import Environment
internal import FluentSyntax
internal import JobPlan
internal import JobService
internal import Platform
internal import Synchronization

/// A job that a program submitted, on a thread of its own.
final class RunningJob: Sendable {
    let definition: JobDefinition
    private let job: LocalJob
    private let observer: any RunObserver
    private let held = Mutex<PinnedThreads?>(nil)
    private let result = Mutex<JobSummary?>(nil)

    init(_ definition: JobDefinition, job: LocalJob, observer: any RunObserver) throws(EnvironmentError) {
        self.definition = definition
        self.job = job
        self.observer = observer
        observer.jobStarted(definition.name) { job.snapshot() }
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
