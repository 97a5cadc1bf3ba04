internal import CRdkafka
internal import ConnectorKit

/// Delivers checkpoints in transactions, each of which also moves the marker.
///
/// The marker is an offset that a consumer group has committed for partition 0 of the topic: the number of the checkpoint.
/// Kafka makes it visible with the records or not at all.
///
/// Source: docs/decisions/0009-kafka-delivers-checkpoints-with-their-marker.md
final class KafkaDelivery: StreamDelivery {
    private let topic: String
    private let identity: DeliveryIdentity
    private let configuration: KafkaConfiguration
    private var session: DeliverySession?

    init(topic: String, _ identity: DeliveryIdentity, _ configuration: KafkaConfiguration) {
        self.topic = topic
        self.identity = identity
        self.configuration = configuration
    }

    func open() throws(ConnectorError) -> Int64? {
        self.session = nil
        var session = try DeliverySession(topic: self.topic, self.identity, self.configuration)
        try session.fence()
        let marker = try session.readMarker()
        self.session = consume session
        return marker
    }

    func deliver(
        checkpoint: Int64,
        recorded: Int64?,
        records: () throws(ConnectorError) -> OutputBlock?
    ) throws(ConnectorError) -> DeliveryOutcome {
        precondition(checkpoint > 0, "checkpoints are numbered from 1")
        if self.session == nil { _ = try self.open() }
        let marker = self.session?.marker
        if let recorded, marker ?? 0 < recorded { return .markerMissing }
        if let marker, marker > checkpoint { return .markerAbove(marker) }
        if marker == checkpoint { return .wasDelivered }
        do {
            try self.session?.begin()
            while let block = try records() { try self.session?.write(block) }
            try self.session?.flush()
            try self.session?.mark(checkpoint)
            try self.session?.commit(checkpoint)
        } catch {
            // Whether anything was committed is for the marker to say.
            self.session?.abort()
            self.session = nil
            throw error
        }
        return .delivered
    }

    func close() {
        self.session = nil
    }
}
