import CoreTypes

/// What only a leader keeps; it begins empty with each term.
struct Leadership: Sendable {
    /// A group of reads that one round of heartbeats confirms.
    struct ReadBatch: Sendable {
        let round: UInt64
        let index: LogIndex
        let ids: [ReadID]
    }

    struct Transfer: Sendable {
        let target: ReplicaID
        let deadline: Int64
        var isAsked = false
    }

    /// Every other member, in ascending order.
    var followers: [FollowerProgress] = []
    var sessionCount: UInt64 = 0
    var heartbeatDeadline: Int64 = 0
    var quorumDeadline: Int64 = 0

    /// Of entries of this term that aren't committed.
    var uncommittedBytes = 0

    /// The first entry of this term; once it is committed, the leader knows what is (Raft §8).
    var firstIndex = LogIndex.zero
    var transfer: Transfer?

    // Reads: those that wait for a round, the one on its way, and those that wait for their index to be applied.
    var round: UInt64 = 0
    var openReads: [ReadID] = []
    var confirming: ReadBatch?
    var confirmed: [ReadBatch] = []

    var waitingReadCount: Int {
        self.openReads.count + (self.confirming?.ids.count ?? 0) + self.confirmed.reduce(0) { $0 + $1.ids.count }
    }
}

/// A proposal of this replica whose outcome wasn't told.
struct PendingProposal: Sendable {
    let id: ProposalID
    let position: LogPosition
    let byteCount: Int

    /// It is complete only when the joint configuration it began with has been left.
    var isJoint = false
}
