import ConnectorKit
import CoreTypes
import EngineTestKit
import Testing
import WireFormat

@testable import Engine

@Suite struct DamagedRunTests {
    private static let routing = Routing(keyGroupCount: 128, partitionCount: 1, subtaskCount: 1)

    @Test(arguments: 0..<UInt64(20))
    func `rows come back as they were written, large ones too`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let rows = Self.makeRows(&random)
        let run = try Self.write(rows)

        var found: [Row] = []
        var merger = try RunMerger([run], routing: Self.routing)
        while let cursor = merger.current {
            found.append(Row(cursor.keyed, payloadBytes: cursor.row.payloadBytes))
            try merger.advance()
        }

        #expect(found == rows, "replay with seed \(seed)")
    }

    @Test func `a large row is written in pieces from where it lies`() throws {
        let row = Row(key: [UInt8](repeating: 1, count: 3 << 20), payload: [UInt8](repeating: 2, count: 5_000_001))

        let run = try #require(try Self.write([row]).run as? InMemorySpillRun)

        let whole = Array(repeating: 1 << 20, count: 7)
        #expect(run.blocks.map(\.count) == [24] + whole + [805_697, 7])
    }

    /// Every block may be cut, lengthened, or changed: what can't have been written is an error, and never a trap.
    @Test(arguments: 0..<UInt64(150))
    func `damaged rows are refused or read, and never trap`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let intact = try Self.write(Self.makeRows(&random))
        var blocks = try #require(intact.run as? InMemorySpillRun).blocks
        guard !blocks.isEmpty else { return }
        for _ in 0..<random.next(in: 1..<4) { Self.damage(&blocks[random.next(in: 0..<blocks.count)], &random) }
        blocks.removeAll(where: \.isEmpty)
        let run = SortedRun(
            form: intact.form,
            run: InMemorySpillRun(blocks),
            rowBytesMaximum: intact.rowBytesMaximum
        )

        do {
            var merger = try RunMerger([run, intact], routing: Self.routing)
            while let cursor = merger.current {
                let row = Row(cursor.keyed, payloadBytes: cursor.row.payloadBytes)
                #expect(row.key.count + row.payload.count <= intact.rowBytesMaximum, "replay with seed \(seed)")
                try merger.advance()
            }
        } catch {
            #expect(error.reason == .corrupt, "replay with seed \(seed)")
        }
    }

    @Test func `columns of another number are refused`() throws {
        let intact = try Self.write([Row(key: [1], payload: [UInt8](repeating: 0, count: 16))], form: .integers)
        let run = SortedRun(form: .integers, run: intact.run, rowBytesMaximum: 100, payloadBytes: 24)

        let error = #expect(throws: SpillError.self) { try RunMerger([run], routing: Self.routing).isEmpty }

        #expect(error?.reason == .corrupt)
        #expect(intact.payloadBytes == 16)
    }

    @Test(arguments: [
        (20, RecordRowError.truncatedHeader(byteCount: 20)), (32, .truncatedRow(size: 40, byteCount: 32)),
    ])
    func `a row that doesn't lie in its bytes is refused`(_ row: (Int, RecordRowError)) {
        let batch = RecordBatch(form: .value, capacity: 100)
        _ = unsafe batch.append(1, 2, key: nil, keyBytes: 0, payloadBytes: 9)

        #expect(throws: row.1) {
            try unsafe RecordRow(checking: UnsafeRawBufferPointer(start: batch.base, count: row.0)).size
        }
    }

    @Test func `a length of four billion isn't believed`() {
        let batch = RecordBatch(form: .value, capacity: 100)
        _ = unsafe batch.append(1, 2, key: nil, keyBytes: 0, payloadBytes: 9)
        unsafe batch.base.storeBytes(of: UInt32.max, toByteOffset: 20, as: UInt32.self)

        #expect(throws: RecordRowError.self) {
            try unsafe RecordRow(checking: UnsafeRawBufferPointer(start: batch.base, count: batch.count)).size
        }
    }
}

extension DamagedRunTests {
    /// Key and payload as bytes: a text key.
    fileprivate struct Row: Equatable {
        let key: [UInt8]
        let payload: [UInt8]

        init(key: [UInt8], payload: [UInt8]) {
            self.key = key
            self.payload = payload
        }

        init(_ row: KeyedRow, payloadBytes: Int) {
            var arena = Arena(limitBytes: 1 << 10)
            // A short key is 16 bytes in the arena.
            self.key = (try? row.bytes(in: &arena).array) ?? []
            self.payload = unsafe Array(UnsafeRawBufferPointer(start: row.payload, count: payloadBytes))
        }
    }

    fileprivate static func makeRows(_ random: inout SplitMix64) -> [Row] {
        (0..<random.next(in: 0..<200)).map { _ in
            let isLarge = random.chance(percent: 2)
            return Row(
                key: [UInt8](repeating: UInt8(random.next(in: 0..<256)), count: random.next(in: 0..<40)),
                payload: [UInt8](
                    repeating: UInt8(random.next(in: 0..<256)),
                    count: random.next(in: 0..<(isLarge ? 400_000 : 900))
                )
            )
        }
    }

    fileprivate static func write(_ rows: [Row], form: RecordBatch.Form = .value) throws -> SortedRun {
        var writer = try SortedRunWriter(store: InMemorySpillStore(), form: form)
        for row in rows {
            // Room behind the bytes, which short keys are read with.
            let key = row.key + [UInt8](repeating: 0, count: 16)
            try unsafe key.withUnsafeBytes { key in
                try unsafe row.payload.withUnsafeBytes { payload in
                    let start = unsafe key.baseAddress.unsafelyUnwrapped
                    let words = unsafe KeyWords(start, count: row.key.count, isText: true)
                    try unsafe writer.append(
                        words,
                        longKey: words.isLong ? start : nil,
                        payload: payload.baseAddress ?? start,
                        payloadBytes: row.payload.count
                    )
                }
            }
        }
        return try writer.finish()
    }

    fileprivate static func damage(_ block: inout [UInt8], _ random: inout SplitMix64) {
        guard !block.isEmpty else { return }
        switch random.next(in: 0..<4) {
        case 0: block.removeLast(random.next(in: 0..<block.count))
        case 1: block.append(contentsOf: [UInt8](repeating: 0xFF, count: random.next(in: 1..<50)))
        case 2:
            for index in block.indices.dropFirst(16).prefix(8) {
                block[index] = UInt8(truncatingIfNeeded: random.next())
            }
        default: block[random.next(in: 0..<block.count)] = UInt8(truncatingIfNeeded: random.next())
        }
    }
}

extension RunMerger {
    fileprivate var isEmpty: Bool { self.current == nil }
}
