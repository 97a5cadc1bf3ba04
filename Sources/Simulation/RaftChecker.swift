package import CoreTypes
package import RaftCore

/// Something that must never be, and was.
package struct Violation: Hashable, Sendable, CustomStringConvertible {
    package enum Invariant: String, Hashable, Sendable, CaseIterable {
        case electionSafety = "election safety"
        case logMatching = "log matching"
        case leaderCompleteness = "leader completeness"
        case stateMachineSafety = "state machine safety"
        case matchIsHeld = "what a leader counts as held is held"
        case committedOnQuorum = "committed entries are on a quorum"
        case durableBeforeSent = "what a message says is durable before it leaves"
        case indexOrder = "purged ≤ snapshot ≤ applied ≤ committed ≤ last"
        case monotonic = "term, commit and applied never go back"
        case readsCommitted = "a read sees what was committed before it began"
        case resolvedTruly = "a proposal's outcome is true"
        case linearizable = "histories are linearizable"
        case liveness = "a healed quorum goes on"
        case stableLeader = "a leader that a quorum hears stays"
        case noHalt = "no replica finds a contradiction"
    }

    /// Microseconds since the beginning.
    package var time: Int64
    package var invariant: Invariant
    package var detail: String

    package var description: String { "at \(self.time) µs: \(self.invariant.rawValue): \(self.detail)" }
}

