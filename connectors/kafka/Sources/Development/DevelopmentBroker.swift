internal import CRdkafka
public import ConnectorKit

/// A broker in this process, for trying programs out without one: it keeps records in memory, and transactions mean nothing to
/// it.
///
/// It keeps 5 MiB a partition, and drops the oldest records of one that is full.
// SAFETY: both handles are set once, and librdkafka's functions on them may be called from any thread.
@safe
public final class DevelopmentBroker: @unchecked Sendable {
    /// Partitions of the topics that are made; what they hold together is `partitionCount` × 5 MiB.
    public static let partitionCount = 16

    /// Bytes that may be put into a topic before its oldest records might go: partitions aren't filled evenly.
    public static let topicBytesLimit: Int64 = Int64(partitionCount) * (5 << 20) / 2

    private let client: OpaquePointer
    private let cluster: OpaquePointer

    /// Starts it on a port of its own on the loopback interface, with these topics.
    ///
    /// - Throws: librdkafka can't start it.
    public init(topics: [String]) throws(ConnectorError) {
        let settings = unsafe rd_kafka_conf_new()
        unsafe rd_kafka_conf_set_log_cb(settings) { _, _, _, _ in }
        guard let client = unsafe rd_kafka_new(RD_KAFKA_PRODUCER, settings, nil, 0) else {
            throw Self.failure("librdkafka made no client")
        }
        guard let cluster = unsafe rd_kafka_mock_cluster_new(client, 1) else {
            unsafe rd_kafka_destroy(client)
            throw Self.failure("librdkafka made no cluster")
        }
        unsafe self.client = client
        unsafe self.cluster = cluster
        for topic in topics {
            let code = unsafe rd_kafka_mock_topic_create(cluster, topic, Int32(Self.partitionCount), 1)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS else {
                throw Self.failure("topic \(topic) wasn't made (error \(code.rawValue))")
            }
        }
    }

    deinit {
        unsafe rd_kafka_mock_cluster_destroy(self.cluster)
        unsafe rd_kafka_destroy(self.client)
    }

    /// Where clients find it: `host:port`.
    public var brokers: String {
        unsafe rd_kafka_mock_cluster_bootstraps(self.cluster).map { unsafe String(cString: $0) } ?? ""
    }

    private static func failure(_ reason: String) -> ConnectorError {
        ConnectorError(.external, retry: .never, "can't start the development broker: \(reason)")
    }
}
