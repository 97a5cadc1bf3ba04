private import Glibc
import Platform
import Synchronization

/// What Ctrl-C and SIGTERM do to a run: the first cancels it, the second ends the process.
final class StopRequest: Sendable {
    private let console: Console
    private let note: @Sendable () -> String
    private let cancel: @Sendable () -> Void
    private let first = Mutex<TerminationSignal?>(nil)

    /// `note` says what a stop does to what runs.
    init(
        console: Console,
        note: @escaping @Sendable () -> String = { "cancelling" },
        cancel: @escaping @Sendable () -> Void
    ) {
        self.console = console
        self.note = note
        self.cancel = cancel
    }

    /// The signal by which the run was cancelled.
    var signal: TerminationSignal? { self.first.withLock { $0 } }

    func receive(_ signal: TerminationSignal) {
        let isFirst = self.first.withLock { first in
            defer { first = first ?? signal }
            return first == nil
        }
        guard isFirst else {
            self.console.note("stopped at once; the next run removes what is half-written")
            // Not exit: other threads are still at work on what it would destroy.
            _exit(signal.exitCode)
        }
        self.console.note("\(self.note()); once more ends at once")
        self.cancel()
    }
}
