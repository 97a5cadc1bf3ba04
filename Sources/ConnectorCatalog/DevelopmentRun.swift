package import ConnectorKit
internal import KafkaConnector

/// A development broker for the length of a run, and what fills its topics.
///
/// Isolation: one thread.
package final class DevelopmentRun {
    private let broker: DevelopmentBroker
    private let catalog: ConnectorCatalog

    /// Settings that make programs use it where they name no brokers themselves.
    package let defaults: [String: String]

    /// Starts a broker with these topics; others are made when they are first used.
    package init(topics: [String]) throws(ConnectorError) {
        let broker = try DevelopmentBroker(topics: topics)
        self.broker = broker
        // Without it the broker lets a reader wait for half a second before it says that there is nothing.
        self.defaults = ["kafka.brokers": broker.brokers, "kafka.fetch.wait.max.ms": "10"]
        self.catalog = ConnectorCatalog(defaults: ["kafka.brokers": broker.brokers])
    }

    package var brokers: String { self.broker.brokers }

    /// What a topic may be filled with.
    package static var topicBytesLimit: Int64 { DevelopmentBroker.topicBytesLimit }

    /// A writer of records into a topic; `wake` is called when a full one may have room again.
    package func makeWriter(
        topic: String,
        wake: @escaping @Sendable () -> Void
    ) throws(ConnectorError) -> any StreamWriter {
        let call = ConnectorSettings(name: "kafka-topic", arguments: [.string(topic)], options: [:])
        let sink = try self.catalog.makeStreamSink(call)
        try sink.prepareStream()
        return try sink.makeStreamWriter(subtask: 0, content: .json, wake: wake)
    }
}
