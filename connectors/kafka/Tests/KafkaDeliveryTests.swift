import ConnectorKit
import Testing

@testable import KafkaConnector

/// Exactly once: what a checkpoint holds is in the topic once, wherever the process that delivers it dies.
@Suite struct KafkaDeliveryTests {
    private let broker: TestBroker
    private let client: NativeClient
    private let topic = TestBroker.uniqueName("deliver")

    init() throws {
        self.broker = try TestBroker.running()
        self.client = try NativeClient(self.broker.brokers)
        try self.client.createTopic(self.topic, partitions: 2)
    }

    @Test func `a checkpoint is delivered with its marker`() throws {
        let delivery = try self.makeDelivery()
        #expect(try delivery.open() == nil)

        let outcome = try delivery.deliver(1, blocks: [["a", "b"], ["c"]])
        delivery.close()

        #expect(outcome == .delivered)
        #expect(try self.values() == ["a", "b", "c"])
        #expect(try self.makeDelivery().open() == 1)
    }

    @Test func `checkpoints follow one another in one session, empty ones too`() throws {
        let delivery = try self.makeDelivery()

        let outcomes = [
            try delivery.deliver(1, blocks: [["a"]]), try delivery.deliver(2, recorded: 1, blocks: []),
            try delivery.deliver(7, recorded: 2, blocks: [["b"]]),
        ]

        #expect(outcomes == [.delivered, .delivered, .delivered])
        #expect(try self.values() == ["a", "b"])
        #expect(try self.makeDelivery().open() == 7)
    }

    @Test func `a checkpoint that was delivered isn't again, and its records aren't asked for`() throws {
        let first = try self.makeDelivery()
        _ = try first.deliver(3, blocks: [["a"]])
        first.close()
        let second = try self.makeDelivery()

        let outcome = try second.deliver(checkpoint: 3, recorded: nil) { () throws(ConnectorError) -> OutputBlock? in
            Issue.record("nothing is to be delivered")
            return nil
        }

        #expect(outcome == .wasDelivered)
        #expect(try self.values() == ["a"])
    }

    @Test func `a checkpoint below the marker is refused with the marker`() throws {
        let first = try self.makeDelivery()
        _ = try first.deliver(5, blocks: [["a"]])
        first.close()

        let outcome = try self.makeDelivery().deliver(4, recorded: 3, blocks: [["b"]])

        #expect(outcome == .markerAbove(5))
        #expect(try self.values() == ["a"])
    }

    @Test func `a marker that was recorded and isn't there stops delivery, unless nobody insists`() throws {
        let delivery = try self.makeDelivery()

        #expect(try delivery.deliver(9, recorded: 8, blocks: [["a"]]) == .markerMissing)
        #expect(try self.values() == [])
        #expect(try delivery.deliver(9, recorded: nil, blocks: [["a"]]) == .delivered)
        #expect(try self.values() == ["a"])
    }

    @Test func `a marker behind what was recorded is as good as none`() throws {
        let delivery = try self.makeDelivery()
        #expect(try delivery.deliver(3, blocks: [["a"]]) == .delivered)

        #expect(try delivery.deliver(9, recorded: 8, blocks: [["b"]]) == .markerMissing)
        #expect(try self.values() == ["a"])
    }

    @Test func `identities don't share markers`() throws {
        _ = try self.makeDelivery("one").deliver(4, blocks: [["a"]])

        #expect(try self.makeDelivery("two").deliver(2, blocks: [["b"]]) == .delivered)
        #expect(try Set(self.values()) == ["a", "b"])
    }

    /// The process dies behind each of the steps of a delivery.
    @Test(arguments: DeliveryStep.allCases)
    func `a delivery that is cut off leaves all or nothing, and the next run completes it`(last: DeliveryStep) throws {
        _ = try self.makeDelivery().deliver(1, blocks: [["before"]])
        try self.abandon(behind: last, checkpoint: 2)

        let next = try self.makeDelivery()
        let marker = try next.open()
        let outcome = try next.deliver(2, recorded: 1, blocks: [["a", "b", "c"]])

        #expect(marker == (last == .commit ? 2 : 1))
        #expect(outcome == (last == .commit ? .wasDelivered : .delivered))
        #expect(try self.values().sorted() == ["a", "b", "before", "c"])
        #expect(try next.deliver(3, recorded: 2, blocks: [["d"]]) == .delivered)
    }

    @Test func `a zombie can't commit what its successor delivers`() throws {
        var zombie = try self.makeSession()
        try zombie.fence()
        #expect(try zombie.readMarker() == nil)
        try zombie.begin()
        try zombie.write(.make([(nil, "zombie")]))
        try zombie.mark(1)
        let successor = try self.makeDelivery()

        #expect(try successor.deliver(1, blocks: [["a"]]) == .delivered)
        var failure: ConnectorError?
        do { try zombie.commit(1) } catch { failure = error }

        let message = failure?.message ?? ""
        #expect(message.contains("another run of the same job has taken over"), "\(message)")
        #expect(failure?.retry == .never)
        #expect(try self.values() == ["a"])
        #expect(try successor.deliver(2, recorded: 1, blocks: [["b"]]) == .delivered)
    }

