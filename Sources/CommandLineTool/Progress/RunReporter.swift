import CoreTypes
import JobService
import Platform
import ProgramService
import Synchronization

/// Shows what a run's jobs do, and remembers what they did.
final class RunReporter: RunObserver {
    /// More bars than these aren't drawn: they would push everything else off the screen.
    private static let barLimit = 8

    private let console: Console
    private let style: RunStyle
    private let memory: PeakMemoryWatch
    private let state = Mutex(State())

    private struct State {
        var running: [RunningJob] = []
        var ended: [JobSummary] = []
        var shownFailures: [String] = []
        var nextNumber = 0
    }

    /// A job between its start and its end.
    private struct RunningJob {
        /// In the order of their starts.
        let number: Int
        let name: String
        let snapshot: @Sendable () -> JobSnapshot
        let processorTimeBefore: Duration
        /// Known once the job has been asked for a snapshot.
        var id: JobID?
        var rate = RateEstimate()
    }

    init(console: Console, style: RunStyle, memory: PeakMemoryWatch) {
        self.console = console
        self.style = style
        self.memory = memory
    }

    /// The jobs that have ended, in the order of their ends.
    var summaries: [JobSummary] { self.state.withLock { $0.ended } }

    /// Whether people have read this failure, or one that it is made of.
    func hasShown(_ failure: String) -> Bool {
        self.state.withLock { state in state.shownFailures.contains { !$0.isEmpty && failure.contains($0) } }
    }

    func jobStarted(_ name: String, snapshot: @escaping @Sendable () -> JobSnapshot) {
        // The job may write to standard output itself: what was printed before it comes before.
        self.console.flush()
        let processorTime = ProcessUsage.current().processorTime
        self.state.withLock { state in
            state.running.append(
                RunningJob(
                    number: state.nextNumber,
                    name: name,
                    snapshot: snapshot,
                    processorTimeBefore: processorTime
                )
            )
            state.nextNumber += 1
        }
    }

    func jobEnded(_ summary: JobSummary) {
        let usage = ProcessUsage.current()
        let anonymousBytesPeak = self.memory.sample()
        let processorTimeBefore = self.state.withLock { state -> Duration in
            state.ended.append(summary)
            if self.style.isTalkative { state.shownFailures.append(summary.failure) }
            let index =
                state.running.firstIndex { $0.id == summary.id }
                ?? state.running.firstIndex { $0.id == nil && $0.name == summary.name }
            return index.map { state.running.remove(at: $0).processorTimeBefore } ?? .zero
        }
        // Whoever had enough needn't be told that the rest wasn't written.
        guard self.style.isTalkative, !summary.isReaderGone else { return }
        let report = JobReport(
            summary: summary,
            usage: RunUsage(
                processorTime: usage.processorTime - processorTimeBefore,
                residentBytesPeak: usage.residentBytesPeak,
                anonymousBytesPeak: anonymousBytesPeak
            )
        )
        self.console.note(report.text)
    }

    func printLine(_ line: [UInt8]) {
        if self.style.isJSON {
            self.console.note(line: line)
        } else {
            self.console.write(line: line)
        }
    }

    func log(_ level: LogLevel, _ message: String) {
        guard self.style.showsWarnings || level == .error else { return }
        self.console.note("\(level.rawValue): \(message)")
    }

    /// Draws the bars anew.
    func drawBars() {
        let columnCount = self.console.columnCount
        let lines = self.progress()
        if lines.count == 1, let view = lines[0].view {
            return self.console.draw(view.lines(columnCount: columnCount, usesColor: self.console.usesColor))
        }
        var bars = lines.prefix(Self.barLimit).map { $0.bar(columnCount: columnCount) }
        if lines.count > bars.count {
            bars.append(String("and \(lines.count - bars.count) more jobs".prefix(columnCount - 1)))
        }
        self.console.draw(bars)
    }

    /// Says how far each job is, a line for each.
    func notePlainLines() {
        for line in self.progress() { self.console.note(line.plain) }
    }

    /// Prints the figures of each running stream for programs, an object a line.
    func writeStatuses() {
        let running = self.state.withLock { $0.running }
        for job in running {
            guard let status = job.snapshot().stream?.status else { continue }
            self.console.write(StreamStatusReport(status).json.text)
        }
        self.console.flush()
    }

    /// What stopping does to what runs now.
    func stopNote(_ streaming: StreamingOptions) -> String {
        let running = self.state.withLock { $0.running }
        guard running.contains(where: { $0.snapshot().stream != nil }) else { return "cancelling" }
        if streaming.drains { return "stopping: all windows are fired" }
        return streaming.stateDirectory == nil
            ? "stopping: open windows are lost, as no --state says where to keep them"
            : "stopping behind a last checkpoint, a savepoint"
    }

    /// How far the running jobs are, in the order of their starts.
    func progress() -> [ProgressLine] {
        let running = self.state.withLock { $0.running }
        return running.map { job in
            // Outside the lock: the job may be reporting its own end, and wait for it.
            let snapshot = job.snapshot()
            let rate = self.state.withLock { state -> Double in
                guard let index = state.running.firstIndex(where: { $0.number == job.number }) else { return 0 }
                state.running[index].id = snapshot.id
                state.running[index].rate.add(snapshot.inputBytes, at: snapshot.elapsed)
                return state.running[index].rate.perSecond
            }
            return ProgressLine(snapshot, bytesPerSecond: rate)
        }
    }
}
