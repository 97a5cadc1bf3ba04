/// How far event time has come in the splits that one subtask reads.
///
/// A watermark of `w` says that no record with a time of `w` or less is expected any more. A split's is its largest time so
/// far, less the bound by which its records may be out of order, less one; the subtask's is the smallest of its splits,
/// those left out that are read to their end or idle. It never falls.
package struct WatermarkTracker: Sendable {
    /// Nothing is known yet.
    package static let none = Int64.min

    /// Nothing will come any more.
    package static let end = Int64.max

    private enum Phase {
        case active
        case idle
        case finished
    }

    private struct SplitClock {
        var latest = WatermarkTracker.none
        var phase = Phase.active
    }

    private let bound: Int64
    private var splits: [SplitClock] = []

    /// The watermark that was answered last.
    package private(set) var current = Self.none

    /// `bound`: milliseconds by which a record may come behind a later one, not negative.
    package init(outOfOrdernessBound bound: Int64) {
        precondition(bound >= 0, "a bound isn't negative")
        // More than all of time is no more.
        self.bound = min(bound, SliceGrid.timeLimit)
    }

    package var splitCount: Int { self.splits.count }

    /// Adds a split and returns its number.
    ///
    /// `latest`: the largest time seen in it, as a checkpoint has it, or the one that its first record is known to have;
    /// ``none`` holds the watermark back until a record comes.
    package mutating func addSplit(latest: Int64 = Self.none) -> Int {
        self.splits.append(SplitClock(latest: latest))
        return self.splits.count - 1
    }

    /// The largest time seen in a split.
    package func latest(of split: Int) -> Int64 { self.splits[split].latest }

    /// Takes the largest time of some records of a split, which is active from then on.
    package mutating func observe(_ time: Int64, in split: Int) {
        if time > self.splits[split].latest { self.splits[split].latest = time }
        if self.splits[split].phase == .idle { self.splits[split].phase = .active }
    }

    /// A split was read to its end.
    package mutating func finish(_ split: Int) { self.splits[split].phase = .finished }

    /// A split is silent at its end: it doesn't hold time back until a record comes.
    package mutating func setIdle(_ split: Int) {
        if self.splits[split].phase == .active { self.splits[split].phase = .idle }
    }

    /// Whether a split holds time back.
    package func isActive(_ split: Int) -> Bool { self.splits[split].phase == .active }

    package var idleCount: Int { self.splits.count { $0.phase == .idle } }

    /// The least time of the active splits that have shown any; nil: there is none.
    package var leastActive: Int64? {
        self.splits.lazy.filter { $0.phase == .active && $0.latest != Self.none }.map(\.latest).min()
    }

    package func isIdle(_ split: Int) -> Bool { self.splits[split].phase == .idle }

    /// Whether no split holds time back: all are idle or read to their end, or there is none.
    package var isWhollyIdle: Bool { !self.splits.contains { $0.phase == .active } }

    /// The watermark of a split as such.
    package func watermark(of split: Int) -> Int64 {
        let latest = self.splits[split].latest
        return latest == Self.none ? Self.none : latest - self.bound - 1
    }

    /// The split that holds the watermark back, if one does.
    package var slowest: Int? {
        self.splits.indices
            .filter { self.splits[$0].phase == .active }
            .min { self.splits[$0].latest < self.splits[$1].latest }
    }

    /// The watermark now: ``end`` when every split is finished and `isComplete` says that no other will be added.
    package mutating func advance(isComplete: Bool) -> Int64 {
        var smallest = Self.end
        var hasActive = false
        var hasOpen = false
        for split in self.splits {
            guard split.phase != .finished else { continue }
            hasOpen = true
            guard split.phase == .active else { continue }
            hasActive = true
            smallest = min(smallest, split.latest)
        }
        if hasActive {
            let now = smallest == Self.none ? Self.none : smallest - self.bound - 1
            self.current = max(self.current, now)
        } else if !hasOpen, isComplete {
            self.current = Self.end
        }
        return self.current
    }
}
