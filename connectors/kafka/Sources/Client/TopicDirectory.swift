internal import CRdkafka
internal import ConnectorKit

/// Answers questions about a cluster's topics; each waits for it, all of them together within a time limit.
struct TopicDirectory: ~Copyable {
    /// How long a job waits to learn of its topics.
    static let patience = Duration.seconds(30)

    /// Partitions that one source may have.
    static let partitionLimit = 100_000

    /// How long a topic that isn't there may take to be made by a broker that does so when asked.
    private static let creationPatience = Duration.seconds(5)

    /// The wait between two tries, and the first try's own limit.
    private static let retryMilliseconds: Int32 = 100
    private static let firstTryMilliseconds: Int32 = 2_000

    private let client: KafkaClient
    private let configuration: KafkaConfiguration
    private let limit: TimeLimit
    private let createsTopics: Bool

    /// `createsTopics`: Whether to ask for a topic is to ask for it to be made, as it is when one is written.
    init(
        _ configuration: KafkaConfiguration,
        createsTopics: Bool = false,
        patience: Duration = patience
    ) throws(ConnectorError) {
        // As a writer has them, so that what contradicts them is found out here.
        let properties =
            createsTopics
            ? configuration.properties(preset: ProducerProperties.preset, required: ProducerProperties.writer)
            : configuration.properties(
                preset: ConsumerProperties.preset,
                required: ConsumerProperties.observer(group: configuration.group)
            )
        self.client = try KafkaClient(createsTopics ? .producer : .observer, configuration, properties: properties)
        self.configuration = configuration
        self.limit = TimeLimit(patience)
        self.createsTopics = createsTopics
    }

    /// The names of all topics, sorted.
    func topicNames() throws(ConnectorError) -> [String] {
        try self.metadata(of: nil, "list the topics").map(\.name).sorted()
    }

    /// The partitions of a topic, in their order.
    ///
    /// - Throws: There is no such topic.
    func partitions(of topic: String) throws(ConnectorError) -> [TopicPartition] {
        let attempt = "list the partitions of topic \(topic)"
        let creation = TimeLimit(self.createsTopics ? Self.creationPatience : .zero)
        while true {
            let found = try self.metadata(of: topic, attempt).first { $0.name == topic }
            let failure = found?.failure ?? (found == nil ? KafkaFailure(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC) : nil)
            guard let failure else {
                let count = found?.partitionCount ?? 0
                return (0..<count).map { TopicPartition(topic: topic, partition: Int32($0)) }
            }
            let mayPass = failure.kind == .unsettled || failure.kind == .unknownTopic && !creation.isOver
            guard mayPass, !self.limit.isOver else { throw self.error(failure, attempt) }
            self.client.serve(milliseconds: Self.retryMilliseconds)
        }
    }

    /// Where the partitions' records begin.
    func firstPositions(of partitions: [TopicPartition]) throws(ConnectorError) -> [Int64] {
        try self.edges(of: partitions, Int64(RD_KAFKA_OFFSET_BEGINNING), "find the first records")
    }

    /// Behind the partitions' last records.
    func endPositions(of partitions: [TopicPartition]) throws(ConnectorError) -> [Int64] {
        try self.edges(of: partitions, Int64(RD_KAFKA_OFFSET_END), "find the last records")
    }

    /// The first positions whose records have a time or a later one; nil: there is none yet.
    func positions(of partitions: [TopicPartition], at time: Int64) throws(ConnectorError) -> [Int64?] {
        let attempt = "find the records of time \(time)"
        return try self.positions(of: partitions, at: time, attempt)
    }

    /// Where the group has come to; nil: it knows nothing of that partition.
    func committedPositions(of partitions: [TopicPartition]) throws(ConnectorError) -> [Int64?] {
        let attempt = "read the positions of group \(self.configuration.group ?? "")"
        let nowhere = Int64(RD_KAFKA_OFFSET_INVALID)
        return try unsafe self.positions(of: partitions, asking: nowhere, attempt) { list, milliseconds in
            unsafe rd_kafka_committed(self.client.handle, list, milliseconds)
        }
    }

    // MARK: - Asking

    private struct Topic {
        let name: String
        let failure: KafkaFailure?
        let partitionCount: Int
    }

