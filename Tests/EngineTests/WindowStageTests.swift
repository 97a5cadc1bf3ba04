import CoreTypes
import EngineTestKit
import FluentSyntax
import JobPlan
import Testing

@testable import Engine

@Suite struct WindowStageTests {
    @Test(arguments: Seeds.first(30))
    func `every window fires once with exactly its records, however subtasks take turns`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let shape = StreamShape.random(&random)
        let readerCount = random.next(in: 1..<4)
        let run = try StreamRun(shape, readerCount: readerCount, parallelism: random.next(in: 1..<4))
        var times = (0..<readerCount).map { _ in Int64(random.next(in: -100..<100)) }
        var events: [StreamEvent] = []

        for _ in 0..<random.next(in: 1..<30) {
            let reader = random.next(in: 0..<readerCount)
            let count = random.next(in: 0..<25)
            let block = StreamEvent.random(count, from: &times[reader], disorder: shape.bound, &random)
            events += block
            try run.read(block, reader: reader)
            try run.deliverSome(&random)
        }
        for reader in 0..<readerCount {
            try run.end(reader)
            try run.deliverSome(&random)
        }
        try run.deliverAll()

        #expect(run.takeResults() == WindowModel.results(shape, events), "seed \(seed)")
        #expect(run.lateCount == 0, "seed \(seed)")
    }

    @Test(arguments: Seeds.first(40))
    func `late records fire again while that is allowed, and are put aside then`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let shape = StreamShape.random(&random)
        let run = try StreamRun(shape, parallelism: random.next(in: 1..<4))
        var model = WindowModel(shape)
        var time = Int64(random.next(in: -100..<100))

        for _ in 0..<random.next(in: 1..<25) {
            let disorder = shape.bound + Int64(random.next(in: 0..<60))
            let block = StreamEvent.random(random.next(in: 0..<20), from: &time, disorder: disorder, &random)
            try run.read(block)
            try run.deliverAll()

            let expected = block.isEmpty ? [] : model.read(block)
            #expect(run.takeResults() == expected, "seed \(seed)")
            #expect(run.latePanes == model.latePanes, "seed \(seed)")
        }
        try run.end(0)
        try run.deliverAll()

        #expect(run.takeResults() == model.end(), "seed \(seed)")
        #expect(run.lateCount == model.late.count, "seed \(seed)")
        #expect(run.lateLines.sorted() == model.late.map(\.lateLine).sorted(), "seed \(seed)")
    }

    @Test(arguments: Seeds.first(30))
    func `time that is sent on from the middle of a block fires what it has passed, and nothing is lost`(
        seed: UInt64
    ) throws {
        var random = SplitMix64(seed: seed)
        let shape = StreamShape.random(&random)
        let run = try StreamRun(shape, parallelism: random.next(in: 1..<4))
        var model = WindowModel(shape)
        var time = Int64(random.next(in: -100..<100))
        let block = StreamEvent.random(random.next(in: 130..<400), from: &time, disorder: shape.bound + 40, &random)
        var read = 0

        try run.read(block) { count in
            guard random.chance(percent: 60) else { return }
            run.advance(0)
            try run.deliverAll()
            #expect(run.takeResults() == model.read(Array(block[read..<count])), "seed \(seed)")
            read = count
        }
        try run.deliverAll()

        #expect(run.takeResults() == model.read(Array(block[read...])), "seed \(seed)")
        try run.end(0)
        try run.deliverAll()
        #expect(run.takeResults() == model.end(), "seed \(seed)")
        #expect(run.lateLines.sorted() == model.late.map(\.lateLine).sorted(), "seed \(seed)")
    }

    @Test(arguments: Seeds.first(30))
    func `going on from checkpoints at other parallelisms changes nothing`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let shape = StreamShape.random(&random)
        var run = try StreamRun(shape, parallelism: 2)
        var model = WindowModel(shape)
        var time = Int64(random.next(in: -100..<100))
        var lateCount = 0

        for parallelism in [2, 3, 1, 5] {
            for _ in 0..<random.next(in: 0..<8) {
                let disorder = shape.bound + Int64(random.next(in: 0..<40))
                let block = StreamEvent.random(random.next(in: 1..<15), from: &time, disorder: disorder, &random)
                try run.read(block)
                try run.deliverAll()
                #expect(run.takeResults() == model.read(block), "seed \(seed)")
            }
            let snapshot = try run.snapshot()
            #expect(run.takeResults() == [], "seed \(seed)")
            lateCount += run.lateCount
            run = try StreamRun(shape, parallelism: parallelism, from: snapshot)
            #expect(run.latePanes == model.latePanes, "seed \(seed)")
            #expect(run.keepers.allSatisfy { $0.stage.watermark == model.watermark }, "seed \(seed)")
        }
        try run.end(0)
        try run.deliverAll()

        #expect(run.takeResults() == model.end(), "seed \(seed)")
        #expect(lateCount + run.lateCount == model.late.count, "seed \(seed)")
    }

    /// Idle channels let subtasks be at different times at the same barrier.
    @Test(arguments: 1...3, [false, true])
    func `subtasks that were at different times fire nothing twice and lose nothing`(
        parallelism: Int,
        isReversed: Bool
    ) throws {
        let shape = StreamShape(window: .tumbling(size: 10, offset: 0), allowedLateness: 1_000, bound: 10_000)
        let events = (0..<40).map { StreamEvent(key: "key \($0)", value: 1, time: Int64($0 % 4) * 10) }
        let before = try StreamRun(shape, parallelism: 2)
        try before.read(events)
        _ = try before.snapshot()
        try before.advance(keeper: 0, to: 25)
        let early = before.takeResults()
        var snapshot = try before.snapshot()
        if isReversed { snapshot.states.reverse() }

        // And once more before time has gone on.
        let between = try StreamRun(shape, parallelism: 3, from: snapshot).snapshot()
        let after = try StreamRun(shape, parallelism: parallelism, from: between)
        for keeper in 0..<parallelism { try after.advance(keeper: keeper, to: 19) }
        for keeper in 0..<parallelism { try after.advance(keeper: keeper, to: 200) }
        let rest = after.takeResults()

        #expect(!early.isEmpty)
        #expect((early + rest).sorted() == WindowModel.results(shape, events))
    }

    @Test func `a late record fires the window again that another subtask had fired`() throws {
        let shape = StreamShape(window: .tumbling(size: 10, offset: 0), allowedLateness: 1_000, bound: 10_000)
        let keys = (0..<20).map { "key \($0)" }
        let before = try StreamRun(shape, parallelism: 2)
        try before.read(keys.map { StreamEvent(key: $0, value: 1, time: 5) })
        _ = try before.snapshot()
        try before.advance(keeper: 1, to: 25)
        let fired = Set(before.takeResults().map(\.key))

        let after = try StreamRun(shape, parallelism: 1, from: try before.snapshot())
        try after.read(keys.map { StreamEvent(key: $0, value: 2, time: 6) })
        try after.deliverAll()
        let again = after.takeResults()
        try after.advance(keeper: 0, to: 25)
        let onTime = after.takeResults()

        #expect(Set(again.map(\.key)) == fired)
        #expect(Set(onTime.map(\.key)) == Set(keys).subtracting(fired))
        #expect((again + onTime).allSatisfy { $0.numbers == [2, 3, 1, 2] })
    }

    @Test func `what a reader sends that was idle while its windows were over is counted and put aside`() throws {
        let shape = StreamShape(window: .tumbling(size: 10, offset: 0))
        let run = try StreamRun(shape, readerCount: 2, parallelism: 1)
        try run.read([StreamEvent(key: "a", value: 1, time: 100)])
        run.setIdle(1)
        try run.deliverAll()

        try run.read([StreamEvent(key: "a", value: 2, time: 55)], reader: 1)
        try run.read([StreamEvent(key: "a", value: 3, time: 106)], reader: 1)
        try run.deliverAll()
        try run.end(0)
        try run.end(1)
        try run.deliverAll()

        #expect(run.lateCount == 1)
        #expect(run.lateLines == [#"{"time":50,"key":"a","record":null}"#])
        #expect(run.takeResults().map(\.numbers) == [[2, 4, 1, 3]])
    }

    @Test func `what a reader sends that was idle fires its windows again while that is allowed`() throws {
        let shape = StreamShape(window: .tumbling(size: 10, offset: 0), allowedLateness: 100)
        let run = try StreamRun(shape, readerCount: 2, parallelism: 1)
        try run.read([StreamEvent(key: "a", value: 1, time: 55)])
        try run.read([StreamEvent(key: "b", value: 1, time: 100)])
        run.setIdle(1)
        try run.deliverAll()
        let onTime = run.takeResults()

        try run.read([StreamEvent(key: "a", value: 2, time: 56)], reader: 1)
        try run.end(1)
        try run.deliverAll()

        #expect(onTime.map(\.numbers) == [[1, 1, 1]])
        #expect(run.takeResults().map(\.numbers) == [[2, 3, 1, 2]])
        #expect(run.latePanes == [60: ["a": 1]])
        #expect(run.lateCount == 0)
    }

    @Test func `a subtask that had nothing on time fires a late record at once as well`() throws {
        let shape = StreamShape(window: .tumbling(size: 10, offset: 0), allowedLateness: 100)
        let run = try StreamRun(shape, parallelism: 1)
        try run.advance(keeper: 0, to: 40)

        try run.read([StreamEvent(key: "a", value: 7, time: 35)])
        try run.deliverAll()

        #expect(run.takeResults().map(\.numbers) == [[1, 7, 7]])
        #expect(run.latePanes == [40: ["a": 1]])
    }
}

