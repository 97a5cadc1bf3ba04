import CoreTypes
import RaftCore
import Simulation
import Testing

@testable import RaftStorage

@Suite struct SnapshotFileTests {
    private static let position = LogPosition(term: Term(rawValue: 7), index: LogIndex(rawValue: 300))

    private static func write(_ content: [UInt8], at position: LogPosition, to world: inout StoreWorld) throws {
        guard var writer = try world.store?.makeSnapshot() else { return }
        var rest = content[...]
        while !rest.isEmpty {
            let count = world.random.next(in: 1..<(min(rest.count, 100_000) + 1))
            try writer.append(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        try world.store?.install(writer, position: position, membership: StoreWorld.founding)
    }

    private static func content(_ count: Int, _ random: inout SplitMix64) -> [UInt8] {
        (0..<count).map { _ in UInt8(random.next(in: 0..<256)) }
    }

    @Test(arguments: [0, 1, 65_535, 65_536, 65_537, 300_000])
    func `any part of a snapshot is read as it was written`(count: Int) throws {
        var world = try StoreWorld(seed: UInt64(count))
        let content = Self.content(count, &world.random)
        try Self.write(content, at: Self.position, to: &world)
        world.disk.losePower(&world.random)

        let state = try world.open()
        let snapshot = try #require(world.store?.snapshot)

        #expect(state.snapshot?.position == Self.position)
        #expect(state.snapshot?.membership == StoreWorld.founding)
        #expect(state.snapshot?.byteCount == count)
        #expect(state.damagedEnd == nil)
        for _ in 0..<20 {
            let start = world.random.next(in: 0..<(count + 1))
            let length = world.random.next(in: 0..<(count - start + 1))
            #expect(try snapshot.read(at: start, count: length) == Array(content[start..<(start + length)]))
        }
    }

    @Test func `the newest replaces the one before, and one that isn't complete is nothing`() throws {
        var world = try StoreWorld(seed: 5)
        let next = LogPosition(term: Self.position.term, index: Self.position.index.next())
        try Self.write([1, 2, 3], at: Self.position, to: &world)
        try Self.write([4, 5], at: next, to: &world)
        var writer = try #require(try world.store?.makeSnapshot())
        try writer.append([6])

        let state = try world.open()

        #expect(state.snapshot?.position == next)
        #expect(try world.store?.snapshot?.read(at: 0, count: 2) == [4, 5])
        #expect(world.disk.paths.filter { $0.contains("snapshot-") }.count == 1)
    }

    @Test(arguments: 0..<UInt64(25))
    func `a damaged snapshot isn't used, and is missed until another one is there`(seed: UInt64) throws {
        var world = try StoreWorld(seed: seed)
        let content = Self.content(world.random.next(in: 1..<150_000), &world.random)
        try Self.write(content, at: Self.position, to: &world)
        let path = try #require(world.disk.paths.first { $0.contains("snapshot-") })
        let place = world.random.next(in: 0..<(world.disk.content(path)?.count ?? 1))
        world.disk.change(path) { $0[place] ^= 4 }

        let state = try world.open()
        let again = try world.open()

        #expect(state.snapshot == nil, "seed \(seed)")
        #expect((state.damagedEnd ?? .zero) >= Self.position, "seed \(seed)")
        #expect(again == state, "seed \(seed)")

        try Self.write([1], at: Self.position, to: &world)
        #expect(try world.open().snapshot?.byteCount == 1)
        #expect(try world.open().damagedEnd == nil)
    }
}