    @Test func `a zombie that delivers again is fenced, and takes nothing over by that`() throws {
        let zombie = try self.makeDelivery()
        #expect(try zombie.deliver(1, blocks: [["a"]]) == .delivered)
        let successor = try self.makeDelivery()
        #expect(try successor.open() == 1)

        let error = #expect(throws: ConnectorError.self) { try zombie.deliver(2, recorded: 1, blocks: [["zombie"]]) }

        #expect(error?.retry == .never, "\(String(describing: error))")
        #expect(try successor.deliver(2, recorded: 1, blocks: [["b"]]) == .delivered)
        #expect(try self.values().sorted() == ["a", "b"])
    }

    @Test func `records that can't be read back end a delivery without a trace`() throws {
        let delivery = try self.makeDelivery()
        var handedOver = 0

        let error = #expect(throws: ConnectorError.self) {
            try delivery.deliver(checkpoint: 1, recorded: nil) { () throws(ConnectorError) -> OutputBlock? in
                handedOver += 1
                guard handedOver == 1 else { throw ConnectorError(.external, retry: .never, "can't read the blob") }
                return OutputBlock.make([(nil, "half")])
            }
        }

        #expect(error?.message == "can't read the blob")
        #expect(try self.values() == [])
        #expect(try delivery.deliver(1, blocks: [["a"]]) == .delivered)
        #expect(try self.values() == ["a"])
    }

    @Test func `a checkpoint larger than the producer's queue is delivered whole`() throws {
        let options: [String: SettingValue] = ["properties": .map(["queue.buffering.max.messages": .integer(100)])]
        let delivery = try self.makeDelivery(options: options)
        let values = (0..<2_000).map { "v\($0)" }

        #expect(try delivery.deliver(1, blocks: [Array(values[..<1_500]), Array(values[1_500...])]) == .delivered)

        #expect(try self.values().count == 2_000)
        #expect(try Set(self.values()) == Set(values))
    }

    @Test func `brokers that can't be reached are an error of theirs, in time`() throws {
        let sink = try KafkaSink.make(self.topic, brokers: "127.0.0.1:1")
        var session = try DeliverySession(topic: self.topic, self.identity(""), sink.configuration)

        var failure: ConnectorError?
        do { try session.fence(within: .milliseconds(500)) } catch { failure = error }

        #expect(failure?.domain == .external)
        #expect(failure?.retry == .after(.seconds(5)))
        #expect(failure?.message.contains("Connection refused") == true, "\(String(describing: failure))")
    }

    // MARK: - Steps

    enum DeliveryStep: CaseIterable {
        case fence
        case begin
        case write
        case mark
        case commit
    }

    /// Goes some steps of a delivery and no further: what a process leaves that dies there.
    private func abandon(behind last: DeliveryStep, checkpoint: Int64) throws {
        var session = try self.makeSession()
        try session.fence()
        #expect(try session.readMarker() == checkpoint - 1)
        if last == .fence { return }
        try session.begin()
        if last == .begin { return }
        try session.write(.make([(nil, "a"), (nil, "b"), (nil, "c")]))
        try session.flush()
        if last == .write { return }
        try session.mark(checkpoint)
        if last == .mark { return }
        try session.commit(checkpoint)
    }

    private func makeSession() throws -> DeliverySession {
        let sink = try KafkaSink.make(self.topic, brokers: self.broker.brokers)
        return try DeliverySession(topic: self.topic, self.identity(""), sink.configuration)
    }

    private func makeDelivery(
        _ name: String = "",
        options: [String: SettingValue] = [:]
    ) throws -> any StreamDelivery {
        try KafkaSink.make(self.topic, brokers: self.broker.brokers, options: options)
            .makeDelivery(self.identity(name))
    }

    private func identity(_ name: String) -> DeliveryIdentity {
        DeliveryIdentity(transactionalID: "\(self.topic)-\(name)", markerGroup: "\(self.topic)-marker-\(name)")
    }

    private func values() throws -> [String] {
        let messages = try KafkaSource.make([self.topic], brokers: self.broker.brokers).readAll()
        return messages.map { $0.value ?? "none" }.sorted()
    }
}

extension StreamDelivery {
    /// Delivers values without keys, in blocks.
    fileprivate func deliver(
        _ checkpoint: Int64,
        recorded: Int64? = nil,
        blocks: [[String]]
    ) throws(ConnectorError) -> DeliveryOutcome {
        var rest = blocks[...]
        return try self.deliver(
            checkpoint: checkpoint,
            recorded: recorded,
            records: { rest.popFirst().map { OutputBlock.make($0.map { (nil, $0) }) } }
        )
    }
}
