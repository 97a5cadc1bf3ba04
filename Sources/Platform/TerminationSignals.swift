internal import CPlatform
package import Environment
private import Glibc

/// The two signals by which people and machines ask a process to end.
package enum TerminationSignal: Hashable, Sendable {
    /// SIGINT: Ctrl-C.
    case interrupt
    /// SIGTERM.
    case terminate

    /// What a shell reports for a process that ended by it.
    package var exitCode: Int32 {
        switch self {
        case .interrupt: 130
        case .terminate: 143
        }
    }
}

/// Catches Ctrl-C and SIGTERM and tells a closure about each, on a thread of its own.
///
/// At most one watch exists at a time; when it goes away the signals get their old meaning back.
package final class TerminationWatch: Sendable {
    private let thread: pthread_t

    /// Starts catching.
    ///
    /// - Parameter onSignal: Is called on the watch's thread, for one signal after the other.
    /// - Throws: The pipe or the thread can't be made.
    package init(onSignal: @escaping @Sendable (TerminationSignal) -> Void) throws(EnvironmentError) {
        let descriptor = weir_watch_signals()
        guard descriptor >= 0 else { throw .last("watch for signals") }
        let loop = SignalLoop(descriptor: descriptor, onSignal: onSignal)
        var thread = pthread_t()
        let argument = unsafe Unmanaged.passRetained(loop)
        let code = unsafe pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<SignalLoop>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            },
            argument.toOpaque()
        )
        guard code == 0 else {
            unsafe argument.release()
            weir_unwatch_signals()
            close(descriptor)
            throw .system("start the thread that watches for signals", code: code)
        }
        self.thread = thread
    }

    deinit {
        weir_unwatch_signals()
        // A closure that lets go of the watch runs on the very thread that would be waited for.
        if pthread_equal(self.thread, pthread_self()) != 0 {
            pthread_detach(self.thread)
        } else {
            pthread_join(self.thread, nil)
        }
    }
}

/// Reads the numbers of signals from a pipe until that is closed.
private final class SignalLoop: Sendable {
    private let descriptor: Int32
    private let onSignal: @Sendable (TerminationSignal) -> Void

    init(descriptor: Int32, onSignal: @escaping @Sendable (TerminationSignal) -> Void) {
        self.descriptor = descriptor
        self.onSignal = onSignal
    }

    func run() {
        unsafe weir_name_current_thread("weir-signals")
        // A mask is inherited from the parent process: one that blocks signals would make this one deaf to Ctrl-C.
        weir_accept_signals()
        var number: UInt8 = 0
        while true {
            let count = unsafe read(self.descriptor, &number, 1)
            if count < 0 && errno == EINTR { continue }
            guard count == 1 else { break }
            self.onSignal(Int32(number) == SIGINT ? .interrupt : .terminate)
        }
        close(self.descriptor)
    }
}
