import ConnectorKit
import CoreTypes
import Testing

@testable import KafkaConnector

/// Reading from a broker that keeps what it is given.
@Suite struct KafkaReaderTests {
    private let broker: TestBroker
    private let client: NativeClient
    private let topic = TestBroker.uniqueName("read")

    init() throws {
        self.broker = try TestBroker.running()
        self.client = try NativeClient(self.broker.brokers)
    }

    @Test func `partitions are splits with names, and earliest is where records begin`() throws {
        try self.client.createTopic(self.topic, partitions: 3)
        try self.client.produce(self.topic, TestRecord.numbered(0..<4, partition: 1))

        let splits = try self.makeSource().discoverSplits()

        #expect(splits == (0..<3).map { StreamSplit(name: "\(self.topic)/\($0)", position: 0) })
    }

    @Test func `messages come with key, value, time and position, in order`() throws {
        try self.client.createTopic(self.topic)
        let written = (0..<500).map { TestRecord(key: "k\($0 % 7)", value: "v\($0)", time: Int64($0 + 1)) }
        try self.client.produce(self.topic, written)

        let read = try self.makeSource().readAll()

        #expect(read.map(\.position) == (0..<500).map { Int64($0) })
        #expect(read.map(\.key) == written.map(\.key))
        #expect(read.map(\.value) == written.map(\.value))
        #expect(read.map(\.time) == written.map(\.time))
    }

    @Test func `a header is found by its name, of several the last`() throws {
        try self.client.createTopic(self.topic)
        let headers = [[("tenant", "a"), ("trace", "t1")], [("tenant", "b"), ("tenant", "c")], []]
        let written = headers.map { TestRecord(value: "v", headers: $0) }
        try self.client.produce(self.topic, written)
        let source = try self.makeSource()
        let driver = try StreamDriver(source)
        try driver.reader.add(try source.discoverSplits())

        var tenants: [String?] = []
        var traces: [String?] = []
        _ = try driver.read { messages in
            tenants += driver.headers("tenant")
            traces += driver.headers("trace")
            return messages.count >= 3
        }

        #expect(tenants == ["a", "c", nil])
        #expect(traces == ["t1", nil, nil])
    }

    @Test func `latest begins behind the last record`() throws {
        try self.client.createTopic(self.topic)
        try self.client.produce(self.topic, TestRecord.numbered(0..<5))

        let splits = try self.makeSource(["from": .string("latest")]).discoverSplits()

        #expect(splits.map(\.position) == [5])
    }

    @Test func `a partition that is found later begins at its first record, also for latest`() throws {
        try self.client.createTopic(self.topic)
        try self.client.produce(self.topic, TestRecord.numbered(0..<5))
        let source = try self.makeSource(["from": .string("latest")])
        #expect(try source.discoverSplits().map(\.position) == [5])
        try self.client.addPartitions(to: self.topic, total: 2)
        // A client of its own knows at once that there are two.
        try NativeClient(self.broker.brokers).produce(self.topic, TestRecord.numbered(5..<8, partition: 1))

        let later = try source.discoverLaterSplits()

        #expect(later.map(\.name) == ["\(self.topic)/0", "\(self.topic)/1"])
        #expect(later.last?.position == 0)
    }

    @Test func `a time is where the first record of it or later lies`() throws {
        try self.client.createTopic(self.topic, partitions: 2)
        try self.client.produce(self.topic, TestRecord.numbered(0..<5))

        let between = try self.makeSource(["from": .integer(2_500)]).discoverSplits()
        let exact = try self.makeSource(["from": .integer(3_000)]).discoverSplits()
        let behind = try self.makeSource(["from": .integer(900_000)]).discoverSplits()

        #expect(between.map(\.position) == [2, 0])
        #expect(exact.map(\.position) == [2, 0])
        #expect(behind.map(\.position) == [5, 0])
    }

    @Test func `committed is what was published to the group, and the beginning where nothing was`() throws {
        try self.client.createTopic(self.topic, partitions: 2)
        try self.client.produce(self.topic, TestRecord.numbered(0..<5))
        let options: [String: SettingValue] = ["from": .string("committed"), "group": .string(self.topic)]
        let source = try self.makeSource(options)
        #expect(try source.discoverSplits().map(\.position) == [0, 0])
        let driver = try StreamDriver(source)
        try driver.reader.add(try source.discoverSplits())
        _ = try driver.read(5)

        driver.reader.publish([StreamSplit(name: "\(self.topic)/0", position: 3)])

        let deadline = ContinuousClock.now + StreamDriver.patience
        var positions: [Int64] = []
        while positions != [3, 0], ContinuousClock.now < deadline {
            positions = try source.discoverSplits().map(\.position)
        }
        #expect(positions == [3, 0])
        #expect(driver.reader.warning == nil)
    }

