private import Glibc
import Platform

/// A thread that does something again and again while something else runs.
enum TickingThread {
    /// Calls `tick` every `milliseconds` until `body` has come to an end, without making it wait for the next call.
    static func during<Outcome>(
        every milliseconds: Int32,
        tick: @escaping @Sendable () -> Void,
        body: () -> Outcome
    ) -> Outcome {
        var ends: [Int32] = [-1, -1]
        // Without a pipe or a thread nothing ticks: figures for people aren't worth a failure.
        guard unsafe pipe(&ends) == 0 else { return body() }
        let (reading, writing) = (ends[0], ends[1])
        for descriptor in ends { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        let thread = try? PinnedThreads(count: 1, name: "weir-progress", isPinned: false) { _ in
            var request = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
            while true {
                let count = unsafe poll(&request, 1, milliseconds)
                if count > 0 { break }
                // A signal isn't a tick, but one more does no harm.
                tick()
            }
        }
        let outcome = body()
        // The reader sees the end of the pipe.
        close(writing)
        if let thread { thread.join() }
        close(reading)
        return outcome
    }
}
