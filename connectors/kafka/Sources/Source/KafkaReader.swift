internal import CRdkafka
internal import ConnectorKit
internal import CoreTypes

/// Reads partitions through one consumer, which is told what to read and joins no group.
///
/// Messages are handed over where librdkafka keeps them.
@safe
final class KafkaReader: StreamReader {
    /// A partition, and where its reading is.
    private struct Split {
        let partition: TopicPartition
        /// The position of the next message: behind the last one, and at first where reading began.
        var next: Int64
        /// Where the cluster said that there is nothing more, until another message came.
        var end: Int64?
        var advance = SplitAdvance.unanswered
    }

    /// A partition as messages name it.
    private struct Place: Hashable {
        /// The address of the library's topic, which stays while one of its partitions is read.
        let topic: UInt
        let partition: Int32
    }

    /// How often a poll asks for more where what came were not all messages.
    private static let roundLimit = 8

    private let configuration: KafkaConfiguration
    private var client: KafkaClient?
    private let notices: ClientNotices
    private var splits: [Split] = []
    private var numbers: [TopicPartition: Int] = [:]
    private var places: [Place: Int] = [:]
    private var lastPlace: (place: Place, number: Int)?

    /// What the last poll handed over; the library frees them one by one.
    private var messages: UnsafeMutableBufferPointer<UnsafeMutablePointer<rd_kafka_message_t>?>
    private var messageCount = 0

    init(_ configuration: KafkaConfiguration, wake: @escaping @Sendable () -> Void) throws(ConnectorError) {
        self.configuration = configuration
        let properties = configuration.properties(
            preset: ConsumerProperties.preset,
            required: ConsumerProperties.reader(group: configuration.group)
        )
        let client = try KafkaClient(.consumer, configuration, properties: properties, wake: wake)
        self.notices = client.notices
        self.client = consume client
        unsafe self.messages = UnsafeMutableBufferPointer(start: nil, count: 0)
    }

    deinit {
        self.releaseMessages()
        unsafe self.messages.deallocate()
    }

    var warning: String? {
        guard let warning = self.notices.warning else { return nil }
        // Without a group nobody misses what the group may not do.
        if warning.kind == .groupNotAuthorized, self.configuration.group == nil { return nil }
        return "\(self.configuration): \(self.configuration.redacted(warning.reason))"
    }

    func add(_ splits: [StreamSplit]) throws(ConnectorError) {
        guard let handle = unsafe self.client?.handle, !splits.isEmpty else { return }
        var list = TopicPartitionList(capacity: splits.count)
        var added: [Split] = []
        for split in splits {
            let partition = try TopicPartition(split: split)
            let isKnown = self.numbers[partition] != nil || added.contains { $0.partition == partition }
            precondition(!isKnown, "a reader is given a split once")
            list.append(partition, offset: split.position)
            added.append(Split(partition: partition, next: split.position))
        }
        let error = unsafe list.withPointer { unsafe rd_kafka_incremental_assign(handle, $0) }
        if let failure = unsafe KafkaFailure(consuming: error) {
            let names = added.map(\.partition.name).joined(separator: ", ")
            throw failure.error("begin to read \(names)", self.configuration)
        }
        for split in added {
            self.numbers[split.partition] = self.splits.count
            self.splits.append(split)
        }
    }

    func setPaused(_ split: Int, _ isPaused: Bool) throws(ConnectorError) {
        guard let handle = unsafe self.client?.handle else { return }
        let partition = self.splits[split].partition
        var list = TopicPartitionList(capacity: 1)
        list.append(partition, offset: self.splits[split].next)
        let code = unsafe list.withPointer { list in
            unsafe isPaused ? rd_kafka_pause_partitions(handle, list) : rd_kafka_resume_partitions(handle, list)
        }
        let overall = code == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : KafkaFailure(code)
        if let failure = overall ?? list.firstFailure {
            throw failure.error("\(isPaused ? "pause" : "resume") \(partition.name)", self.configuration)
        }
    }

    func poll(into block: MessageBlock) throws(ConnectorError) {
        block.removeAll()
        self.releaseMessages()
        guard let queue = unsafe self.client?.queue else { return }
        var rounds = 0
        while !block.isFull, rounds < Self.roundLimit {
            let wanted = block.capacity - block.count
            self.reserve(self.messageCount + wanted)
            let free = unsafe self.messages.baseAddress?.advanced(by: self.messageCount)
            let received = unsafe rd_kafka_consume_batch_queue(queue, 0, free, wanted)
            guard received >= 0 else {
                throw KafkaFailure(rd_kafka_last_error()).error("read from \(self.configuration)", self.configuration)
            }
            let first = self.messageCount
            self.messageCount += received
            try self.take(first..<self.messageCount, into: block)
            if received < wanted { break }
            rounds += 1
        }
        if let failure = self.notices.failure {
            throw failure.error("read from \(self.configuration)", self.configuration)
        }
        if block.count > 0 { self.notices.clearWarning() }
    }

    func endPosition(of split: Int) -> Int64? {
        guard let handle = unsafe self.client?.handle else { return nil }
        let split = self.splits[split]
        var low: Int64 = 0
        var high: Int64 = 0
        let (topic, partition) = (split.partition.topic, split.partition.partition)
        let code = unsafe rd_kafka_get_watermark_offsets(handle, topic, partition, &low, &high)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, high >= 0 else { return nil }
        // What lies between the last message and the end are marks of transactions, or records that were compacted away.
        if let end = split.end, end >= high { return split.next }
        return max(high, split.next)
    }

