import CRdkafka
import ConnectorKit
import KafkaTestKit
import Testing

@testable import KafkaConnector

/// Brokers that go away, refuse, or answer late: librdkafka's own, whose faults are commanded.
@Suite struct KafkaFaultTests {
    private let cluster = MockCluster()

    @Test func `a topic that isn't there is named`() {
        self.cluster.fail(topic: "clicks", with: RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)

        let error = #expect(throws: ConnectorError.self) { try self.makeSource().discoverSplits() }

        #expect(error?.message.contains("list the partitions of topic clicks of Kafka at 127.0.0.1:") == true)
        #expect(error?.message.contains("check the name, or create the topic") == true)
        #expect(error?.domain == .user)
        #expect(error?.retry == .never)
    }

    @Test func `a topic that may not be read is told from one that isn't there`() {
        self.cluster.fail(topic: "clicks", with: RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)

        let error = #expect(throws: ConnectorError.self) { try self.makeSource().discoverSplits() }

        #expect(error?.message.contains("give this user the right") == true, "\(String(describing: error))")
    }

    @Test func `brokers that can't be reached are an error of theirs that may pass`() {
        let source = try? KafkaSource.make(["clicks"], brokers: "127.0.0.1:1")

        let error = #expect(throws: ConnectorError.self) {
            let directory = try TopicDirectory(try #require(source).configuration, patience: .milliseconds(300))
            _ = try directory.partitions(of: "clicks")
        }

        #expect(error?.message.contains("Kafka at 127.0.0.1:1: ") == true, "\(String(describing: error))")
        #expect(error?.message.contains("Connection refused") == true)
        #expect(error?.domain == .external)
        #expect(error?.retry == .after(.seconds(5)))
    }

    @Test func `a slow cluster is waited for`() throws {
        self.cluster.createTopic("clicks", partitions: 2)
        self.cluster.setRoundTrip(milliseconds: 150)

        #expect(try self.makeSource().discoverSplits().map(\.name) == ["clicks/0", "clicks/1"])
    }

    @Test func `a topic whose leader is being elected is waited for`() throws {
        self.cluster.createTopic("clicks")
        self.cluster.fail(
            .listOffsets,
            with: [RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE]
        )

        #expect(try self.makeSource().discoverSplits().count == 1)
    }

    @Test func `a reader survives brokers that go away, says so meanwhile, and goes on`() throws {
        self.cluster.createTopic("clicks")
        let client = try NativeClient(self.cluster.brokers)
        try client.produce("clicks", TestRecord.numbered(0..<3))
        let source = try self.makeSource()
        let driver = try StreamDriver(source)
        try driver.reader.add(try source.discoverSplits())
        #expect(try driver.read(3).count == 3)

        self.cluster.setDown()
        var warning: String?
        _ = try driver.read { _ in
            warning = driver.reader.warning
            return warning != nil
        }
        self.cluster.setUp()
        try client.produce("clicks", TestRecord.numbered(3..<6))
        let read = try driver.read(3)

        #expect(warning?.hasPrefix("Kafka at 127.0.0.1:") == true, "\(String(describing: warning))")
        #expect(read.map(\.value) == ["v3", "v4", "v5"])
        #expect(driver.reader.warning == nil)
    }

    @Test func `what a partition's leader refuses ends reading, with the position`() throws {
        self.cluster.createTopic("clicks")
        let source = try self.makeSource()
        let splits = try source.discoverSplits()
        self.cluster.fail(.fetch, with: Array(repeating: RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, count: 20))
        let driver = try StreamDriver(source)
        try driver.reader.add(splits)

        let error = #expect(throws: ConnectorError.self) { try driver.read(1) }

        #expect(error?.message.contains("can't read clicks/0 at position 0") == true, "\(String(describing: error))")
        #expect(error?.message.contains("give this user the right") == true)
    }

    @Test func `positions that the log no longer has stop a job that comes back, with their place`() throws {
        self.cluster.createTopic("clicks")
        let client = try NativeClient(self.cluster.brokers)
        // The mock brokers keep five megabytes of a partition.
        let large = String(repeating: "x", count: 500_000)
        for _ in 0..<15 { try client.produce("clicks", [TestRecord(value: large)]) }
        let source = try self.makeSource()
        let first = try #require(try source.discoverSplits().first)
        let driver = try StreamDriver(source)
        try driver.reader.add([StreamSplit(name: "clicks/0", position: 1)])

        let error = #expect(throws: ConnectorError.self) { try driver.read(1) }

        #expect(first.position > 1)
        #expect(error?.message.contains("can't read clicks/0 at position 1") == true, "\(String(describing: error))")
        #expect(error?.message.contains("deleted before the job read them") == true)
        #expect(error?.retry == .never)
    }

