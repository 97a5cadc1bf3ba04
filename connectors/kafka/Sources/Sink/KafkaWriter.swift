internal import ConnectorKit

/// Writes the records of one subtask, each once or more.
final class KafkaWriter: StreamWriter {
    private let topic: String
    private let configuration: KafkaConfiguration
    private var producer: TopicProducer?
    private let notices: ClientNotices

    init(
        topic: String,
        _ configuration: KafkaConfiguration,
        wake: @escaping @Sendable () -> Void
    ) throws(ConnectorError) {
        self.topic = topic
        self.configuration = configuration
        let properties = configuration.properties(
            preset: ProducerProperties.preset,
            required: ProducerProperties.writer
        )
        let producer = try TopicProducer(topic: topic, configuration, properties: properties, wake: wake)
        self.notices = producer.client.notices
        self.producer = consume producer
    }

    var warning: String? {
        self.notices.warning.map { "\(self.configuration): \(self.configuration.redacted($0.reason))" }
    }

    func write(_ records: OutputBlock, from first: Int) throws(ConnectorError) -> Int {
        try self.serve()
        var index = first
        switch self.producer?.accept(records, from: &index) {
        case .accepted, .full: return index - first
        case .refused(let record): throw self.error(record)
        case nil: return 0
        }
    }

    func flush() throws(ConnectorError) -> Bool {
        try self.serve()
        return (self.producer?.pendingCount ?? 0) == 0
    }

    func close() {
        self.producer = nil
    }

    /// Receives reports.
    private func serve() throws(ConnectorError) {
        self.producer?.client.serve()
        if let record = self.notices.undelivered { throw self.error(record) }
        if let failure = self.notices.failure {
            throw failure.error("write to topic \(self.topic)", self.configuration)
        }
    }

    private func error(_ record: UndeliveredRecord) -> ConnectorError {
        // A record that the library dropped because the producer failed: why it failed says more.
        let failure = self.notices.failure ?? record.failure
        return failure.error("write \(record.summary) to topic \(self.topic)", self.configuration)
    }
}
