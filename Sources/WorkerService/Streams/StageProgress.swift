internal import Engine

/// What a stage that keeps state has done since its subtask began, and what it keeps.
struct StageFigures {
    var firings = 0
    var late = 0
    var rejected = 0
    var spills = StateSpills()

    /// Of its state, in memory and on disk.
    var bytes: (memory: Int, disk: Int64) = (0, 0)
    var keyCount = 0
}

/// Tells a stream's counters what a stage has done since they were last told.
struct StageProgress {
    private var told = StageFigures()

    /// Where the figures of its state belong.
    private let slot: Int

    init(slot: Int) {
        self.slot = slot
    }

    mutating func tell(_ counters: StreamCounters, _ now: StageFigures) {
        counters.addOutput(
            firings: now.firings - self.told.firings,
            records: 0,
            late: now.late - self.told.late,
            rejected: now.rejected - self.told.rejected
        )
        counters.addSpills(now.spills.tables - self.told.spills.tables, now.spills.bytes - self.told.spills.bytes)
        counters.setState(self.slot, bytes: now.bytes, keyCount: now.keyCount)
        self.told = now
    }
}
