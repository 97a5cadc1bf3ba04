import CoreTypes
import Engine
import Platform
import Synchronization
import Testing
import WireFormat

@testable import WorkerService

@Suite struct StreamInboxTests {
    @Test func `a full channel refuses, and rings its producer alone when there is room again`() {
        let producers = [Doorbell(), Doorbell()]
        let inbox = StreamInbox(producers: producers, consumer: Doorbell(), countLimit: 2, bytesLimit: 1 << 20)
        #expect(inbox.offer(.watermark(1), channel: 0))
        #expect(inbox.offer(.watermark(2), channel: 0))

        let isTaken = inbox.offer(.watermark(3), channel: 0)
        let isOtherTaken = inbox.offer(.watermark(10), channel: 1)
        let first = inbox.take(from: 0)

        #expect(!isTaken)
        #expect(isOtherTaken)
        #expect(first?.watermark == 1)
        // Returns at once, because the bell was rung.
        producers[0].wait()
        #expect(inbox.offer(.watermark(3), channel: 0))
    }

    @Test func `an element wakes the consumer`() {
        let consumer = Doorbell()
        let inbox = StreamInbox(producers: [Doorbell()], consumer: consumer, countLimit: 2, bytesLimit: 1)

        _ = inbox.offer(.end, channel: 0)

        // Returns at once, because the bell was rung.
        consumer.wait()
        #expect(inbox.take(from: 0) != nil)
        #expect(inbox.take(from: 0) == nil)
    }

    @Test func `one element may be larger than all that may wait`() {
        let inbox = StreamInbox(producers: [Doorbell()], consumer: Doorbell(), countLimit: 9, bytesLimit: 1_000)

        #expect(inbox.offer(.timed(Self.makeBatch(payloadBytes: 5_000)), channel: 0))
        #expect(!inbox.offer(.timed(Self.makeBatch(payloadBytes: 1)), channel: 0))
        #expect(!inbox.offer(.watermark(1), channel: 0))
        #expect(inbox.take(from: 0) != nil)
        #expect(inbox.offer(.timed(Self.makeBatch(payloadBytes: 1)), channel: 0))
    }

    @Test(arguments: 0..<UInt64(60))
    func `each channel keeps its order and its limits`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let channelCount = random.next(in: 1..<4)
        let countLimit = random.next(in: 1..<100)
        let bytesLimit = random.next(in: 100..<5_000)
        let inbox = StreamInbox(
            producers: (0..<channelCount).map { _ in Doorbell() },
            consumer: Doorbell(),
            countLimit: countLimit,
            bytesLimit: bytesLimit
        )
        var waiting = Array(repeating: [(number: Int64, bytes: Int)](), count: channelCount)
        var next: Int64 = 0

        for _ in 0..<2_000 {
            let channel = random.next(in: 0..<channelCount)
            guard random.chance(percent: 55) else {
                let expected = waiting[channel].isEmpty ? nil : waiting[channel].removeFirst().number
                #expect(inbox.take(from: channel)?.number == expected, "seed \(seed)")
                continue
            }
            let batch = random.chance(percent: 50) ? Self.makeBatch(payloadBytes: random.next(in: 1..<700)) : nil
            let bytes = batch?.count ?? 0
            let held = waiting[channel].reduce(0) { $0 + $1.bytes }
            let fits = waiting[channel].isEmpty || held + bytes <= bytesLimit
            let isTaken = inbox.offer(batch.map { .slice(next, $0) } ?? .watermark(next), channel: channel)

            #expect(isTaken == (waiting[channel].count < countLimit && fits), "seed \(seed)")
            if isTaken { waiting[channel].append((next, bytes)) }
            next += 1
        }
        #expect(inbox.channelCount == channelCount)
    }

    /// Whoever was refused is rung by the next element taken, also by several threads at once.
    @Test func `nothing is lost and nobody sleeps on between threads`() throws {
        let bells = (0..<3).map { _ in Doorbell() }
        let inbox = StreamInbox(producers: Array(bells[..<2]), consumer: bells[2], countLimit: 3, bytesLimit: 1 << 20)
        let misplaced = Mutex<[Int64]>([])
        let threads = try PinnedThreads(count: 3, name: "weir-test") { thread in
            guard thread == 2 else {
                for number in 0..<Int64(5_000) {
                    while !inbox.offer(.watermark(number), channel: thread) { bells[thread].wait() }
                }
                return
            }
            var next: [Int64] = [0, 0]
            while next != [5_000, 5_000] {
                var hasTaken = false
                for channel in 0..<2 {
                    guard let element = inbox.take(from: channel) else { continue }
                    hasTaken = true
                    if element.watermark != next[channel] { misplaced.withLock { $0.append(next[channel]) } }
                    next[channel] += 1
                }
                if !hasTaken { bells[2].wait() }
            }
        }

        threads.join()

        #expect(misplaced.withLock { $0 } == [])
        #expect(inbox.take(from: 0) == nil && inbox.take(from: 1) == nil)
    }
}

extension StreamInboxTests {
    private static func makeBatch(payloadBytes: Int) -> RecordBatch {
        let batch = RecordBatch(form: .value, capacity: 1_024)
        let payload = unsafe batch.append(1, 2, key: nil, keyBytes: 0, payloadBytes: payloadBytes)
        unsafe payload.initializeMemory(as: UInt8.self, repeating: 0, count: payloadBytes)
        return batch
    }
}

extension StreamElement {
    fileprivate var watermark: Int64? {
        if case .watermark(let watermark) = self { watermark } else { nil }
    }

    /// Of a watermark or a slice.
    fileprivate var number: Int64? {
        if case .slice(let start, _) = self { start } else { self.watermark }
    }
}
