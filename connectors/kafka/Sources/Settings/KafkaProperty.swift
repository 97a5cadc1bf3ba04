/// What Weir knows about properties of librdkafka by their names.
enum KafkaProperty {
    /// What stands for a secret in texts.
    static let redacted = "…"

    /// Whether its value must not be seen: passwords, private keys, tokens.
    static func isSecret(_ name: String) -> Bool {
        let parts = ["password", "secret", "key.pem", "oauthbearer.config", "token"]
        return parts.contains { name.contains($0) }
    }

    /// Why a property can't be set; nil: it can.
    static func refusal(of name: String) -> String? {
        if let reason = self.refusals[name] { return reason }
        if name.hasSuffix("_cb") || name == "opaque" || name == "interceptors" || name == "default_topic_conf" {
            return "it is for programs that call librdkafka"
        }
        return nil
    }

    private static let refusals: [String: String] = {
        var refusals: [String: String] = [:]
        for (reason, names) in KafkaProperty.reasons {
            for name in names { refusals[name] = reason }
        }
        return refusals
    }()

    private static let reasons: [(String, [String])] = [
        ("brokers are named by :brokers", ["bootstrap.servers", "metadata.broker.list"]),
        ("the consumer group is named by :group", ["group.id"]),
        (
            "where a job continues is in its checkpoints, never in what Kafka commits by itself",
            ["enable.auto.commit", "auto.commit.enable", "auto.commit.interval.ms", "enable.auto.offset.store"]
        ),
        ("where a new job begins is said by :from, and a job never jumps by itself", ["auto.offset.reset"]),
        (
            "a job's subtasks share the partitions out among themselves",
            ["group.instance.id", "partition.assignment.strategy"]
        ),
        (
            "what is written must be acknowledged by all replicas and never doubled by a retry",
            ["acks", "request.required.acks", "enable.idempotence", "enable.gapless.guarantee", "queuing.strategy"]
        ),
        ("the name of transactions comes from the job, so that a new run fences the old one", ["transactional.id"]),
        ("every delivery must be reported", ["delivery.report.only.error"]),
        ("the end of a partition must be reported", ["enable.partition.eof"]),
        (
            "a program must not make the engine run other code",
            ["plugin.library.paths", "ssl.engine.location", "sasl.kerberos.kinit.cmd"]
        ),
        (
            "every reader would have brokers of its own; start one apart and name it by :brokers",
            ["test.mock.num.brokers"]
        ),
        ("events are received through librdkafka's queues", ["enabled_events", "log.queue"]),
    ]
}