    @Test func `reading is taken up at a position`() throws {
        try self.client.createTopic(self.topic, partitions: 2)
        try self.client.produce(self.topic, TestRecord.numbered(0..<100))
        try self.client.produce(self.topic, TestRecord.numbered(100..<110, partition: 1))
        let driver = try StreamDriver(try self.makeSource())

        try driver.reader.add([
            StreamSplit(name: "\(self.topic)/1", position: 8), StreamSplit(name: "\(self.topic)/0", position: 97),
        ])
        let read = try driver.readToEnd(ofSplits: 2, from: [8, 97])

        #expect(read.filter { $0.split == 0 }.map(\.value) == ["v108", "v109"])
        #expect(read.filter { $0.split == 1 }.map(\.value) == ["v97", "v98", "v99"])
    }

    @Test func `splits that are added later are read beside the first`() throws {
        try self.client.createTopic(self.topic, partitions: 2)
        try self.client.produce(self.topic, TestRecord.numbered(0..<3))
        try self.client.produce(self.topic, TestRecord.numbered(3..<6, partition: 1))
        let driver = try StreamDriver(try self.makeSource())
        try driver.reader.add([StreamSplit(name: "\(self.topic)/1", position: 0)])
        #expect(try driver.read(3).map(\.value) == ["v3", "v4", "v5"])

        try driver.reader.add([StreamSplit(name: "\(self.topic)/0", position: 0)])
        let read = try driver.read(3)
        try self.client.produce(self.topic, TestRecord.numbered(6..<7, partition: 1))

        #expect(read.map(\.value) == ["v0", "v1", "v2"])
        #expect(read.map(\.split) == [1, 1, 1])
        #expect(try driver.read(1).map(\.value) == ["v6"])
    }

    @Test func `a message without a value is told from an empty one, and headers are passed over`() throws {
        try self.client.createTopic(self.topic)
        try self.client.produce(
            self.topic,
            [
                TestRecord(key: "a", value: nil, headers: [("source", "test"), ("trace", "1")]),
                TestRecord(key: "a", value: ""), TestRecord(key: nil, value: "x", headers: [("h", "")]),
                TestRecord(key: "", value: "y"),
            ]
        )

        let read = try self.makeSource().readAll()

        #expect(read.map(\.value) == [nil, "", "x", "y"])
        #expect(read.map(\.key) == ["a", "a", nil, ""])
    }

    @Test(arguments: ["gzip", "snappy", "lz4", "zstd"])
    func `compressed topics are read`(codec: String) throws {
        let topic = TestBroker.uniqueName("compressed")
        try self.client.createTopic(topic)
        let compressing = try NativeClient(self.broker.brokers, ["compression.type": codec, "linger.ms": "20"])
        try compressing.produce(topic, TestRecord.numbered(0..<300))

        let read = try KafkaSource.make([topic], brokers: self.broker.brokers).readAll()

        #expect(read.map(\.value) == (0..<300).map { "v\($0)" })
    }

    @Test func `a pattern finds the topics whose whole names match, and new ones later`() throws {
        let prefix = TestBroker.uniqueName("pattern")
        for name in ["\(prefix)-a", "\(prefix)-b", "not-\(prefix)-a"] { try self.client.createTopic(name) }
        let source = try KafkaSource.make(
            ["\(prefix)-[ab].*"],
            brokers: self.broker.brokers,
            options: ["pattern": .boolean(true)]
        )
        let first = try source.discoverSplits()
        try self.client.createTopic("\(prefix)-bb", partitions: 2)

        let later = try source.discoverLaterSplits()

        #expect(first.map(\.name) == ["\(prefix)-a/0", "\(prefix)-b/0"])
        #expect(later.map(\.name) == ["\(prefix)-a/0", "\(prefix)-b/0", "\(prefix)-bb/0", "\(prefix)-bb/1"])
    }

    @Test func `a pattern that matches nothing says so`() throws {
        let source = try KafkaSource.make(
            ["nothing-\(self.topic)"],
            brokers: self.broker.brokers,
            options: ["pattern": .boolean(true)]
        )

        let error = #expect(throws: ConnectorError.self) { try source.discoverSplits() }

        #expect(error?.message.contains("none of its") == true, "\(String(describing: error))")
    }

