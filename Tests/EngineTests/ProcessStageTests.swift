import ConnectorKit
import CoreTypes
import EngineTestKit
import Testing

@testable import Engine

@Suite struct ProcessStageTests {
    @Test(arguments: Seeds.first(30))
    func `functions see the state and timers of their key, whatever the parallelism`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let life: Int64? = random.chance(percent: 50) ? nil : Int64(random.next(in: 1..<60))
        try Self.compare(.process(timeToLive: life), random: &random, seed: seed)
    }

    @Test(arguments: 0..<UInt64(100))
    func `of events of a key that are near each other only the first is handed on`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let shape = KeyedShape.deduplicate(within: Int64(random.next(in: 1..<60)))
        let model = try Self.compare(shape, random: &random, seed: seed)

        #expect(model.duplicateCount > 0, "seed \(seed)")
    }

    @Test(arguments: Seeds.first(40))
    func `records of two sides are joined where their times are near enough, whoever came first`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let from = Int64(random.next(in: -60..<40))
        let to = from + (random.chance(percent: 20) ? 0 : Int64(random.next(in: 0..<80)))
        let lateness = random.chance(percent: 50) ? 0 : Int64(random.next(in: 0..<50))
        let shape = KeyedShape.join(from: from, to: to, lateness: lateness)
        let model = try Self.compare(shape, lateness: lateness, random: &random, seed: seed)

        #expect(to - from < 40 || model.pairCount > 0, "seed \(seed)")
    }

    /// Reads events and lets time go on, with a checkpoint now and then from which another parallelism goes on.
    @discardableResult
    private static func compare(
        _ shape: KeyedShape,
        lateness: Int64 = 0,
        random: inout SplitMix64,
        seed: UInt64
    ) throws -> KeyedModel {
        var run = try KeyedRun(shape, parallelism: random.next(in: 1..<4), in: Self.world(&random))
        var model = KeyedModel(shape)
        var time = Int64(random.next(in: -100..<100))
        var watermark = Int64.min
        var failures = 0
        for _ in 0..<random.next(in: 8..<30) {
            // None comes at or behind the watermark: what is late may find its state gone.
            let earliest = max(watermark, -1_000_000) - lateness + 1
            let events = StreamEvent.random(random.next(in: 1..<20), from: &time, disorder: 20, &random)
                .map { StreamEvent(key: $0.key, value: max($0.value, 1), time: max($0.time, earliest)) }
            try run.read(events)
            #expect(run.takeOutputs() == model.read(events), "seed \(seed)")
            if random.chance(percent: 60) {
                watermark = max(watermark, time - Int64(random.next(in: 0..<40)))
                try run.advance(to: watermark)
                #expect(run.takeOutputs() == model.advance(to: watermark), "seed \(seed)")
            }
            if random.chance(percent: 40) { _ = try run.takeCheckpoint(isStored: random.chance(percent: 70)) }
            if random.chance(percent: 20) {
                let checkpoint = try run.takeCheckpoint(isStored: true)
                failures += run.rejectedCount
                let same = checkpoint.subtasks.count
                let parallelism = random.chance(percent: 50) ? same : random.next(in: 1..<6)
                run = try KeyedRun(shape, parallelism: parallelism, from: checkpoint, in: Self.world(&random))
            }
        }
        try run.advance(to: .max)
        #expect(run.takeOutputs() == model.advance(to: .max), "seed \(seed)")
        #expect(failures + run.rejectedCount == model.failureCount, "seed \(seed)")
        #expect(run.lateCount == 0, "seed \(seed)")
        return model
    }

    /// Half of the runs go on in another store than the one before: what one writes the other reads.
    private static func world(_ random: inout SplitMix64) -> StoreWorld {
        switch random.next(in: 0..<40) {
        case 0..<20: .memory
        case 20..<30: .tiers(bytes: 1)
        case 30..<39: .tiers(bytes: 8_000)
        default: .rocks(bytes: 1)
        }
    }

    @Test(arguments: 0..<UInt64(6))
    func `keys on disk are handed on in the same order as those in memory`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let life: Int64? = random.chance(percent: 50) ? nil : Int64(random.next(in: 1..<60))
        let worlds: [StoreWorld] = [.memory, .tiers(bytes: 1), .tiers(bytes: 5_000), .rocks(bytes: 1)]
        let runs = try worlds.map { try KeyedRun(.process(timeToLive: life), parallelism: 1, in: $0) }
        var time: Int64 = 0
        for _ in 0..<20 {
            let events = StreamEvent.random(random.next(in: 1..<60), from: &time, disorder: 20, &random)
                .map { StreamEvent(key: $0.key, value: max($0.value, 1), time: $0.time) }
            for run in runs {
                try run.read(events)
                try run.advance(to: time - 20)
            }
        }

        for (run, world) in zip(runs, worlds).dropFirst() {
            #expect(run.sequence == runs[0].sequence, "\(world.testDescription), seed \(seed)")
            #expect(run.keyCount == runs[0].keyCount, "seed \(seed)")
        }
        #expect(runs[1].spilledBytes > 0 && runs[3].spilledBytes > 0, "seed \(seed)")
    }

    @Test func `a disk that refuses fails the stage`() throws {
        for fault in [InMemoryColdTier.Fault.making(call: 1), .committing(call: 3), .reading(call: 5)] {
            let tier = InMemoryColdTier(fault: fault)
            let stream = try KeyedShape.deduplicate(within: 10).compiled(parallelism: 1, tableBytes: 1)
            var stage = stream.makeKeyedStage(0, subtask: 0, form: .lines, cold: tier)
            let state = try Self.snapshotOfKeys(100)

            // The second time every key is there already.
            let error = #expect(throws: EngineError.self) {
                for _ in 0..<2 { try stage.restore(state) }
            }

            guard case .spill(.injected) = error else {
                Issue.record("\(fault): \(String(describing: error))")
                continue
            }
        }
    }

    private static func snapshotOfKeys(_ count: Int) throws -> [UInt8] {
        let run = try KeyedRun(.deduplicate(within: 10), parallelism: 1)
        try run.read((0..<count).map { StreamEvent(key: "key \($0)", value: 1, time: 1) })
        return try run.snapshots()[1]
    }

    @Test func `a state that nobody may see any more gives its memory back`() throws {
        let run = try KeyedRun(.deduplicate(within: 100), parallelism: 2)
        for round in 0..<20 {
            let start = Int64(round) * 1_000
            try run.read((0..<500).map { StreamEvent(key: "key \(round) \($0)", value: 1, time: start) })
            try run.advance(to: start + 99)
            #expect(run.keyCount == 0)
        }

        #expect(run.stateBytes < 500 * 400)
    }

    @Test func `a timer that is set twice for a time fires once`() throws {
        let run = try KeyedRun(.process(timeToLive: nil), parallelism: 1)
        // Multiples of 3 set a timer at twice their value behind the event.
        try run.read([StreamEvent(key: "a", value: 3, time: 10), StreamEvent(key: "a", value: 3, time: 10)])

        try run.advance(to: 15)
        #expect(run.takeOutputs()["a"]?.count == 2)
        try run.advance(to: 16)
        #expect(run.takeOutputs()["a"]?.map(\.time) == [16])
    }

    @Test func `a record far behind the watermark is handed on, and doesn't stay in memory`() throws {
        let run = try KeyedRun(.deduplicate(within: 10), parallelism: 1)
        try run.advance(to: 1_000)

        try run.read([StreamEvent(key: "a", value: 1, time: 5)])

        #expect(run.takeOutputs()["a"]?.count == 1)
        #expect(run.keyCount == 0)
    }
}

