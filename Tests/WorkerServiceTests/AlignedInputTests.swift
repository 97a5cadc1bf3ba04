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
        #expect(elements.map(\.channel) == [0, 0, 1, 1])
        #expect(elements.map { "\($0.element)" } == ["watermark(1)", "idle", "tick(3)", "watermark(4)"])
        #expect(waiting.watermark == 4)
    }

    @Test func `the barriers of a checkpoint that overtook what came before them are passed over`() {
        let inbox = Self.makeInbox()
        var input = AlignedInput(inbox)
        inbox.push([.watermark(1), .barrier(7), .watermark(2), .barrier(8)], channel: 0)
        inbox.push([.watermark(0), .watermark(3), .barrier(7), .watermark(5)], channel: 1)
        while input.checkpoint == nil { _ = input.next() }
        // What is left of the second channel, and how far time had come in both.
        #expect(input.waiting(before: 7)?.chunks.count == 3)

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
        inbox.push([.end], channel: 0)
        while !input.hasEnded, input.next() != nil {}
        inbox.push([.watermark(9), .end], channel: 1)
        inbox.push([.barrier(2), .end], channel: 2)

        #expect(input.waiting(before: 2)?.chunks.count == 1)
        #expect(input.waiting(before: 2)?.watermark == 9)
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
