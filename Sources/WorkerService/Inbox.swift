internal import Platform
internal import Synchronization
internal import WireFormat

/// The bounded queue of batches before one subtask.
///
/// A full inbox refuses: its producer keeps the batch, does other work and is woken when there is room again.
///
/// Isolation: any number of producers, one consumer.
final class Inbox: Sendable {
    private struct State {
        // SAFETY of sending: a batch is referred to by its producer or by this queue or by the consumer, one at a time.
        var batches: [Batch?] = []
        var head = 0
        var bytes = 0
        var openProducers: Int
        var waiting: [Doorbell] = []
    }

    // SAFETY: a batch has one owner at a time, as ``RecordBatch`` demands.
    /// Makes a batch something that a queue may hand over between threads.
    struct Batch: @unchecked Sendable {
        let batch: RecordBatch
    }

    private let state: Mutex<State>
    private let consumer: Doorbell

    /// Batches that wait at most.
    let countLimit: Int

    /// Bytes that wait at most, but for one batch: a large record's may have more alone.
    let bytesLimit: Int

    init(producerCount: Int, countLimit: Int, bytesLimit: Int, consumer: Doorbell) {
        self.state = Mutex(State(openProducers: producerCount))
        self.countLimit = countLimit
        self.bytesLimit = bytesLimit
        self.consumer = consumer
    }

    /// - Returns: False when the inbox is full; `producer` is rung when that changes.
    func offer(_ batch: RecordBatch, producer: Doorbell) -> Bool {
        let item = Batch(batch: batch)
        let isTaken = self.state.withLock { state in
            let waitingCount = state.batches.count - state.head
            let hasRoom = waitingCount == 0 || state.bytes + batch.count <= self.bytesLimit
            guard waitingCount < self.countLimit, hasRoom else {
                if !state.waiting.contains(where: { $0 === producer }) { state.waiting.append(producer) }
                return false
            }
            state.batches.append(item)
            state.bytes += batch.count
            return true
        }
        if isTaken { self.consumer.ring() }
        return isTaken
    }

    /// One producer has nothing more.
    func close() {
        self.state.withLock { $0.openProducers -= 1 }
        self.consumer.ring()
    }

    /// The oldest batch, or nil when there is none just now.
    func take() -> RecordBatch? {
        let (item, waiting) = self.state.withLock { state -> (Batch?, [Doorbell]) in
            guard state.head < state.batches.count, let item = state.batches[state.head] else { return (nil, []) }
            state.batches[state.head] = nil
            state.head += 1
            state.bytes -= item.batch.count
            if state.head == state.batches.count || state.head >= 64 {
                state.batches.removeFirst(state.head)
                state.head = 0
            }
            defer { state.waiting = [] }
            return (item, state.waiting)
        }
        for doorbell in waiting { doorbell.ring() }
        return item?.batch
    }

    /// Whether every producer has closed and everything was taken.
    var isExhausted: Bool {
        self.state.withLock { $0.openProducers == 0 && $0.head == $0.batches.count }
    }
}
