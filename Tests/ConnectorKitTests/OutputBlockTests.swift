import ConnectorKit
import CoreTypes
import Testing

@Suite struct OutputBlockTests {
    @Test(arguments: 0..<UInt64(100))
    func `records come back as they were appended, whatever is taken back between`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let block = OutputBlock()
        var model: [TestRecord] = []

        for _ in 0..<200 {
            switch random.next(in: 0..<12) {
            case 0:
                let count = random.next(in: 0..<(model.count + 3))
                block.truncate(to: count)
                model.removeLast(max(model.count - count, 0))
            case 1 where random.chance(percent: 20):
                block.removeAll()
                model = []
            default:
                let record = TestRecord.random(&random)
                record.append(to: block)
                model.append(record)
            }

            #expect(block.count == model.count, "seed \(seed)")
        }

        #expect((0..<block.count).map { TestRecord(block, $0) } == model, "seed \(seed)")
        #expect(block.byteCount == model.reduce(0) { $0 + $1.byteCount }, "seed \(seed)")
    }

    @Test func `an empty key or value is another one than none`() {
        let block = OutputBlock()
        let records = [
            TestRecord(key: nil, value: nil, timestamp: nil), TestRecord(key: [], value: [], timestamp: 0),
            TestRecord(key: [], value: nil, timestamp: -1), TestRecord(key: nil, value: [7], timestamp: .max),
        ]

        for record in records { record.append(to: block) }

        #expect((0..<block.count).map { TestRecord(block, $0) } == records)
    }

    @Test func `lines are one run of bytes from any record on`() {
        let block = OutputBlock()
        for line in ["a\n", "", "bc\n"] {
            TestRecord(key: nil, value: Array(line.utf8), timestamp: nil).append(to: block)
        }

        let runs = (0...4).map { first in
            unsafe block.withBytes(from: first) { unsafe String(decoding: $0, as: UTF8.self) }
        }

        #expect(runs == ["a\nbc\n", "bc\n", "bc\n", "", ""])
    }
}

@Suite struct MessageBlockTests {
    @Test func `a block gives its messages in order, is full at its capacity, and is used again`() {
        let block = MessageBlock(capacity: 3)
        for position in 0..<Int64(3) { block.append(Self.message(position)) }

        let positions = (0..<block.count).map { block[$0].position }
        let isFull = block.isFull
        block.removeAll()
        block.append(Self.message(9))

        #expect(positions == [0, 1, 2])
        #expect(isFull && !block.isFull)
        #expect(block.count == 1 && block[0].position == 9)
    }

    @Test func `a message is what its reader says`() {
        let block = MessageBlock(capacity: 1)
        let bytes: [UInt8] = [1, 2, 3]

        let (value, hasKey, timestamp, split) = unsafe bytes.withUnsafeBytes { buffer in
            unsafe block.append(StreamMessage(value: buffer, key: nil, timestamp: -5, position: 7, split: 2))
            return unsafe (
                block[0].value.map { unsafe Array($0) }, block[0].key != nil, block[0].timestamp, block[0].split
            )
        }

        #expect(value == bytes)
        #expect(!hasKey)
        #expect(timestamp == -5)
        #expect(split == 2)
    }

    @Test func `one message too many ends the process`() async {
        await #expect(processExitsWith: .failure) {
            let block = MessageBlock(capacity: 1)
            let message = unsafe StreamMessage(value: nil, key: nil, timestamp: nil, position: 0, split: 0)
            block.append(message)
            block.append(message)
        }
    }

    @Test func `reading behind the last message ends the process`() async {
        await #expect(processExitsWith: .failure) { _ = MessageBlock(capacity: 1)[0] }
    }
}

extension MessageBlockTests {
    private static func message(_ position: Int64) -> StreamMessage {
        unsafe StreamMessage(value: nil, key: nil, timestamp: nil, position: position, split: 0)
    }
}

/// A record as plain arrays.
private struct TestRecord: Equatable {
    var key: [UInt8]?
    var value: [UInt8]?
    var timestamp: Int64?

    init(key: [UInt8]?, value: [UInt8]?, timestamp: Int64?) {
        self.key = key
        self.value = value
        self.timestamp = timestamp
    }

    init(_ block: OutputBlock, _ index: Int) {
        self = unsafe block.withRecord(index) { key, value, timestamp in
            unsafe TestRecord(
                key: key.map { unsafe Array($0) },
                value: value.map { unsafe Array($0) },
                timestamp: timestamp
            )
        }
    }

    var byteCount: Int { (self.key?.count ?? 0) + (self.value?.count ?? 0) }

    func append(to block: OutputBlock) {
        // Behind an empty array there may be no address: such a part is given as an empty buffer all the same.
        let key = self.key ?? []
        let value = self.value ?? []
        unsafe key.withUnsafeBytes { keyBytes in
            unsafe value.withUnsafeBytes { valueBytes in
                unsafe block.append(
                    key: self.key == nil ? nil : keyBytes,
                    value: self.value == nil ? nil : valueBytes,
                    timestamp: self.timestamp
                )
            }
        }
    }

    static func random(_ random: inout SplitMix64) -> TestRecord {
        func bytes() -> [UInt8]? {
            guard random.chance(percent: 80) else { return nil }
            return (0..<random.next(in: 0..<40)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        }
        let timestamp = random.chance(percent: 70) ? Int64(random.next(in: -9..<9)) : nil
        return TestRecord(key: bytes(), value: bytes(), timestamp: timestamp)
    }
}
