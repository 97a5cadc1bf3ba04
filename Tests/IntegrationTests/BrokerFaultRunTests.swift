import CRdkafka
import Foundation
import KafkaTestKit
import Testing

/// Streams over brokers in the process of the test that go away, are slow and refuse requests while a job runs.
@Suite struct BrokerFaultRunTests {
    private let folder: TemporaryFolder
    private let cluster = MockCluster()
    private static let count = 3_000

    init() throws {
        self.folder = try TemporaryFolder()
        self.cluster.createTopic("clicks", partitions: 3)
        self.cluster.createTopic("copies", partitions: 2)
        let lines = (0..<Self.count).map { #"{"id":\#($0)}"# + "\n" }
        try self.folder.write(lines.joined(), to: "in/clicks.jsonl")
        try self.folder.write(
            """
            (define-stream-processor fill
              :source (distributed-files "in/*") :sink (kafka-topic "clicks")
              :time (lambda (e) (get e :id)) :watermark (bounded-out-of-orderness 0))
            """,
            to: "fill.fl"
        )
        try self.folder.write(
            """
            (define spin (lambda (n) (if (= n 0) true (spin (- n 1)))))
            (define-stream-processor copy
              :source (kafka-topic "clicks") :sink (kafka-topic "copies")
              (filter (lambda (e) (spin 5_000))))
            """,
            to: "copy.fl"
        )
        try self.folder.write(
            """
            (define-stream-processor collect
              :source (kafka-topic "copies") :sink (distributed-path "out")
              (map (lambda (e) (get e :id))))
            """,
            to: "collect.fl"
        )
    }

    private func start(_ program: String, _ options: String...) throws -> WeirProcess {
        let brokers = ["-D", "kafka.brokers=\(self.cluster.brokers)"]
        return try WeirProcess(["run", program, "--parallelism", "2"] + brokers + options, in: self.folder)
    }

    private func hasCheckpoint() -> Bool {
        (self.folder.names(in: "state/copy") ?? []).contains {
            $0.hasPrefix("checkpoint-") && $0.hasSuffix("/manifest")
        }
    }

    /// Whether the running stream says that something hinders it.
    private func isWarning() -> Bool {
        guard let status = try? self.folder.read("state/copy/status") else { return false }
        return String(decoding: status, as: UTF8.self).contains("\nwarning ")
    }

    @Test func `a stream between topics loses nothing while brokers refuse, are slow and go away`() throws {
        #expect(try self.start("fill.fl").wait().code == 0)
        let process = try self.start(
            "copy.fl",
            "--state",
            "state",
            "--checkpoint-interval",
            "50ms",
            "--until-idle",
            "2s"
        )
        try process.wait(until: "a checkpoint is complete") { self.hasCheckpoint() }
        let passing = [RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION]
        self.cluster.fail(.produce, with: passing + passing)
        self.cluster.fail(.fetch, with: passing + passing)
        self.cluster.setRoundTrip(milliseconds: 50)
        self.cluster.setDown()
        try process.wait(until: "it says that the brokers are away") { self.isWarning() }
        self.cluster.setUp()

        let outcome = try process.wait()
        let collected = try self.start("collect.fl", "--until-idle", "2s").wait()

        #expect(outcome.code == 0, "\(outcome.notes)")
        #expect(collected.code == 0, "\(collected.notes)")
        // At least once: what was acknowledged to nobody is written again.
        let ids = try self.folder.lines().compactMap { Int($0) }
        #expect(Set(ids) == Set(0..<Self.count))
    }
}
