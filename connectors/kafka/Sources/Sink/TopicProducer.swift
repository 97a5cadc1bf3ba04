internal import CRdkafka
internal import ConnectorKit

/// Hands records to the producer of one topic, which copies them into its queue and sends them by itself.
@safe
struct TopicProducer: ~Copyable {
    enum Acceptance: Hashable {
        case accepted
        /// Nothing was taken; there is room once records are reported.
        case full
        case refused(UndeliveredRecord)
    }

    private static let argumentCount = 5

    let client: KafkaClient
    private let topic: OpaquePointer

    /// What a call to the library consists of, the same memory for each record.
    private let arguments: UnsafeMutablePointer<rd_kafka_vu_t>

    /// Records that were accepted.
    private(set) var acceptedCount = 0

    init(
        topic: String,
        _ configuration: KafkaConfiguration,
        properties: [(name: String, value: String)],
        wake: @escaping @Sendable () -> Void = {}
    ) throws(ConnectorError) {
        let client = try KafkaClient(.producer, configuration, properties: properties, wake: wake)
        guard let handle = unsafe rd_kafka_topic_new(client.handle, topic, nil) else {
            throw KafkaFailure(rd_kafka_last_error()).error("write to topic \(topic)", configuration)
        }
        self.client = client
        unsafe self.topic = handle
        unsafe self.arguments = .allocate(capacity: Self.argumentCount)
        unsafe self.arguments.initialize(repeating: rd_kafka_vu_t(), count: Self.argumentCount)
        unsafe self.arguments[0].vtype = RD_KAFKA_VTYPE_RKT
        unsafe self.arguments[0].u.rkt = handle
        unsafe self.arguments[1].vtype = RD_KAFKA_VTYPE_MSGFLAGS
        unsafe self.arguments[1].u.i = RD_KAFKA_MSG_F_COPY
        unsafe self.arguments[2].vtype = RD_KAFKA_VTYPE_KEY
        unsafe self.arguments[3].vtype = RD_KAFKA_VTYPE_VALUE
        unsafe self.arguments[4].vtype = RD_KAFKA_VTYPE_TIMESTAMP
    }

    deinit {
        // What is still queued would keep the library from ending.
        let everything = RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING
        _ = unsafe rd_kafka_purge(self.client.handle, everything)
        unsafe rd_kafka_topic_destroy(self.topic)
        unsafe self.arguments.deallocate()
    }

    /// Records that were accepted and not yet reported.
    var pendingCount: Int { self.acceptedCount - self.client.notices.reportCount }

    /// Takes one record; a time that is nil or before 1970, which Kafka can't keep, becomes that of the call.
    mutating func accept(
        key: UnsafeRawBufferPointer?,
        value: UnsafeRawBufferPointer?,
        timestamp: Int64?
    ) -> Acceptance {
        unsafe Self.fill(&self.arguments[2], key)
        unsafe Self.fill(&self.arguments[3], value)
        unsafe self.arguments[4].u.i64 = max(0, timestamp ?? 0)
        let error = unsafe rd_kafka_produceva(self.client.handle, self.arguments, Self.argumentCount)
        guard let failure = unsafe KafkaFailure(consuming: error) else {
            self.acceptedCount += 1
            return .accepted
        }
        if failure.code == RD_KAFKA_RESP_ERR__QUEUE_FULL.rawValue { return .full }
        let byteCount = unsafe (key?.count ?? 0) + (value?.count ?? 0)
        return .refused(unsafe UndeliveredRecord(failure, key: key, byteCount: byteCount))
    }

    /// Takes records from a block, from one on; `index` becomes that of the first that wasn't taken.
    mutating func accept(_ records: OutputBlock, from index: inout Int) -> Acceptance {
        while index < records.count {
            let acceptance = unsafe records.withRecord(index) { key, value, timestamp in
                unsafe self.accept(key: key, value: value, timestamp: timestamp)
            }
            guard acceptance == .accepted else { return acceptance }
            index += 1
        }
        return .accepted
    }

    private static func fill(_ argument: inout rd_kafka_vu_t, _ bytes: UnsafeRawBufferPointer?) {
        guard let bytes = unsafe bytes else {
            unsafe argument.u.mem.ptr = nil
            unsafe argument.u.mem.size = 0
            return
        }
        // No address would mean no value at all; of an empty one it is never read.
        let address = unsafe bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)
        unsafe argument.u.mem.ptr = unsafe UnsafeMutableRawPointer(mutating: address)
        unsafe argument.u.mem.size = bytes.count
    }
}
