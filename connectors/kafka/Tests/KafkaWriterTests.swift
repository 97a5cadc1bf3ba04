import ConnectorKit
import Testing

@testable import KafkaConnector

/// Writing once or more, to a broker that keeps what it is given.
@Suite struct KafkaWriterTests {
    private let broker: TestBroker
    private let client: NativeClient
    private let topic = TestBroker.uniqueName("write")

    init() throws {
        self.broker = try TestBroker.running()
        self.client = try NativeClient(self.broker.brokers)
    }

    @Test func `records arrive with key, value and time, in order`() throws {
        try self.client.createTopic(self.topic)
        let driver = try WriterDriver(try self.makeSink())
        let records = (0..<1_000).map { (key: Optional("k"), value: Optional("v\($0)")) }

        try driver.deliver(.make(records, time: 1_234))
        let read = try self.readAll()

        #expect(read.map(\.value) == records.map(\.value))
        #expect(read.allSatisfy { $0.key == "k" && $0.time == 1_234 })
    }

    @Test func `no key, no value and empty ones arrive as what they are`() throws {
        try self.client.createTopic(self.topic)
        let driver = try WriterDriver(try self.makeSink())

        try driver.deliver(.make([("a", nil), ("a", ""), (nil, "x"), ("", "y"), (nil, nil)]))
        let read = try self.readAll()

        #expect(read.map(\.key) == ["a", "a", nil, "", nil])
        #expect(read.map(\.value) == [nil, "", "x", "y", nil])
    }

    /// Computed by hand from Java's murmur2, masked, modulo 8.
    @Test func `keys go to the partitions that Java's client chooses`() throws {
        try self.client.createTopic(self.topic, partitions: 8)
        let driver = try WriterDriver(try self.makeSink())
        let keys = (0..<40).map { "user-\($0)" }

        try driver.deliver(.make(keys.map { ($0, "v") }))
        let read = try self.readAll()

        #expect(read.count == keys.count)
        for message in read { #expect(message.split == Self.javaPartition(of: message.key ?? "", count: 8)) }
    }

    @Test(arguments: ["gzip", "zstd"])
    func `compression comes from the properties`(codec: String) throws {
        let topic = TestBroker.uniqueName("write-compressed")
        try self.client.createTopic(topic)
        let options: [String: SettingValue] = ["properties": .map(["compression.type": .string(codec)])]
        let driver = try WriterDriver(try KafkaSink.make(topic, brokers: self.broker.brokers, options: options))

        try driver.deliver(.make((0..<200).map { (nil, "value \($0)") }))

        #expect(try KafkaSource.make([topic], brokers: self.broker.brokers).readAll().count == 200)
    }

    @Test func `a full queue takes fewer, wakes, and loses nothing`() throws {
        try self.client.createTopic(self.topic)
        let options: [String: SettingValue] = ["properties": .map(["queue.buffering.max.messages": .integer(10)])]
        let driver = try WriterDriver(try KafkaSink.make(self.topic, brokers: self.broker.brokers, options: options))
        let block = OutputBlock.make((0..<500).map { (nil, "v\($0)") })

        let first = try driver.writer.write(block, from: 0)
        try driver.deliver(block, from: first)

        #expect(first == 10)
        #expect(try self.readAll().map(\.value) == (0..<500).map { "v\($0)" })
    }

    @Test func `a record that is too large is described, and what to do`() throws {
        try self.client.createTopic(self.topic)
        let driver = try WriterDriver(try self.makeSink())
        let large = String(repeating: "x", count: 2_000_000)

        let error = #expect(throws: ConnectorError.self) {
            try driver.deliver(.make([("account-17 of a customer with a long name", large)]))
        }

        let message = error?.message ?? ""
        let description = "a record of 2000041 bytes with key 'account-17 of a customer with a …'"
        #expect(message.contains(description), "\(message)")
        #expect(message.contains("to topic \(self.topic)"))
        #expect(message.contains("raise message.max.bytes"))
        #expect(error?.domain == .user)
        #expect(error?.retry == .never)
    }

    @Test func `preparing makes a topic where the broker does so when asked`() throws {
        try self.makeSink().prepareStream()

        #expect(try KafkaSource.make([self.topic], brokers: self.broker.brokers).discoverSplits().isEmpty == false)
    }

    @Test func `closing gives up what isn't delivered and returns`() throws {
        try self.client.createTopic(self.topic)
        let options: [String: SettingValue] = ["properties": .map(["linger.ms": .integer(60_000)])]
        let sink = try KafkaSink.make(self.topic, brokers: self.broker.brokers, options: options)
        let writer = try sink.makeStreamWriter(subtask: 0, content: .text) {}
        #expect(try writer.write(.make([(nil, "x")]), from: 0) == 1)
        #expect(try writer.flush() == false)

        writer.close()

        #expect(try self.readAll().isEmpty)
    }

    private func makeSink() throws -> KafkaSink {
        try KafkaSink.make(self.topic, brokers: self.broker.brokers)
    }

    private func readAll() throws -> [ReadMessage] {
        try KafkaSource.make([self.topic], brokers: self.broker.brokers).readAll()
    }

    /// The default partitioner of Kafka's Java client for records with keys.
    private static func javaPartition(of key: String, count: UInt32) -> Int {
        let bytes = Array(key.utf8)
        let m: UInt32 = 0x5bd1_e995
        var h = 0x9747_b28c ^ UInt32(bytes.count)
        var rest = bytes[...]
        while rest.count >= 4 {
            var k = rest.prefix(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            k = k &* m
            k ^= k >> 24
            h = h &* m ^ k &* m
            rest = rest.dropFirst(4)
        }
        if !rest.isEmpty {
            h ^= rest.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            h = h &* m
        }
        h ^= h >> 13
        h = h &* m
        h ^= h >> 15
        return Int((h & 0x7fff_ffff) % count)
    }
}

/// Does what the engine does with a writer: writes what it takes, and waits for its wake where it is full.
final class WriterDriver {
    let writer: any StreamWriter
    private let bell: Bell

    init(_ sink: KafkaSink) throws {
        let bell = Bell()
        self.bell = bell
        self.writer = try sink.makeStreamWriter(subtask: 0, content: .text) { bell.ring() }
    }

    deinit {
        self.writer.close()
    }

    /// Writes a block and waits until it is delivered.
    ///
    /// Waits for wakes only: a test fails where they don't come.
    func deliver(_ block: OutputBlock, from first: Int = 0) throws {
        let deadline = ContinuousClock.now + StreamDriver.patience
        var index = first
        while ContinuousClock.now < deadline {
            index += try self.writer.write(block, from: index)
            if index == block.count, try self.writer.flush() { return }
            guard self.bell.wait(milliseconds: 25_000) else {
                Issue.record("a writer that waits isn't woken; \(index) of \(block.count) records were taken")
                return
            }
        }
        Issue.record("too late; \(index) of \(block.count) records were taken")
    }
}
