import ConnectorKit
import Testing

@testable import KafkaConnector

@Suite struct DevelopmentBrokerTests {
    @Test func `a topic of the development broker has its partitions, and takes records`() throws {
        let broker = try DevelopmentBroker(topics: ["clicks"])
        let connector = KafkaConnector(defaults: ["kafka.brokers": broker.brokers, "kafka.fetch.wait.max.ms": "10"])
        let call = ConnectorSettings(name: "kafka-topic", arguments: [.string("clicks")], options: [:])
        let source = try #require(try connector.makeSource(call) as? any StreamSource)
        let native = try NativeClient(broker.brokers)

        try native.produce("clicks", (0..<100).map { TestRecord(value: "record \($0)") })
        let splits = try source.discoverSplits()

        #expect(splits.count == DevelopmentBroker.partitionCount)
        #expect(splits.allSatisfy { $0.position == 0 })
    }

    @Test func `each broker has a place of its own`() throws {
        let first = try DevelopmentBroker(topics: [])
        let second = try DevelopmentBroker(topics: [])

        #expect(first.brokers != second.brokers)
        #expect(first.brokers.hasPrefix("127.0.0.1:") || first.brokers.contains(":"))
    }
}
