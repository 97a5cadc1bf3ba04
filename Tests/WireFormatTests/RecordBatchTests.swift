import CoreTypes
import Testing
import WireFormat

@Suite struct RecordBatchTests {
    /// A row as a test writes and finds it.
    private struct Row: Hashable {
        let a: UInt64
        let b: UInt64
        let key: [UInt8]
        let payload: [UInt8]
    }

    @Test(arguments: 0..<UInt64(40))
    func `rows come back as they were appended`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let batch = RecordBatch(form: .value, capacity: random.next(in: 24..<4_096))
        let rows = (0..<random.next(in: 0..<200)).map { _ in Self.makeRow(&random) }

        for row in rows { Self.append(row, to: batch) }

        #expect(Self.rows(of: batch) == rows, "replay with seed \(seed)")
        #expect(batch.rowCount == rows.count, "replay with seed \(seed)")
    }

    @Test(arguments: 0..<UInt64(10))
    func `rows and payloads begin at multiples of eight`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let batch = RecordBatch(form: .states, capacity: 256)
        for _ in 0..<50 { Self.append(Self.makeRow(&random), to: batch) }

        var offset = 0
        while offset < batch.count {
            let row = unsafe RecordRow(batch.base + offset)
            #expect(offset % 8 == 0, "replay with seed \(seed)")
            #expect(unsafe Int(bitPattern: row.payload) % 8 == 0, "replay with seed \(seed)")
            offset += row.size
        }

        #expect(offset == batch.count, "replay with seed \(seed)")
    }

    @Test(arguments: [(0, 0, 24), (1, 0, 32), (8, 0, 32), (9, 0, 40), (0, 8, 32), (0, 9, 40), (17, 1, 56)])
    func `a row takes its header and both parts padded`(keyBytes: Int, payloadBytes: Int, rowBytes: Int) {
        #expect(RecordBatch.rowBytes(keyBytes: keyBytes, payloadBytes: payloadBytes) == rowBytes)
    }

    @Test func `there is room up to the last byte`() {
        let batch = RecordBatch(form: .integers, capacity: 64)

        _ = unsafe batch.append(1, 2, key: nil, keyBytes: 0, payloadBytes: 8)

        #expect(batch.hasRoom(32))
        #expect(!batch.hasRoom(33))
    }

    @Test func `a row that is too large for the batch enlarges it and keeps the others`() {
        let batch = RecordBatch(form: .value, capacity: 24)
        let small = Row(a: 1, b: 2, key: [], payload: [])
        let large = Row(a: 3, b: 4, key: Array(repeating: 7, count: 3_000), payload: Array(repeating: 9, count: 5_001))

        Self.append(small, to: batch)
        Self.append(large, to: batch)
        Self.append(small, to: batch)

        #expect(Self.rows(of: batch) == [small, large, small])
        #expect(batch.capacity >= batch.count)
    }

    @Test func `an emptied batch takes rows as a new one does`() {
        let batch = RecordBatch(form: .value, capacity: 200)
        let row = Row(a: 3, b: 4, key: [1, 2, 3], payload: [4])
        Self.append(Row(a: 9, b: 9, key: [9], payload: [9, 9, 9]), to: batch)

        batch.removeAll()
        Self.append(row, to: batch)

        #expect(Self.rows(of: batch) == [row])
        #expect(batch.rowCount == 1)
    }

    @Test func `a batch without room for a row is a bug`() async {
        await #expect(processExitsWith: .failure) {
            _ = RecordBatch(form: .value, capacity: RecordBatch.headerBytes - 1)
        }
    }

    // MARK: Rows

    private static func makeRow(_ random: inout SplitMix64) -> Row {
        let hasKey = random.chance(percent: 40)
        return Row(
            a: random.next(),
            b: random.next(),
            key: hasKey ? self.makeBytes(random.next(in: 1..<60), &random) : [],
            payload: self.makeBytes(random.next(in: 0..<40), &random)
        )
    }

    private static func makeBytes(_ count: Int, _ random: inout SplitMix64) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    private static func append(_ row: Row, to batch: RecordBatch) {
        unsafe row.key.withUnsafeBytes { key in
            let payload = unsafe batch.append(
                row.a,
                row.b,
                key: key.isEmpty ? nil : key.baseAddress,
                keyBytes: key.count,
                payloadBytes: row.payload.count
            )
            unsafe UnsafeMutableRawBufferPointer(start: payload, count: row.payload.count).copyBytes(from: row.payload)
        }
    }

    private static func rows(of batch: RecordBatch) -> [Row] {
        var rows: [Row] = []
        var offset = 0
        while offset < batch.count {
            let row = unsafe RecordRow(batch.base + offset)
            rows.append(
                Row(
                    a: row.a,
                    b: row.b,
                    key: unsafe Array(UnsafeRawBufferPointer(start: row.key, count: row.keyBytes)),
                    payload: unsafe Array(UnsafeRawBufferPointer(start: row.payload, count: row.payloadBytes))
                )
            )
            offset += row.size
        }
        return rows
    }
}
