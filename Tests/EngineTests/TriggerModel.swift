import JobPlan

@testable import Engine

/// Windows with triggers as lists of events, for a stream that one subtask reads.
struct TriggerModel {
    private struct Pane {
        let key: String
        let end: Int64
        var values: [Int64] = []
        var fresh: Int64 = 0
        var earlyCount: Int64 = 0
        var lateCount: Int64 = 0
        var isChanged = false
    }

    private let shape: StreamShape
    private let grid: SliceGrid
    private var panes: [Pane] = []
    private var watermark = Int64.min
    private var latest = Int64.min

    init(_ shape: StreamShape) {
        self.shape = shape
        self.grid = shape.grid
    }

    /// What is fired when these are read: key, end, pane, number and sum.
    mutating func read(_ events: [StreamEvent]) -> [FiredPane] {
        var fired: [FiredPane] = []
        for event in events {
            self.latest = max(self.latest, event.time)
            for end in self.ends(holding: event.time) where !self.isPassed(end) { fired += self.add(event, end) }
        }
        return (fired + self.advance(to: self.latest - self.shape.bound - 1)).sorted()
    }

    private mutating func add(_ event: StreamEvent, _ end: Int64) -> [FiredPane] {
        let index: Int
        if let known = self.panes.firstIndex(where: { $0.key == event.key && $0.end == end }) {
            index = known
        } else {
            index = self.panes.count
            self.panes.append(Pane(key: event.key, end: end))
        }
        self.panes[index].values.append(event.value)
        guard end - 1 > self.watermark else {
            guard self.shape.trigger.firesOnEachLateRecord else {
                self.panes[index].isChanged = true
                return []
            }
            return [self.fireLate(index)]
        }
        self.panes[index].fresh += 1
        guard let limit = self.shape.trigger.earlyCount, self.panes[index].fresh >= limit else { return [] }
        return [self.fireEarly(index)]
    }

    private mutating func fireEarly(_ index: Int) -> FiredPane {
        self.panes[index].fresh = 0
        self.panes[index].earlyCount += 1
        return self.result(index, pane: -self.panes[index].earlyCount)
    }

    private mutating func fireLate(_ index: Int) -> FiredPane {
        self.panes[index].isChanged = false
        self.panes[index].lateCount += 1
        return self.result(index, pane: self.panes[index].lateCount)
    }

    private func result(_ index: Int, pane: Int64) -> FiredPane {
        let values = self.panes[index].values
        let (key, end) = (self.panes[index].key, self.panes[index].end)
        return FiredPane(end: end, key: key, numbers: [pane, Int64(values.count), values.reduce(0, +)])
    }

    /// What is fired when the clock comes to the next time at which windows are.
    mutating func pass() -> [FiredPane] {
        guard self.shape.trigger.earlyMilliseconds != nil else { return [] }
        let due = self.panes.indices.filter { self.panes[$0].fresh > 0 && self.panes[$0].end - 1 > self.watermark }
        return due.map { self.fireEarly($0) }.sorted()
    }

    /// What is fired when time comes to its end.
    mutating func end() -> [FiredPane] { self.advance(to: .max) }

    private mutating func advance(to watermark: Int64) -> [FiredPane] {
        guard watermark > self.watermark else { return [] }
        var fired = self.panes.indices.filter { self.panes[$0].isChanged }.map { self.fireLate($0) }
        for index in self.panes.indices
        where self.panes[index].end - 1 > self.watermark && self.panes[index].end - 1 <= watermark {
            fired.append(self.result(index, pane: 0))
        }
        self.watermark = watermark
        self.panes = self.panes.filter { !self.isPassed($0.end) }
        return fired.sorted()
    }

    private func isPassed(_ end: Int64) -> Bool {
        self.watermark != .min
            && (self.watermark == .max || end - 1 + self.shape.allowedLateness <= self.watermark)
    }

    private func ends(holding time: Int64) -> [Int64] {
        ((time - self.grid.size + 1)...time)
            .filter { ($0 - self.grid.offset) % self.grid.slide == 0 }
            .map { $0 + self.grid.size }
    }
}

/// A firing of a key and window: its pane, and the number and the sum of its values.
struct FiredPane: Hashable, Comparable {
    let end: Int64
    let key: String
    let numbers: [Int64]

    static func < (left: FiredPane, right: FiredPane) -> Bool {
        if left.end != right.end { return left.end < right.end }
        if left.key != right.key { return left.key < right.key }
        return left.numbers.lexicographicallyPrecedes(right.numbers)
    }
}

extension StreamRun {
    func takePanes() -> [FiredPane] {
        self.takeResults().map { FiredPane(end: $0.end, key: $0.key, numbers: $0.numbers) }.sorted()
    }
}
