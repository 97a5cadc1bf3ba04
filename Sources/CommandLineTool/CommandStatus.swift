/// What the shell learns about how a command ended.
enum CommandStatus: Hashable, Sendable {
    case done
    /// A job failed, or a file isn't formatted.
    case failed
    /// The command line is wrong, a file can't be read, or a program doesn't check.
    case refused
    /// It can't be known with what may be spent on it.
    case undecided
    /// Ended by something from outside, with what a shell reports for it.
    case stopped(code: Int32)

    /// What a shell reports for a process whose reader has gone away.
    static let brokenPipe = CommandStatus.stopped(code: 141)

    var code: Int32 {
        switch self {
        case .done: 0
        case .failed: 1
        case .refused: 2
        case .undecided: 3
        case .stopped(let code): code
        }
    }
}
