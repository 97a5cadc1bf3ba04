internal import CRdkafka
internal import ConnectorKit

/// The steps of deliveries under one identity, from the one that fences on.
///
/// ## Order of calls
/// `fence`, `readMarker`; then any number of times `begin`, `write`…, `flush`, `mark`, `commit`. After an error nothing but `abort`
/// may follow.
struct DeliverySession: ~Copyable {
    /// How long to wait for the coordinator, and for what is left of whoever is fenced to be cleared away.
    static let openPatience = Duration.seconds(60)

    /// How long to wait when a transaction is given up; otherwise the next session's `fence` does it.
    static let abortPatience = Duration.seconds(10)

    /// The wait for room in the producer's queue, and between two tries.
    private static let retryMilliseconds: Int32 = 100

    /// One call to the library waits this long at most; then it is asked again, so that limits hold.
    private static let callMilliseconds: Int32 = 5_000

    private let topic: String
    private let identity: DeliveryIdentity
    private let configuration: KafkaConfiguration
    private var producer: TopicProducer
    private let markerReader: KafkaClient
    private let transactionPatience: Duration
    private var transactionLimit: TimeLimit
    private(set) var marker: Int64?

    init(
        topic: String,
        _ identity: DeliveryIdentity,
        _ configuration: KafkaConfiguration
    ) throws(ConnectorError) {
        let producer = try TopicProducer(
            topic: topic,
            configuration,
            properties: configuration.properties(
                preset: ProducerProperties.deliveryPreset,
                required: ProducerProperties.delivery(identity.transactionalID)
            )
        )
        // Only what is committed counts, whatever the program wants its own topics read with.
        var required = ConsumerProperties.reader(group: identity.markerGroup)
        required["isolation.level"] = "read_committed"
        let markerReader = try KafkaClient(
            .consumer,
            configuration,
            properties: configuration.properties(preset: ConsumerProperties.preset, required: required)
        )
        let milliseconds = configuration.value(of: "transaction.timeout.ms").flatMap { Int($0) }
        self.transactionPatience = .milliseconds(milliseconds ?? ProducerProperties.transactionMilliseconds)
        self.transactionLimit = TimeLimit(.zero)
        self.topic = topic
        self.identity = identity
        self.configuration = configuration
        self.producer = consume producer
        self.markerReader = consume markerReader
    }

    /// Has the coordinator refuse all earlier sessions of this identity, and end what they left open.
    mutating func fence(within patience: Duration = openPatience) throws(ConnectorError) {
        let limit = TimeLimit(patience)
        try unsafe self.perform("take over the transactions of \(self.identity.transactionalID)", limit) {
            milliseconds in
            unsafe rd_kafka_init_transactions(self.producer.client.handle, milliseconds)
        }
    }

    /// The checkpoint that was delivered last; nil: Kafka knows of none.
    mutating func readMarker() throws(ConnectorError) -> Int64? {
        let limit = TimeLimit(Self.openPatience)
        let attempt = "read the marker of \(self.identity.markerGroup)"
        while true {
            let list = self.markerList(Int64(RD_KAFKA_OFFSET_INVALID))
            let milliseconds = limit.milliseconds(atMost: Self.callMilliseconds)
            let code = unsafe list.withPointer { unsafe rd_kafka_committed(self.markerReader.handle, $0, milliseconds) }
            let overall = code == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : KafkaFailure(code)
            guard let failure = overall ?? list.firstFailure else {
                let offset = list.offset(at: 0)
                self.marker = offset < 0 ? nil : offset
                return self.marker
            }
            guard Self.mayPass(failure), !limit.isOver else { throw self.error(failure, attempt) }
            self.markerReader.serve(milliseconds: Self.retryMilliseconds)
        }
    }

    mutating func begin() throws(ConnectorError) {
        self.transactionLimit = TimeLimit(self.transactionPatience)
        try unsafe self.perform("begin a transaction", self.transactionLimit) { _ in
            unsafe rd_kafka_begin_transaction(self.producer.client.handle)
        }
    }

