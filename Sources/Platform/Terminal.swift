internal import CPlatform
private import Glibc

/// What is at the other end of standard output or standard error.
package struct Terminal: Hashable, Sendable {
    package let isTerminal: Bool

    /// Columns; 80 where the terminal doesn't say or isn't one.
    package let columnCount: Int

    package static func standardOutput() -> Terminal { Terminal(descriptor: STDOUT_FILENO) }

    package static func standardError() -> Terminal { Terminal(descriptor: STDERR_FILENO) }

    private init(descriptor: Int32) {
        self.isTerminal = isatty(descriptor) == 1
        let width = Int(weir_terminal_width(descriptor))
        self.columnCount = width > 0 ? width : 80
    }
}

/// Writing to a pipe whose reader has gone away, or beyond the size that files may have.
package enum FailedWrites {
    /// Makes such a write an error (EPIPE, EFBIG) instead of the end of the process, which could clean nothing up.
    package static func reportAsErrors() {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
    }
}
