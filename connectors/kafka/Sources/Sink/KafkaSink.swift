public import ConnectorKit

/// Writes to a topic: each record once or more, or whole checkpoints exactly once.
public struct KafkaSink: Sink, ExactlyOnceSink {
    let topic: String
    public let wantsExactlyOnce: Bool?
    let configuration: KafkaConfiguration

    public var summary: String { "Kafka topic \(self.topic)" }

    public var recordForm: OutputForm { .messages }

    /// A topic that isn't there is made where the brokers do so for whoever writes to it.
    public func prepareStream() throws(ConnectorError) {
        _ = try TopicDirectory(self.configuration, createsTopics: true).partitions(of: self.topic)
    }

    public func makeStreamWriter(
        subtask: Int,
        content: SinkContent,
        wake: @escaping @Sendable () -> Void
    ) throws(ConnectorError) -> any StreamWriter {
        try KafkaWriter(topic: self.topic, self.configuration, wake: wake)
    }

    public func makeDelivery(_ identity: DeliveryIdentity) throws(ConnectorError) -> any StreamDelivery {
        KafkaDelivery(topic: self.topic, identity, self.configuration)
    }

    public func prepare() throws(ConnectorError) {
        throw self.unbounded
    }

    public func makeWriter(
        partition: Int,
        attempt: Int,
        contentType: SinkContent
    ) throws(ConnectorError) -> any SinkWriter {
        throw self.unbounded
    }

    public func commit(_ parts: [SinkPart]) throws(ConnectorError) {
        throw self.unbounded
    }

    public func abort() {}

    private var unbounded: ConnectorError {
        let message =
            "can't write \(self.summary) from a job that ends: its results appear as a whole, which a topic can't do; "
            + "use (distributed-path …), or define-streaming-job"
        return ConnectorError(.user, retry: .never, message)
    }
}
