import ConnectorKit
import Dispatch
import Testing

@testable import KafkaConnector

/// Wakes a test that waits for a connector.
final class Bell: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)

    func ring() {
        self.semaphore.signal()
    }

    /// Waits for a ring, or until that much time is over.
    @discardableResult
    func wait(milliseconds: Int) -> Bool {
        self.semaphore.wait(timeout: .now() + .milliseconds(milliseconds)) == .success
    }
}

/// A message that outlives its reader.
struct ReadMessage: Hashable {
    let key: String?
    let value: String?
    let time: Int64?
    let position: Int64
    let split: Int

    init(_ message: StreamMessage) {
        self.key = unsafe message.key.map { unsafe String(decoding: $0, as: UTF8.self) }
        self.value = unsafe message.value.map { unsafe String(decoding: $0, as: UTF8.self) }
        self.time = message.timestamp
        self.position = message.position
        self.split = message.split
    }
}

/// Does what the engine does with a reader: polls it, and waits for its wake when there is nothing.
final class StreamDriver {
    /// How long a test waits before it fails.
    static let patience = Duration.seconds(30)

    let reader: any StreamReader
    private let bell: Bell
    private let block: MessageBlock

    init(_ source: KafkaSource, blockCapacity: Int = 64) throws {
        let bell = Bell()
        self.bell = bell
        self.reader = try source.makeStreamReader { bell.ring() }
        self.block = MessageBlock(capacity: blockCapacity)
    }

    deinit {
        self.reader.close()
    }

    /// Polls once.
    func poll() throws -> [ReadMessage] {
        try self.reader.poll(into: self.block)
        return (0..<self.block.count).map { ReadMessage(self.block[$0]) }
    }

    /// The values of a header of the messages that the last poll gave.
    func headers(_ name: String) -> [String?] {
        (0..<self.block.count).map { index in
            unsafe Array(name.utf8).withUnsafeBytes { bytes in
                unsafe self.reader.header(bytes, of: self.block[index])
                    .map { unsafe String(decoding: $0, as: UTF8.self) }
            }
        }
    }

    /// Polls until `condition` holds for what was read.
    func read(until condition: ([ReadMessage]) -> Bool) throws -> [ReadMessage] {
        var messages: [ReadMessage] = []
        let deadline = ContinuousClock.now + Self.patience
        while !condition(messages) {
            guard ContinuousClock.now < deadline else {
                Issue.record("too late; \(messages.count) messages so far: \(messages.suffix(5))")
                return messages
            }
            let new = try self.poll()
            messages += new
            if new.isEmpty, !condition(messages) { self.bell.wait(milliseconds: 200) }
        }
        return messages
    }

    func read(_ count: Int) throws -> [ReadMessage] {
        try self.read { $0.count >= count }
    }

    /// Reads until a split says that it is at its end.
    func readToEnd(ofSplits splitCount: Int, from starts: [Int64]) throws -> [ReadMessage] {
        var next = starts
        return try self.read { messages in
            for message in messages { next[message.split] = message.position + 1 }
            return (0..<splitCount).allSatisfy { self.reader.endPosition(of: $0) == next[$0] }
        }
    }
}

extension KafkaSource {
    /// A source that reads topics of a test's brokers.
    static func make(
        _ topics: [String],
        brokers: String,
        options: [String: SettingValue] = [:]
    ) throws -> KafkaSource {
        var options = options
        options["brokers"] = .string(brokers)
        let call = ConnectorSettings(name: "kafka-topic", arguments: topics.map { .string($0) }, options: options)
        // The mock brokers answer a fetch no earlier than this.
        let source = try KafkaConnector(defaults: ["kafka.fetch.wait.max.ms": "10"]).makeSource(call)
        return try #require(source as? KafkaSource)
    }

    /// Everything that is committed in the topics now, in order within each split.
    func readAll() throws -> [ReadMessage] {
        let splits = try self.discoverSplits()
        let driver = try StreamDriver(self)
        try driver.reader.add(splits)
        return try driver.readToEnd(ofSplits: splits.count, from: splits.map(\.position))
    }
}

extension KafkaSink {
    static func make(
        _ topic: String,
        brokers: String,
        options: [String: SettingValue] = [:]
    ) throws -> KafkaSink {
        var options = options
        options["brokers"] = .string(brokers)
        let call = ConnectorSettings(name: "kafka-topic", arguments: [.string(topic)], options: options)
        return try #require(try KafkaConnector(defaults: [:]).makeSink(call) as? KafkaSink)
    }
}

extension OutputBlock {
    static func make(_ records: [(key: String?, value: String?)], time: Int64? = nil) -> OutputBlock {
        let block = OutputBlock()
        for (key, value) in records {
            block.append(key.map { Array($0.utf8) }, value.map { Array($0.utf8) }, time)
        }
        return block
    }

    private func append(_ key: [UInt8]?, _ value: [UInt8]?, _ time: Int64?) {
        unsafe Self.withBytes(key) { key in
            unsafe Self.withBytes(value) { value in
                unsafe self.append(key: key, value: value, timestamp: time)
            }
        }
    }

    private static func withBytes(_ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) -> Void) {
        guard let bytes else {
            body(nil)
            return
        }
        unsafe bytes.withUnsafeBytes { unsafe body($0) }
    }
}