    /// Waits where the producer's queue is full.
    mutating func write(_ records: OutputBlock) throws(ConnectorError) {
        var index = 0
        while true {
            switch self.producer.accept(records, from: &index) {
            case .accepted:
                self.producer.client.serve()
                try self.checkReports()
                return
            case .refused(let record):
                throw self.error(record.failure, "write \(record.summary)")
            case .full:
                self.producer.client.serve(milliseconds: Self.retryMilliseconds)
                try self.checkReports()
                guard !self.transactionLimit.isOver else {
                    throw self.error(KafkaFailure(RD_KAFKA_RESP_ERR__TIMED_OUT), "write a checkpoint's records")
                }
            }
        }
    }

    /// Waits until everything is acknowledged.
    ///
    /// Committing does so too: apart, the brokers hold the whole checkpoint before its marker comes.
    mutating func flush() throws(ConnectorError) {
        while self.producer.pendingCount > 0 {
            self.producer.client.serve(milliseconds: Self.retryMilliseconds)
            try self.checkReports()
            guard !self.transactionLimit.isOver else {
                throw self.error(KafkaFailure(RD_KAFKA_RESP_ERR__TIMED_OUT), "write a checkpoint's records")
            }
        }
    }

    /// Makes the marker a part of the transaction.
    mutating func mark(_ checkpoint: Int64) throws(ConnectorError) {
        let list = self.markerList(checkpoint)
        guard let group = unsafe rd_kafka_consumer_group_metadata(self.markerReader.handle) else {
            preconditionFailure("a consumer knows its group")
        }
        defer { unsafe rd_kafka_consumer_group_metadata_destroy(group) }
        try unsafe self.perform("write the marker of checkpoint \(checkpoint)", self.transactionLimit) { milliseconds in
            unsafe list.withPointer { list in
                let handle = unsafe self.producer.client.handle
                return unsafe rd_kafka_send_offsets_to_transaction(handle, list, group, milliseconds)
            }
        }
    }

    /// Waits until everything is acknowledged and the transaction is committed.
    mutating func commit(_ checkpoint: Int64) throws(ConnectorError) {
        try unsafe self.perform("commit checkpoint \(checkpoint)", self.transactionLimit) { milliseconds in
            unsafe rd_kafka_commit_transaction(self.producer.client.handle, milliseconds)
        }
        self.marker = checkpoint
    }

    /// Gives the transaction up, as far as the brokers can be reached, so that readers needn't wait for its time-out.
    mutating func abort() {
        let milliseconds = TimeLimit(Self.abortPatience).milliseconds()
        let error = unsafe rd_kafka_abort_transaction(self.producer.client.handle, milliseconds)
        // The session ends whether or not that succeeded.
        _ = unsafe KafkaFailure(consuming: error)
    }

    // MARK: - Calls

    private func markerList(_ offset: Int64) -> TopicPartitionList {
        var list = TopicPartitionList(capacity: 1)
        list.append(TopicPartition(topic: self.topic, partition: 0), offset: offset)
        return list
    }

    /// Calls until it succeeds, fails for good, or the limit is over; what is interrupted is taken up again.
    private func perform(
        _ attempt: String,
        _ limit: TimeLimit,
        _ call: (_ milliseconds: Int32) -> OpaquePointer?
    ) throws(ConnectorError) {
        while true {
            let error = unsafe call(limit.milliseconds(atMost: Self.callMilliseconds))
            guard let error = unsafe error else { return }
            let isRetriable = unsafe rd_kafka_error_is_retriable(error) != 0
            let failure = unsafe KafkaFailure(consuming: error)
            self.producer.client.serve()
            guard let failure else { return }
            guard isRetriable, !limit.isOver else { throw self.error(failure, attempt) }
            self.producer.client.serve(milliseconds: Self.retryMilliseconds)
        }
    }

    private func checkReports() throws(ConnectorError) {
        let notices = self.producer.client.notices
        if let record = notices.undelivered {
            throw self.error(notices.failure ?? record.failure, "write \(record.summary)")
        }
        if let failure = notices.failure { throw self.error(failure, "write") }
    }

    private static func mayPass(_ failure: KafkaFailure) -> Bool {
        failure.kind == .unreachable || failure.kind == .unsettled
    }

    private func error(_ failure: KafkaFailure, _ attempt: String) -> ConnectorError {
        let notices = self.producer.client.notices
        // That nobody answered says less than why nobody can be reached, and a purge less than what caused it.
        let cause = notices.failure ?? (failure.kind == .unreachable ? notices.warning ?? failure : failure)
        return cause.error("\(attempt) for topic \(self.topic)", self.configuration)
    }
}
