import Platform
import Synchronization

/// Keeps progress on the screen and looks at memory while a program runs.
struct RunTicker: Sendable {
    /// Between two looks at memory.
    private static let milliseconds: Int32 = 20
    private static let ticksPerBar = 5
    private static let ticksPerPlainLine = 250
    private static let ticksPerStatus = 50

    let console: Console
    let style: RunStyle
    let reporter: RunReporter
    let memory: PeakMemoryWatch

    /// Whether the figures of streams are printed for programs while they run.
    var watches = false

    /// Runs `body`; `onOutputFailure` is called once, from another thread, when standard output can't be written.
    func during<Outcome>(onOutputFailure: @escaping @Sendable () -> Void, body: () -> Outcome) -> Outcome {
        let ticks = TickCount()
        self.memory.sample()
        let outcome = TickingThread.during(every: Self.milliseconds) {
            self.memory.sample()
            let count = ticks.next()
            if count.isMultiple(of: Self.ticksPerBar) {
                self.drawOrFlush()
                if self.console.outputFailure != nil, ticks.isFirstFailure() { onOutputFailure() }
            }
            if count.isMultiple(of: Self.ticksPerPlainLine), self.style.isTalkative, !self.console.showsBars {
                self.reporter.notePlainLines()
            }
            if self.watches, count.isMultiple(of: Self.ticksPerStatus) { self.reporter.writeStatuses() }
        } body: {
            body()
        }
        self.console.flush()
        self.memory.sample()
        return outcome
    }

    private func drawOrFlush() {
        if self.style.isTalkative, self.console.showsBars {
            self.reporter.drawBars()
        } else {
            self.console.flush()
        }
    }
}

/// Counts on the thread that ticks.
private final class TickCount: Sendable {
    private let count = Atomic<Int>(0)
    private let hasFailed = Atomic<Bool>(false)

    func next() -> Int { self.count.add(1, ordering: .relaxed).newValue }

    func isFirstFailure() -> Bool { !self.hasFailed.exchange(true, ordering: .relaxed) }
}
