import CoreTypes
import EngineTestKit
import JobPlan
import Testing

@testable import Engine

/// Checkpoints that are written while the stream goes on, and that hold what changed.
@Suite struct StreamCheckpointTests {
    /// One that was taken: what was read behind it and what came of that.
    private struct Taken {
        let snapshot: StreamRun.Snapshot
        var blocks: [[StreamEvent]] = []
        var results: [FiredResult] = []
    }

    @Test(arguments: Seeds.first(20))
    func `a checkpoint between two records of a block holds what came before it`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let shape = StreamShape.random(&random)
        let run = try StreamRun(shape, parallelism: random.next(in: 1..<4))
        var time = Int64(random.next(in: -100..<100))
        let block = StreamEvent.random(random.next(in: 70..<300), from: &time, disorder: shape.bound + 40, &random)
        let pauses = random.next(in: 1..<3)
        var taken: (snapshot: StreamRun.Snapshot, count: Int)?
        var before: [FiredResult] = []
        var pauseCount = 0

        try run.read(block) { count in
            pauseCount += 1
            guard pauseCount == pauses else { return }
            taken = (try run.snapshot(), count)
            before = run.takeResults()
        }
        try run.deliverAll()
        let behind = run.takeResults()

        var model = WindowModel(shape)
        #expect((before + behind).sorted() == model.read(block), "seed \(seed)")
        guard let taken else { return #expect(block.count <= 128) }
        let again = try StreamRun(shape, parallelism: random.next(in: 1..<5), from: taken.snapshot)
        try again.read(Array(block[taken.count...]))
        try again.deliverAll()
        #expect(again.takeResults() == behind, "seed \(seed)")
    }

    @Test(arguments: Seeds.first(50))
    func `what is read while a checkpoint is written isn't in it, and is in the next`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let shape = StreamShape.random(&random)
        var parallelism = random.next(in: 1..<4)
        var run = try StreamRun(shape, parallelism: parallelism)
        var model = WindowModel(shape)
        var time = Int64(random.next(in: -100..<100))
        var taken: [Taken] = []

        for _ in 0..<random.next(in: 1..<8) {
            let frozen = try run.freeze()
            var checkpoint = Taken(snapshot: frozen)
            for _ in 0..<random.next(in: 0..<6) {
                let disorder = shape.bound + Int64(random.next(in: 0..<40))
                let block = StreamEvent.random(random.next(in: 1..<15), from: &time, disorder: disorder, &random)
                try run.read(block)
                try run.deliverAll()
                let results = run.takeResults()
                #expect(results == model.read(block), "seed \(seed)")
                checkpoint.blocks.append(block)
                checkpoint.results += results
                run.tidySome(&random)
                for index in taken.indices {
                    taken[index].blocks.append(block)
                    taken[index].results += results
                }
            }
            let isStored = random.chance(percent: 70)
            let snapshot = try run.settle(frozen, isStored: isStored)
            guard isStored else { continue }
            taken.append(Taken(snapshot: snapshot, blocks: checkpoint.blocks, results: checkpoint.results))
            run.tidySome(&random)
            guard random.chance(percent: 20), checkpoint.blocks.isEmpty else { continue }
            // And after a restart.
            if random.chance(percent: 50) { parallelism = random.next(in: 1..<4) }
            let isSame = snapshot.states.count == parallelism
            run = try StreamRun(shape, parallelism: parallelism, from: snapshot, keepsPieces: false)
            if isSame { run = try StreamRun.again(shape, snapshot) }
        }
        for checkpoint in taken {
            let again = try StreamRun(shape, parallelism: random.next(in: 1..<5), from: checkpoint.snapshot)
            var results: [FiredResult] = []
            for block in checkpoint.blocks {
                try again.read(block)
                try again.deliverAll()
                results += again.takeResults()
            }
            #expect(results == checkpoint.results, "seed \(seed)")
        }
    }

    @Test func `a checkpoint writes the keys that changed since the one before`() throws {
        let shape = StreamShape(window: .tumbling(size: 1_000_000, offset: 0))
        let run = try StreamRun(shape, parallelism: 2)
        try run.read(Self.events(0..<2_000))

        let counts = try [0, 20, 0, 30].map { changed in
            try run.read(Self.events(0..<changed))
            let count = try run.snapshot().writtenKeyCount
            while run.keepers.reduce(false, { $1.stage.tidy() || $0 }) {}
            return count
        }

        #expect(counts == [2_000, 20, 0, 30])
    }

    @Test func `the next checkpoint behind one that was given up writes what that one would have`() throws {
        let shape = StreamShape(window: .tumbling(size: 1_000_000, offset: 0))
        let run = try StreamRun(shape, parallelism: 1)
        try run.read(Self.events(0..<100))
        _ = try run.snapshot()
        try run.read(Self.events(0..<10))
        _ = try run.settle(try run.freeze(), isStored: false)
        try run.read(Self.events(5..<15))

        let written = try run.snapshot().writtenKeyCount

        #expect((15...20).contains(written))
    }

    @Test func `what was restored at the same parallelism isn't written again`() throws {
        let shape = StreamShape(window: .tumbling(size: 1_000_000, offset: 0))
        let before = try StreamRun(shape, parallelism: 2)
        try before.read(Self.events(0..<500))
        _ = try before.snapshot()
        try before.read(Self.events(0..<5))
        let snapshot = try before.snapshot()

        let after = try StreamRun.again(shape, snapshot)
        try after.read(Self.events(7..<10))

        #expect(try after.snapshot().writtenKeyCount == 3)
    }

    @Test(arguments: 0..<UInt64(10))
    func `however many checkpoints there are, few pieces hold the state of a slice`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let shape = StreamShape(window: .tumbling(size: 1_000_000, offset: 0))
        let run = try StreamRun(shape, parallelism: 1)
        let share = random.next(in: 1..<200)
        var pieceCounts: [Int] = []
        var keyCounts: [Int] = []
        var written = 0

        for _ in 0..<100 {
            let first = random.next(in: 0..<(201 - share))
            try run.read(Self.events(first..<first + share))
            let snapshot = try run.snapshot()
            while run.keepers[0].stage.tidy() {}
            pieceCounts.append(snapshot.pieces[0].count)
            keyCounts.append(snapshot.pieces[0].reduce(0) { $0 + $1.keyCount })
            written += snapshot.writtenKeyCount
        }

        #expect(pieceCounts.allSatisfy { $0 <= 18 }, "seed \(seed)")
        #expect(keyCounts.allSatisfy { $0 <= 2 * 200 + share + 200 }, "seed \(seed)")
        #expect(written <= 100 * share * 4 + 200 * 100 / 8, "seed \(seed)")
    }

    private static func events(_ keys: Range<Int>) -> [StreamEvent] {
        keys.map { StreamEvent(key: "key \($0)", value: 1, time: 5) }
    }
}

extension StreamRun {
    /// Goes on from a snapshot at its own parallelism: each subtask from its own part.
    static func again(_ shape: StreamShape, _ snapshot: Snapshot) throws -> StreamRun {
        try StreamRun(shape, parallelism: snapshot.states.count, from: snapshot, keepsPieces: true)
    }
}
