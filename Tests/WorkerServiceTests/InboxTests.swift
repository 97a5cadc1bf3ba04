import CoordinationCore
import CoreTypes
import Platform
import Testing
import WireFormat

@testable import WorkerService

@Suite struct InboxTests {
    @Test func `a full inbox refuses and rings when there is room again`() throws {
        let producer = Doorbell()
        let inbox = Inbox(producerCount: 1, countLimit: 2, bytesLimit: 1 << 30, consumer: Doorbell())
        let batches = Self.makeBatches(3)
        #expect(inbox.offer(batches[0], producer: producer))
        #expect(inbox.offer(batches[1], producer: producer))

        let isTaken = inbox.offer(batches[2], producer: producer)
        let first = inbox.take()

        #expect(!isTaken)
        #expect(first === batches[0])
        // Returns at once, because the bell was rung.
        producer.wait()
        #expect(inbox.offer(batches[2], producer: producer))
    }

    @Test func `a batch and the end of a producer wake the consumer`() {
        let consumer = Doorbell()
        let inbox = Inbox(producerCount: 1, countLimit: 2, bytesLimit: 1 << 30, consumer: consumer)

        _ = inbox.offer(Self.makeBatches(1)[0], producer: Doorbell())
        consumer.wait()
        inbox.close()
        consumer.wait()

        #expect(!inbox.isExhausted)
    }

    @Test func `an inbox is exhausted when all producers have closed and all is taken`() {
        let inbox = Inbox(producerCount: 2, countLimit: 4, bytesLimit: 1 << 30, consumer: Doorbell())
        _ = inbox.offer(Self.makeBatches(1)[0], producer: Doorbell())

        inbox.close()
        #expect(!inbox.isExhausted)
        inbox.close()
        #expect(!inbox.isExhausted)
        _ = inbox.take()

        #expect(inbox.isExhausted)
        #expect(inbox.take() == nil)
    }

    @Test(arguments: 0..<UInt64(30))
    func `batches come in the order they went in, and never more than the limit wait`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let limit = random.next(in: 1..<100)
        let inbox = Inbox(producerCount: 1, countLimit: limit, bytesLimit: 1 << 30, consumer: Doorbell())
        let batches = Self.makeBatches(600)
        let producer = Doorbell()
        var model: [Int] = []
        var next = 0
        var isInOrder = true
        while next < batches.count {
            if random.chance(percent: 55) {
                let isTaken = inbox.offer(batches[next], producer: producer)
                isInOrder = isInOrder && isTaken == (model.count < limit)
                guard isTaken else { continue }
                model.append(next)
                next += 1
            } else {
                let expected = model.isEmpty ? nil : batches[model.removeFirst()]
                isInOrder = isInOrder && inbox.take() === expected
            }
        }

        for index in model { isInOrder = isInOrder && inbox.take() === batches[index] }

        #expect(isInOrder, "replay with seed \(seed)")
        #expect(inbox.take() == nil)
    }

    private static func makeBatches(_ count: Int) -> [RecordBatch] {
        (0..<count).map { _ in RecordBatch(form: .value, capacity: RecordBatch.headerBytes) }
    }
}

@Suite struct MailboxTests {
    @Test func `messages come once, in the order they were posted`() {
        let doorbell = Doorbell()
        let mailbox = Mailbox(doorbell: doorbell)

        mailbox.post(.assign([SplitID(rawValue: 3)]))
        mailbox.post(.noMoreSplits)
        doorbell.wait()
        let messages = mailbox.take()

        #expect(messages.map { "\($0)" } == ["assign([CoreTypes.SplitID(rawValue: 3)])", "noMoreSplits"])
        #expect(mailbox.take().isEmpty)
    }
}

@Suite struct WorkerCountersTests {
    @Test func `figures of all subtasks are added up`() {
        let counters = WorkerCounters()

        counters.addInput(bytes: 10, records: 2, pairs: 3, rejected: 1)
        counters.addInput(bytes: 5, records: 1, pairs: 0, rejected: 0)
        counters.addOutput(keys: 4, records: 6)
        counters.addOutput(keys: 1, records: 1)
        counters.addRejected(2)
        counters.addSpilled(bytes: 100, runs: 1)
        counters.addSpilled(bytes: 50, runs: 2)

        #expect(counters.inputBytes == 15)
        #expect(counters.inputRecords == 3)
        #expect(counters.mappedPairs == 3)
        #expect(counters.reducedKeys == 5)
        #expect(counters.outputRecords == 7)
        #expect(counters.rejectedRecords == 3)
        #expect(counters.spilledBytes == 150)
        #expect(counters.spilledRuns == 3)
    }
}
