public import ConnectorKit

/// Kafka's topics: `kafka-topic` reads and writes them, `kafka-stream` is another name for it.
public struct KafkaConnector: ConnectorFactory {
    public let names = ["kafka-stream", "kafka-topic"]

    private let defaults: KafkaDefaults

    /// `defaults`: what calls don't say themselves, as `kafka.brokers` and `kafka.` before a property of librdkafka; names
    /// that don't begin so are left alone.
    public init(defaults: [String: String]) {
        self.defaults = KafkaDefaults(defaults)
    }

    public func makeSource(_ call: ConnectorSettings) throws(ConnectorError) -> (any Source)? {
        guard self.names.contains(call.name) else { return nil }
        // Formats are the engine's: here it only matters that the option is spelled right.
        try call.checkOptions(["brokers", "format", "from", "group", "pattern", "properties"])
        let configuration = try KafkaConfiguration(call, defaults: self.defaults)
        let texts = try call.texts("the name of a topic")
        let isPattern = try call.boolean("pattern") ?? false
        let topics = isPattern ? try TopicSelection(patterns: texts, call) : try TopicSelection(names: texts, call)
        return KafkaSource(
            topics: topics,
            start: try StartPosition(call, group: configuration.group),
            configuration: configuration
        )
    }

    public func makeSink(_ call: ConnectorSettings) throws(ConnectorError) -> (any Sink)? {
        guard self.names.contains(call.name) else { return nil }
        // Keys and formats are the engine's.
        try call.checkOptions(["brokers", "exactly-once", "format", "key", "properties"])
        let configuration = try KafkaConfiguration(call, defaults: self.defaults)
        let texts = try call.texts("the name of a topic")
        guard let topic = texts.first, texts.count == 1 else { throw call.error("it takes one topic to write to") }
        try TopicSelection.check(topic, call)
        return KafkaSink(
            topic: topic,
            wantsExactlyOnce: try call.boolean("exactly-once"),
            configuration: configuration
        )
    }
}
