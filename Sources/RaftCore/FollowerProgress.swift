import CoreTypes

/// What a leader knows about one other member.
struct FollowerProgress: Sendable {
    enum State: Hashable, Sendable {
        /// Where the logs agree isn't known: one request at a time asks for it.
        case probe
        /// Requests follow each other without waiting for answers.
        case replicate
        /// What it needs is gone from the log.
        case snapshot(SnapshotTransfer)
    }

    struct SnapshotTransfer: Hashable, Sendable {
        var snapshot: SnapshotMetadata
        var offset = 0
        var sentAt: Int64
    }

    struct Inflight: Sendable {
        var through: LogIndex
        var byteCount: Int
    }

    let id: ReplicaID
    let session: ReplicationSession
    var state = State.probe

    /// It holds the log through this index, durably.
    var matchIndex = LogIndex.zero
    var nextIndex: LogIndex

    /// A probe is on its way.
    var isProbeSent = false

    /// What the probe carried: it needn't be sent again when the probe is answered.
    private var probeThrough = LogIndex.zero

    /// Requests that weren't answered, in order.
    private(set) var inflight: [Inflight] = []
    private(set) var inflightBytes = 0

    var heardAt: Int64

    /// The newest round of heartbeats that it answered.
    var answeredRound: UInt64 = 0

    init(id: ReplicaID, session: ReplicationSession, nextIndex: LogIndex, now: Int64) {
        self.id = id
        self.session = session
        self.nextIndex = nextIndex
        self.heardAt = now
    }

    func isPaused(_ configuration: RaftConfiguration) -> Bool {
        switch self.state {
        case .probe: self.isProbeSent
        case .replicate:
            self.inflight.count >= configuration.inflightMessagesLimit
                || self.inflightBytes >= configuration.inflightBytesLimit
        case .snapshot: true
        }
    }

    mutating func sent(through index: LogIndex, byteCount: Int) {
        self.inflight.append(Inflight(through: index, byteCount: byteCount))
        self.inflightBytes += byteCount
        self.nextIndex = index.next()
    }

    mutating func probed(through index: LogIndex) {
        self.isProbeSent = true
        self.probeThrough = index
    }

    /// Everything through `index` was answered.
    mutating func release(through index: LogIndex) {
        let count = self.inflight.prefix { $0.through <= index }.count
        self.drop(count)
    }

    /// One request may have been lost: room for another, whose answer will tell.
    mutating func releaseOldest() { self.drop(min(1, self.inflight.count)) }

    mutating func becomeProbe(next: LogIndex) {
        self.drop(self.inflight.count)
        self.state = .probe
        self.isProbeSent = false
        self.probeThrough = .zero
        self.nextIndex = max(next, self.matchIndex.next())
    }

    mutating func becomeReplicate() {
        self.state = .replicate
        self.isProbeSent = false
        self.nextIndex = max(self.nextIndex, self.matchIndex.next(), self.probeThrough.next())
    }

    private mutating func drop(_ count: Int) {
        for request in self.inflight.prefix(count) { self.inflightBytes -= request.byteCount }
        self.inflight.removeFirst(count)
    }
}
