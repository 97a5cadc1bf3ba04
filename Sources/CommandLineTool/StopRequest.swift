private import Glibc
import Platform
import Synchronization

/// What Ctrl-C and SIGTERM do to a run: the first cancels it, the second ends the process.
final class StopRequest: Sendable {
    private let console: Console
    private let cancel: @Sendable () -> Void
    private let first = Mutex<TerminationSignal?>(nil)

    init(console: Console, cancel: @escaping @Sendable () -> Void) {
        self.console = console
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
        self.console.note("cancelling; once more ends at once")
        self.cancel()
    }
}