    @Test func `a paused split is silent, and nothing of it is lost or comes twice`() throws {
        try self.client.createTopic(self.topic, partitions: 2)
        try self.client.produce(self.topic, TestRecord.numbered(0..<1_000))
        let driver = try StreamDriver(try self.makeSource(), blockCapacity: 10)
        try driver.reader.add((0..<2).map { StreamSplit(name: "\(self.topic)/\($0)", position: 0) })
        var read = try driver.read(25)

        try driver.reader.setPaused(0, true)
        // One poll may still hand over what was there.
        read += try driver.poll()
        try self.client.produce(self.topic, TestRecord.numbered(0..<100, partition: 1))
        let whilePaused = try driver.read { $0.count { $0.split == 1 } >= 100 }
        try driver.reader.setPaused(0, false)
        read += whilePaused
        read += try driver.read { $0.count { $0.split == 0 } >= 1_000 - read.count { $0.split == 0 } }

        #expect(whilePaused.allSatisfy { $0.split == 1 })
        #expect(read.filter { $0.split == 0 }.map(\.position) == (0..<1_000).map { Int64($0) })
    }

    @Test func `a paused split stays so when others are added`() throws {
        try self.client.createTopic(self.topic, partitions: 2)
        try self.client.produce(self.topic, TestRecord.numbered(0..<10))
        try self.client.produce(self.topic, TestRecord.numbered(10..<20, partition: 1))
        let driver = try StreamDriver(try self.makeSource(), blockCapacity: 4)
        try driver.reader.add([StreamSplit(name: "\(self.topic)/0", position: 0)])
        var read = try driver.read(4)
        try driver.reader.setPaused(0, true)
        read += try driver.poll()

        try driver.reader.add([StreamSplit(name: "\(self.topic)/1", position: 0)])
        let whilePaused = try driver.read(10)
        try driver.reader.setPaused(0, false)
        read += try driver.read(10 - read.count)

        #expect(whilePaused.map(\.split) == Array(repeating: 1, count: 10))
        #expect(read.map(\.position) == (0..<10).map { Int64($0) })
    }

    @Test func `a reader that waits is woken by a message`() throws {
        try self.client.createTopic(self.topic)
        let bell = Bell()
        let reader = try self.makeSource().makeStreamReader { bell.ring() }
        defer { reader.close() }
        try reader.add([StreamSplit(name: "\(self.topic)/0", position: 0)])
        let block = MessageBlock(capacity: 8)
        // Everything that comes by itself: the end of the split, at most.
        while bell.wait(milliseconds: 1_500) { try reader.poll(into: block) }

        try self.client.produce(self.topic, TestRecord.numbered(0..<1))
        // A late report of the end may come first.
        block.removeAll()
        while block.count == 0, bell.wait(milliseconds: 20_000) { try reader.poll(into: block) }

        #expect(block.count == 1)
    }

    @Test func `a split that was paused before its first message begins where it was to begin`() throws {
        try self.client.createTopic(self.topic)
        try self.client.produce(self.topic, TestRecord.numbered(0..<50))
        let driver = try StreamDriver(try self.makeSource())
        try driver.reader.add([StreamSplit(name: "\(self.topic)/0", position: 7)])
        try driver.reader.setPaused(0, true)

        try driver.reader.setPaused(0, false)
        let read = try driver.read(43)

        #expect(read.map(\.position) == (7..<50).map { Int64($0) })
    }

    @Test func `aborted transactions aren't read, and marks of transactions are no records`() throws {
        try self.client.createTopic(self.topic)
        let writer = try NativeClient(self.broker.brokers, ["transactional.id": self.topic])
        try writer.initTransactions()
        for (range, commits) in [(0..<3, true), (3..<6, false), (6..<9, true)] {
            try writer.begin()
            try writer.produce(self.topic, TestRecord.numbered(range))
            if commits { try writer.commit() } else { try writer.abort() }
        }

        // Which ends where the end is the position behind the last message.
        let read = try self.makeSource().readAll()

        #expect(read.map(\.value) == ["v0", "v1", "v2", "v6", "v7", "v8"])
        let gaps = zip(read, read.dropFirst()).map { $1.position - $0.position }
        #expect(gaps.contains { $0 > 1 }, "the marks take positions")
    }

