import CoreTypes
import Testing

@testable import Engine

@Suite struct SplitPacerTests {
    @Test func `a split that is too far ahead waits, and goes on when it is half as far`() {
        var clock = WatermarkTracker(outOfOrdernessBound: 0)
        let (slow, fast) = (clock.addSplit(), clock.addSplit())
        var pacer = SplitPacer(limit: 100)
        clock.observe(0, in: slow)
        clock.observe(100, in: fast)
        let within = pacer.update(clock, least: .max)
        clock.observe(101, in: fast)
        let beyond = pacer.update(clock, least: .max)
        clock.observe(40, in: slow)
        let between = pacer.update(clock, least: .max)
        clock.observe(51, in: slow)
        let near = pacer.update(clock, least: .max)

        #expect(within == [])
        #expect(beyond == [SplitPacer.Change(split: fast, waits: true)])
        #expect(between == [])
        #expect(near == [SplitPacer.Change(split: fast, waits: false)])
    }

    @Test func `splits of other subtasks are waited for`() {
        var clock = WatermarkTracker(outOfOrdernessBound: 0)
        let split = clock.addSplit()
        var pacer = SplitPacer(limit: 10)
        clock.observe(100, in: split)

        let behind = pacer.update(clock, least: 50)
        let gone = pacer.update(clock, least: WatermarkTracker.end)

        #expect(behind == [SplitPacer.Change(split: split, waits: true)])
        #expect(gone == [SplitPacer.Change(split: split, waits: false)])
    }

    @Test func `nobody waits for splits that are idle, finished or have shown no time`() {
        var clock = WatermarkTracker(outOfOrdernessBound: 0)
        let splits = (0..<4).map { _ in clock.addSplit() }
        clock.observe(0, in: splits[0])
        clock.observe(1, in: splits[1])
        clock.observe(1_000, in: splits[3])
        clock.setIdle(splits[0])
        clock.finish(splits[1])
        var pacer = SplitPacer(limit: 10)

        let changes = pacer.update(clock, least: .max)

        #expect(changes == [])
    }

    @Test func `one that waits and falls idle is read on, so that it can wake`() {
        var clock = WatermarkTracker(outOfOrdernessBound: 0)
        let (slow, fast) = (clock.addSplit(), clock.addSplit())
        clock.observe(0, in: slow)
        clock.observe(1_000, in: fast)
        var pacer = SplitPacer(limit: 10)
        _ = pacer.update(clock, least: .max)
        clock.setIdle(fast)

        let changes = pacer.update(clock, least: .max)

        #expect(changes == [SplitPacer.Change(split: fast, waits: false)])
    }

    /// Subtasks that see each other's least time late, splits of any pace that end or fall silent at any moment.
    @Test(arguments: 0..<UInt64(200))
    func `every record is read, and none that is further ahead than the limit and one block`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let limit = Int64(random.next(in: 0..<60))
        let blockLimit = 20
        var subtasks = (0..<random.next(in: 1..<4)).map { _ in PacedSubtask(limit: limit, &random) }
        var board = subtasks.map { $0.clock.leastActive ?? .max }
        var rounds = 0

        while subtasks.contains(where: { !$0.isDone }) {
            rounds += 1
            #expect(rounds < 20_000, "seed \(seed)")
            guard rounds < 20_000 else { return }
            let index = random.next(in: 0..<subtasks.count)
            board[index] = subtasks[index].clock.leastActive ?? .max
            subtasks[index].pace(least: board.min() ?? .max)
            let before = board.min() ?? .max
            guard let time = subtasks[index].read(atMost: blockLimit, &random), before != .max else { continue }
            // A step of time is at most 5, and a split is stopped behind the block in which it went too far.
            #expect(time - before <= limit + Int64(blockLimit) * 5, "seed \(seed)")
        }
    }
}

/// A subtask and its splits, as many records each as it has steps.
private struct PacedSubtask {
    var clock = WatermarkTracker(outOfOrdernessBound: 0)
    private var pacer: SplitPacer
    private var left: [Int] = []
    private var isPaused: [Bool] = []

    init(limit: Int64, _ random: inout SplitMix64) {
        self.pacer = SplitPacer(limit: limit)
        for _ in 0..<random.next(in: 1..<5) {
            _ = self.clock.addSplit(latest: 0)
            self.left.append(random.next(in: 0..<150))
            self.isPaused.append(false)
        }
    }

    var isDone: Bool { self.left.allSatisfy { $0 == 0 } }

    mutating func pace(least: Int64) {
        // A silent split is found idle sooner or later.
        for split in self.left.indices where self.left[split] == 0 { self.clock.setIdle(split) }
        for change in self.pacer.update(self.clock, least: least) { self.isPaused[change.split] = change.waits }
    }

    /// Reads some records of a split that may be read; answers its time.
    mutating func read(atMost limit: Int, _ random: inout SplitMix64) -> Int64? {
        let open = self.left.indices.filter { self.left[$0] > 0 && !self.isPaused[$0] }
        guard !open.isEmpty else { return nil }
        let split = open[random.next(in: 0..<open.count)]
        for _ in 0..<min(self.left[split], random.next(in: 1..<limit)) {
            self.left[split] -= 1
            self.clock.observe(self.clock.latest(of: split) + Int64(random.next(in: 0..<6)), in: split)
        }
        return self.clock.latest(of: split)
    }
}
