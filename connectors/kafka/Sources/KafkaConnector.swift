public import ConnectorKit
internal import CoreTypes

/// Kafka's topics: `kafka-topic` reads and writes them, `kafka-stream` is another name for it.
public struct KafkaConnector: ConnectorFactory {
    public let declarations = ["kafka-stream", "kafka-topic"].flatMap { [Self.source($0), Self.sink($0)] }

    private let defaults: KafkaDefaults

    /// `defaults`: what calls don't say themselves, as `kafka.brokers` and `kafka.` before a property of librdkafka; names
    /// that don't begin so are left alone.
    public init(defaults: [String: String]) {
        self.defaults = KafkaDefaults(defaults)
    }

    private static func source(_ name: String) -> ConnectorDeclaration {
        ConnectorDeclaration(
            name,
            as: [.streamSource],
            arguments: ArgumentsDeclaration(
                "the name of a topic",
                count: 1...TopicSelection.nameLimit,
                check: TopicSelection.problem
            ),
            options: OptionDeclaration.readFormat() + KafkaConfiguration.options + [
                StartPosition.option, OptionDeclaration("group", .text("the name of a consumer group")),
                OptionDeclaration("pattern", .boolean),
            ],
            needs: [KafkaConfiguration.brokersNeed, StartPosition.groupNeed],
            givesTime: true
        )
    }

    private static func sink(_ name: String) -> ConnectorDeclaration {
        ConnectorDeclaration(
            name,
            as: [.streamSink],
            arguments: ArgumentsDeclaration("the name of a topic", count: 1...1) { text, _ in
                TopicSelection.problem(withName: text)
            },
            options: OptionDeclaration.writtenFormat + KafkaConfiguration.options + [
                OptionDeclaration("exactly-once", .boolean),
                OptionDeclaration("key", .refused("the key of the group becomes the record's key; leave it out")),
                OptionDeclaration("sorted", .refused("a topic has the order in which records come; leave it out")),
            ],
            needs: [KafkaConfiguration.brokersNeed]
        )
    }

    public func makeSource(_ call: ConnectorSettings) throws(ConnectorError) -> (any Source)? {
        guard try self.accepts(call, as: .streamSource) else { return nil }
        let configuration = try KafkaConfiguration(call, defaults: self.defaults)
        let isPattern = call.boolean("pattern") ?? false
        return KafkaSource(
            topics: isPattern ? try TopicSelection(patterns: call.texts) : try TopicSelection(names: call.texts, call),
            start: try StartPosition(call, group: configuration.group),
            configuration: configuration
        )
    }

    public func makeSink(_ call: ConnectorSettings) throws(ConnectorError) -> (any Sink)? {
        guard try self.accepts(call, as: .streamSink), let topic = call.texts.first else { return nil }
        return KafkaSink(
            topic: topic,
            wantsExactlyOnce: call.boolean("exactly-once"),
            configuration: try KafkaConfiguration(call, defaults: self.defaults)
        )
    }
}
