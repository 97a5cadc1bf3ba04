/// Makes a failing fault schedule smaller: leaves out what isn't needed for the same invariant to be violated.
///
/// The world stays the one that the seed draws, but what comes behind a fault that is left out is drawn anew; so a smaller
/// schedule fails by itself or not at all, and each is tried.
///
/// Source: Zeller, Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002.
package struct ScheduleShrinker {
    /// Runs that are spent at most.
    package var runLimit = 300
    package private(set) var runCount = 0

    package init() {}

    /// The smallest schedule that was found, which violates the same invariant as `run` did; the same if `run` is fine.
    package mutating func shrink(_ run: RaftRun) -> FaultSchedule {
        guard let invariant = run.violation?.invariant else { return run.schedule }
        var schedule = run.schedule
        if let time = run.violation?.time {
            // What comes later can't matter.
            schedule.faults.removeAll { Int64($0.time) * 1_000 > time }
            if !self.violates(invariant, schedule) { schedule = run.schedule }
        }
        var partCount = 2
        while !schedule.faults.isEmpty, self.runCount < self.runLimit {
            let size = (schedule.faults.count + partCount - 1) / partCount
            if let smaller = self.withoutOnePart(schedule, size, invariant) {
                schedule = smaller
                partCount = max(2, partCount - 1)
            } else if size == 1 {
                break
            } else {
                partCount = min(schedule.faults.count, 2 * partCount)
            }
        }
        return schedule
    }

    private mutating func withoutOnePart(
        _ schedule: FaultSchedule,
        _ size: Int,
        _ invariant: Violation.Invariant
    ) -> FaultSchedule? {
        var start = 0
        while start < schedule.faults.count, self.runCount < self.runLimit {
            var smaller = schedule
            smaller.faults.removeSubrange(start..<min(schedule.faults.count, start + size))
            if self.violates(invariant, smaller) { return smaller }
            start += size
        }
        return nil
    }

    private mutating func violates(_ invariant: Violation.Invariant, _ schedule: FaultSchedule) -> Bool {
        self.runCount += 1
        return RaftRun.run(schedule).violation?.invariant == invariant
    }
}
