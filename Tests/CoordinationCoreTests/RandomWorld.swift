import CoreTypes
import Testing

@testable import CoordinationCore

/// Workers and sinks that do whatever they are told, late, in any order, and break from time to time.
///
/// It keeps its own books, and compares what the job master does with them after every step.
struct RandomWorld {
    private struct Worker {
        let readsSplits: Bool
        var isStarted = false
        var isStopping = false
        var open: [SplitID] = []
        var hasSplitsEnd = false
    }

    private enum Errand: Hashable {
        case prepare
        case commit
        case abort
    }

    private(set) var master: JobMaster
    private(set) var commitCount = 0
    private(set) var abortCount = 0
    private(set) var restartCount = 0
    private var random: SplitMix64
    private var isFaulty = true
    private var hasCommitFailed = false
    private var hasPrepared = false
    private var errands: [Errand] = []
    private var live: [SubtaskAttempt: Worker] = [:]
    private var started: [SubtaskAttempt] = []
    private var ended: [SubtaskAttempt] = []
    private var readers: [SplitID: [SubtaskAttempt]] = [:]
    private let splits: [SplitDescriptor]
    private let seed: UInt64

    init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var stages = [(parallelism: random.next(in: 1..<5), readsSplits: true)]
        if random.chance(percent: 60) { stages.append((parallelism: random.next(in: 1..<5), readsSplits: false)) }
        let weights = (0..<random.next(in: 0..<40)).map { _ in Int64(random.next(in: 0..<20) * 1_000_000) }
        self.master = JobMaster.make(stages: stages, restartLimit: random.next(in: 0..<4))
        self.splits = SplitDescriptor.make(weights: weights)
        self.random = random
        self.seed = seed
    }

    /// Lets faults happen for a while, then none, and demands that the job ends.
    mutating func run() {
        self.apply(.splitsEnumerated(self.splits))
        for _ in 0..<self.random.next(in: 1..<400) where !self.master.state.isTerminal { self.act() }
        self.isFaulty = false
        var stepCount = 0
        while !self.master.state.isTerminal, stepCount < 10_000 {
            self.act()
            stepCount += 1
        }
        self.check(self.master.state.isTerminal, "the job ends once nothing breaks any more")
        self.check(self.live.isEmpty, "nothing runs when the job has ended")
        self.check(
            (self.master.state == .finished) == (self.commitCount == 1 && !self.hasCommitFailed),
            "finished means committed"
        )
        if self.master.state != .finished, self.hasPrepared {
            self.check(self.abortCount == 1, "what isn't finished is aborted")
        }
    }

    private mutating func act() {
        if self.isFaulty, self.random.chance(percent: 1) { return self.apply(.cancelRequested) }
        if self.isFaulty, self.random.chance(percent: 5), let input = self.staleReport() { return self.apply(input) }
        let isErrandNext = self.live.isEmpty || self.random.chance(percent: 30)
        if isErrandNext, !self.errands.isEmpty { return self.runErrand() }
        guard let attempt = self.anyWorker() else { return }
        self.apply(self.report(of: attempt))
    }

    private mutating func runErrand() {
        let errand = self.errands.removeFirst()
        let breaks = self.isFaulty && self.random.chance(percent: 5)
        switch errand {
        case .prepare:
            self.hasPrepared = true
            self.apply(breaks ? .preparationFailed(.transient) : .sinksPrepared)
        case .commit:
            self.hasCommitFailed = breaks
            self.apply(breaks ? .commitFailed(.transient) : .sinksCommitted)
        case .abort:
            self.apply(.sinksAborted)
        }
    }

    private mutating func anyWorker() -> SubtaskAttempt? {
        let candidates = self.started.filter { self.live[$0] != nil }
        guard !candidates.isEmpty else { return nil }
        return candidates[self.random.next(in: 0..<candidates.count)]
    }

    private mutating func staleReport() -> JobMaster.Input? {
        guard !self.ended.isEmpty else { return nil }
        let attempt = self.ended[self.random.next(in: 0..<self.ended.count)]
        let inputs: [JobMaster.Input] = [
            .subtaskStarted(attempt), .splitsRequested(attempt), .subtaskFinished(attempt),
            .subtaskFailed(attempt, .transient), .subtaskCancelled(attempt),
            .splitFinished(self.splits.first?.id ?? .make(0), by: attempt),
        ]
        return inputs[self.random.next(in: 0..<inputs.count)]
    }

    private mutating func report(of attempt: SubtaskAttempt) -> JobMaster.Input {
        guard var worker = self.live[attempt] else { preconditionFailure("only live workers report") }
        defer { self.live[attempt]?.isStarted = true }
        guard worker.isStarted else { return .subtaskStarted(attempt) }
        if self.isFaulty, self.random.chance(percent: 3) {
            let cause: JobFailure.Cause = self.random.chance(percent: 20) ? .userError : .transient
            self.end(attempt)
            return .subtaskFailed(attempt, JobFailure(cause, message: "broken"))
        }
        // Reports and orders cross on their way.
        let hasHeard = worker.isStopping && self.random.chance(percent: 50)
        if hasHeard {
            self.end(attempt)
            return self.random.chance(percent: 80) ? .subtaskCancelled(attempt) : .subtaskFinished(attempt)
        }
        if let split = worker.open.popLast() {
            self.live[attempt] = worker
            self.readers[split, default: []].append(attempt)
            return .splitFinished(split, by: attempt)
        }
        if worker.readsSplits, !worker.hasSplitsEnd { return .splitsRequested(attempt) }
        // Who was told to stop but doesn't know yet may just be done.
        self.end(attempt)
        return .subtaskFinished(attempt)
    }

    private mutating func end(_ attempt: SubtaskAttempt) {
        self.live[attempt] = nil
        self.ended.append(attempt)
    }
}