/// Checks after every step what holds for a group as a whole; it knows all replicas and disks.
package struct RaftChecker {
    private struct EntryRecord {
        var previousTerm: Term
        var payloadHash: Int
    }

    private struct Committed {
        var term: Term

        /// Of the leader that committed it first.
        var leaderTerm: Term
    }

    /// What was last seen of a replica, by the number of its node.
    private struct Seen {
        var id: ReplicaID
        var term = Term.zero
        var commitIndex = LogIndex.zero
        var appliedIndex = LogIndex.zero
    }

    private var leaders: [Term: ReplicaID] = [:]
    private var newestLeaderTerm = Term.zero

    /// Every entry that ever was in a log, by index and term.
    private var entries: [LogPosition: EntryRecord] = [:]

    /// Of index 1, 2, ….
    private var committed: [Committed] = []
    private var seen: [Seen]
    package private(set) var membership: Membership

    /// What somebody wrote and may still be committed, be it only in a message on its way.
    private var openMemberships: [(index: LogIndex, membership: Membership)] = []
    package private(set) var violation: Violation?
    package var now: Int64 = 0

    /// How often each was done: a check that never had anything to check proves nothing.
    package private(set) var counts: [Violation.Invariant: Int] = [:]

    package init(founding: Membership, nodeCount: Int) {
        // Committed by the first leader's first entry, and in force from the beginning.
        self.membership = founding
        self.seen = (0..<nodeCount).map { Seen(id: ReplicaID(node: UInt32($0))) }
    }

    /// The committed membership, and every other that may yet decide.
    package var membershipsInUse: [Membership] { [self.membership] + self.openMemberships.map(\.membership) }

    package var committedIndex: LogIndex { LogIndex(rawValue: UInt64(self.committed.count)) }

    /// The newest committed entry.
    package var committedPosition: LogPosition {
        LogPosition(term: self.committed.last?.term ?? .zero, index: self.committedIndex)
    }

    package func committedTerm(at index: LogIndex) -> Term? {
        guard index > .zero, index <= self.committedIndex else { return nil }
        return self.committed[Int(index.rawValue) - 1].term
    }

    package mutating func report(_ invariant: Violation.Invariant, _ detail: @autoclosure () -> String) {
        guard self.violation == nil else { return }
        self.violation = Violation(time: self.now, invariant: invariant, detail: detail())
    }

    package mutating func require(
        _ condition: Bool,
        _ invariant: Violation.Invariant,
        _ detail: @autoclosure () -> String
    ) {
        self.counts[invariant, default: 0] += 1
        if !condition { self.report(invariant, detail()) }
    }

    // MARK: Steps

    /// A process starts: with the same identity, its term is what it was or higher.
    ///
    /// Commit and applied index are known again only as far as a snapshot goes.
    package mutating func started(_ replica: RaftReplica) {
        let node = Int(replica.id.node)
        let term = self.seen[node].id == replica.id ? self.seen[node].term : .zero
        self.require(replica.term >= term, .monotonic, "\(replica.id) restarts in term \(replica.term) after \(term)")
        self.seen[node] = Seen(
            id: replica.id,
            term: replica.term,
            commitIndex: replica.commitIndex,
            appliedIndex: replica.appliedIndex
        )
    }

    /// What a replica is like after a step, and what it wants to write.
    package mutating func stepped(_ replica: RaftReplica, _ disks: [SimulatedLogDisk], _ wiped: [ReplicaID: LogIndex]) {
        let node = Int(replica.id.node)
        let before = self.seen[node]
        let isForward =
            replica.commitIndex >= before.commitIndex && replica.appliedIndex >= before.appliedIndex
        self.require(isForward, .monotonic, "\(replica.id): \(before) before, now commit \(replica.commitIndex)")
        let isOrdered =
            replica.basePosition.index <= replica.snapshot.position.index
            && replica.snapshot.position.index <= replica.appliedIndex
            && replica.appliedIndex <= replica.commitIndex && replica.commitIndex <= replica.lastPosition.index
        self.require(
            isOrdered,
            .indexOrder,
            """
            \(replica.id): base \(replica.basePosition), snapshot \(replica.snapshot.position), \
            applied \(replica.appliedIndex), commit \(replica.commitIndex), last \(replica.lastPosition)
            """
        )
        if replica.commitIndex > before.commitIndex { self.committing(replica, before.commitIndex, disks, wiped) }
        self.seen[node].commitIndex = replica.commitIndex
        self.seen[node].appliedIndex = replica.appliedIndex
    }

    package mutating func becameLeader(_ replica: RaftReplica) {
        let known = self.leaders[replica.term, default: replica.id]
        self.require(known == replica.id, .electionSafety, "\(known) and \(replica.id) lead term \(replica.term)")
        self.leaders[replica.term] = replica.id
        self.newestLeaderTerm = max(self.newestLeaderTerm, replica.term)
        guard let last = self.committed.lastIndex(where: { $0.leaderTerm < replica.term }) else { return }
        let index = LogIndex(rawValue: UInt64(last) + 1)
        let term = self.committed[last].term
        let holds = replica.term(at: index) == term || index <= replica.snapshot.position.index
        self.require(
            holds,
            .leaderCompleteness,
            "\(replica.id) leads term \(replica.term) with \(replica.lastPosition) and without \(term).\(index)"
        )
    }

    /// Equal index and term mean equal entries, and equal entries before them: by induction, equal logs.
    package mutating func writing(_ write: LogWrite, of replica: RaftReplica) {
        for entry in write.entries {
            guard let previousTerm = replica.term(at: entry.index.previous()) else { continue }
            let record = EntryRecord(previousTerm: previousTerm, payloadHash: entry.payload.stableHash)
            let known = self.entries[entry.position, default: record]
            self.require(
                known.previousTerm == record.previousTerm && known.payloadHash == record.payloadHash,
                .logMatching,
                "\(replica.id) has another entry \(entry.position) than somebody else"
            )
            let isNew = self.entries.updateValue(record, forKey: entry.position) == nil
            if isNew, case .membership(let membership) = entry.payload, entry.index > self.committedIndex {
                self.openMemberships.append((entry.index, membership))
            }
        }
    }

    /// Entries are applied as they were committed.
    package mutating func applying(_ entries: [LogEntry], at replica: ReplicaID) {
        for entry in entries {
            let term = self.committedTerm(at: entry.index) ?? .zero
            self.require(
                term == entry.term,
                .stateMachineSafety,
                "\(replica) applies \(entry.position), and \(term) is committed"
            )
        }
    }

    // MARK: Committing

    private mutating func committing(
        _ replica: RaftReplica,
        _ before: LogIndex,
        _ disks: [SimulatedLogDisk],
        _ wiped: [ReplicaID: LogIndex]
    ) {
        var index = before.next()
        while index <= replica.commitIndex {
            // What an installed snapshot stands for isn't known entry by entry.
            if let term = replica.term(at: index), index > .zero { self.commit(index, term, by: replica) }
            index = index.next()
        }
        guard replica.role == .leader else { return }
        let position = LogPosition(term: replica.term(at: replica.commitIndex) ?? .zero, index: replica.commitIndex)
        let isOnQuorum = replica.membership.hasQuorum { voter in
            if let index = wiped[voter] { return index >= position.index }
            let disk = disks[Int(voter.node)]
            return disk.holds(position) || disk.hardState.repairFloor.map { $0.index >= position.index } ?? false
        }
        self.require(isOnQuorum, .committedOnQuorum, "\(replica.id) commits \(position) in term \(replica.term)")
    }

    private mutating func commit(_ index: LogIndex, _ term: Term, by replica: RaftReplica) {
        if let known = self.committedTerm(at: index) {
            self.require(
                known == term,
                .stateMachineSafety,
                "\(replica.id) commits \(term).\(index), and \(known).\(index) is committed"
            )
            return
        }
        guard index == self.committedIndex.next() else {
            let last = self.committedIndex
            self.report(.stateMachineSafety, "\(replica.id) commits \(index) behind \(last)")
            return
        }
        self.committed.append(Committed(term: term, leaderTerm: replica.term))
        self.openMemberships.removeAll { open in
            guard open.index <= index else { return false }
            if replica.membership(at: index) == open.membership { self.membership = open.membership }
            return true
        }
    }

    /// A leader took an answer: what it counts for this follower is durable there, unless a newer leader replaced it.
    package mutating func counted(_ follower: ReplicaID, by leader: RaftReplica, _ disk: SimulatedLogDisk) {
        guard let match = leader.matchIndex(of: follower), let term = leader.term(at: match), match > .zero,
            leader.term == self.newestLeaderTerm, disk.hardState.term <= leader.term
        else { return }
        let position = LogPosition(term: term, index: match)
        self.require(
            disk.holds(position),
            .matchIsHeld,
            "\(leader.id) counts \(position) as held by \(follower), whose log ends at \(disk.lastPosition)"
        )
    }

    // MARK: Messages

    /// What leaves a replica is backed by its disk.
    package mutating func sending(_ message: RaftMessage, of replica: RaftReplica, _ disk: SimulatedLogDisk) {
        let node = Int(replica.id.node)
        let hardState = disk.hardState
        switch message.body {
        case .requestPreVote, .preVote(isGranted: true): break
        case .vote(isGranted: true):
            self.require(
                hardState.term > message.term
                    || (hardState.term == message.term && hardState.votedFor == message.receiver),
                .durableBeforeSent,
                "\(replica.id) votes for \(message.receiver) in term \(message.term), and stored \(hardState)"
            )
        case .appendAccepted(_, let index):
            let term = replica.term(at: index) ?? replica.snapshot.position.term
            let isDurable = index == .zero || disk.holds(LogPosition(term: term, index: index))
            self.require(isDurable, .durableBeforeSent, "\(replica.id) accepts \(term).\(index), which isn't stored")
        case .preVote, .requestVote, .vote, .append, .appendRejected, .heartbeat, .heartbeatAnswer, .snapshotChunk,
            .snapshotProgress, .newerTerm, .timeoutNow:
            self.require(
                hardState.term >= message.term,
                .durableBeforeSent,
                "\(replica.id) speaks of term \(message.term), and stored \(hardState.term)"
            )
        }
        if case .requestPreVote = message.body { return }
        if case .preVote(isGranted: true) = message.body { return }
        self.seen[node].term = max(self.seen[node].term, message.term)
    }
}

extension LogEntry.Payload {
    /// The same in every process, unlike `hashValue`.
    fileprivate var stableHash: Int {
        switch self {
        case .empty: return 1
        case .command(let bytes):
            var hash: UInt64 = 0xCBF2_9CE4_8422_2325
            for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
            return Int(truncatingIfNeeded: hash)
        case .membership(let membership):
            var hash: UInt64 = 0x84222325
            for member in membership.voters + membership.outgoingVoters + membership.learners {
                hash = (hash &* 31) &+ UInt64(member.node) &* 64 &+ UInt64(member.incarnation)
            }
            return Int(truncatingIfNeeded: hash)
        }
    }
}