    private func metadata(of topic: String?, _ attempt: String) throws(ConnectorError) -> [Topic] {
        let native = unsafe topic.flatMap { unsafe rd_kafka_topic_new(self.client.handle, $0, nil) }
        defer { unsafe native.map { unsafe rd_kafka_topic_destroy($0) } }
        var topics: [Topic] = []
        try self.ask(attempt) { milliseconds in
            var answer: UnsafePointer<rd_kafka_metadata>?
            let all: Int32 = topic == nil ? 1 : 0
            let code = unsafe rd_kafka_metadata(self.client.handle, all, native, &answer, milliseconds)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let answer = unsafe answer else { return KafkaFailure(code) }
            defer { unsafe rd_kafka_metadata_destroy(answer) }
            topics = (0..<Int(unsafe answer.pointee.topic_cnt)).map { index in
                let topic = unsafe answer.pointee.topics[index]
                let failed = unsafe topic.err != RD_KAFKA_RESP_ERR_NO_ERROR
                return unsafe Topic(
                    name: String(cString: topic.topic),
                    failure: failed ? KafkaFailure(topic.err) : nil,
                    partitionCount: Int(topic.partition_cnt)
                )
            }
            return nil
        }
        return topics
    }

    /// The protocol has names for both ends of a log where it takes times, so that one question to each broker suffices.
    private func edges(
        of partitions: [TopicPartition],
        _ edge: Int64,
        _ attempt: String
    ) throws(ConnectorError) -> [Int64] {
        let positions = try self.positions(of: partitions, at: edge, attempt).compactMap { $0 }
        guard positions.count == partitions.count else {
            throw self.error(KafkaFailure(RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION), attempt)
        }
        return positions
    }

    private func positions(
        of partitions: [TopicPartition],
        at time: Int64,
        _ attempt: String
    ) throws(ConnectorError) -> [Int64?] {
        try unsafe self.positions(of: partitions, asking: time, attempt) { list, milliseconds in
            unsafe rd_kafka_offsets_for_times(self.client.handle, list, milliseconds)
        }
    }

    private func positions(
        of partitions: [TopicPartition],
        asking offset: Int64,
        _ attempt: String,
        _ call: (UnsafeMutablePointer<rd_kafka_topic_partition_list_t>, Int32) -> rd_kafka_resp_err_t
    ) throws(ConnectorError) -> [Int64?] {
        var positions: [Int64?] = []
        try self.ask(attempt) { milliseconds in
            var list = TopicPartitionList(capacity: partitions.count)
            for partition in partitions { list.append(partition, offset: offset) }
            let code = unsafe list.withPointer { unsafe call($0, milliseconds) }
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { return KafkaFailure(code) }
            if let failure = list.firstFailure { return failure }
            // Negative offsets stand for places without a number.
            positions = (0..<list.count).map { list.offset(at: $0) }.map { $0 < 0 ? nil : $0 }
            return nil
        }
        return positions
    }

    /// Asks until there is an answer, an error that stays, or no time left.
    private func ask(_ attempt: String, _ question: (_ milliseconds: Int32) -> KafkaFailure?) throws(ConnectorError) {
        var tryMilliseconds = Self.firstTryMilliseconds
        while true {
            guard let failure = question(self.limit.milliseconds(atMost: tryMilliseconds)) else { return }
            self.client.serve()
            // The library tries for ever to log in with a wrong password.
            if let warning = self.client.notices.warning, warning.kind == .notAuthenticated {
                throw self.error(warning, attempt)
            }
            let mayPass = failure.kind == .unreachable || failure.kind == .unsettled
            guard mayPass, !self.limit.isOver else { throw self.error(failure, attempt) }
            self.client.serve(milliseconds: Self.retryMilliseconds)
            tryMilliseconds = tryMilliseconds.multipliedReportingOverflow(by: 2).partialValue
        }
    }

    private func error(_ failure: KafkaFailure, _ attempt: String) -> ConnectorError {
        // That no broker answered in time says less than why none could be reached.
        let cause = failure.kind == .unreachable ? self.client.notices.warning ?? failure : failure
        return cause.error("\(attempt) of \(self.configuration)", self.configuration)
    }
}
