import Platform
import Testing
import WireFormat

@testable import WorkerService

@Suite struct InboxBytesTests {
    @Test func `large batches wait one at a time`() {
        let inbox = Self.makeInbox()

        let first = inbox.offer(Self.makeBatch(bytes: 5_000), producer: Doorbell())
        let second = inbox.offer(Self.makeBatch(bytes: 5_000), producer: Doorbell())
        let taken = inbox.take()
        let third = inbox.offer(Self.makeBatch(bytes: 5_000), producer: Doorbell())

        #expect([first, second, third] == [true, false, true])
        #expect(taken?.count == 5_024)
    }

    @Test func `small batches wait up to their number`() {
        let inbox = Self.makeInbox()

        let offers = (0..<4).map { _ in inbox.offer(Self.makeBatch(bytes: 8), producer: Doorbell()) }

        #expect(offers == [true, true, true, false])
    }

    @Test func `a batch that was taken isn't held any longer`() throws {
        let inbox = Self.makeInbox()
        weak var batch: RecordBatch?
        do {
            let made = Self.makeBatch(bytes: 8)
            batch = made
            _ = inbox.offer(made, producer: Doorbell())
        }
        _ = inbox.offer(Self.makeBatch(bytes: 8), producer: Doorbell())

        _ = inbox.take()

        #expect(batch == nil)
    }

    private static func makeInbox() -> Inbox {
        Inbox(producerCount: 1, countLimit: 3, bytesLimit: 1_000, consumer: Doorbell())
    }

    private static func makeBatch(bytes: Int) -> RecordBatch {
        let batch = RecordBatch(form: .value, capacity: 1_000)
        _ = unsafe batch.append(1, 2, key: nil, keyBytes: 0, payloadBytes: bytes)
        return batch
    }
}
