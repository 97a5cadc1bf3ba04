import CoreTypes
import EngineTestKit
import JobPlan
import Testing

@testable import Engine

/// Windows that don't fit in memory.
@Suite struct SpilledWindowTests {
    private static let sliding = StreamShape(
        window: .sliding(size: 400, slide: 100),
        isGeneral: true,
        tableBytes: 200_000
    )
    private static let tumbling = StreamShape(window: .tumbling(size: 500, offset: 0), tableBytes: 200_000)

    @Test(arguments: [sliding, tumbling])
    func `tables stay within their limit, and windows have all their keys`(shape: StreamShape) throws {
        let spill = InMemorySpillStore()
        let run = try StreamRun(shape, parallelism: 1, spill: spill)
        let events = Self.events(16_000, keyCount: 6_000, span: 1_000)
        var mostBytes = 0

        for start in stride(from: 0, to: events.count, by: 500) {
            try run.read(Array(events[start..<(start + 500)]))
            try run.deliverAll()
            mostBytes = max(mostBytes, run.keepers[0].stage.stateBytes)
        }
        let spilledBytes = run.keepers[0].stage.spilledBytes
        try run.end(0)
        try run.deliverAll()

        #expect(try run.takeResults() == Self.resultsInMemory(shape, events))
        #expect(mostBytes <= 200_000)
        #expect(spilledBytes > 200_000)
        #expect(spill.calls.runs > 0)
        #expect(spill.calls.alive == 0, "what no window needs is given back")
    }

    @Test func `a checkpoint of windows on disk restores within the limit, at any parallelism`() throws {
        let shape = Self.sliding
        let run = try StreamRun(shape, parallelism: 2)
        let events = Self.events(20_000, keyCount: 9_000, span: 300)
        try run.read(events)
        try run.deliverAll()
        let snapshot = try run.snapshot()
        let fired = run.takeResults()

        for parallelism in 1...3 {
            let again = try StreamRun(shape, parallelism: parallelism, from: snapshot)
            let bytes = again.keepers.map { $0.stage.stateBytes }
            try again.end(0)
            try again.deliverAll()

            #expect(bytes.allSatisfy { $0 <= 200_000 })
            #expect(try fired + again.takeResults() == Self.resultsInMemory(shape, events))
        }
    }

    @Test func `the next checkpoint names what is on disk and stored, and writes the rest`() throws {
        let shape = StreamShape(window: .tumbling(size: 1_000_000, offset: 0), tableBytes: 200_000)
        let run = try StreamRun(shape, parallelism: 1)
        try run.read(Self.events(20_000, keyCount: 9_000, span: 300))
        try run.deliverAll()
        let first = try run.snapshot()

        try run.read(Self.events(10, keyCount: 10, span: 300))
        try run.deliverAll()
        let second = try run.snapshot()

        #expect(first.writtenKeyCount >= 9_000)
        #expect(second.writtenKeyCount == 10)
    }

    @Test(arguments: [
        InMemorySpillStore.Fault.makingRun(call: 3), .appending(call: 5), .finishing(call: 2), .opening(call: 4),
        .reading(call: 6),
    ])
    func `a disk that fails ends the stream with what it said`(fault: InMemorySpillStore.Fault) throws {
        let spill = InMemorySpillStore(fault: fault)
        let run = try StreamRun(Self.sliding, parallelism: 1, spill: spill)

        let error = #expect(throws: EngineError.self) {
            try run.read(Self.events(20_000, keyCount: 9_000, span: 300))
            try run.deliverAll()
            try run.end(0)
            try run.deliverAll()
        }

        guard case .spill(let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason == .injected)
    }

    @Test func `a checkpoint under way reads what is spilled meanwhile`() throws {
        let shape = StreamShape(window: .tumbling(size: 1_000_000, offset: 0), tableBytes: 400_000)
        let run = try StreamRun(shape, parallelism: 1)
        let before = Self.events(3_000, keyCount: 1_500, span: 300)
        try run.read(before)
        try run.deliverAll()
        let frozen = try run.freeze()

        try run.read(Self.events(30_000, keyCount: 9_000, span: 300))
        try run.deliverAll()
        let snapshot = try run.settle(frozen, isStored: true)
        let again = try StreamRun(shape, parallelism: 1, from: snapshot)
        try again.end(0)
        try again.deliverAll()

        #expect(run.keepers[0].stage.spilledBytes > 0)
        #expect(try again.takeResults() == Self.resultsInMemory(shape, before))
    }

    /// What comes of them where there is memory for all.
    private static func resultsInMemory(_ shape: StreamShape, _ events: [StreamEvent]) throws -> [FiredResult] {
        var shape = shape
        shape.tableBytes = nil
        let run = try StreamRun(shape, parallelism: 1)
        try run.read(events)
        try run.end(0)
        try run.deliverAll()
        return run.takeResults()
    }

    /// Some keys short and some long, in the order of time.
    private static func events(_ count: Int, keyCount: Int, span: Int64) -> [StreamEvent] {
        (0..<count).map { index in
            let number = index * 7_919 % keyCount
            let key = number % 3 == 0 ? "a key that is long and has the number \(number)" : "key \(number)"
            return StreamEvent(key: key, value: Int64(index % 100), time: Int64(index) * span / Int64(count))
        }
    }
}
