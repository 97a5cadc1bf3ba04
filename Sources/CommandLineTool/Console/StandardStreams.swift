import Environment
private import Glibc
import Platform

/// The process's own streams.
struct StandardStreams: OutputStreams {
    func write(_ bytes: [UInt8], to stream: OutputChannel) throws(OutputFailure) {
        let descriptor = stream == .results ? STDOUT_FILENO : STDERR_FILENO
        var written = 0
        while written < bytes.count {
            let rest = bytes[written...]
            let count = unsafe rest.withUnsafeBytes { buffer in
                unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count)
            }
            if count > 0 {
                written += count
            } else {
                try self.wait(for: descriptor, code: errno)
            }
        }
    }

    /// Waits until writing may be tried again, or throws because it makes no sense.
    private func wait(for descriptor: Int32, code: Int32) throws(OutputFailure) {
        switch code {
        case EINTR: return
        case EAGAIN:
            // Somebody made the other end non-blocking: terminals shared with such programs are.
            var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            unsafe poll(&request, 1, -1)
        default:
            let name = descriptor == STDOUT_FILENO ? "standard output" : "standard error"
            let error = EnvironmentError.system("write to \(name)", code: code)
            throw OutputFailure(isBrokenPipe: code == EPIPE, message: error.description)
        }
    }
}

/// The process's own terminals.
struct StandardShape: ConsoleShape {
    let isResultsTerminal = Terminal.standardOutput().isTerminal
    let isNotesTerminal = Terminal.standardError().isTerminal

    /// A terminal that knows colours, and a person who hasn't asked for none.
    ///
    /// Source: no-color.org.
    var usesColor: Bool {
        self.isNotesTerminal && (ProcessEnvironment.value("NO_COLOR") ?? "").isEmpty
            && ProcessEnvironment.value("TERM") != "dumb"
    }

    var columnCount: Int { Terminal.standardError().columnCount }
}