    func advance(of split: Int) -> SplitAdvance { self.splits[split].advance }

    func publish(_ positions: [StreamSplit]) {
        guard let handle = unsafe self.client?.handle, self.configuration.group != nil else { return }
        var list = TopicPartitionList(capacity: positions.count)
        for split in positions {
            guard let partition = TopicPartition(name: split.name) else { continue }
            list.append(partition, offset: split.position)
        }
        guard list.count > 0 else { return }
        let isAsynchronous: Int32 = 1
        let code = unsafe list.withPointer { unsafe rd_kafka_commit(handle, $0, isAsynchronous) }
        if code != RD_KAFKA_RESP_ERR_NO_ERROR { self.notices.warn(KafkaFailure(code)) }
    }

    func close() {
        self.releaseMessages()
        self.client = nil
    }

    // MARK: - Messages

    private func take(_ received: Range<Int>, into block: MessageBlock) throws(ConnectorError) {
        for index in received {
            guard let message = unsafe self.messages[index] else { continue }
            guard unsafe message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
                try unsafe self.takeEvent(message)
                continue
            }
            guard let number = unsafe self.number(of: message) else { continue }
            let position = unsafe message.pointee.offset
            // After a pause the library may hand out once more what it had fetched before.
            guard position >= self.splits[number].next else { continue }
            self.splits[number].next = position + 1
            self.splits[number].end = nil
            if self.splits[number].advance == .unanswered { self.splits[number].advance = .reading }
            unsafe block.append(Self.message(message, position: position, split: number))
        }
    }

    private static func message(
        _ message: UnsafeMutablePointer<rd_kafka_message_t>,
        position: Int64,
        split: Int
    ) -> StreamMessage {
        var type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let time = unsafe rd_kafka_message_timestamp(message, &type)
        let (value, key) = unsafe (message.pointee.payload, message.pointee.key)
        return unsafe StreamMessage(
            value: value.map { unsafe UnsafeRawBufferPointer(start: $0, count: message.pointee.len) },
            key: key.map { unsafe UnsafeRawBufferPointer(start: $0, count: message.pointee.key_len) },
            timestamp: type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? nil : time,
            position: position,
            split: split,
            handle: UnsafeMutableRawPointer(message)
        )
    }

    func header(_ name: UnsafeRawBufferPointer, of message: StreamMessage) -> UnsafeRawBufferPointer? {
        guard let message = unsafe message.handle?.assumingMemoryBound(to: rd_kafka_message_t.self) else { return nil }
        var headers: OpaquePointer?
        guard unsafe rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
        var value: UnsafeRawPointer?
        var count = 0
        // The library wants a name that ends with a zero byte.
        let code = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: name.count + 1) { text in
            for index in 0..<name.count { unsafe text[index] = CChar(bitPattern: name[index]) }
            unsafe text[name.count] = 0
            return unsafe rd_kafka_header_get_last(headers, text.baseAddress, &value, &count)
        }
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let start = unsafe value else { return nil }
        return unsafe UnsafeRawBufferPointer(start: start, count: count)
    }

    /// What came in a message's stead: the end of a partition, or an error.
    private func takeEvent(_ message: UnsafeMutablePointer<rd_kafka_message_t>) throws(ConnectorError) {
        let code = unsafe message.pointee.err
        let number = unsafe self.number(of: message)
        if code == RD_KAFKA_RESP_ERR__PARTITION_EOF {
            if let number {
                self.splits[number].end = unsafe message.pointee.offset
                self.splits[number].advance = .caughtUp
            }
            self.notices.clearWarning()
            return
        }
        let text = unsafe rd_kafka_message_errstr(message).map { unsafe String(cString: $0) } ?? ""
        let failure = KafkaFailure(code, detail: text)
        switch failure.kind {
        case .unreachable, .unsettled, .groupNotAuthorized:
            self.notices.warn(failure)
        case .notAuthenticated, .notAuthorized, .unknownTopic, .positionOutOfRange, .tooLarge, .notAcknowledged,
            .fenced, .corrupt, .unsupported, .wrongSetting, .other:
            let split = number.map { self.splits[$0] }
            let place = split.map { "\($0.partition.name) at position \($0.next)" } ?? "from \(self.configuration)"
            throw failure.error("read \(place)", self.configuration)
        }
    }

    private func number(of message: UnsafeMutablePointer<rd_kafka_message_t>) -> Int? {
        guard let topic = unsafe message.pointee.rkt else { return nil }
        let place = Place(topic: UInt(bitPattern: topic), partition: unsafe message.pointee.partition)
        if let last = self.lastPlace, last.place == place { return last.number }
        if let number = self.places[place] {
            self.lastPlace = (place, number)
            return number
        }
        guard let name = unsafe rd_kafka_topic_name(topic).map({ unsafe String(cString: $0) }) else { return nil }
        let number = self.numbers[TopicPartition(topic: name, partition: place.partition)]
        self.places[place] = number
        return number
    }

    private func reserve(_ capacity: Int) {
        guard unsafe self.messages.count < capacity else { return }
        let larger = UnsafeMutableBufferPointer<UnsafeMutablePointer<rd_kafka_message_t>?>.allocate(capacity: capacity)
        unsafe larger.initialize(repeating: nil)
        for index in 0..<self.messageCount { unsafe larger[index] = unsafe self.messages[index] }
        unsafe self.messages.deallocate()
        unsafe self.messages = larger
    }

    private func releaseMessages() {
        for index in 0..<self.messageCount {
            unsafe self.messages[index].map { unsafe rd_kafka_message_destroy($0) }
        }
        self.messageCount = 0
    }
}
