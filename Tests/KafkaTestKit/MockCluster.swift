package import CRdkafka

/// Brokers in this process whose faults are commanded; other clients of the process connect to them over sockets.
///
/// They keep records in memory, ignore transactions, and answer no question about times.
@safe
package final class MockCluster {
    /// Kinds of requests, by their numbers in Kafka's protocol.
    package enum Request: Int16 {
        case produce = 0
        case fetch = 1
        case listOffsets = 2
        case metadata = 3
        case offsetCommit = 8
        case offsetFetch = 9
        case findCoordinator = 10
    }

    private let client: OpaquePointer
    private let cluster: OpaquePointer

    package init(brokerCount: Int = 1) {
        let settings = unsafe rd_kafka_conf_new()
        unsafe rd_kafka_conf_set_log_cb(settings) { _, _, _, _ in }
        guard let client = unsafe rd_kafka_new(RD_KAFKA_PRODUCER, settings, nil, 0),
            let cluster = unsafe rd_kafka_mock_cluster_new(client, Int32(brokerCount))
        else { preconditionFailure("a mock cluster starts") }
        unsafe self.client = client
        unsafe self.cluster = cluster
    }

    deinit {
        unsafe rd_kafka_mock_cluster_destroy(self.cluster)
        unsafe rd_kafka_destroy(self.client)
    }

    package var brokers: String {
        unsafe rd_kafka_mock_cluster_bootstraps(self.cluster).map { unsafe String(cString: $0) } ?? ""
    }

    package func createTopic(_ name: String, partitions: Int = 1) {
        let code = unsafe rd_kafka_mock_topic_create(self.cluster, name, Int32(partitions), 1)
        precondition(code == RD_KAFKA_RESP_ERR_NO_ERROR, "the mock cluster makes a topic")
    }

    /// Answers the next requests of a kind with these errors.
    package func fail(_ request: Request, with errors: [rd_kafka_resp_err_t]) {
        unsafe rd_kafka_mock_push_request_errors_array(self.cluster, request.rawValue, errors.count, errors)
    }

    /// Has a topic answered with an error wherever it is asked about.
    package func fail(topic: String, with error: rd_kafka_resp_err_t) {
        unsafe rd_kafka_mock_topic_set_error(self.cluster, topic, error)
    }

    package func setDown() {
        _ = unsafe rd_kafka_mock_broker_set_down(self.cluster, -1)
    }

    package func setUp() {
        _ = unsafe rd_kafka_mock_broker_set_up(self.cluster, -1)
    }

    package func setRoundTrip(milliseconds: Int) {
        _ = unsafe rd_kafka_mock_broker_set_rtt(self.cluster, -1, Int32(milliseconds))
    }
}