    @Test func `encryption that the brokers don't speak is a possible reason of theirs`() throws {
        let options: [String: SettingValue] = ["properties": .map(["security.protocol": .string("ssl")])]
        let source = try KafkaSource.make(["clicks"], brokers: self.cluster.brokers, options: options)

        let error = #expect(throws: ConnectorError.self) {
            _ = try TopicDirectory(source.configuration, patience: .seconds(1)).partitions(of: "clicks")
        }

        #expect(error?.message.contains("SSL_HANDSHAKE") == true, "\(String(describing: error))")
        #expect(error?.message.contains("and that security.protocol is theirs") == true)
    }

    @Test func `a login that the brokers don't know is found out at once, and the password isn't told`() throws {
        let properties: [String: SettingValue] = [
            "security.protocol": .string("sasl_plaintext"), "sasl.mechanism": .string("PLAIN"),
            "sasl.username": .string("weir"), "sasl.password": .string("correct-horse"),
        ]
        let options: [String: SettingValue] = ["properties": .map(properties)]
        let source = try KafkaSource.make(["clicks"], brokers: self.cluster.brokers, options: options)

        let error = #expect(throws: ConnectorError.self) {
            _ = try TopicDirectory(source.configuration, patience: .seconds(3)).partitions(of: "clicks")
        }

        #expect(error?.message.contains("correct-horse") == false, "\(String(describing: error))")
        #expect(error?.message.contains("list the partitions of topic clicks") == true)
    }

    @Test func `properties that contradict what writers need are found out before the job starts`() {
        let options: [String: SettingValue] = [
            "properties": .map(["max.in.flight.requests.per.connection": .integer(100)])
        ]

        let error = #expect(throws: ConnectorError.self) {
            try KafkaSink.make("results", brokers: self.cluster.brokers, options: options).prepareStream()
        }

        #expect(error?.message.contains("max.in.flight") == true, "\(String(describing: error))")
        #expect(error?.domain == .user)
    }

    @Test func `new topics are found by a pattern later`() throws {
        self.cluster.createTopic("clicks-a")
        let source = try KafkaSource.make(
            ["clicks-.*"],
            brokers: self.cluster.brokers,
            options: ["pattern": .boolean(true)]
        )
        let first = try source.discoverSplits()
        self.cluster.createTopic("clicks-b", partitions: 2)

        #expect(first.map(\.name) == ["clicks-a/0"])
        #expect(try source.discoverLaterSplits().map(\.name) == ["clicks-a/0", "clicks-b/0", "clicks-b/1"])
    }

    @Test func `a writer waits for brokers that are away, says so, and delivers when they are back`() throws {
        self.cluster.createTopic("results")
        let driver = try WriterDriver(try KafkaSink.make("results", brokers: self.cluster.brokers))
        try driver.deliver(.make([(nil, "before")]))
        self.cluster.setDown()

        #expect(try driver.writer.write(.make([("k", "while away")]), from: 0) == 1)
        let deadline = ContinuousClock.now + StreamDriver.patience
        while driver.writer.warning == nil, ContinuousClock.now < deadline {
            #expect(try driver.writer.flush() == false)
        }
        let warning = driver.writer.warning
        self.cluster.setUp()
        try driver.deliver(.make([("k", "after")]))

        #expect(warning?.hasPrefix("Kafka at 127.0.0.1:") == true, "\(String(describing: warning))")
        #expect(driver.writer.warning == nil)
        let source = try KafkaSource.make(["results"], brokers: self.cluster.brokers)
        #expect(try source.readAll().map(\.value) == ["before", "while away", "after"])
    }

    @Test func `a record that isn't acknowledged in time is an error that may pass`() throws {
        self.cluster.createTopic("results")
        let options: [String: SettingValue] = ["properties": .map(["message.timeout.ms": .integer(300)])]
        let driver = try WriterDriver(try KafkaSink.make("results", brokers: self.cluster.brokers, options: options))
        self.cluster.setDown()

        let error = #expect(throws: ConnectorError.self) { try driver.deliver(.make([("key-1", "x")])) }

        let message = error?.message ?? ""
        #expect(message.hasPrefix("can't write a record of 6 bytes with key 'key-1' to topic results: "), "\(message)")
        #expect(message.contains("message.timeout.ms is how long Weir waits"))
        #expect(error?.domain == .external)
        #expect(error?.retry == .after(.seconds(5)))
    }

    @Test func `what the leader refuses to store is an error with the record's key`() throws {
        self.cluster.createTopic("results")
        let driver = try WriterDriver(try KafkaSink.make("results", brokers: self.cluster.brokers))
        self.cluster.fail(.produce, with: [RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED])

        let error = #expect(throws: ConnectorError.self) { try driver.deliver(.make([("key-1", "x")])) }

        #expect(error?.message.contains("with key 'key-1' to topic results") == true, "\(String(describing: error))")
        #expect(error?.message.contains("give this user the right") == true)
    }

    @Test func `a topic that goes away while it is written is named, with the record's key`() throws {
        self.cluster.fail(topic: "results", with: RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        let properties: [String: SettingValue] = ["topic.metadata.propagation.max.ms": .integer(0)]
        let sink = try KafkaSink.make(
            "results",
            brokers: self.cluster.brokers,
            options: ["properties": .map(properties)]
        )
        let driver = try WriterDriver(sink)

        let error = #expect(throws: ConnectorError.self) { try driver.deliver(.make([("key-1", "x")])) }

        #expect(error?.message.contains("with key 'key-1' to topic results") == true, "\(String(describing: error))")
        #expect(error?.message.contains("check the name, or create the topic") == true)
    }

    @Test func `what ends a producer for good is kept with its reason`() throws {
        let configuration = KafkaConfiguration(brokers: self.cluster.brokers)
        let properties = configuration.properties(preset: [:], required: ProducerProperties.writer)
        let producer = try TopicProducer(topic: "results", configuration, properties: properties)
        let outOfOrder = RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER

        _ = unsafe rd_kafka_test_fatal_error(producer.client.handle, outOfOrder, "a gap")
        producer.client.serve(milliseconds: 5_000)

        let failure = producer.client.notices.failure
        #expect(failure?.code == outOfOrder.rawValue)
        #expect(failure?.detail.contains("a gap") == true, "\(String(describing: failure))")
    }

    @Test func `a group that may not be written is a warning, and reading goes on`() throws {
        self.cluster.createTopic("clicks")
        let client = try NativeClient(self.cluster.brokers)
        let source = try KafkaSource.make(
            ["clicks"],
            brokers: self.cluster.brokers,
            options: ["group": .string("watched")]
        )
        let driver = try StreamDriver(source)
        try driver.reader.add(try source.discoverSplits())
        let refusals = Array(repeating: RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, count: 200)
        self.cluster.fail(.offsetCommit, with: refusals)

        var warning: String?
        _ = try driver.read { _ in
            warning = driver.reader.warning
            if warning == nil { driver.reader.publish([StreamSplit(name: "clicks/0", position: 0)]) }
            return warning != nil
        }
        try client.produce("clicks", TestRecord.numbered(0..<1))

        #expect(warning?.contains("the group's positions weren't stored") == true, "\(String(describing: warning))")
        #expect(try driver.read(1).map(\.value) == ["v0"])
    }

    @Test func `a retry that the leader asked for doubles nothing`() throws {
        self.cluster.createTopic("results")
        let driver = try WriterDriver(try KafkaSink.make("results", brokers: self.cluster.brokers))
        self.cluster.fail(
            .produce,
            with: [RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION]
        )

        try driver.deliver(.make((0..<20).map { ("k", "v\($0)") }))

        let read = try KafkaSource.make(["results"], brokers: self.cluster.brokers).readAll()
        #expect(read.map(\.value) == (0..<20).map { "v\($0)" })
    }

    @Test func `a topic that can't be written is found out before the job starts`() throws {
        self.cluster.fail(topic: "results", with: RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)

        let error = #expect(throws: ConnectorError.self) {
            try KafkaSink.make("results", brokers: self.cluster.brokers).prepareStream()
        }

        #expect(error?.message.contains("topic results") == true)
    }

    @Test func `closing a reader and a writer returns though no broker is there`() throws {
        self.cluster.createTopic("clicks")
        let source = try self.makeSource()
        let driver = try StreamDriver(source)
        try driver.reader.add(try source.discoverSplits())
        let writer = try WriterDriver(try KafkaSink.make("clicks", brokers: self.cluster.brokers))
        self.cluster.setDown()
        _ = try writer.writer.write(.make([(nil, "x")]), from: 0)
        let clock = ContinuousClock()

        let spent = clock.measure {
            driver.reader.close()
            writer.writer.close()
        }

        #expect(spent < .seconds(10))
        #expect(throws: Never.self) { try driver.poll() }
    }

    private func makeSource() throws -> KafkaSource {
        try KafkaSource.make(["clicks"], brokers: self.cluster.brokers)
    }
}