@Suite struct DamagedSnapshotTests {
    @Test(arguments: Seeds.first(20))
    func `a snapshot that is cut or lengthened is refused`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let (shape, snapshot) = try Self.makeSnapshot(&random)

        for index in snapshot.states[0].indices {
            let chunk = snapshot.states[0][index].chunk
            for damaged in (0..<20).map({ _ in Array(chunk[..<random.next(in: 0..<chunk.count)]) }) + [chunk + [0]] {
                var state = snapshot.states[0]
                state[index].chunk = damaged
                #expect(throws: EngineError.self, "\(damaged.count) of \(chunk.count), seed \(seed)") {
                    try StreamRun(shape, parallelism: 1, from: StreamRun.Snapshot(state))
                }
            }
        }
    }

    @Test(arguments: 0..<UInt64(400))
    func `a damaged snapshot is refused, or can be gone on from, and never traps`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let (shape, snapshot) = try Self.makeSnapshot(&random)
        var state = snapshot.states[0]
        TableWorld.damage(&state[random.next(in: 0..<state.count)].chunk, &random)
        let damaged = StreamRun.Snapshot(state, watermark: snapshot.watermark)

        // Whether it is refused, and whether the windows can be computed, depends on the damage.
        guard let run = try? StreamRun(shape, parallelism: 1, from: damaged) else { return }
        _ = try? run.read([StreamEvent(key: "a", value: 1, time: 30)])
        _ = try? run.deliverAll()
        _ = try? run.advance(keeper: 0, to: 300)
        let again = try run.snapshot()

        #expect(!again.states[0].isEmpty, "seed \(seed)")
    }

    @Test(arguments: [(0, 8, Int64.max - 1), (0, 8, .min + 1), (0, 16, .max), (1, 8, .max), (1, 8, .min), (1, 8, 1)])
    func `times that can't be are refused`(_ row: (chunk: Int, offset: Int, time: Int64)) throws {
        let shape = StreamShape(window: .tumbling(size: 10, offset: 0), bound: 5)
        let run = try StreamRun(shape, parallelism: 1)
        try run.read([StreamEvent(key: "a", value: 1, time: 30)])
        var state = try run.snapshot().states[0]
        for index in 0..<8 {
            state[row.chunk].chunk[row.offset + index] = UInt8(truncatingIfNeeded: row.time >> Int64(index * 8))
        }

        #expect(throws: EngineError.self) {
            try StreamRun(shape, parallelism: 1, from: StreamRun.Snapshot(state))
        }
    }
}

