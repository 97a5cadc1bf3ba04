/// Which splits wait because their event time is too far ahead of the others': what one of them brings before its time has
/// to be kept until the others' time has come.
///
/// A split waits when its newest record is more than the limit ahead of the least of all that are active, and is read on when it
/// is less than half of it ahead, so that reading isn't stopped and begun with every record. The one that is furthest behind never
/// waits; those that are idle, read to their end or have shown no time yet neither wait nor make others wait.
package struct SplitPacer: Sendable {
    /// A split that is to be stopped or read on.
    package struct Change: Hashable, Sendable {
        package let split: Int
        package let waits: Bool
    }

    private let limit: Int64
    private var waits: [Bool] = []

    /// `limit` in milliseconds, not negative.
    package init(limit: Int64) {
        precondition(limit >= 0, "a limit isn't negative")
        // More than all of time is no more.
        self.limit = min(limit, SliceGrid.timeLimit)
    }

    /// The splits that wait.
    package var waitingSplits: [Int] { self.waits.indices.filter { self.waits[$0] } }

    /// Decides anew; `least` is the least time of the splits of all subtasks, ``WatermarkTracker/end`` where none is active.
    package mutating func update(_ clock: WatermarkTracker, least: Int64) -> [Change] {
        while self.waits.count < clock.splitCount { self.waits.append(false) }
        let least = min(least, clock.leastActive ?? WatermarkTracker.end)
        var changes: [Change] = []
        for split in self.waits.indices {
            let waits = clock.isActive(split) && self.isAhead(clock.latest(of: split), of: least, self.waits[split])
            guard waits != self.waits[split] else { continue }
            self.waits[split] = waits
            changes.append(Change(split: split, waits: waits))
        }
        return changes
    }

    private func isAhead(_ latest: Int64, of least: Int64, _ waits: Bool) -> Bool {
        guard latest != WatermarkTracker.none, least != WatermarkTracker.end else { return false }
        return latest - least > (waits ? self.limit / 2 : self.limit)
    }
}
