import CoreTypes
import EngineTestKit
import JobPlan
import Testing

@testable import Engine

@Suite struct TriggerTests {
    @Test(arguments: Seeds.first(60))
    func `windows fire early and gather late records as a list of events says, through checkpoints`(
        seed: UInt64
    ) throws {
        var random = SplitMix64(seed: seed)
        let shape = StreamShape.randomTrigger(&random)
        var run = try StreamRun(shape, parallelism: random.next(in: 1..<4))
        var model = TriggerModel(shape)
        var time = Int64(random.next(in: -100..<100))
        var now: Int64 = 0

        for _ in 0..<random.next(in: 1..<25) {
            let disorder = shape.bound + Int64(random.next(in: 0..<50))
            let block = StreamEvent.random(random.next(in: 1..<20), from: &time, disorder: disorder, &random)
            try run.read(block)
            try run.deliverAll()
            #expect(run.takePanes() == model.read(block), "seed \(seed)")
            if random.chance(percent: 40) {
                now += 1_000
                try run.pass(clock: now)
                #expect(run.takePanes() == model.pass(), "seed \(seed)")
            }
            if random.chance(percent: 15) {
                let snapshot = try run.snapshot()
                run = try StreamRun(shape, parallelism: random.next(in: 1..<5), from: snapshot)
            }
        }
        try run.end(0)
        try run.deliverAll()

        #expect(run.takePanes() == model.end(), "seed \(seed)")
    }

    @Test func `nothing fires before its interval is over, and nothing that hasn't changed`() throws {
        let run = try StreamRun(.panes(.tumbling(size: 100, offset: 0), early: 1_000), parallelism: 1)
        try run.read([.make("a", 1, at: 5)])
        try run.pass(clock: 10_000)
        let first = run.takePanes()

        try run.read([.make("b", 2, at: 6)])
        try run.pass(clock: 10_999)
        let tooSoon = run.takePanes()
        try run.pass(clock: 11_000)
        let second = run.takePanes()
        try run.pass(clock: 12_000)

        #expect(first == [FiredPane(end: 100, key: "a", numbers: [-1, 1, 1])])
        #expect(tooSoon == [])
        #expect(second == [FiredPane(end: 100, key: "b", numbers: [-1, 1, 2])])
        #expect(run.takePanes() == [])
    }

    @Test func `a session fires early with what it has, and on time as pane 0`() throws {
        let run = try StreamRun(.panes(.session(gap: 10), early: 1_000), parallelism: 1)
        try run.read([.make("a", 1, at: 0), .make("a", 2, at: 5)])
        try run.pass(clock: 1_000)
        let early = run.takePanes()
        let restored = try StreamRun(.panes(.session(gap: 10), early: 1_000), parallelism: 1, from: run.snapshot())
        try restored.read([.make("a", 4, at: 8)])
        try restored.pass(clock: 2_000)
        let again = restored.takePanes()
        try restored.pass(clock: 3_000)
        let unchanged = restored.takePanes()
        try restored.end(0)
        try restored.deliverAll()

        #expect(early == [FiredPane(end: 15, key: "a", numbers: [-1, 2, 3])])
        #expect(again == [FiredPane(end: 18, key: "a", numbers: [-2, 3, 7])])
        #expect(unchanged == [])
        #expect(restored.takePanes() == [FiredPane(end: 18, key: "a", numbers: [0, 3, 7])])
    }

    @Test func `sessions that meet go on counting from the one that was fired more often`() throws {
        let run = try StreamRun(.panes(.session(gap: 10), bound: 100, earlyCount: 2), parallelism: 1)
        try run.read([.make("a", 1, at: 0), .make("a", 1, at: 1), .make("a", 1, at: 2), .make("a", 1, at: 3)])
        try run.read([.make("a", 1, at: 15), .make("a", 1, at: 9)])
        try run.deliverAll()

        #expect(run.takePanes().map(\.numbers) == [[-1, 2, 2], [-2, 4, 4], [-3, 6, 6]])
    }

