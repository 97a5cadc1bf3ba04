import ConnectorKit
import CoreTypes
import EngineTestKit
import Testing
import WireFormat

@testable import Engine

@Suite struct SortedRunTests {
    private static let routing = Routing(keyGroupCount: 128, partitionCount: 4, subtaskCount: 1)

    /// Runs as a table writes them, merged, are one stable sort of all of them.
    @Test(arguments: 0..<UInt64(30))
    func `merged runs are a stable sort by partition and key`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let store = InMemorySpillStore()
        let memory = KeyMemory()
        let contents = (0..<random.next(in: 0..<9)).map { run in
            (0..<random.next(in: 0..<120)).map { row in
                TestRow(key: .random(&random), payload: Array("\(run)/\(row)".utf8))
            }
        }
        let sorted = contents.map { Self.sorted($0, memory) }

        let runs = try sorted.map { try Self.write($0, to: store, memory) }
        let merged = try Self.merge(runs)

        let expected = Self.sorted(contents.flatMap { Self.sorted($0, memory) }, memory)
        #expect(firstDifference(merged, expected.map(\.payload)) == nil, "replay with seed \(seed)")
    }

    @Test(arguments: 0..<UInt64(6))
    func `rows of any size come back, whatever blocks they take`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let memory = KeyMemory()
        let sizes = [0, 1, 8, 1_000, SortedRunWriter.blockBytes - 40, SortedRunWriter.blockBytes, 1 << 20, 2_500_000]
        let rows = Self.sorted(
            (0..<40).map { number in
                let size = sizes[random.next(in: 0..<sizes.count)]
                return TestRow(
                    key: number % 3 == 0 ? .text(Array(repeating: 107, count: size / 2 + 1)) : .integer(Int64(number)),
                    payload: Array(repeating: UInt8(number), count: size)
                )
            },
            memory
        )

        let merged = try Self.merge([try Self.write(rows, to: InMemorySpillStore(), memory)])

        #expect(firstDifference(merged.map(\.count), rows.map(\.payload.count)) == nil, "replay with seed \(seed)")
        #expect(firstDifference(merged, rows.map(\.payload)) == nil, "replay with seed \(seed)")
    }

    @Test func `no runs, and runs without rows, have nothing to merge`() throws {
        let empty = try Self.write([], to: InMemorySpillStore(), KeyMemory())

        #expect(try Self.merge([]) == [])
        #expect(try Self.merge([empty, empty]) == [])
    }

    @Test(arguments: [1, 23, 24, 40])
    func `a row that reaches beyond its block is refused`(count: Int) throws {
        let store = InMemorySpillStore()
        let writer = try store.makeRun()
        // A header that promises a payload of 1,000 bytes, and what a shorter block has of it.
        let words = Array(repeating: UInt8(1), count: 16)
        let header = words + [0, 0, 0, 0, 0xE8, 3, 0, 0] + Array(repeating: 0, count: 16)
        try unsafe header.prefix(count).withUnsafeBytes { try unsafe writer.append($0) }
        let run = SortedRun(form: .value, run: try writer.finish(), rowBytesMaximum: 1_024)

        let error = #expect(throws: SpillError.self) { try RunCursor(run, routing: Self.routing) }

        #expect(error?.reason == .corrupt)
    }

    @Test func `a writer that is given up gives its run back`() throws {
        let store = InMemorySpillStore()
        let memory = KeyMemory()

        do {
            var writer = try SortedRunWriter(store: store, form: .value)
            try Self.append(TestRow(key: .integer(1), payload: [1]), to: &writer, memory)
        }

        #expect(store.calls.runs == 1)
        #expect(store.calls.alive == 0)
    }

    // MARK: Rows

    private static func partition(_ key: TestKey, _ memory: KeyMemory) -> Int {
        self.routing.partition(hash: unsafe memory.words(of: key).words.hash)
    }

    private static func sorted(_ rows: [TestRow], _ memory: KeyMemory) -> [TestRow] {
        let keyed = rows.map { ($0, self.partition($0.key, memory)) }
        // Swift's sort is stable.
        return keyed.sorted { $0.1 != $1.1 ? $0.1 < $1.1 : $0.0.key < $1.0.key }.map(\.0)
    }

    private static func append(
        _ row: TestRow,
        to writer: inout SortedRunWriter,
        _ memory: KeyMemory
    ) throws {
        let (words, long) = unsafe memory.words(of: row.key)
        try unsafe row.payload.withUnsafeBytes { payload in
            let start = unsafe payload.baseAddress ?? memory.copy([])
            try unsafe writer.append(words, longKey: long, payload: start, payloadBytes: payload.count)
        }
    }

    private static func write(
        _ rows: [TestRow],
        to store: InMemorySpillStore,
        _ memory: KeyMemory
    ) throws -> SortedRun {
        var writer = try SortedRunWriter(store: store, form: .value)
        for row in rows { try self.append(row, to: &writer, memory) }
        return try writer.finish()
    }

    /// The payloads of all rows in the merger's order.
    private static func merge(_ runs: [SortedRun]) throws -> [[UInt8]] {
        var merger = try RunMerger(runs, routing: self.routing)
        var payloads: [[UInt8]] = []
        while let cursor = merger.current {
            payloads.append(cursor.valueBytes.array)
            try merger.advance()
        }
        return payloads
    }
}

