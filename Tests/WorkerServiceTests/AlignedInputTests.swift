import CoreTypes
import Engine
import Platform
import Testing

@testable import WorkerService

/// Checkpoints of a subtask with several channels: those that wait for all barriers, and those that don't.
@Suite struct AlignedInputTests {
    private static func makeInbox(channelCount: Int = 2) -> StreamInbox {
        StreamInbox(
            producers: (0..<channelCount).map { _ in Doorbell() },
            consumer: Doorbell(),
            countLimit: 4,
            bytesLimit: 1 << 20
        )
    }

    @Test func `what lies before the barriers is what a checkpoint overtakes`() throws {
        let inbox = Self.makeInbox()
        var input = AlignedInput(inbox)
        inbox.push([.watermark(1), .idle, .barrier(7), .watermark(2)], channel: 0)
        inbox.push([.tick(3), .watermark(4)], channel: 1)
        #expect(input.waiting(before: 7) == nil)

        inbox.push([.barrier(7)], channel: 1)
        let waiting = try #require(input.waiting(before: 7))
        input.release(7)

        let elements = try waiting.chunks.map { try ChannelSnapshot.element($0, channelCount: 2) }
        #expect(elements.map(\.channel) == [0, 0, 1, 1, 1])
        let expected = ["watermark(1)", "watermark(4)", "tick(3)", "watermark(4)", "watermark(4)"]
        #expect(elements.map { "\($0.element)" } == expected)
        #expect(waiting.watermark == 4)
    }

    /// Behind a restart the channel of who was at the end may be somebody's who isn't.
    @Test func `no channel says that time has come further than it has in all`() throws {
        let inbox = Self.makeInbox()
        var input = AlignedInput(inbox)
        inbox.push([.watermark(WatermarkTracker.end), .end], channel: 0)
        inbox.push([.watermark(5), .watermark(20), .barrier(3)], channel: 1)
        for _ in 0..<3 { _ = input.next() }

        let waiting = try #require(input.waiting(before: 3))
        let elements = try waiting.chunks.map { try ChannelSnapshot.element($0, channelCount: 2) }

        #expect(waiting.watermark == 20)
        #expect(elements.filter { $0.channel == 0 }.map { "\($0.element)" }.allSatisfy { $0 == "watermark(20)" })
        #expect(elements.last.map { "\($0.element)" } == "watermark(20)")
    }

    @Test(arguments: 0..<UInt64(300))
    func `what was overtaken brings time as far as it came without the restart`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let count = random.next(in: 1..<4)
        let inbox = Self.makeInbox(channelCount: count)
        var input = AlignedInput(inbox)
        for channel in 0..<count {
            var time: Int64 = 0
            var elements: [StreamElement] = []
            for _ in 0..<random.next(in: 0..<6) {
                time += Int64(random.next(in: 1..<9))
                elements.append(random.chance(percent: 25) ? .idle : .watermark(time))
            }
            inbox.push(elements + [.barrier(1)], channel: channel)
        }
        for _ in 0..<random.next(in: 0..<6) { _ = input.next() }

        let waiting = try #require(input.waiting(before: 1))
        let restored = Self.makeInbox(channelCount: count)
        for chunk in waiting.chunks {
            let (channel, element) = try ChannelSnapshot.element(chunk, channelCount: count)
            restored.push([element], channel: channel)
        }
        var again = AlignedInput(restored)
        var times: [Int64] = []
        while let arrival = again.next() { if case .time(let time) = arrival { times.append(time) } }

        #expect((times.last ?? WatermarkTracker.none) == waiting.watermark, "seed \(seed)")
        #expect(times.allSatisfy { $0 <= waiting.watermark }, "seed \(seed)")
        #expect(!again.isIdle, "seed \(seed)")
    }

    @Test func `the barriers of a checkpoint that overtook what came before them are passed over`() {
        let inbox = Self.makeInbox()
        var input = AlignedInput(inbox)
        inbox.push([.watermark(1), .barrier(7), .watermark(2), .barrier(8)], channel: 0)
        inbox.push([.watermark(0), .watermark(3), .barrier(7), .watermark(5)], channel: 1)
        while input.checkpoint == nil { _ = input.next() }
        // What is left of the second channel, how far time had come in both, and how far it comes.
        #expect(input.waiting(before: 7)?.chunks.count == 5)

        input.release(7)
        var times: [Int64] = []
        while let arrival = input.next() { if case .time(let time) = arrival { times.append(time) } }

        #expect(times.last == 2)
        #expect(input.checkpoint == 8)
        #expect(!input.isAligned)
    }

    @Test func `a channel that has ended holds no checkpoint up`() {
        let inbox = Self.makeInbox(channelCount: 3)
        var input = AlignedInput(inbox)
        inbox.push([.watermark(30), .end], channel: 0)
        while !input.hasEnded, input.next() != nil {}
        inbox.push([.watermark(9), .end], channel: 1)
        inbox.push([.barrier(2), .end], channel: 2)

        // Nobody has said how far the third is.
        #expect(input.waiting(before: 2)?.chunks.isEmpty == true)
        #expect(input.waiting(before: 2)?.watermark == WatermarkTracker.none)
    }

    @Test func `elements that are put back come before all others, and a full channel takes a barrier`() {
        let inbox = Self.makeInbox(channelCount: 1)
        for time in 10..<14 { #expect(inbox.offer(.watermark(Int64(time)), channel: 0)) }
        #expect(!inbox.offer(.barrier(1), channel: 0))
        _ = inbox.take(from: 0)

        inbox.restore([.watermark(1), .watermark(2)], channel: 0)
        inbox.push([.barrier(1)], channel: 0)

        var found: [String] = []
        while let element = inbox.take(from: 0) { found.append("\(element)") }
        #expect(
            found == ["watermark(1)", "watermark(2)", "watermark(11)", "watermark(12)", "watermark(13)", "barrier(1)"]
        )
    }
}
