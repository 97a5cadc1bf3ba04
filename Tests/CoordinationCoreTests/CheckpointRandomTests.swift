import CoreTypes
import Testing

@testable import CoordinationCore

@Suite struct CheckpointRandomTests {
    @Test(arguments: 0..<UInt64(400))
    func `checkpoints are whole, few and go on, whatever breaks`(seed: UInt64) {
        var world = CheckpointWorld(seed: seed)

        world.run()
    }

    /// So that the invariants aren't about worlds in which nothing happens.
    @Test func `the worlds complete, lose and fail checkpoints`() {
        var completed = 0
        var timedOut = 0
        var failed = 0
        var removed = 0
        var overtaking = 0

        for seed in 0..<UInt64(400) {
            var world = CheckpointWorld(seed: seed)
            world.run()
            completed += world.completedCount
            timedOut += world.timeoutCount
            failed += world.failureCount
            removed += world.removedCount
            overtaking += world.overtakingCount
        }

        #expect(completed > 1_000 && timedOut > 300 && failed > 300 && removed > 500 && overtaking > 500)
    }
}

/// Subtasks that answer late or never, and a store that fails now and then; it keeps its own books of every checkpoint.
private struct CheckpointWorld {
    private enum Phase {
        case pending(acknowledged: Set<Int>)
        case storing
        case stored
    }

    private var coordinator: CheckpointCoordinator
    private let configuration: CheckpointCoordinator.Configuration
    private let subtaskCount: Int
    private var random: SplitMix64
    private let seed: UInt64
    private var now: Int64 = 0
    private var isFaulty = true

    private var lastNumber: Int64
    private var pending: (number: Int64, phase: Phase)?
    private var kept: [Int64]
    /// Parts on their way, in no order.
    private var parts: [(number: Int64, subtask: Int)] = []
    private var lastOne: Int64?
    private var hasStopped = false
    private var overtaking: Int64?
    private(set) var overtakingCount = 0
    private(set) var completedCount = 0
    private(set) var timeoutCount = 0
    private(set) var failureCount = 0
    private(set) var removedCount = 0

