internal import Engine
internal import Platform
internal import Synchronization

/// The bounded queues of elements before one window subtask: one for each subtask that sends to it.
///
/// A full queue refuses: its producer keeps the element, does other work and is woken when there is room again.
///
/// Isolation: one producer a channel, one consumer.
final class StreamInbox: Sendable {
    private struct Channel {
        var elements: [StreamElement?] = []
        var head = 0
        var bytes = 0
        var isProducerWaiting = false

        var waitingCount: Int { self.elements.count - self.head }
        var waiting: ArraySlice<StreamElement?> { self.elements[self.head...] }
    }

    private let channels: Mutex<[Channel]>
    private let consumer: Doorbell
    private let producers: [Doorbell]
    private let countLimit: Int
    private let bytesLimit: Int

    /// - Parameters:
    ///   - producers: The doorbells of the channels' producers.
    ///   - consumer: The doorbell of who takes from it.
    ///   - countLimit: Elements that wait in a channel at most.
    ///   - bytesLimit: Bytes that wait in a channel at most, but for one element: a large record's may have more alone.
    init(producers: [Doorbell], consumer: Doorbell, countLimit: Int, bytesLimit: Int) {
        self.channels = Mutex(Array(repeating: Channel(), count: producers.count))
        self.producers = producers
        self.consumer = consumer
        self.countLimit = countLimit
        self.bytesLimit = bytesLimit
    }

    var channelCount: Int { self.producers.count }

    /// - Returns: False when the channel is full; its producer is rung when that changes.
    func offer(_ element: StreamElement, channel: Int) -> Bool {
        let bytes = element.byteCount
        let isTaken = self.channels.withLock { channels in
            let waiting = channels[channel].waitingCount
            let hasRoom = waiting == 0 || channels[channel].bytes + bytes <= self.bytesLimit
            guard waiting < self.countLimit, hasRoom else {
                channels[channel].isProducerWaiting = true
                return false
            }
            channels[channel].elements.append(element)
            channels[channel].bytes += bytes
            return true
        }
        if isTaken { self.consumer.ring() }
        return isTaken
    }

    /// Adds elements however full the channel is: those that a barrier would have to wait for, and the barrier.
    func push(_ elements: [StreamElement], channel: Int) {
        self.channels.withLock { channels in
            for element in elements {
                channels[channel].elements.append(element)
                channels[channel].bytes += element.byteCount
            }
        }
        self.consumer.ring()
    }

    /// Puts elements before all others: those that were on their way when a checkpoint overtook them.
    func restore(_ elements: [StreamElement], channel: Int) {
        self.channels.withLock { channels in
            channels[channel].elements.removeFirst(channels[channel].head)
            channels[channel].head = 0
            channels[channel].elements.insert(contentsOf: elements, at: 0)
            channels[channel].bytes += elements.reduce(0) { $0 + $1.byteCount }
        }
        self.consumer.ring()
    }

    /// What lies before the barrier of a checkpoint in these channels, which stays there.
    ///
    /// - Returns: Nil where it hasn't come to one of them that hasn't ended.
    func waiting(before checkpoint: Int64, in numbers: [Int]) -> [Int: [StreamElement]]? {
        self.channels.withLock { channels in
            // Looked for before anything is taken: it is asked for again and again.
            guard numbers.allSatisfy({ channels[$0].waiting.contains { $0?.ends(checkpoint) == true } }) else {
                return nil
            }
            var found: [Int: [StreamElement]] = [:]
            for number in numbers {
                found[number] = channels[number].waiting.prefix { $0?.ends(checkpoint) != true }.compactMap(\.self)
            }
            return found
        }
    }

    /// The oldest element of a channel, or nil when there is none just now.
    func take(from channel: Int) -> StreamElement? {
        let (element, wakes) = self.channels.withLock { channels -> (StreamElement?, Bool) in
            let head = channels[channel].head
            guard head < channels[channel].elements.count, let element = channels[channel].elements[head] else {
                return (nil, false)
            }
            channels[channel].elements[head] = nil
            channels[channel].head += 1
            channels[channel].bytes -= element.byteCount
            if channels[channel].head == channels[channel].elements.count || channels[channel].head >= 64 {
                channels[channel].elements.removeFirst(channels[channel].head)
                channels[channel].head = 0
            }
            defer { channels[channel].isProducerWaiting = false }
            return (element, channels[channel].isProducerWaiting)
        }
        if wakes { self.producers[channel].ring() }
        return element
    }
}

/// Elements that a checkpoint overtook, encoded.
///
/// None of them says that time has come further than ``watermark``: who sends into a channel behind a restart may read other
/// splits than who sent into it before.
struct ChannelElements {
    private(set) var chunks: [[UInt8]] = []

    /// How far time comes with all of them; ``WatermarkTracker/none`` where it isn't known in some channel.
    let watermark: Int64

    init(watermark: Int64) {
        self.watermark = watermark
    }

    /// Adds what was on its way in a channel, in its order, and how far time is then: also where nothing held it back.
    mutating func add(_ elements: [StreamElement], channel: Int) {
        for element in elements { self.add(element, channel) }
        self.add(.watermark(self.watermark), channel)
    }

    private mutating func add(_ element: StreamElement, _ channel: Int) {
        var element = element
        switch element {
        case .watermark(let time):
            guard self.watermark != WatermarkTracker.none else { return }
            element = .watermark(min(time, self.watermark))
        // Whoever sends here then says that anew.
        case .idle: return
        case .slice, .timed, .tick, .barrier, .end: break
        }
        if let chunk = ChannelSnapshot.chunk(of: element, channel: channel) { self.chunks.append(chunk) }
    }

    /// Adds what a subtask has taken and not worked on.
    mutating func addFirst(_ chunk: [UInt8]?) {
        if let chunk { self.chunks.insert(chunk, at: 0) }
    }
}

extension StreamElement {
    /// Whether nothing behind it in its channel belongs to a checkpoint.
    fileprivate func ends(_ checkpoint: Int64) -> Bool {
        switch self {
        case .barrier(checkpoint), .end: true
        case .barrier, .watermark, .slice, .timed, .idle, .tick: false
        }
    }
}