@Suite struct DamagedKeyedSnapshotTests {
    @Test(arguments: 0..<UInt64(40))
    func `a snapshot of keys that is cut or lengthened is refused`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let state = try Self.makeSnapshot(&random)

        for damaged in (0..<20).map({ _ in Array(state[..<random.next(in: 0..<state.count)]) }) + [state + [0]] {
            #expect(throws: EngineError.self, "\(damaged.count) of \(state.count), seed \(seed)") {
                try KeyedRun(.process(timeToLive: 50), parallelism: 1, from: [damaged])
            }
        }
    }

    @Test func `the state of many keys is handed over in chunks, each of which can be restored by itself`() throws {
        let run = try KeyedRun(.process(timeToLive: nil), parallelism: 1)
        try run.read(
            (0..<30_000).map { StreamEvent(key: "a key with a name of some length, \($0)", value: 1, time: 5) }
        )

        // The first is that of the stage.
        let chunks = try run.snapshots().dropFirst()
        let keyCounts = try chunks.map { try KeyedRun(.process(timeToLive: nil), parallelism: 1, from: [$0]).keyCount }
        let restored = try KeyedRun(.process(timeToLive: nil), parallelism: 3, from: chunks.reversed())

        #expect(chunks.count > 1)
        #expect(keyCounts.allSatisfy { $0 > 0 })
        #expect(keyCounts.reduce(0, +) == 30_000)
        #expect(restored.keyCount == 30_000)
    }

    @Test func `a checkpoint writes the keys that have changed, also where they lie on disk`() throws {
        for world in StoreWorld.all + StoreWorld.rocks {
            let shape = KeyedShape.process(timeToLive: nil)
            let run = try KeyedRun(shape, parallelism: 2, in: world)
            try run.read((0..<5_000).map { StreamEvent(key: "key \($0)", value: 1, time: 5) })
            let whole = try run.takeCheckpoint(isStored: true)
            try run.read((0..<50).map { StreamEvent(key: "key \($0)", value: 1, time: 6) })
            let changed = try run.takeCheckpoint(isStored: true)
            let unchanged = try run.takeCheckpoint(isStored: true)
            let resumed = try KeyedRun(shape, parallelism: 2, from: unchanged, in: world)
            try resumed.read((50..<60).map { StreamEvent(key: "key \($0)", value: 7, time: 7) })
            let removed = try resumed.takeCheckpoint(isStored: true)

            #expect(whole.written.keyCount == 5_000, "\(world.testDescription)")
            #expect(changed.written.keyCount == 50, "\(world.testDescription)")
            #expect(changed.written.bytes * 20 < whole.written.bytes, "\(world.testDescription)")
            #expect(unchanged.written.keyCount == 0, "\(world.testDescription)")
            #expect(removed.written.keyCount >= 10 && removed.written.keyCount < 5_000, "\(world.testDescription)")
            #expect(try KeyedRun(shape, parallelism: 3, from: removed, in: world).keyCount == 4_990)
        }
    }

    @Test func `what was meant for a checkpoint that was given up is in the next one`() throws {
        for world in StoreWorld.all {
            let shape = KeyedShape.deduplicate(within: 10)
            let run = try KeyedRun(shape, parallelism: 1, in: world)
            for number in 0..<40 {
                try run.read((0..<20).map { StreamEvent(key: "\(number) \($0)", value: 1, time: 5) })
                let checkpoint = try run.takeCheckpoint(isStored: number.isMultiple(of: 3))

                let restored = try KeyedRun(shape, parallelism: 1, from: checkpoint, in: world)
                #expect(restored.keyCount == 20 * (number + 1), "\(world.testDescription)")
            }
        }
    }

    @Test(arguments: Seeds.first(40))
    func `a damaged snapshot of keys is refused, or can be gone on from, and never traps`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var state = try Self.makeSnapshot(&random)
        TableWorld.damage(&state, &random)

        // Whether it is refused, and whether the functions fail on what they find, depends on the damage.
        guard let run = try? KeyedRun(.process(timeToLive: 50), parallelism: 1, from: [state]) else { return }
        run.stepLimit = 20
        _ = try? run.read([StreamEvent(key: "a", value: 15, time: 30)])
        _ = try? run.advance(to: 300)

        #expect(try run.snapshots()[0].count >= 17, "seed \(seed)")
    }

    private static func makeSnapshot(_ random: inout SplitMix64) throws -> [UInt8] {
        let run = try KeyedRun(.process(timeToLive: 50), parallelism: 1)
        var time: Int64 = 0
        try run.read(
            StreamEvent.random(random.next(in: 1..<40), from: &time, disorder: 10, &random)
                .map { StreamEvent(key: $0.key, value: max($0.value, 1), time: $0.time) }
        )
        return try run.snapshots()[1]
    }
}