    @Test func `an open transaction isn't read before it is committed, and a split isn't at its end meanwhile`() throws
    {
        try self.client.createTopic(self.topic)
        let writer = try NativeClient(self.broker.brokers, ["transactional.id": self.topic])
        try writer.initTransactions()
        try writer.begin()
        try writer.produce(self.topic, TestRecord.numbered(0..<3))
        try writer.commit()
        try writer.begin()
        try writer.produce(self.topic, TestRecord.numbered(3..<6))
        let driver = try StreamDriver(try self.makeSource())
        try driver.reader.add([StreamSplit(name: "\(self.topic)/0", position: 0)])

        let whileOpen = try driver.read(3)
        // Nothing more can be read for now: who waits for that needn't wait for the transaction.
        let none = try driver.read { _ in driver.reader.advance(of: 0) == .caughtUp }
        let end = driver.reader.endPosition(of: 0)
        try writer.commit()
        let afterwards = try driver.read(3)

        #expect(whileOpen.map(\.value) == ["v0", "v1", "v2"])
        #expect(none.isEmpty)
        #expect(try #require(end) > 3)
        #expect(afterwards.map(\.value) == ["v3", "v4", "v5"])
    }

    @Test func `a program may ask for what isn't committed`() throws {
        try self.client.createTopic(self.topic)
        let writer = try NativeClient(self.broker.brokers, ["transactional.id": self.topic])
        try writer.initTransactions()
        try writer.begin()
        try writer.produce(self.topic, TestRecord.numbered(0..<3))
        let properties: [String: SettingValue] = ["isolation.level": .string("read_uncommitted")]
        let driver = try StreamDriver(try self.makeSource(["properties": .map(properties)]))

        try driver.reader.add([StreamSplit(name: "\(self.topic)/0", position: 0)])

        #expect(try driver.read(3).map(\.value) == ["v0", "v1", "v2"])
    }

    @Test func `a position behind the end of a log is an error, not a jump`() throws {
        try self.client.createTopic(self.topic)
        try self.client.produce(self.topic, TestRecord.numbered(0..<5))
        let driver = try StreamDriver(try self.makeSource())
        try driver.reader.add([StreamSplit(name: "\(self.topic)/0", position: 1_000)])

        let error = #expect(throws: ConnectorError.self) { try driver.read(1) }

        #expect(error?.message.contains("\(self.topic)/0 at position 1000") == true, "\(String(describing: error))")
        #expect(error?.message.contains("deleted before the job read them") == true)
        #expect(error?.retry == .never)
    }

    @Test func `a split has caught up once it was read to its end, and not before the brokers answered`() throws {
        try self.client.createTopic(self.topic)
        try self.client.produce(self.topic, TestRecord.numbered(0..<5))
        let driver = try StreamDriver(try self.makeSource(), blockCapacity: 2)
        try driver.reader.add([StreamSplit(name: "\(self.topic)/0", position: 0)])

        let first = driver.reader.advance(of: 0)
        _ = try driver.read(2)
        let second = driver.reader.advance(of: 0)
        _ = try driver.read { _ in driver.reader.advance(of: 0) == .caughtUp }
        try self.client.produce(self.topic, TestRecord.numbered(5..<7))
        _ = try driver.read(2)

        #expect(first == .unanswered)
        #expect(second == .reading)
        #expect(driver.reader.advance(of: 0) == .caughtUp)
    }

    @Test func `a split with nothing in it catches up when the brokers say so`() throws {
        try self.client.createTopic(self.topic)
        let driver = try StreamDriver(try self.makeSource())
        try driver.reader.add([StreamSplit(name: "\(self.topic)/0", position: 0)])

        let first = driver.reader.advance(of: 0)
        let read = try driver.read { _ in driver.reader.advance(of: 0) == .caughtUp }

        #expect(first == .unanswered)
        #expect(read.isEmpty)
    }

    @Test func `the end of a split is known and moves`() throws {
        try self.client.createTopic(self.topic)
        try self.client.produce(self.topic, TestRecord.numbered(0..<5))
        let driver = try StreamDriver(try self.makeSource(), blockCapacity: 2)
        try driver.reader.add([StreamSplit(name: "\(self.topic)/0", position: 0)])

        _ = try driver.read(2)
        let early = driver.reader.endPosition(of: 0)
        _ = try driver.read(3)
        try self.client.produce(self.topic, TestRecord.numbered(5..<7))
        _ = try driver.read(2)

        #expect(early == 5)
        #expect(driver.reader.endPosition(of: 0) == 7)
    }

    private func makeSource(_ options: [String: SettingValue] = [:]) throws -> KafkaSource {
        try KafkaSource.make([self.topic], brokers: self.broker.brokers, options: options)
    }
}
