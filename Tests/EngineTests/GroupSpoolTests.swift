import CoreTypes
import EngineTestKit
import Testing

@testable import Engine

@Suite struct GroupSpoolTests {
    @Test(arguments: 0..<UInt64(20))
    func `values come back in order each time the spool is rewound`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let isLarge = random.chance(percent: 60)
        let values = (0..<random.next(in: 0..<200)).map { number in
            Array(repeating: UInt8(truncatingIfNeeded: number), count: random.next(in: 0..<(isLarge ? 30_000 : 60)))
        }
        let spool = GroupSpool(store: InMemorySpillStore())

        for value in values { try Self.append(value, to: spool) }

        for round in 0..<3 {
            try spool.rewind()
            let found = try Self.rest(of: spool)
            #expect(firstDifference(found, values) == nil, "replay with seed \(seed), round \(round)")
        }
    }

    @Test func `a rewind in the middle starts again`() throws {
        let values = (0..<300).map { Array(repeating: UInt8(truncatingIfNeeded: $0), count: 5_000) }
        let spool = GroupSpool(store: InMemorySpillStore())
        for value in values { try Self.append(value, to: spool) }
        try spool.rewind()
        for _ in 0..<170 { _ = try spool.next() }

        try spool.rewind()

        let found = try Self.rest(of: spool)
        #expect(firstDifference(found, values) == nil)
    }

    @Test func `few values need no disk`() throws {
        let store = InMemorySpillStore()
        let spool = GroupSpool(store: store)

        for number in 0..<1_000 { try Self.append(Array("value \(number)".utf8), to: spool) }
        try spool.rewind()

        #expect(try Self.rest(of: spool).count == 1_000)
        #expect(store.calls == InMemorySpillStore.Calls())
    }

    @Test(arguments: [600_000, 1 << 20, (1 << 20) + 1, 3_500_000])
    func `a value larger than what is held in memory comes back whole`(count: Int) throws {
        let values: [[UInt8]] = [[1], Array(repeating: 2, count: count), [3], Array(repeating: 4, count: count), []]
        let spool = GroupSpool(store: InMemorySpillStore())

        for value in values { try Self.append(value, to: spool) }
        try spool.rewind()

        #expect(try Self.rest(of: spool).map(\.count) == values.map(\.count))
        try spool.rewind()
        let found = try Self.rest(of: spool)
        #expect(firstDifference(found, values) == nil)
    }

    @Test(arguments: [
        InMemorySpillStore.Fault.makingRun(call: 1), .appending(call: 1), .appending(call: 2), .finishing(call: 1),
        .opening(call: 1), .reading(call: 1), .reading(call: 2),
    ])
    func `a store that breaks is reported and left empty`(fault: InMemorySpillStore.Fault) {
        let store = InMemorySpillStore(fault: fault)

        let error = #expect(throws: SpillError.self) {
            let spool = GroupSpool(store: store)
            for _ in 0..<300 { try Self.append(Array(repeating: 7, count: 5_000), to: spool) }
            try spool.rewind()
            _ = try Self.rest(of: spool)
        }

        #expect(error == .injected)
        #expect(store.calls.alive == 0)
    }

    private static func append(_ value: [UInt8], to spool: GroupSpool) throws {
        var buffer = ByteBuffer()
        for byte in value { buffer.append(byte) }
        try spool.append(buffer.bytes)
    }

    private static func rest(of spool: GroupSpool) throws -> [[UInt8]] {
        var values: [[UInt8]] = []
        while let value = try spool.next() { values.append(value.array) }
        return values
    }
}
