import CoreTypes
import Testing

@testable import Engine

/// What a join keeps, and when it lets go.
@Suite struct JoinStageTests {
    private static func left(_ key: String = "a", at time: Int64) -> StreamEvent {
        StreamEvent(key: key, value: 2, time: time)
    }

    private static func right(_ key: String = "a", at time: Int64) -> StreamEvent {
        StreamEvent(key: key, value: 1, time: time)
    }

    @Test(arguments: [Int64(-100), -30, 0, 30])
    func `what nothing can be joined with any more gives its memory back`(from: Int64) throws {
        let run = try KeyedRun(.join(from: from, to: from + 60), parallelism: 2)
        for round in 0..<20 {
            let start = Int64(round) * 1_000
            try run.read((0..<500).map { StreamEvent(key: "key \(round) \($0)", value: Int64($0 % 2), time: start) })
            try run.advance(to: start + 999)
            #expect(run.keyCount == 0)
        }

        #expect(run.stateBytes < 500 * 500)
    }

    @Test func `a key that goes on forgets what can't be joined when it is touched`() throws {
        let run = try KeyedRun(.join(from: 0, to: 10), parallelism: 1)
        var sizes: [Int] = []
        for round in 0..<2_000 {
            try run.read([Self.left(at: Int64(round)), Self.right("b", at: Int64(round))])
            try run.advance(to: Int64(round) - 1)
            sizes.append(try run.snapshots().reduce(0) { $0 + $1.count })
        }

        // A right record matches what is not behind it: no later left one.
        #expect(try #require(sizes.max()) < 3_000)
    }

    @Test func `both ends of the interval are joined, and nothing beyond them`() throws {
        let run = try KeyedRun(.join(from: -5, to: 10), parallelism: 1)

        try run.read([Self.left(at: 100)] + [94, 95, 110, 111].map { Self.right(at: $0) })

        #expect(run.takeOutputs()["a"]?.map(\.time) == [100, 110])
    }

    @Test func `a record is waited for as long as one may come that it is joined with`() throws {
        let run = try KeyedRun(.join(from: -5, to: 10, lateness: 20), parallelism: 1)
        try run.read([Self.left("l", at: 100), Self.right("r", at: 100)])

        // Left ones wait for 110, right ones for 105, and what is late comes up to 20 behind.
        try run.advance(to: 124)
        #expect(run.keyCount == 2)
        try run.advance(to: 125)
        #expect(run.keyCount == 1)
        try run.advance(to: 129)
        try run.read([Self.right("l", at: 110)])
        #expect(run.takeOutputs()["l"]?.map(\.time) == [110])
        // That one waits for 115.
        try run.advance(to: 134)
        #expect(run.keyCount == 1)
        try run.advance(to: 135)
        #expect(run.keyCount == 0)
    }

    @Test func `a record that comes later than that is joined with nothing, and counted`() throws {
        let run = try KeyedRun(.join(from: 0, to: 1_000, lateness: 20), parallelism: 1)
        try run.read([Self.left(at: 50)])
        try run.advance(to: 100)

        try run.read([Self.right(at: 80)])
        #expect(run.takeOutputs().isEmpty)
        #expect(run.lateCount == 1)
        try run.read([Self.right(at: 81)])
        #expect(run.takeOutputs()["a"]?.count == 1)
        #expect(run.lateCount == 1)
    }

    @Test func `a record that is joined with many takes several steps`() throws {
        let run = try KeyedRun(.join(from: 0, to: 10), parallelism: 1)
        try run.read((0..<2_000).map { _ in Self.left(at: 5) })

        try run.read([Self.right(at: 7), Self.right("b", at: 7), Self.right(at: 8)])

        #expect(run.takeOutputs()["a"]?.count == 4_000)
        #expect(run.largestStep <= 256)
    }

    @Test func `a key that would keep too much is named, and what it keeps already stays`() throws {
        let run = try KeyedRun(.join(from: 0, to: 10), parallelism: 1)
        try run.read((0..<18).map { _ in Self.left(at: 5) }, padding: 1 << 20)

        #expect(run.rejectedCount == 3)
        let example = try #require(run.rejectedExamples.first)
        #expect("\(example.place)".contains("a"))
        #expect(example.reason.contains("may take 16777216: make the interval shorter"))
        try run.read([Self.right(at: 7)])
        #expect(run.takeOutputs()["a"]?.count == 15)
    }

    @Test(arguments: 0..<UInt64(200))
    func `a damaged snapshot of a join is refused, or can be gone on from, and never traps`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let shape = KeyedShape.join(from: -20, to: 20)
        let whole = try KeyedRun(shape, parallelism: 1)
        try whole.read((0..<random.next(in: 1..<30)).map { StreamEvent(key: "a", value: Int64($0), time: Int64($0)) })
        var state = try whole.snapshots()[1]
        TableWorld.damage(&state, &random)

        // Whether it is refused, and when, depends on the damage.
        guard let run = try? KeyedRun(shape, parallelism: 1, from: [state]) else { return }
        _ = try? run.read([Self.left(at: 30), Self.right(at: 31)])
        _ = try? run.advance(to: 300)

        #expect(try run.snapshots()[0].count >= 17, "seed \(seed)")
    }
}
