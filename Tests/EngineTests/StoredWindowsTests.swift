import CoreTypes
import EngineTestKit
import JobPlan
import Testing

@testable import Engine

/// Sessions, windows of so many records and global ones that don't fit in memory.
@Suite struct StoredWindowsTests {
    @Test(arguments: Seeds.first(75))
    func `windows of keys fire on disk as they do in memory, through checkpoints of either`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let shape = StreamShape.randomKeyed(&random)
        var pair = RunPair(
            inMemory: try StreamRun(shape, parallelism: random.next(in: 1..<4)),
            onDisk: try StreamRun(shape.onDisk(random.next(in: 0..<4_000)), parallelism: random.next(in: 1..<4))
        )
        var time = Int64(random.next(in: -100..<100))
        var now: Int64 = 0

        for _ in 0..<random.next(in: 1..<25) {
            let disorder = shape.bound + Int64(random.next(in: 0..<50))
            let block = StreamEvent.random(random.next(in: 1..<20), from: &time, disorder: disorder, &random)
            try pair.each { try $0.read(block) }
            if random.chance(percent: 40) {
                now += 1_000
                try pair.each { try $0.pass(clock: now) }
            }
            pair.expectEqual("seed \(seed)")
            if random.chance(percent: 15) {
                let snapshots = (try pair.inMemory.snapshot(), try pair.onDisk.snapshot())
                let (first, second) = random.chance(percent: 50) ? snapshots : (snapshots.1, snapshots.0)
                pair.inMemory = try StreamRun(shape, parallelism: random.next(in: 1..<5), from: first)
                let small = shape.onDisk(random.next(in: 0..<4_000))
                pair.onDisk = try StreamRun(small, parallelism: random.next(in: 1..<5), from: second)
            }
        }
        try pair.each { try $0.end(0) }
        pair.expectEqual("seed \(seed)")
    }

    @Test(arguments: Seeds.first(200))
    func `a damaged checkpoint of windows on disk is refused, or can be gone on from, and never traps`(
        seed: UInt64
    ) throws {
        var random = SplitMix64(seed: seed)
        let shape = StreamShape.randomKeyed(&random)
        let run = try StreamRun(shape.onDisk(0), parallelism: 1)
        var time: Int64 = 0
        for _ in 0..<2 {
            try run.read(StreamEvent.random(random.next(in: 1..<30), from: &time, disorder: 20, &random))
            try run.deliverAll()
        }
        let snapshot = try run.snapshot()
        var state = snapshot.states[0]
        TableWorld.damage(&state[random.next(in: 0..<state.count)].chunk, &random)
        let damaged = StreamRun.Snapshot(state, watermark: snapshot.watermark)

        // Whether it is refused, and whether the windows can be computed, depends on the damage.
        let restored = random.chance(percent: 50) ? shape : shape.onDisk(0)
        guard let again = try? StreamRun(restored, parallelism: 1, from: damaged) else { return }
        _ = try? again.read([StreamEvent(key: "a", value: 1, time: time)])
        _ = try? again.deliverAll()
        _ = try? again.advance(keeper: 0, to: time + 300)

        #expect(again.keepers[0].stage.keyCount >= 0, "seed \(seed)")
    }

    @Test(arguments: [WindowSpecification.session(gap: 10), .global, .count(count: 1, slide: 1)])
    func `memory holds a share of the keys, and the end of the input fires all of them`(
        window: WindowSpecification
    ) throws {
        let tier = InMemoryColdTier()
        let shape = StreamShape(window: window).onDisk(32 << 10)
        let run = try StreamRun(shape, parallelism: 1, cold: tier)
        let events = (0..<3_000).map { StreamEvent(key: "a key that is long \($0)", value: 1, time: 5) }

        try run.read(events)
        try run.deliverAll()
        let stage = run.keepers[0]

        #expect(stage.stage.keyCount == 3_000)
        #expect(stage.stage.spilledBytes > 100_000)
        #expect(stage.stage.stateBytes < 256 << 10)
        try run.end(0)
        try run.deliverAll()
        #expect(run.takeResults().count == 3_000)
    }

    @Test(arguments: [InMemoryColdTier.Fault.making(call: 1), .committing(call: 2), .reading(call: 4)])
    func `a disk that takes no more stops the stream with its own words`(fault: InMemoryColdTier.Fault) throws {
        let tier = InMemoryColdTier(fault: fault)
        let run = try StreamRun(StreamShape(window: .session(gap: 10)).onDisk(0), parallelism: 1, cold: tier)
        let events = (0..<300).map { StreamEvent(key: "key \($0 % 100)", value: 1, time: 5) }

        let error = #expect(throws: EngineError.self) {
            for _ in 0..<2 {
                try run.read(events)
                try run.deliverAll()
            }
        }
        guard case .spill = error else { return #expect(Bool(false), "\(String(describing: error))") }
    }
}

/// A stream whose windows fit in memory, and the same where they don't.
private struct RunPair {
    var inMemory: StreamRun
    var onDisk: StreamRun

    func each(_ body: (StreamRun) throws -> Void) throws {
        for run in [self.inMemory, self.onDisk] {
            try body(run)
            try run.deliverAll()
        }
    }

    func expectEqual(_ comment: Comment) {
        #expect(self.onDisk.takePanes() == self.inMemory.takePanes(), comment)
        #expect(self.onDisk.takeLateLines() == self.inMemory.takeLateLines(), comment)
    }
}

extension StreamShape {
    /// The same where windows of a subtask take so many bytes before they go to disk.
    fileprivate func onDisk(_ tableBytes: Int) -> StreamShape {
        var shape = self
        shape.tableBytes = Int64(tableBytes)
        return shape
    }

    fileprivate static func randomKeyed(_ random: inout SplitMix64) -> StreamShape {
        let count = Int64(random.next(in: 1..<6))
        let windows: [WindowSpecification] = [
            .session(gap: Int64(random.next(in: 1..<40))), .session(gap: Int64(random.next(in: 1..<40))), .global,
            .count(count: count, slide: Int64(random.next(in: 1..<6))),
        ]
        var shape = StreamShape(window: windows[random.next(in: 0..<windows.count)])
        shape.bound = Int64(random.next(in: 0..<30))
        shape.allowedLateness = random.chance(percent: 50) ? Int64(random.next(in: 0..<60)) : 0
        shape.isGeneral = random.chance(percent: 20)
        shape.tellsPane = !shape.isGeneral && random.chance(percent: 70)
        if random.chance(percent: 50) { shape.trigger.earlyMilliseconds = 1_000 }
        if random.chance(percent: 40) { shape.trigger.earlyCount = Int64(random.next(in: 1..<5)) }
        shape.trigger.firesOnEachLateRecord = random.chance(percent: 50)
        return shape
    }
}
