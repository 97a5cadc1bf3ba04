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

/// Pipes whose reader has gone away.
package enum BrokenPipes {
    /// Makes writing to one an error (EPIPE) instead of the end of the process.
    package static func reportAsErrors() {
        signal(SIGPIPE, SIG_IGN)
    }
}
