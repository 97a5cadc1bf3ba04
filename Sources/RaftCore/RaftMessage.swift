package import CoreTypes

/// What replicas of one group tell each other.
package struct RaftMessage: Hashable, Sendable {
    package var sender: ReplicaID
    package var receiver: ReplicaID

    /// The sender's term; of a pre-vote request and of a granted pre-vote, the term that is asked for.
    package var term: Term
    package var body: Body

    package init(sender: ReplicaID, receiver: ReplicaID, term: Term, body: Body) {
        self.sender = sender
        self.receiver = receiver
        self.term = term
        self.body = body
    }

    package enum Body: Hashable, Sendable {
        /// Whether an election would be won (Ongaro's thesis §9.6); nobody's term changes.
        case requestPreVote(lastEntry: LogPosition)
        case preVote(isGranted: Bool)
        /// `isTransfer`: the leader itself asked for the election, so that it isn't a disruption.
        case requestVote(lastEntry: LogPosition, isTransfer: Bool)
        case vote(isGranted: Bool)
        case append(AppendRequest)
        case appendAccepted(session: ReplicationSession, through: LogIndex)
        /// `hint`: the newest position of the follower that can agree with the leader's log at or before `previous`.
        ///
        /// `hasLostEntries`: its log was found damaged, and what it accepted before may be missing.
        case appendRejected(
            session: ReplicationSession,
            previous: LogIndex,
            hint: LogPosition,
            hasLostEntries: Bool
        )
        case heartbeat(session: ReplicationSession, commitIndex: LogIndex, round: UInt64)
        case heartbeatAnswer(session: ReplicationSession, round: UInt64)
        case snapshotChunk(SnapshotChunk)
        /// How much of the snapshot at `position` has come.
        case snapshotProgress(session: ReplicationSession, position: LogPosition, receivedBytes: Int)
        /// The receiver leads a term that is over.
        case newerTerm
        /// Campaign now (thesis §3.10).
        case timeoutNow
    }
}

/// Which span of a leader's replication to one follower a request or an answer belongs to.
///
/// A new one begins with each term, when a follower that was removed is added again, and when one has lost entries: answers
/// from before then say nothing about what it holds now. Within a session, what a follower holds only grows.
package struct ReplicationSession: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

package struct AppendRequest: Hashable, Sendable {
    package var session: ReplicationSession

    /// The entry before the first of `entries`.
    package var previous: LogPosition
    package var entries: [LogEntry]
    package var commitIndex: LogIndex

    package init(session: ReplicationSession, previous: LogPosition, entries: [LogEntry], commitIndex: LogIndex) {
        self.session = session
        self.previous = previous
        self.entries = entries
        self.commitIndex = commitIndex
    }
}

package struct SnapshotChunk: Hashable, Sendable {
    package var session: ReplicationSession
    package var snapshot: SnapshotMetadata

    /// Where in the snapshot `bytes` begin.
    package var offset: Int
    package var bytes: [UInt8]

    package init(session: ReplicationSession, snapshot: SnapshotMetadata, offset: Int, bytes: [UInt8]) {
        self.session = session
        self.snapshot = snapshot
        self.offset = offset
        self.bytes = bytes
    }

    package var isLast: Bool { self.offset + self.bytes.count >= self.snapshot.byteCount }
}
