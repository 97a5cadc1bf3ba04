import CoreTypes

/// The splits of a source: which wait, who reads which, which are done.
///
/// Each split is in exactly one of the three at any time.
struct SplitPool: Sendable {
    private enum State: Hashable {
        case waiting
        case assigned(SubtaskAttempt)
        case finished(SubtaskAttempt)
    }

    private let splits: [SplitDescriptor]
    private let order: CoordinationConfiguration.SplitOrder
    private var positions: [SplitID: Int] = [:]
    private var states: [State]

    /// Positions, the next to hand out last.
    private var waiting: [Int] = []
    private var waitingWeightBytes: Int64 = 0
    private(set) var finishedCount = 0
    private(set) var finishedWeightBytes: Int64 = 0

    let weightBytes: Int64

    init(_ splits: [SplitDescriptor], order: CoordinationConfiguration.SplitOrder) {
        self.splits = splits
        self.order = order
        self.states = Array(repeating: .waiting, count: splits.count)
        self.weightBytes = splits.reduce(0) { $0 + $1.weightBytes }
        self.waitingWeightBytes = self.weightBytes
        for (position, split) in splits.enumerated() {
            let previous = self.positions.updateValue(position, forKey: split.id)
            precondition(previous == nil, "split ids are distinct")
        }
        self.waiting = Array(splits.indices)
        self.sortWaiting()
    }

    var count: Int { self.splits.count }
    var hasWaiting: Bool { !self.waiting.isEmpty }
    var isFinished: Bool { self.finishedCount == self.splits.count }

    /// Hands the next group to an attempt; empty when none waits.
    ///
    /// A group shrinks with what is left, so that the readers end at about the same time: it takes at most half of a
    /// reader's fair share.
    mutating func take(
        for attempt: SubtaskAttempt,
        readerCount: Int,
        configuration: CoordinationConfiguration
    ) -> [SplitID] {
        let shares = 2 * readerCount
        let countLimit = max(1, min(configuration.groupCountLimit, self.waiting.count / shares))
        let weightLimit = min(configuration.groupWeightBytes, self.waitingWeightBytes / Int64(shares))
        var group: [SplitID] = []
        var weight: Int64 = 0
        while let position = self.waiting.last, group.count < countLimit {
            let split = self.splits[position]
            guard group.isEmpty || weight + split.weightBytes <= weightLimit else { break }
            self.waiting.removeLast()
            self.waitingWeightBytes -= split.weightBytes
            self.states[position] = .assigned(attempt)
            weight += split.weightBytes
            group.append(split.id)
        }
        return group
    }

    /// Notes that an attempt read a split to its end; a second report changes nothing.
    ///
    /// - Returns: Whether it was the first report.
    mutating func finish(_ id: SplitID, by attempt: SubtaskAttempt) -> Bool {
        guard let position = self.positions[id] else { preconditionFailure("only splits of the source are read") }
        if self.states[position] == .finished(attempt) { return false }
        precondition(self.states[position] == .assigned(attempt), "an attempt finishes only splits assigned to it")
        self.states[position] = .finished(attempt)
        self.finishedCount += 1
        self.finishedWeightBytes += self.splits[position].weightBytes
        return true
    }

    /// Takes back everything that attempts of these subtasks were given, read or not: their output is lost.
    mutating func takeBack(from subtasks: Set<SubtaskID>) {
        for position in self.splits.indices {
            switch self.states[position] {
            case .assigned(let attempt) where subtasks.contains(attempt.subtask):
                break
            case .finished(let attempt) where subtasks.contains(attempt.subtask):
                self.finishedCount -= 1
                self.finishedWeightBytes -= self.splits[position].weightBytes
            case .waiting, .assigned, .finished:
                continue
            }
            self.states[position] = .waiting
            self.waiting.append(position)
            self.waitingWeightBytes += self.splits[position].weightBytes
        }
        self.sortWaiting()
    }

    private mutating func sortWaiting() {
        let splits = self.splits
        switch self.order {
        case .largestFirst:
            self.waiting.sort { left, right in
                let weights = (splits[left].weightBytes, splits[right].weightBytes)
                return weights.0 == weights.1 ? left > right : weights.0 < weights.1
            }
        case .enumeration:
            self.waiting.sort(by: >)
        }
    }
}
