import CRdkafka
import Foundation

/// librdkafka without anything of Weir: what puts records into brokers for tests, and makes topics there.
@safe
final class NativeClient {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private static let patienceMilliseconds: Int32 = 20_000

    let handle: OpaquePointer

    init(_ brokers: String, _ properties: [String: String] = [:]) throws {
        let settings = unsafe rd_kafka_conf_new()
        var all = properties
        all["bootstrap.servers"] = brokers
        all["linger.ms"] = all["linger.ms"] ?? "0"
        for (name, value) in all { _ = unsafe rd_kafka_conf_set(settings, name, value, nil, 0) }
        unsafe rd_kafka_conf_set_log_cb(settings) { _, _, _, _ in }
        guard let handle = unsafe rd_kafka_new(RD_KAFKA_PRODUCER, settings, nil, 0) else {
            throw Failure(description: "no producer")
        }
        unsafe self.handle = handle
    }

    deinit {
        unsafe rd_kafka_destroy(self.handle)
    }

    /// Makes a topic that keeps records whatever their time.
    func createTopic(_ name: String, partitions: Int = 1) throws {
        let topic = unsafe rd_kafka_NewTopic_new(name, Int32(partitions), 1, nil, 0)
        defer { unsafe rd_kafka_NewTopic_destroy(topic) }
        _ = unsafe rd_kafka_NewTopic_set_config(topic, "retention.ms", "-1")
        let queue = unsafe rd_kafka_queue_new(self.handle)
        defer { unsafe rd_kafka_queue_destroy(queue) }
        var topics = unsafe [topic]
        unsafe rd_kafka_CreateTopics(self.handle, &topics, 1, nil, queue)
        try unsafe self.awaitResult(queue, "create \(name)")
    }

    func addPartitions(to name: String, total: Int) throws {
        let change = unsafe rd_kafka_NewPartitions_new(name, total, nil, 0)
        defer { unsafe rd_kafka_NewPartitions_destroy(change) }
        let queue = unsafe rd_kafka_queue_new(self.handle)
        defer { unsafe rd_kafka_queue_destroy(queue) }
        var changes = unsafe [change]
        unsafe rd_kafka_CreatePartitions(self.handle, &changes, 1, nil, queue)
        try unsafe self.awaitResult(queue, "add partitions to \(name)")
    }

