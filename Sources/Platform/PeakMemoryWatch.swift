private import Glibc
private import Synchronization

/// Keeps the most anonymous memory that the process had, which the kernel doesn't.
///
/// A thread looks fifty times a second: shorter peaks go unseen unless ``sample()`` is called at them.
package final class PeakMemoryWatch: Sendable {
    private let peak = Atomic<Int64>(0)

    package init() {}

    /// The most that was seen.
    package var anonymousBytesPeak: Int64 { self.peak.load(ordering: .relaxed) }

    /// Looks now.
    @discardableResult
    package func sample() -> Int64 {
        let now = ProcessUsage.anonymousBytesNow()
        return self.peak.max(now, ordering: .relaxed).newValue
    }

    /// Looks again and again while `body` runs.
    package func watch<Outcome, Failure: Error>(
        during body: () throws(Failure) -> Outcome
    ) throws(Failure) -> Outcome {
        let isRunning = WatchFlag()
        // Without the thread only the two samples below are taken: figures for people aren't worth a failure.
        let thread = try? PinnedThreads(count: 1, name: "weir-memory", isPinned: false) { _ in
            while isRunning.value.load(ordering: .relaxed) {
                self.sample()
                usleep(20_000)
            }
        }
        self.sample()
        let outcome = Result(catching: body)
        self.sample()
        isRunning.value.store(false, ordering: .relaxed)
        if let thread { thread.join() }
        return try outcome.get()
    }
}

private final class WatchFlag: Sendable {
    let value = Atomic<Bool>(true)
}
