/// Properties that producers get from Weir.
enum ProducerProperties {
    /// How long a transaction may be open: a delivery's limit, and how long the readers of a topic may have to wait for
    /// the one of a run that is dead.
    static let transactionMilliseconds = 300_000

    /// May be set to something else.
    static let preset = [
        "client.id": "weir",
        "linger.ms": "5",
        // As Java's client does, so that records with one key stay together whoever wrote them.
        "partitioner": "murmur2_random",
        "queue.buffering.max.kbytes": "65536",
    ]

    /// Of a producer that writes each record once or more, in order: a retry of its own doubles nothing.
    static let writer = ["enable.idempotence": "true"]

    static let deliveryPreset = Self.preset.merging(
        ["transaction.timeout.ms": "\(Self.transactionMilliseconds)"],
        uniquingKeysWith: { $1 }
    )

    /// Of a producer that writes in transactions.
    static func delivery(_ transactionalID: String) -> [String: String] {
        ["enable.idempotence": "true", "transactional.id": transactionalID]
    }
}