extension DamagedSnapshotTests {
    private static func makeSnapshot(_ random: inout SplitMix64) throws -> (StreamShape, StreamRun.Snapshot) {
        var shape = StreamShape.random(&random)
        shape.allowedLateness = 50
        let run = try StreamRun(shape, parallelism: 1)
        var time: Int64 = 0
        for _ in 0..<3 {
            try run.read(StreamEvent.random(random.next(in: 1..<20), from: &time, disorder: 30, &random))
        }
        return (shape, try run.snapshot())
    }
}

extension StreamEvent {
    /// How it is put aside.
    fileprivate var lateLine: String {
        #"{"time":\#(self.time),"key":"\#(self.key)","record":"{\"k\":\"\#(self.key)\",\"v\":\#(self.value)}"}"#
    }
}

extension StreamRun {
    /// How often each window of a key was fired behind its time, of those that are kept.
    fileprivate var latePanes: [Int64: [String: Int64]] {
        var panes: [Int64: [String: Int64]] = [:]
        for keeper in self.keepers {
            for (end, box) in keeper.stage.sliced.latePanes {
                box.table.forEachRow { row in
                    var arena = Arena(limitBytes: 1 << 12)
                    // A short key is 16 bytes in the arena.
                    let key = (try? row.bytes(in: &arena).string) ?? "none"
                    panes[end, default: [:]][key] = unsafe row.payload.loadUnaligned(as: Int64.self)
                }
            }
        }
        return panes
    }
}
