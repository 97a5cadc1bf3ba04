internal import CRdkafka
internal import ConnectorKit

/// A failure as librdkafka reports it.
struct KafkaFailure: Error, Hashable, Sendable {
    let code: Int32

    /// What the library adds to the code, with the secrets that it may quote; empty: nothing.
    let detail: String

    init(_ code: rd_kafka_resp_err_t, detail: String = "") {
        self.code = code.rawValue
        self.detail = detail
    }

    /// Takes over an error object.
    ///
    /// - Returns: Nil where there is none.
    init?(consuming error: OpaquePointer?) {
        guard let error = unsafe error else { return nil }
        defer { unsafe rd_kafka_error_destroy(error) }
        let text = unsafe rd_kafka_error_string(error).map { unsafe String(cString: $0) } ?? ""
        self.init(unsafe rd_kafka_error_code(error), detail: text)
    }

    /// What happened, in a sentence's middle: "Broker: Unknown topic or partition (UNKNOWN_TOPIC_OR_PART)".
    var reason: String {
        let code = rd_kafka_resp_err_t(rawValue: self.code)
        let text = unsafe rd_kafka_err2str(code).map { unsafe String(cString: $0) } ?? "error \(self.code)"
        let name = unsafe rd_kafka_err2name(code).map { unsafe String(cString: $0) } ?? "\(self.code)"
        // The detail of most errors is their text again.
        return self.detail.isEmpty || self.detail == text ? "\(text) (\(name))" : "\(self.detail) (\(name))"
    }

    var kind: FailureKind { FailureKind(rd_kafka_resp_err_t(rawValue: self.code)) }

    /// An error that says what was attempted, what happened and what to do; `detail` adds to what happened.
    func error(
        _ attempt: String,
        _ configuration: KafkaConfiguration,
        file: String = #fileID,
        line: Int = #line
    ) -> ConnectorError {
        let kind = self.kind
        let message = "can't \(attempt): \(configuration.redacted(self.reason)); \(kind.advice)"
        return ConnectorError(kind.domain, retry: kind.retry, message, file: file, line: line)
    }
}

/// What kind of failure a code stands for, and so what can be done about it.
///
/// Codes that aren't listed, such as those of newer libraries, are ``other``.
enum FailureKind: Hashable, Sendable {
    case unreachable
    case notAuthenticated
    case notAuthorized
    case groupNotAuthorized
    case unknownTopic
    case positionOutOfRange
    case tooLarge
    case notAcknowledged
    case fenced
    /// The cluster is about to change leaders or coordinators.
    case unsettled
    case corrupt
    case unsupported
    case wrongSetting
    case other

    init(_ code: rd_kafka_resp_err_t) {
        self = Self.kinds[code.rawValue] ?? .other
    }

    var domain: ConnectorError.Domain {
        switch self {
        case .notAuthenticated, .notAuthorized, .groupNotAuthorized, .unknownTopic, .tooLarge, .wrongSetting: .user
        case .unreachable, .positionOutOfRange, .notAcknowledged, .fenced, .unsettled, .corrupt, .unsupported, .other:
            .external
        }
    }

    var retry: ConnectorError.Retry {
        switch self {
        case .notAuthenticated, .notAuthorized, .groupNotAuthorized, .unknownTopic, .positionOutOfRange, .tooLarge,
            .fenced, .unsupported, .wrongSetting:
            .never
        case .unreachable, .notAcknowledged, .unsettled, .corrupt, .other:
            .after(.seconds(5))
        }
    }

    var advice: String {
        switch self {
        case .unreachable:
            "check that the brokers run, that :brokers names them, that this machine can reach them, "
                + "and that security.protocol is theirs"
        case .notAuthenticated:
            "check security.protocol and the sasl.… and ssl.… settings in :properties against those of the brokers"
        case .notAuthorized:
            "give this user the right to do that (an ACL of the topic, the transactional id or the cluster)"
        case .groupNotAuthorized: "give this user the right to read the consumer group, or name another one by :group"
        case .unknownTopic: "check the name, or create the topic"
        case .positionOutOfRange:
            "these records were deleted before the job read them, or the topic was made anew; keep records longer "
                + "(retention.ms), and start the job without its checkpoints, :from 'earliest or 'latest"
        case .tooLarge:
            "raise message.max.bytes in :properties and max.message.bytes of the topic, or write smaller records"
        case .notAcknowledged:
            "check that the brokers run and enough replicas are in sync; message.timeout.ms is how long Weir waits"
        case .fenced: "another run of the same job has taken over; stop one of them"
        case .unsettled: "the cluster is changing leaders; it is worth another try in a moment"
        case .corrupt: "check the broker's disk and network; reading can be tried again"
        case .unsupported: "use a broker or a librdkafka that is newer"
        case .wrongSetting: "check :properties"
        case .other: "see the brokers' logs"
        }
    }

    private static let kinds: [Int32: FailureKind] = {
        var kinds: [Int32: FailureKind] = [:]
        for (kind, codes) in FailureKind.codes {
            for code in codes { kinds[code.rawValue] = kind }
        }
        return kinds
    }()

    private static let codes: [(FailureKind, [rd_kafka_resp_err_t])] = [
        (
            .unreachable,
            [
                RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__RESOLVE,
                RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
                RD_KAFKA_RESP_ERR__WAIT_COORD, RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION,
            ]
        ),
        (
            .notAuthenticated,
            [
                RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
                RD_KAFKA_RESP_ERR__SSL, RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM,
                RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE,
            ]
        ),
        (
            .notAuthorized,
            [
                RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
                RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_POLICY_VIOLATION,
            ]
        ),
        (.groupNotAuthorized, [RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED]),
        (
            .unknownTopic,
            [
                RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
                RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION,
            ]
        ),
        (
            .positionOutOfRange,
            [RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET]
        ),
        (.tooLarge, [RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE]),
        (.notAcknowledged, [RD_KAFKA_RESP_ERR__MSG_TIMED_OUT]),
        (
            .fenced,
            [
                RD_KAFKA_RESP_ERR__FENCED, RD_KAFKA_RESP_ERR_PRODUCER_FENCED,
                RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID,
            ]
        ),
        (
            .unsettled,
            [
                RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE,
                RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
                RD_KAFKA_RESP_ERR_NOT_COORDINATOR, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
                RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS,
                RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
                RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH, RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH,
                RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_PREFERRED_LEADER_NOT_AVAILABLE,
            ]
        ),
        (.corrupt, [RD_KAFKA_RESP_ERR__BAD_MSG, RD_KAFKA_RESP_ERR_INVALID_MSG, RD_KAFKA_RESP_ERR__BAD_COMPRESSION]),
        (
            .unsupported,
            [
                RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION,
                RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED, RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT,
            ]
        ),
        (.wrongSetting, [RD_KAFKA_RESP_ERR__INVALID_ARG, RD_KAFKA_RESP_ERR_INVALID_CONFIG]),
    ]
}
