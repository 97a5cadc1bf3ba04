package import CoreTypes

/// Names one proposal until its outcome is told; chosen by the caller, and used once.
package struct ProposalID: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

/// Names one read until it is served or refused; chosen by the caller, and used once.
package struct ReadID: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

package struct Proposal: Hashable, Sendable {
    package var id: ProposalID
    package var command: [UInt8]

    package init(id: ProposalID, command: [UInt8]) {
        self.id = id
        self.command = command
    }
}

extension RaftReplica {
    package enum Role: Hashable, Sendable {
        case follower
        case preCandidate
        case candidate
        case leader
    }

    /// Everything that a replica may learn.
    package enum Input: Hashable, Sendable {
        /// The time in milliseconds, some ten times in a heartbeat interval; of a clock that never goes back.
        case tick(now: Int64)
        case received(RaftMessage)
        /// One batch: appended, written and sent together.
        case propose([Proposal])
        case changeMembership(ProposalID, target: Membership)
        case transferLeadership(to: ReplicaID)
        case read([ReadID])
        /// Every write through this one is durable.
        case stored(through: WriteID)
        /// A write failed: what storage holds isn't known, and this replica is over. Start another one from what is there.
        case storageFailed
        /// The state machine has applied, and stored with its state, everything through this index.
        case applied(through: LogIndex)
        case snapshotSaved(SnapshotMetadata)
        case snapshotFailed
        /// The snapshot that was received is durable and is the state machine's state.
        case snapshotInstalled
        /// It is damaged or can't be stored; the replica is as it was before.
        case snapshotRejected
    }

    /// Everything that a replica may do, to be performed in order.
    package enum Effect: Hashable, Sendable {
        /// Write it behind the writes before it, and answer with `stored`; nothing waits for it meanwhile.
        case persist(LogWrite)
        case send(RaftMessage)
        /// Send this part of the snapshot: the caller adds the bytes, which the core never sees.
        case sendSnapshotChunk(SnapshotChunkOrder)
        /// Apply them in order, and answer with `applied`.
        case apply([LogEntry])
        /// What became of a proposal or a membership change; comes once for each.
        case resolve(ProposalID, ProposalOutcome)
        /// Answer them from the state machine as it is now.
        case serveReads([ReadID], at: LogIndex)
        /// Nothing was read; the leader, if one is known, may serve them.
        case refuseReads([ReadID], leader: ReplicaID?)
        /// Take a snapshot of the state as it is now (later it is another), write it, and answer with `snapshotSaved`.
        case saveSnapshot(SnapshotMetadata)
        /// Keep the bytes beside what was received before; a chunk at offset 0 begins anew.
        case storeSnapshotChunk(SnapshotChunk)
        /// All of it has come: check it, replace the state, and answer with `snapshotInstalled` or `snapshotRejected`.
        case installSnapshot(SnapshotMetadata)
        /// A snapshot stands for the log through this index.
        case discardLog(through: LogIndex)
        case becameLeader(Term)
        case steppedDown(Term)
        /// The replica does nothing any more.
        case halt(HaltReason)
    }

    package enum HaltReason: Hashable, Sendable {
        /// Start another replica from what storage holds.
        case storageFailed
        /// What it was told contradicts what it knows to be committed. Its node must not go on with this state.
        case inconsistent(String)
    }
}

package enum ProposalOutcome: Hashable, Sendable {
    /// It is committed, and applied here.
    case committed(LogPosition)
    /// Leadership was lost before it was known to be committed; it may be, now or later.
    case unknown
    /// It was never in a log.
    case refused(Refusal)
}

package enum Refusal: Hashable, Sendable {
    case notLeader(ReplicaID?)
    /// The limit of uncommitted bytes is reached: try again when something is committed.
    case overloaded
    /// Leadership is being handed over: try again.
    case transferring
    /// The change before isn't complete, or the leader hasn't committed an entry of its term: try again.
    case changeInProgress
    case unchanged
    case noVoters
    case tooManyMembers
    /// Add it as a learner, and try again when it has the log.
    case notCaughtUp(ReplicaID)
}

/// A part of the leader's snapshot that is to be sent.
package struct SnapshotChunkOrder: Hashable, Sendable {
    package var sender: ReplicaID
    package var receiver: ReplicaID
    package var term: Term
    package var session: ReplicationSession
    package var snapshot: SnapshotMetadata
    package var offset: Int
    package var byteCount: Int

    package init(
        sender: ReplicaID,
        receiver: ReplicaID,
        term: Term,
        session: ReplicationSession,
        snapshot: SnapshotMetadata,
        offset: Int,
        byteCount: Int
    ) {
        self.sender = sender
        self.receiver = receiver
        self.term = term
        self.session = session
        self.snapshot = snapshot
        self.offset = offset
        self.byteCount = byteCount
    }

    /// The message to send, with the bytes of the snapshot from `offset` on.
    package func message(with bytes: [UInt8]) -> RaftMessage {
        let chunk = SnapshotChunk(session: self.session, snapshot: self.snapshot, offset: self.offset, bytes: bytes)
        return RaftMessage(sender: self.sender, receiver: self.receiver, term: self.term, body: .snapshotChunk(chunk))
    }
}
