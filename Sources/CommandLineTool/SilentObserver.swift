import JobService
import ProgramService

/// Only passes on what a program says while it is planned.
final class SilentObserver: RunObserver {
    private let console: Console

    init(console: Console) {
        self.console = console
    }

    func jobStarted(_ name: String, snapshot: @escaping @Sendable () -> JobSnapshot) {}

    func jobEnded(_ summary: JobSummary) {}

    func printLine(_ line: [UInt8]) {
        self.console.note(line: line)
    }

    func log(_ level: LogLevel, _ message: String) {
        self.console.note("\(level.rawValue): \(message)")
    }
}