    init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var configuration = CheckpointCoordinator.Configuration()
        configuration.interval = random.chance(percent: 80) ? Int64(random.next(in: 1..<200)) : nil
        configuration.timeout = Int64(random.next(in: 50..<400))
        configuration.minimumPause = Int64(random.next(in: 0..<100))
        configuration.alignmentTimeout = random.chance(percent: 30) ? .max : Int64(random.next(in: 1..<300))
        configuration.retainedCount = random.next(in: 1..<5)
        self.kept = (0..<random.next(in: 0..<6)).map { Int64($0 * 3 + 1) }
        self.lastNumber = (self.kept.last ?? 0) + Int64(random.next(in: 0..<4))
        self.subtaskCount = random.next(in: 1..<6)
        self.configuration = configuration
        self.coordinator = CheckpointCoordinator(
            configuration: configuration,
            subtaskCount: self.subtaskCount,
            retained: self.kept,
            lastNumber: self.lastNumber
        )
        self.random = random
        self.seed = seed
    }

    /// Lets things break for a while, then nothing, and demands another checkpoint.
    mutating func run() {
        for _ in 0..<600 { self.act() }
        self.isFaulty = false
        self.parts = []
        let before = self.completedCount
        let patience = self.configuration.timeout + 2 * (self.configuration.interval ?? 0) + 10_000
        let deadline = self.now + patience
        self.apply(.requested(now: self.now))
        while self.completedCount == before, self.now < deadline { self.act() }
        self.check(self.completedCount > before, "a checkpoint is taken once nothing breaks any more")
        self.check(self.kept.count <= self.configuration.retainedCount, "no more are kept than are wanted")
        self.check(self.coordinator.newest == self.kept.last, "the newest is known")
        self.apply(.stopRequested(now: self.now))
        let end = self.now + patience
        while !self.hasStopped, self.now < end { self.act() }
        self.check(self.hasStopped, "a stop comes once nothing breaks any more")
    }

    private mutating func act() {
        self.now += Int64(self.random.next(in: 0..<12))
        switch self.random.next(in: 0..<20) {
        case 0..<8: self.apply(.tick(now: self.now))
        case 8 where self.random.chance(percent: 20): self.apply(.requested(now: self.now))
        case 9..<16: self.deliverPart()
        case 16 where self.isFaulty: self.applyStale()
        case 17 where self.isFaulty && self.random.chance(percent: 10):
            self.lastNumber += 1
            self.check(self.coordinator.takeNumber() == self.lastNumber, "a number is used once")
        default: self.endStore()
        }
    }

    private mutating func deliverPart() {
        guard !self.parts.isEmpty else { return }
        let part = self.parts.remove(at: self.random.next(in: 0..<self.parts.count))
        // Some get lost, some come twice.
        if self.isFaulty, self.random.chance(percent: 8) { return }
        if self.isFaulty, self.random.chance(percent: 10) { self.parts.append(part) }
        if let pending = self.pending, pending.number == part.number, case .pending(var acknowledged) = pending.phase {
            acknowledged.insert(part.subtask)
            self.pending?.phase = .pending(acknowledged: acknowledged)
        }
        self.apply(.acknowledged(part.number, subtask: part.subtask))
    }

    private mutating func endStore() {
        guard let pending = self.pending, case .storing = pending.phase else { return }
        if self.isFaulty, self.random.chance(percent: 40) {
            return self.apply(.storeFailed(pending.number, now: self.now))
        }
        self.pending?.phase = .stored
        self.apply(.stored(pending.number, now: self.now))
    }

    /// What is said of a checkpoint that is long over, or hasn't come so far.
    private mutating func applyStale() {
        if let pending = self.pending, case .pending = pending.phase, self.random.chance(percent: 50) {
            return self.apply(.stored(pending.number, now: self.now))
        }
        let number = Int64(self.random.next(in: 0..<Int(self.lastNumber + 3)))
        guard number != self.pending?.number else { return }
        switch self.random.next(in: 0..<3) {
        case 0: self.apply(.acknowledged(number, subtask: self.random.next(in: 0..<self.subtaskCount)))
        case 1: self.apply(.stored(number, now: self.now))
        default: self.apply(.storeFailed(number, now: self.now))
        }
    }

    private mutating func apply(_ input: CheckpointCoordinator.Input) {
        for effect in self.coordinator.step(input) { self.take(effect) }
        self.check(self.coordinator.pendingNumber == self.pending?.number, "one is pending at most, and known")
    }

    private mutating func take(_ effect: CheckpointCoordinator.Effect) {
        switch effect {
        case .stop:
            self.check(!self.hasStopped, "a stop comes once")
            self.check(self.kept.last == self.lastOne, "a stop comes behind the last checkpoint")
            self.hasStopped = true
        case .trigger(let number), .triggerLast(let number):
            if case .triggerLast = effect { self.lastOne = number }
            self.check(!self.hasStopped, "nothing begins behind a stop")
            self.check(self.pending == nil, "one is taken at a time")
            self.check(number == self.lastNumber + 1, "a number is used once")
            self.lastNumber = number
            self.pending = (number, .pending(acknowledged: []))
            for subtask in 0..<self.subtaskCount { self.parts.append((number, subtask)) }
        case .overtake(let number):
            let isPending = if case .pending = self.pending?.phase { true } else { false }
            self.check(isPending && self.pending?.number == number, "only one that waits for parts overtakes")
            self.check(self.overtaking != number, "it is said once")
            self.check(self.lastOne != number, "the last one before a stop waits")
            self.overtaking = number
            self.overtakingCount += 1
        case .store(let number):
            guard let pending = self.pending, case .pending(let acknowledged) = pending.phase else {
                return self.check(false, "it is written once")
            }
            self.check(pending.number == number && acknowledged.count == self.subtaskCount, "all parts have come")
            self.pending?.phase = .storing
        case .complete(let number):
            guard let pending = self.pending, case .stored = pending.phase else {
                return self.check(false, "only what is stored is complete")
            }
            self.check(pending.number == number, "the pending one is complete")
            self.pending = nil
            self.kept.append(number)
            self.completedCount += 1
        case .abandon(let number, let reason):
            self.check(self.pending?.number == number, "only the pending one is given up")
            self.pending = nil
            if reason == .timeout { self.timeoutCount += 1 } else { self.failureCount += 1 }
        case .remove(let number):
            self.check(self.kept.first == number && self.kept.count > 1, "the oldest is removed, never the newest")
            self.kept.removeFirst()
            self.removedCount += 1
        }
    }

    private func check(_ isTrue: Bool, _ promise: Comment) {
        #expect(isTrue, "\(promise): replay with seed \(self.seed)")
    }
}