@Suite struct RowOrderTests {
    @Test(arguments: 0..<UInt64(30))
    func `rows are dealt to partitions and sorted in each as their values are`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let routing = Routing(keyGroupCount: 128, partitionCount: random.next(in: 1..<9), subtaskCount: 1)
        let keys = Set((0..<random.next(in: 0..<400)).map { _ in TestKey.random(&random) })
        let memory = KeyMemory()
        var tables = ReduceTables(
            kind: .groups,
            combiner: nil,
            routing: routing,
            bytesLimit: 1 << 30,
            store: InMemorySpillStore()
        )
        try tables.receive(.make(keys.sorted().map { TestRow(key: $0, payload: $0.bytes) }))
        let partitions = Dictionary(grouping: keys) { key in
            routing.partition(hash: unsafe memory.words(of: key).words.hash)
        }

        let sorted = Self.contents(of: tables.order(isSorted: true))
        let unsorted = Self.contents(of: tables.order(isSorted: false))

        let expected = partitions.sorted { $0.key < $1.key }.map { Found($0.key, $0.value.sorted().map(\.bytes)) }
        #expect(firstDifference(sorted, expected) == nil, "replay with seed \(seed)")
        let found = unsorted.map { Found($0.partition, $0.keys.sorted { $0.lexicographicallyPrecedes($1) }) }
        let members = expected.map { Found($0.partition, $0.keys.sorted { $0.lexicographicallyPrecedes($1) }) }
        #expect(firstDifference(found, members) == nil, "replay with seed \(seed)")
    }

    /// What was found in one partition: the payloads tell the keys.
    private struct Found: Hashable {
        let partition: Int
        var keys: [[UInt8]]

        init(_ partition: Int, _ keys: [[UInt8]]) {
            self.partition = partition
            self.keys = keys
        }
    }

    private static func contents(of order: consuming RowOrder) -> [Found] {
        var found: [Found] = []
        var partition = 0
        for index in 0..<order.count {
            partition = order.partition(of: index, after: partition)
            var values = GroupTable.firstValue(of: order.row(at: index))
            let key = values.next()?.array ?? []
            if found.last?.partition == partition {
                found[found.count - 1].keys.append(key)
            } else {
                found.append(Found(partition, [key]))
            }
        }
        return found
    }
}

@Suite struct KeyOrderTests {
    @Test(arguments: 0..<UInt64(20))
    func `keys are ordered as the values that they stand for, and only equal ones tie`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let memory = KeyMemory()

        for _ in 0..<500 {
            let (left, right) = (TestKey.random(&random), TestKey.random(&random))
            let order = KeyOrder.compare(Self.row(left, memory), Self.row(right, memory))
            #expect(order.signum() == (left == right ? 0 : left < right ? -1 : 1), "\(left), \(right), seed \(seed)")
        }
    }

    private static func row(_ key: TestKey, _ memory: KeyMemory) -> KeyedRow {
        let (words, long) = unsafe memory.words(of: key)
        return unsafe KeyedRow(key: words, longKey: long, payload: memory.copy([]))
    }
}