extension RandomWorld {
    private mutating func apply(_ input: JobMaster.Input) {
        for effect in self.master.step(input) { self.perform(effect) }
        let progress = self.master.progress
        self.check(progress.finishedWeightBytes <= progress.weightBytes, "progress stays below the whole")
    }

    private mutating func perform(_ effect: JobMaster.Effect) {
        switch effect {
        case .stateChanged(let state):
            if state == .restarting { self.restartCount += 1 }
        case .failed:
            return
        case .prepareSinks:
            self.errands.append(.prepare)
        case .start(let attempt):
            self.start(attempt)
        case .assign(let group, let attempt):
            self.assign(group, to: attempt)
        case .noMoreSplits(let attempt):
            self.check(self.live[attempt]?.isStopping == false, "only those who may read are answered")
            self.live[attempt]?.hasSplitsEnd = true
        case .cancel(let attempt):
            self.check(self.live[attempt]?.isStopping == false, "who runs is told to stop once")
            self.live[attempt]?.isStopping = true
        case .commitSinks(let attempts):
            self.commit(attempts)
        case .abortSinks:
            self.abortCount += 1
            self.check(self.live.isEmpty, "nobody writes while sinks are aborted")
            self.check(self.abortCount == 1, "sinks are aborted once")
            self.check(self.commitCount == 0 || self.hasCommitFailed, "what was committed isn't aborted")
            self.errands.append(.abort)
        }
    }

    private mutating func start(_ attempt: SubtaskAttempt) {
        let isAlone = self.live.keys.allSatisfy { $0.subtask != attempt.subtask }
        self.check(isAlone, "a subtask has one attempt at a time")
        self.check(!self.started.contains(attempt), "an attempt starts once")
        // What earlier attempts read went into output that is lost.
        for split in self.splits.map(\.id) { self.readers[split]?.removeAll { $0.subtask == attempt.subtask } }
        self.started.append(attempt)
        self.live[attempt] = Worker(readsSplits: attempt.subtask.stage.rawValue == 0)
    }

    private mutating func assign(_ group: [SplitID], to attempt: SubtaskAttempt) {
        self.check(!group.isEmpty, "a group holds splits")
        self.check(self.live[attempt]?.isStopping == false, "nothing is assigned to what has ended or is ending")
        for split in group {
            let isHeld = self.live.values.contains { $0.open.contains(split) }
            self.check(!isHeld, "a split has one reader at a time")
            self.check(self.readers[split, default: []].isEmpty, "a split that was read isn't read again")
        }
        self.live[attempt]?.open += group
    }

    private mutating func commit(_ attempts: [SubtaskAttempt]) {
        self.commitCount += 1
        self.check(self.commitCount == 1 && self.abortCount == 0, "sinks are committed once, and not after an abort")
        self.check(self.live.isEmpty, "nobody writes while sinks are committed")
        let isReadOnce = self.splits.allSatisfy { self.readers[$0.id, default: []].count == 1 }
        self.check(isReadOnce, "every split is read exactly once")
        self.check(attempts.allSatisfy { self.ended.contains($0) }, "what is committed has finished")
        self.errands.append(.commit)
    }

    private func check(_ condition: Bool, _ rule: String) {
        #expect(condition, "\(rule); replay with seed \(self.seed)")
    }
}
