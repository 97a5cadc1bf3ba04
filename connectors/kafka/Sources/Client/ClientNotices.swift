internal import CRdkafka
internal import Synchronization

/// What a client's callbacks have to say, until its owner asks.
///
/// Isolation: callbacks come from the thread that polls; a lock keeps other threads apart all the same.
final class ClientNotices: Sendable {
    private struct State {
        var warning: KafkaFailure?
        var failure: KafkaFailure?
        var reportCount = 0
        var undelivered: UndeliveredRecord?
    }

    private let state = Mutex(State())

    /// The newest problem that librdkafka goes on trying to overcome.
    var warning: KafkaFailure? {
        self.state.withLock { $0.warning }
    }

    /// What ended the client.
    var failure: KafkaFailure? {
        self.state.withLock { $0.failure }
    }

    /// The first record that couldn't be delivered.
    var undelivered: UndeliveredRecord? {
        self.state.withLock { $0.undelivered }
    }

    /// Records reported so far, delivered or not.
    var reportCount: Int {
        self.state.withLock { $0.reportCount }
    }

    func warn(_ warning: KafkaFailure) {
        self.state.withLock { state in
            // That no broker is left says less than why the last one went away.
            let isSummary = warning.code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN.rawValue
            if !isSummary || state.warning == nil { state.warning = warning }
        }
    }

    /// Forgets the warning: what it warned of is over.
    func clearWarning() {
        self.state.withLock { $0.warning = nil }
    }

    func fail(_ failure: KafkaFailure) {
        self.state.withLock { $0.failure = $0.failure ?? failure }
    }

    /// Counts a record that Kafka has acknowledged, or given up.
    func report(_ undelivered: UndeliveredRecord?) {
        self.state.withLock { state in
            state.reportCount += 1
            if let undelivered {
                state.undelivered = state.undelivered ?? undelivered
            } else {
                state.warning = nil
            }
        }
    }
}

/// A record that Kafka didn't take, as messages describe it.
struct UndeliveredRecord: Hashable, Sendable {
    private static let keyPrefixLimit = 32

    let failure: KafkaFailure
    let byteCount: Int

    /// The beginning of its key, readable; nil where it has none.
    let keyPrefix: String?

    init(_ failure: KafkaFailure, key: UnsafeRawBufferPointer?, byteCount: Int) {
        self.failure = failure
        self.byteCount = byteCount
        self.keyPrefix = unsafe key.map { key in
            let bytes = unsafe key.prefix(Self.keyPrefixLimit)
            let text = unsafe String(decoding: bytes, as: UTF8.self).map { character in
                character.isASCII && !(" "..."~").contains(character) ? "." : String(character)
            }
            return text.joined() + (unsafe key.count > bytes.count ? "…" : "")
        }
    }

    /// "a record of 12 bytes with key 'a'".
    var summary: String {
        "a record of \(self.byteCount) bytes \(self.keyPrefix.map { "with key '\($0)'" } ?? "without a key")"
    }
}