    @Test func `a global window fires after every so many records of a key`() throws {
        let run = try StreamRun(.panes(.global, earlyCount: 3), parallelism: 2)
        try run.read((1...7).map { .make("a", $0, at: $0) } + [.make("b", 1, at: 1)])
        try run.deliverAll()
        let early = run.takePanes()
        try run.end(0)
        try run.deliverAll()

        #expect(early.map(\.numbers) == [[-1, 3, 6], [-2, 6, 21]])
        #expect(run.takePanes().map(\.numbers).sorted { $0[1] < $1[1] } == [[0, 1, 1], [0, 7, 28]])
    }

    @Test func `a window of so many records shows what it has so far`() throws {
        let tumbling = try StreamRun(.panes(.count(count: 4, slide: 4), earlyCount: 2), parallelism: 1)
        try tumbling.read((1...7).map { .make("a", $0, at: $0) })
        try tumbling.deliverAll()
        let sliding = try StreamRun(.panes(.count(count: 4, slide: 2), earlyCount: 1), parallelism: 1)
        try sliding.read((1...5).map { .make("a", $0, at: $0) })
        try sliding.deliverAll()
        let sparse = try StreamRun(.panes(.count(count: 2, slide: 3), earlyCount: 1), parallelism: 1)
        try sparse.read((1...5).map { .make("a", $0, at: $0) })
        try sparse.deliverAll()

        #expect(tumbling.takePanes().map(\.numbers) == [[-1, 2, 3], [0, 4, 10], [-1, 2, 11]])
        let slid = [[-1, 1, 1], [0, 2, 3], [-1, 3, 6], [0, 4, 10], [-1, 3, 12] as [Int64]]
        #expect(sliding.takePanes().map(\.numbers) == slid)
        #expect(sparse.takePanes().map(\.numbers) == [[-1, 1, 2], [0, 2, 5], [-1, 1, 5]])
    }

    @Test func `late records of a session are gathered until the watermark moves`() throws {
        var shape = StreamShape.panes(.session(gap: 10))
        shape.allowedLateness = 100
        shape.trigger.firesOnEachLateRecord = false
        let run = try StreamRun(shape, parallelism: 1)
        try run.read([.make("a", 1, at: 0), .make("b", 1, at: 50)])
        try run.deliverAll()
        let onTime = run.takePanes()

        try run.read([.make("a", 2, at: 3), .make("a", 3, at: 4)])
        try run.deliverAll()
        let gathered = run.takePanes()
        let restored = try StreamRun(shape, parallelism: 1, from: run.snapshot())
        try restored.read([.make("b", 1, at: 55)])
        try restored.deliverAll()

        #expect(onTime == [FiredPane(end: 10, key: "a", numbers: [0, 1, 1])])
        #expect(gathered == [])
        #expect(restored.takePanes() == [FiredPane(end: 14, key: "a", numbers: [1, 3, 6])])
    }
}

extension StreamShape {
    /// One whose reduce tells pane, number and sum.
    fileprivate static func panes(
        _ window: WindowSpecification,
        bound: Int64 = 0,
        early: Int64? = nil,
        earlyCount: Int64? = nil
    ) -> StreamShape {
        var shape = StreamShape(window: window, bound: bound, tellsPane: true)
        shape.trigger.earlyMilliseconds = early
        shape.trigger.earlyCount = earlyCount
        return shape
    }

    fileprivate static func randomTrigger(_ random: inout SplitMix64) -> StreamShape {
        var shape = StreamShape.random(&random)
        shape.isGeneral = false
        shape.tellsPane = true
        if random.chance(percent: 60) { shape.trigger.earlyMilliseconds = 1_000 }
        if random.chance(percent: 50) { shape.trigger.earlyCount = Int64(random.next(in: 1..<5)) }
        shape.trigger.firesOnEachLateRecord = random.chance(percent: 50)
        return shape
    }
}

extension StreamEvent {
    fileprivate static func make(_ key: String, _ value: Int64, at time: Int64) -> StreamEvent {
        StreamEvent(key: key, value: value, time: time)
    }
}