    /// Writes records, in order, and waits until they are acknowledged.
    func produce(_ topic: String, _ records: [TestRecord]) throws {
        for record in records { try self.enqueue(topic, record) }
        let code = unsafe rd_kafka_flush(self.handle, Self.patienceMilliseconds)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw Failure(description: "flush: \(code.rawValue)") }
    }

    // MARK: - Transactions

    func initTransactions() throws {
        try unsafe self.check(rd_kafka_init_transactions(self.handle, Self.patienceMilliseconds))
    }

    func begin() throws {
        try unsafe self.check(rd_kafka_begin_transaction(self.handle))
    }

    func commit() throws {
        try unsafe self.check(rd_kafka_commit_transaction(self.handle, Self.patienceMilliseconds))
    }

    func abort() throws {
        try unsafe self.check(rd_kafka_abort_transaction(self.handle, Self.patienceMilliseconds))
    }

    // MARK: - Calls

    private func enqueue(_ topic: String, _ record: TestRecord) throws {
        var texts: [UnsafeMutablePointer<CChar>] = unsafe []
        func copy(_ text: String) -> UnsafeMutablePointer<CChar> {
            let bytes = Array(text.utf8CString)
            let memory = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
            unsafe memory.initialize(from: bytes, count: bytes.count)
            unsafe texts.append(memory)
            return unsafe memory
        }
        defer { unsafe texts.forEach { unsafe $0.deallocate() } }
        var arguments: [rd_kafka_vu_t] = unsafe []
        func add(_ type: rd_kafka_vtype_t, _ fill: (inout rd_kafka_vu_t) -> Void) {
            var argument = unsafe rd_kafka_vu_t()
            unsafe argument.vtype = type
            unsafe fill(&argument)
            unsafe arguments.append(argument)
        }
        unsafe add(RD_KAFKA_VTYPE_TOPIC) { unsafe $0.u.cstr = unsafe UnsafePointer(copy(topic)) }
        unsafe add(RD_KAFKA_VTYPE_PARTITION) { unsafe $0.u.i32 = record.partition }
        unsafe add(RD_KAFKA_VTYPE_MSGFLAGS) { unsafe $0.u.i = RD_KAFKA_MSG_F_COPY }
        unsafe add(RD_KAFKA_VTYPE_TIMESTAMP) { unsafe $0.u.i64 = record.time ?? 0 }
        if let key = record.key {
            unsafe add(RD_KAFKA_VTYPE_KEY) { unsafe $0.u.mem = .init(ptr: copy(key), size: key.utf8.count) }
        }
        if let value = record.value {
            unsafe add(RD_KAFKA_VTYPE_VALUE) { unsafe $0.u.mem = .init(ptr: copy(value), size: value.utf8.count) }
        }
        for (name, value) in record.headers {
            unsafe add(RD_KAFKA_VTYPE_HEADER) { argument in
                unsafe argument.u.header = .init(name: copy(name), val: copy(value), size: -1)
            }
        }
        while true {
            let error = unsafe rd_kafka_produceva(self.handle, arguments, arguments.count)
            guard let error = unsafe error else { return }
            let code = unsafe rd_kafka_error_code(error)
            unsafe rd_kafka_error_destroy(error)
            guard code == RD_KAFKA_RESP_ERR__QUEUE_FULL else {
                throw Failure(description: "produce: \(code.rawValue)")
            }
            _ = unsafe rd_kafka_poll(self.handle, 10)
        }
    }

    private func awaitResult(_ queue: OpaquePointer?, _ attempt: String) throws {
        let event = unsafe rd_kafka_queue_poll(queue, Self.patienceMilliseconds)
        defer { unsafe rd_kafka_event_destroy(event) }
        guard let event = unsafe event else { throw Failure(description: "\(attempt): no answer") }
        guard unsafe rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw Failure(description: "\(attempt): \(unsafe String(cString: rd_kafka_event_error_string(event)))")
        }
        var count = 0
        let topics = unsafe Self.results(event, &count)
        for index in 0..<count {
            guard let topic = unsafe topics?[index] else { continue }
            let code = unsafe rd_kafka_topic_result_error(topic)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw Failure(description: "\(attempt): \(code.rawValue)") }
        }
    }

    private static func results(
        _ event: OpaquePointer,
        _ count: inout Int
    ) -> UnsafeMutablePointer<OpaquePointer?>? {
        if let result = unsafe rd_kafka_event_CreateTopics_result(event) {
            return unsafe rd_kafka_CreateTopics_result_topics(result, &count)
        }
        if let result = unsafe rd_kafka_event_CreatePartitions_result(event) {
            return unsafe rd_kafka_CreatePartitions_result_topics(result, &count)
        }
        return nil
    }

    private func check(_ error: OpaquePointer?) throws {
        guard let error = unsafe error else { return }
        defer { unsafe rd_kafka_error_destroy(error) }
        throw Failure(description: unsafe String(cString: rd_kafka_error_string(error)))
    }
}

/// A record that a test writes.
struct TestRecord {
    var key: String?
    var value: String?
    var time: Int64?
    var partition: Int32 = 0
    var headers: [(String, String)] = []

    /// Records with values from a number on, without keys.
    static func numbered(_ range: Range<Int>, partition: Int32 = 0) -> [TestRecord] {
        range.map { TestRecord(value: "v\($0)", time: Int64($0 * 1_000 + 1_000), partition: partition) }
    }
}
