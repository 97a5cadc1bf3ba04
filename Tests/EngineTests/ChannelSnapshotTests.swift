import CoreTypes
import EngineTestKit
import Testing
import WireFormat

@testable import Engine

/// Elements on their way between subtasks, as checkpoints hold them that overtake them.
@Suite struct ChannelSnapshotTests {
    private static func makeBatch(_ random: inout SplitMix64) -> RecordBatch {
        let batch = RecordBatch(form: .states, capacity: 64)
        for _ in 0..<random.next(in: 0..<6) {
            let text = String(repeating: "k", count: random.next(in: 0..<40)) + "\(random.next(in: 0..<9))"
            let payload = (0..<random.next(in: 0..<50)).map { _ in UInt8(random.next(in: 0..<256)) }
            unsafe Array(text.utf8).withUnsafeBytes { bytes in
                let start = unsafe bytes.baseAddress.unsafelyUnwrapped
                let words = unsafe KeyWords(start, count: bytes.count, isText: true)
                let keyBytes = words.isLong ? bytes.count : 0
                let target = unsafe batch.append(
                    words.a,
                    words.b,
                    key: words.isLong ? start : nil,
                    keyBytes: keyBytes,
                    payloadBytes: payload.count
                )
                let room = unsafe UnsafeMutableRawBufferPointer(start: target, count: payload.count)
                unsafe room.copyBytes(from: payload)
            }
        }
        return batch
    }

    private static func random(_ random: inout SplitMix64) -> StreamElement {
        let time = Int64(random.next(in: -1_000_000..<1_000_000))
        switch random.next(in: 0..<6) {
        case 0, 1: return .slice(time, self.makeBatch(&random))
        case 2, 3: return .timed(self.makeBatch(&random))
        case 4: return .watermark(random.chance(percent: 20) ? WatermarkTracker.end : time)
        default: return random.chance(percent: 50) ? .idle : .tick(time)
        }
    }

    /// The rows of a batch: key words, key and payload of each.
    private static func rows(_ batch: RecordBatch) -> [[UInt8]] {
        var rows: [[UInt8]] = []
        var offset = 0
        while offset < batch.count {
            let row = unsafe RecordRow(batch.base + offset)
            var bytes = unsafe withUnsafeBytes(of: (row.a, row.b)) { unsafe Array($0) }
            bytes += unsafe Array(UnsafeRawBufferPointer(start: row.key, count: row.keyBytes))
            bytes += unsafe Array(UnsafeRawBufferPointer(start: row.payload, count: row.payloadBytes))
            rows.append(bytes)
            offset += row.size
        }
        return rows
    }

    private static func text(_ element: StreamElement) -> String {
        switch element {
        case .slice(let start, let batch): "slice \(start) \(self.rows(batch))"
        case .timed(let batch): "timed \(self.rows(batch))"
        default: "\(element)"
        }
    }

    @Test(arguments: Seeds.first(100))
    func `an element comes back in its channel as it was`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let element = Self.random(&random)
        let channel = random.next(in: 0..<8)
        let chunk = try #require(ChannelSnapshot.chunk(of: element, channel: channel))

        let found = try ChannelSnapshot.element(chunk, channelCount: 8)

        #expect(found.channel == channel, "seed \(seed)")
        #expect(Self.text(found.element) == Self.text(element), "seed \(seed)")
        #expect(throws: EngineError.self) { try ChannelSnapshot.element(chunk, channelCount: channel) }
    }

    @Test(arguments: Seeds.first(200))
    func `bytes that are damaged are refused, or are elements`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var chunk = try #require(ChannelSnapshot.chunk(of: Self.random(&random), channel: 1))
        switch random.next(in: 0..<3) {
        case 0: chunk.removeLast(random.next(in: 1..<chunk.count + 1))
        case 1: chunk[random.next(in: 0..<chunk.count)] ^= UInt8(1 << random.next(in: 0..<8))
        default: chunk += (0..<random.next(in: 1..<60)).map { _ in UInt8(random.next(in: 0..<256)) }
        }

        guard let found = try? ChannelSnapshot.element(chunk, channelCount: 8) else { return }

        #expect(ChannelSnapshot.chunk(of: found.element, channel: found.channel) != nil, "seed \(seed)")
    }

    @Test func `barriers and ends aren't kept`() {
        #expect(ChannelSnapshot.chunk(of: .barrier(1), channel: 0) == nil)
        #expect(ChannelSnapshot.chunk(of: .end, channel: 0) == nil)
    }
}
