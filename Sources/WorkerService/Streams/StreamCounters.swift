package import CoreTypes
internal import Engine
internal import Synchronization

/// What a stream's subtasks have done so far, for whoever shows it.
///
/// Isolation: subtasks write, anyone reads; figures of one moment needn't match to the last record.
package final class StreamCounters: Sendable {
    private let records = Atomic<Int64>(0)
    private let bytes = Atomic<Int64>(0)
    private let pairs = Atomic<Int64>(0)
    private let fired = Atomic<Int64>(0)
    private let written = Atomic<Int64>(0)
    private let late = Atomic<Int64>(0)
    private let rejected = Atomic<Int64>(0)
    private let writtenBytes = Atomic<Int64>(0)
    private let spillCount = Atomic<Int64>(0)
    private let spillBytes = Atomic<Int64>(0)
    private let perSubtask: Mutex<[PerSubtask]>

    /// Those that wait for the one behind them, or for a sink.
    private let blocked = Mutex<Set<StreamSubtaskID>>([])
    private let states: Mutex<[State]>

    /// What a subtask of a stage with state keeps.
    private struct State {
        var bytes = 0
        var diskBytes: Int64 = 0
        var keyCount = 0
    }

    private struct PerSubtask {
        var source = SourceFigures()
        var warning: String?
    }

    /// `stageCount`: Stages behind the one that reads.
    package init(parallelism: Int, stageCount: Int) {
        self.states = Mutex(Array(repeating: State(), count: parallelism * stageCount))
        self.perSubtask = Mutex(Array(repeating: PerSubtask(), count: parallelism))
    }

    package var inputRecords: Int64 { self.records.load(ordering: .relaxed) }
    package var inputBytes: Int64 { self.bytes.load(ordering: .relaxed) }
    package var mappedPairs: Int64 { self.pairs.load(ordering: .relaxed) }

    /// Keys of windows whose result was given.
    package var firings: Int64 { self.fired.load(ordering: .relaxed) }
    package var outputRecords: Int64 { self.written.load(ordering: .relaxed) }
    package var outputBytes: Int64 { self.writtenBytes.load(ordering: .relaxed) }
    package var lateRecords: Int64 { self.late.load(ordering: .relaxed) }
    package var rejectedRecords: Int64 { self.rejected.load(ordering: .relaxed) }

    /// The least watermark of the reading subtasks that aren't idle; nil where none knows any.
    package var watermark: Int64? {
        let least = self.perSubtask.withLock { $0.map(\.source.watermark).min() } ?? WatermarkTracker.none
        return least == WatermarkTracker.none || least == WatermarkTracker.end ? nil : least
    }

    /// The split that holds event time back, if one does.
    package var slowestSplit: String? {
        self.perSubtask.withLock { subtasks in
            subtasks.map(\.source).filter { $0.slowest != nil }.min { $0.watermark < $1.watermark }?.slowest
        }
    }

    /// What hinders a reading subtask at present, for people; nil: nothing.
    package var warning: String? { self.perSubtask.withLock { $0.lazy.compactMap(\.warning).first } }

    /// Bytes in memory and on disk, and keys, of all stages.
    package var state: (bytes: Int, diskBytes: Int64, keyCount: Int) {
        self.states.withLock { states in
            states.reduce((0, 0, 0)) { ($0.0 + $1.bytes, $0.1 + $1.diskBytes, $0.2 + $1.keyCount) }
        }
    }

    /// What stages have written to disk because memory was full.
    package var spilledRuns: Int64 { self.spillCount.load(ordering: .relaxed) }
    package var spilledBytes: Int64 { self.spillBytes.load(ordering: .relaxed) }

    /// Subtasks that wait now: those that read for the next ones to take what they send, those behind them for a sink.
    package var blockedCounts: (sources: Int, writers: Int) {
        self.blocked.withLock { blocked in
            let sources = blocked.count { $0.stage == .source }
            return (sources, blocked.count - sources)
        }
    }

    /// Of all splits: how many there are, are idle, and wait because they are ahead of others.
    package var splits: (count: Int, idle: Int, held: Int) {
        self.perSubtask.withLock { subtasks in
            subtasks.reduce((0, 0, 0)) { sum, subtask in
                let source = subtask.source
                return (sum.0 + source.splitCount, sum.1 + source.idleCount, sum.2 + source.heldCount)
            }
        }
    }

    /// Records that are there and weren't read yet; nil where nobody knows.
    package var lagRecords: Int64? {
        self.perSubtask.withLock { subtasks in
            let known = subtasks.compactMap(\.source.lagRecords)
            return known.isEmpty ? nil : known.reduce(0, +)
        }
    }

    /// How far the source has come of which so many splits were given out: as far as the one that is furthest behind.
    package func advance(ofSplits splitCount: Int) -> SplitAdvance {
        let advances = self.perSubtask.withLock { $0.reduce(SplitAdvances()) { $0 + $1.source.advances } }
        if advances.answeredCount < splitCount { return .unanswered }
        return advances.caughtUpCount < splitCount ? .reading : .caughtUp
    }

    func addInput(records: Int, bytes: Int64, pairs: Int, rejected: Int) {
        self.records.wrappingAdd(Int64(records), ordering: .relaxed)
        self.bytes.wrappingAdd(bytes, ordering: .relaxed)
        self.pairs.wrappingAdd(Int64(pairs), ordering: .relaxed)
        if rejected > 0 { self.rejected.wrappingAdd(Int64(rejected), ordering: .relaxed) }
    }

    func addOutput(firings: Int, records: Int, late: Int, rejected: Int) {
        self.fired.wrappingAdd(Int64(firings), ordering: .relaxed)
        self.written.wrappingAdd(Int64(records), ordering: .relaxed)
        if late > 0 { self.late.wrappingAdd(Int64(late), ordering: .relaxed) }
        if rejected > 0 { self.rejected.wrappingAdd(Int64(rejected), ordering: .relaxed) }
    }

    func addOutputBytes(_ count: Int) { self.writtenBytes.wrappingAdd(Int64(count), ordering: .relaxed) }

    func setSource(_ subtask: Int, _ figures: SourceFigures) {
        self.perSubtask.withLock { $0[subtask].source = figures }
    }

    /// Whether a reading subtask waits for the one behind it, or another for its sink.
    func setBlocked(_ subtask: StreamSubtaskID, _ isBlocked: Bool) {
        self.blocked.withLock { blocked in
            if isBlocked { blocked.insert(subtask) } else { blocked.remove(subtask) }
        }
    }

    func setWarning(_ subtask: Int, _ warning: String?) {
        self.perSubtask.withLock { $0[subtask].warning = warning }
    }

    /// `slot` counts the subtasks of all stages behind the one that reads.
    func setState(_ slot: Int, bytes: (memory: Int, disk: Int64), keyCount: Int) {
        self.states.withLock { $0[slot] = State(bytes: bytes.memory, diskBytes: bytes.disk, keyCount: keyCount) }
    }

    func addSpills(_ runs: Int, _ bytes: Int64) {
        guard runs > 0 || bytes > 0 else { return }
        self.spillCount.wrappingAdd(Int64(runs), ordering: .relaxed)
        self.spillBytes.wrappingAdd(bytes, ordering: .relaxed)
    }
}

/// What a reading subtask says of itself.
struct SourceFigures: Sendable {
    /// ``WatermarkTracker/end`` where no split of it holds time back.
    var watermark = WatermarkTracker.none

    /// The split that does.
    var slowest: String?
    var splitCount = 0
    var idleCount = 0

    /// Splits that wait because they are ahead of others.
    var heldCount = 0

    /// Records that are there and weren't read yet; nil: not known.
    var lagRecords: Int64?
    var advances = SplitAdvances()
}
