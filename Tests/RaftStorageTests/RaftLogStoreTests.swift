import CoreTypes
import Environment
import RaftCore
import Simulation
import Testing

@testable import RaftStorage

/// The log of a replica on a disk that loses power and whose bytes get damaged.
@Suite struct RaftLogStoreTests {
    @Test func `a founding member finds what its group begins with`() throws {
        let disk = SimulatedDisk()
        let founding = RecoveredState.founding(StoreWorld.founding)

        try RaftLogStore.create(founding, disk: disk, directory: "raft")
        let state = try RaftLogStore.open(disk: disk, directory: "raft").state

        #expect(state == founding)
        #expect(throws: RaftStorageError.notEmpty(directory: "raft")) {
            try RaftLogStore.create(founding, disk: disk, directory: "raft")
        }
    }

    @Test(arguments: 0..<UInt64(60))
    func `what was acknowledged survives a loss of power at any time, and nothing else but what was written`(
        seed: UInt64
    ) throws {
        var world = try StoreWorld(seed: seed)
        for _ in 0..<40 {
            try world.write()
            if world.random.chance(percent: 75) { try world.synchronize() }
            let isOver = !world.written.isEmpty || world.random.chance(percent: 20)
            if !isOver {
                if world.random.chance(percent: 20) { try world.store?.noteEnd() }
                if world.random.chance(percent: 20) { try world.discard() }
                continue
            }
            if world.random.chance(percent: 70) { world.disk.losePower(&world.random) }

            let state = try world.open()

            try #require(state.damagedEnd == nil, "seed \(seed)")
            try #require(state.hardState == world.hardState, "seed \(seed)")
            let isPossible = world.isPossible(state.entries)
            try #require(isPossible, "seed \(seed): \(state.entries.map(\.position))")
            world.accept(state)
        }
    }

    /// Several batches, in several segments where they are small.
    private static func filled(_ seed: UInt64) throws -> StoreWorld {
        var world = try StoreWorld(seed: seed)
        for _ in 0..<world.random.next(in: 2..<12) {
            try world.write()
            try world.synchronize()
        }
        return world
    }

    private static func logFiles(_ disk: SimulatedDisk) -> [String] { disk.paths.filter { $0.contains("/log-") } }

    @Test(arguments: 0..<UInt64(80))
    func `a flipped bit is damage, and the log is what lies before it`(seed: UInt64) throws {
        var world = try Self.filled(seed)
        // What is newest can only be told from a torn write when somebody noted it.
        try world.store?.noteEnd()
        let path = world.random.pick(Self.logFiles(world.disk))
        let count = world.disk.content(path)?.count ?? 0
        let place = world.random.next(in: 0..<max(1, count))
        let bit = UInt8(1 << world.random.next(in: 0..<8))
        world.disk.change(path) { if place < $0.count { $0[place] ^= bit } }

        let state = try world.open()

        if world.durable.isFound(in: state.entries) {
            #expect(state.damagedEnd.map { $0 == world.durable.last } ?? true, "seed \(seed)")
        } else {
            let end = try #require(state.damagedEnd, "seed \(seed)")
            #expect(end >= world.durable.last, "seed \(seed): \(end) is less than \(world.durable.last)")
        }
        try Self.goOn(&world, from: state, seed)
    }

    @Test(arguments: 0..<UInt64(50))
    func `a segment that is cut off or gone is damage`(seed: UInt64) throws {
        var world = try Self.filled(seed)
        try world.store?.noteEnd()
        let path = world.random.pick(Self.logFiles(world.disk))
        if world.random.chance(percent: 30) {
            try world.disk.remove(path)
        } else {
            let kept = world.random.next(in: 0..<max(1, world.disk.content(path)?.count ?? 0))
            world.disk.change(path) { $0.removeSubrange(min(kept, $0.count)...) }
        }

        let state = try world.open()

        if !world.durable.isFound(in: state.entries) {
            // Without its beginning it doesn't go back to where the group began: the replica sees that.
            let isHeadless = (state.entries.first?.index ?? .zero) > LogIndex.zero.next()
            let isKnown = state.damagedEnd.map { $0 >= world.durable.last } ?? isHeadless
            #expect(
                isKnown,
                "seed \(seed): \(state.entries.map(\.position)) of \(world.durable.entries.map(\.position))"
            )
        }
        if state.damagedEnd != nil { try Self.goOn(&world, from: state, seed) }
    }

    /// A replica notes what is missing, and what it writes then isn't damage any more.
    private static func goOn(_ world: inout StoreWorld, from state: RecoveredState, _ seed: UInt64) throws {
        let last = max(world.durable.last.index, state.snapshot?.position.index ?? .zero)
        var hardState = state.hardState
        hardState.term = hardState.term.next()
        hardState.repairFloor = state.damagedEnd
        let base = LogPosition(term: hardState.term, index: last.advanced(by: 3))
        let entry = LogEntry(index: base.index.next(), term: hardState.term, payload: .empty)
        try world.install(base)
        let write = LogWrite(id: WriteID(rawValue: 1_000), hardState: hardState, entries: [entry], reset: base)
        try world.store?.write([write])
        try world.store?.synchronize()
        world.disk.losePower(&world.random)

        let next = try world.open()

        #expect(next.damagedEnd == nil, "seed \(seed)")
        #expect(next.hardState == hardState, "seed \(seed)")
        #expect(next.entries == [entry], "seed \(seed)")
    }

    @Test(arguments: 0..<UInt64(20))
    func `a damaged block of the hard state loses nothing, and two of the newest slot are the one before`(
        seed: UInt64
    ) throws {
        var world = try Self.filled(seed)
        let place = world.random.next(in: 0..<4) * 4_096 + world.random.next(in: 0..<64)
        world.disk.change("raft/state") { $0[place] ^= 1 }

        #expect(try world.open().hardState == world.hardState, "seed \(seed)")
    }

    @Test func `without any hard state nobody knows who was voted for, and the replica doesn't start`() throws {
        let world = try Self.filled(1)
        world.disk.change("raft/state") { $0 = Array(repeating: 0, count: $0.count) }

        #expect(throws: RaftStorageError.hardStateLost(directory: "raft")) {
            try RaftLogStore.open(disk: world.disk, directory: "raft").state
        }
    }

    @Test func `segments of which nothing is needed are removed, and the rest is found`() throws {
        var world = try StoreWorld(seed: 3)
        world.configuration.segmentBytes = 1
        _ = try world.open()
        for _ in 0..<20 {
            try world.write()
            try world.synchronize()
        }
        let before = Self.logFiles(world.disk).count

        try world.install(world.durable.last)
        try world.store?.discard(through: world.durable.last.index)
        let state = try world.open()

        #expect(before > 10)
        #expect(Self.logFiles(world.disk).count < 3)
        #expect(state.damagedEnd == nil)
        #expect(state.entries.last == world.durable.entries.last)
    }

    @Test(arguments: 0..<UInt64(20))
    func `what is erased is gone, and who was voted for and how far the log went stay`(seed: UInt64) throws {
        var world = try Self.filled(seed)
        try world.install(world.durable.last)
        try world.store?.erase()
        world.disk.losePower(&world.random)

        let state = try world.open()

        #expect(state.entries.isEmpty && state.snapshot == nil && state.damagedEnd == nil, "seed \(seed)")
        #expect(state.hardState.term == world.hardState.term && state.hardState.votedFor == world.hardState.votedFor)
        #expect(state.hardState.repairFloor == world.durable.last, "seed \(seed)")
        try Self.goOn(&world, from: state, seed)
    }

    @Test func `a disk that refuses is told with what was attempted`() throws {
        var world = try StoreWorld(seed: 4)
        world.disk.failure = EnvironmentError(
            "write to 'raft/log'",
            reason: .noSpace,
            detail: "No space left on device (ENOSPC)"
        )

        #expect(throws: EnvironmentError.self) {
            try world.write()
            try world.synchronize()
        }
        #expect(throws: RaftStorageError.self) { _ = try world.open() }
    }
}
