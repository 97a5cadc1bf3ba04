import CRdkafka
import ConnectorKit
import Testing

@testable import KafkaConnector

@Suite struct KafkaFailureTests {
    private let configuration = KafkaConfiguration(brokers: "b:9092")

    @Test func `an error says what was attempted, what happened and what to do`() {
        let failure = KafkaFailure(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)

        let error = failure.error("read clicks/3 at position 7", self.configuration)

        #expect(
            error.message
                == "can't read clicks/3 at position 7: Broker: Unknown topic or partition (UNKNOWN_TOPIC_OR_PART); "
                + "check the name, or create the topic"
        )
    }

    @Test func `a code of a newer library keeps its number`() {
        let failure = KafkaFailure(rd_kafka_resp_err_t(rawValue: 9_999))

        #expect(failure.kind == .other)
        #expect(failure.reason.contains("9999"))
        #expect(failure.error("x", self.configuration).domain == .external)
    }

    @Test(arguments: [
        (RD_KAFKA_RESP_ERR__TRANSPORT, FailureKind.unreachable, ConnectorError.Domain.external),
        (RD_KAFKA_RESP_ERR__AUTHENTICATION, .notAuthenticated, .user),
        (RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, .notAuthorized, .user),
        (RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, .positionOutOfRange, .external),
        (RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, .tooLarge, .user),
        (RD_KAFKA_RESP_ERR__FENCED, .fenced, .external),
        (RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, .unsettled, .external),
    ])
    func `a code stands for what can be done`(
        code: rd_kafka_resp_err_t,
        kind: FailureKind,
        domain: ConnectorError.Domain
    ) {
        #expect(FailureKind(code) == kind)
        #expect(kind.domain == domain)
    }

    @Test func `the key of a record that wasn't delivered is readable and short`() {
        let failure = KafkaFailure(RD_KAFKA_RESP_ERR__MSG_TIMED_OUT)
        let key: [UInt8] = [0x61, 0x00, 0x0a, 0x7a] + Array(repeating: 0x62, count: 40)

        let record = unsafe key.withUnsafeBytes { unsafe UndeliveredRecord(failure, key: $0, byteCount: 44) }

        let prefix = "a..z" + String(repeating: "b", count: 28)
        #expect(record.summary == "a record of 44 bytes with key '\(prefix)…'")
        let keyless = unsafe UndeliveredRecord(failure, key: nil, byteCount: 1)
        #expect(keyless.summary == "a record of 1 bytes without a key")
    }

    @Test(arguments: [("clicks/3", "clicks", 3), ("a.b_c-d/12", "a.b_c-d", 12)])
    func `a split's name is read back`(name: String, topic: String, partition: Int32) {
        #expect(TopicPartition(name: name) == TopicPartition(topic: topic, partition: partition))
        #expect(TopicPartition(topic: topic, partition: partition).name == name)
    }

    @Test(arguments: ["clicks", "clicks/", "/3", "clicks/-1", "clicks/x", ""])
    func `a name of another source's split is refused`(name: String) {
        #expect(throws: ConnectorError.self) { try TopicPartition(split: StreamSplit(name: name, position: 0)) }
    }

    @Test func `that no broker is left doesn't hide why`() {
        let notices = ClientNotices()
        notices.warn(KafkaFailure(RD_KAFKA_RESP_ERR__TRANSPORT, detail: "Connection refused"))

        notices.warn(KafkaFailure(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, detail: "1/1 brokers are down"))

        #expect(notices.warning?.detail == "Connection refused")
    }
}
