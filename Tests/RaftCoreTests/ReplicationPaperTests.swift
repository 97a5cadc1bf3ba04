import CoreTypes
import Testing

@testable import RaftCore

/// Raft §5.3, §5.4.2 and §8, a test for each rule; and what asynchronous storage adds to them.
@Suite struct ReplicationPaperTests {
    @Test func `a new leader's first entry is an empty one, sent while it is written`() {
        var replica = RaftReplica.make()
        _ = replica.step(.tick(now: 302))
        replica.receive(.preVote(isGranted: true), from: ReplicaID(2), term: 2)
        replica.storeAll()

        let effects = replica.receive(.vote(isGranted: true), from: ReplicaID(2), term: 2)

        let entry = LogEntry(index: LogIndex(rawValue: 2), term: Term(rawValue: 2), payload: .empty)
        #expect(effects.first == .persist(LogWrite(id: WriteID(rawValue: 2), entries: [entry])))
        let requests = effects.sent.compactMap { if case .append(let request) = $0 { request } else { nil } }
        #expect(requests.map(\.entries) == [[entry], [entry]])
        #expect(requests.map(\.previous) == [LogPosition(1, 1), LogPosition(1, 1)])
    }

    @Test func `an entry on a majority is committed, and with it everything before`() {
        var replica = RaftReplica.makeLeader(5, terms: [1, 1])

        #expect(replica.accept(4, from: 2).applied == [])
        let effects = replica.accept(4, from: 3)

        #expect(replica.commitIndex == LogIndex(rawValue: 4))
        #expect(effects.applied == [LogPosition(1, 1), LogPosition(1, 2), LogPosition(1, 3), LogPosition(2, 4)])
    }

    @Test func `an entry of an older term isn't committed by counting (figure 8)`() {
        var replica = RaftReplica.makeLeader(terms: [1, 1])

        replica.accept(3, from: 2)
        replica.accept(3, from: 3)
        #expect(replica.commitIndex == .zero)
        replica.accept(4, from: 2)

        #expect(replica.commitIndex == LogIndex(rawValue: 4))
    }

    @Test func `the leader's own copy counts only when it is durable`() {
        var replica = RaftReplica.makeLeader()
        replica.accept(2, from: 2)
        _ = replica.step(.propose([Proposal(id: ProposalID(rawValue: 1), command: [1])]))

        replica.accept(3, from: 2)
        #expect(replica.commitIndex == LogIndex(rawValue: 2))
        replica.storeAll()

        #expect(replica.commitIndex == LogIndex(rawValue: 3))
    }

    @Test func `two followers commit though the leader's disk hangs, and it applies when it has the entry`() {
        var replica = RaftReplica.makeLeader()
        replica.accept(2, from: 2)
        _ = replica.step(.applied(through: LogIndex(rawValue: 2)))
        _ = replica.step(.propose([Proposal(id: ProposalID(rawValue: 1), command: [1])]))

        replica.accept(3, from: 2)
        #expect(replica.accept(3, from: 3).applied == [])
        #expect(replica.commitIndex == LogIndex(rawValue: 3))

        #expect(replica.storeAll().applied == [LogPosition(2, 3)])
    }

    @Test func `a follower without the entry before refuses, and says where the logs may agree`() {
        var replica = RaftReplica.make(term: 3, terms: [1, 2, 2])

        let effects = replica.append([3], behind: LogPosition(3, 9), term: 3)
        let conflict = replica.append([3], behind: LogPosition(1, 4), term: 3)

        let session = ReplicationSession(rawValue: 1)
        let nine = LogIndex(rawValue: 9)
        let four = LogIndex(rawValue: 4)
        #expect(
            effects.sent == [
                .appendRejected(session: session, previous: nine, hint: LogPosition(2, 4), hasLostEntries: false)
            ]
        )
        // No entry of term 2 can agree with a log that has term 1 there.
        #expect(
            conflict.sent == [
                .appendRejected(session: session, previous: four, hint: LogPosition(1, 2), hasLostEntries: false)
            ]
        )
    }

    @Test func `the leader skips a conflicting term in one round trip`() {
        var replica = RaftReplica.makeLeader(term: 5, terms: [2, 2, 2, 5, 5])

        let effects = replica.receive(
            .appendRejected(
                session: replica.session(of: 2),
                previous: LogIndex(rawValue: 6),
                hint: LogPosition(3, 6),
                hasLostEntries: false
            ),
            from: ReplicaID(2),
            term: 6
        )

        guard case .append(let request) = effects.sent.first else {
            Issue.record("nothing was sent: \(effects)")
            return
        }
        #expect(request.previous == LogPosition(2, 4))
    }

    @Test func `a conflicting entry and all behind it are replaced`() {
        var replica = RaftReplica.make(term: 3, terms: [1, 2, 2])

        let effects = replica.append([3], behind: LogPosition(1, 2), term: 3)

        #expect(effects.written?.entries.map(\.position) == [LogPosition(3, 3)])
        #expect(replica.lastPosition == LogPosition(3, 3))
    }

    @Test func `entries that are there are neither written again nor cut off`() {
        var replica = RaftReplica.make(term: 2, terms: [2, 2, 2])

        let effects = replica.append([2], behind: LogPosition(1, 1), term: 2)

        #expect(effects.written == nil)
        #expect(replica.lastPosition == LogPosition(2, 4))
        let session = ReplicationSession(rawValue: 1)
        #expect(effects.sent == [.appendAccepted(session: session, through: LogIndex(rawValue: 2))])
    }

    @Test func `an entry is accepted when it is durable, and one answer serves many requests`() {
        var replica = RaftReplica.make(term: 2)
        let session = ReplicationSession(rawValue: 1)

        // What it held before is durable, and that is all it says.
        let first = replica.append([2], behind: LogPosition(1, 1), term: 2)
        #expect(first.sent == [.appendAccepted(session: session, through: LogIndex(rawValue: 1))])
        #expect(replica.append([2], behind: LogPosition(2, 2), term: 2).sent == [])

        #expect(replica.storeAll().sent == [.appendAccepted(session: session, through: LogIndex(rawValue: 3))])
    }

    @Test func `a write that is overtaken by another leader's entries accepts nothing (ABA)`() {
        var replica = RaftReplica.make(term: 2)
        replica.append([2, 2], behind: LogPosition(1, 1), from: 2, term: 2)
        let first = replica.storage.lastWrite
        replica.append([3], behind: LogPosition(1, 1), from: 3, term: 3)
        replica.append([2, 2], behind: LogPosition(1, 1), from: 2, term: 4)

        // What it wrote is equal to what the log holds, but will be overwritten on the way there.
        let effects = replica.step(.stored(through: first))

        #expect(effects.sent == [])
        #expect(replica.durableIndex == LogIndex(rawValue: 1))
        let session = ReplicationSession(rawValue: 1)
        #expect(replica.storeAll().sent.last == .appendAccepted(session: session, through: LogIndex(rawValue: 3)))
    }

    @Test func `a follower commits what the leader has committed, as far as it has it`() {
        var replica = RaftReplica.make(term: 2)

        let effects = replica.append([2], behind: LogPosition(1, 1), commit: 9, term: 2)
        #expect(replica.commitIndex == LogIndex(rawValue: 2))
        #expect(effects.applied == [LogPosition(1, 1)])
        replica.storeAll()

        // Applied is only what is durable here too.
        #expect(replica.step(.applied(through: LogIndex(rawValue: 1))).applied == [LogPosition(2, 2)])
    }

    @Test func `what is committed isn't compared, let alone replaced`() {
        var replica = RaftReplica.make(term: 2, terms: [2])
        replica.append([], behind: LogPosition(2, 2), commit: 2, term: 2)

        let effects = replica.append([3, 3], behind: LogPosition(1, 1), from: 3, term: 3)

        #expect(replica.term(at: LogIndex(rawValue: 2)) == Term(rawValue: 2))
        #expect(effects.written?.entries.map(\.position) == [LogPosition(3, 3)])
    }

    @Test func `two leaders of one term are a contradiction: the replica halts, and does nothing any more`() {
        var replica = RaftReplica.make()
        replica.append([], behind: LogPosition(1, 1), from: 2, term: 1)

        let effects = replica.append([], behind: LogPosition(1, 1), from: 3, term: 1)

        #expect(effects == [.halt(.inconsistent("3 leads term 1, and so does another"))])
        #expect(replica.step(.tick(now: 10_000)) == [])
    }

    @Test func `proposals beyond the uncommitted bytes are refused, and taken again when some are committed`() {
        var replica = RaftReplica.makeLeader { $0.uncommittedBytesLimit = 100 }
        replica.accept(2, from: 2)
        func proposal(_ id: UInt64) -> Proposal {
            Proposal(id: ProposalID(rawValue: id), command: Array(repeating: 0, count: 60))
        }

        _ = replica.step(.propose([proposal(1)]))
        let refused = replica.step(.propose([proposal(2)]))
        replica.storeAll()
        replica.accept(3, from: 2)
        let taken = replica.step(.propose([proposal(3)]))

        #expect(refused == [.resolve(ProposalID(rawValue: 2), .refused(.overloaded))])
        #expect(taken.written?.entries.count == 1)
    }

    @Test func `a proposal is answered when it is applied, and is unknown when leadership is lost before`() {
        var replica = RaftReplica.makeLeader()
        replica.accept(2, from: 2)
        _ = replica.step(.applied(through: LogIndex(rawValue: 2)))
        let ids = (1...2).map { ProposalID(rawValue: $0) }
        _ = replica.step(.propose(ids.map { Proposal(id: $0, command: [1]) }))
        replica.storeAll()
        replica.accept(3, from: 2)

        #expect(
            replica.step(.applied(through: LogIndex(rawValue: 3)))
                == [.resolve(ids[0], .committed(LogPosition(2, 3)))]
        )
        let lost = replica.receive(.newerTerm, from: ReplicaID(3), term: 7)
        #expect(lost.contains(.resolve(ids[1], .unknown)))
    }

    @Test func `a follower refuses proposals and names the leader`() {
        var replica = RaftReplica.make()
        replica.append([], behind: LogPosition(1, 1), term: 1)

        let effects = replica.step(.propose([Proposal(id: ProposalID(rawValue: 1), command: [])]))

        #expect(effects == [.resolve(ProposalID(rawValue: 1), .refused(.notLeader(ReplicaID(2))))])
    }
}

/// Flow control: pipelining within limits (thesis §10.2).
@Suite struct PipeliningTests {
    @Test func `requests follow each other up to the limit, and an answer makes room`() {
        var replica = RaftReplica.makeLeader {
            $0.inflightMessagesLimit = 2
            $0.entriesPerMessageLimit = 1
        }
        replica.accept(2, from: 2)
        func propose() -> Int {
            let effects = replica.step(.propose([Proposal(id: ProposalID(rawValue: 9), command: [1])]))
            return effects.count { if case .send(let message) = $0 { message.receiver == ReplicaID(2) } else { false } }
        }

        #expect([propose(), propose(), propose(), propose()] == [1, 1, 0, 0])
        let more = replica.accept(3, from: 2)

        #expect(more.sent.count == 1)
    }

    @Test func `a lost request is found by the one behind it, or by the next heartbeat`() {
        var replica = RaftReplica.makeLeader()
        replica.accept(2, from: 2)
        _ = replica.step(.propose([Proposal(id: ProposalID(rawValue: 1), command: [1])]))

        let effects = replica.receive(
            .heartbeatAnswer(session: replica.session(of: 2), round: 0),
            from: ReplicaID(2),
            term: 2
        )

        guard case .append(let request) = effects.sent.first else {
            Issue.record("nothing was sent: \(effects)")
            return
        }
        #expect(request.entries == [] && request.previous == LogPosition(2, 3))
    }

    @Test func `answers of an earlier session count for nothing`() {
        var replica = RaftReplica.makeLeader()

        replica.accept(2, from: 2, session: 99)

        #expect(replica.matchIndex(of: ReplicaID(2)) == .zero)
        #expect(replica.commitIndex == .zero)
    }

    @Test func `a follower that lost entries gets a new session, and holds nothing until it says so`() {
        var replica = RaftReplica.makeLeader(terms: [1, 1])
        replica.accept(4, from: 2)
        let session = replica.session(of: 2)

        replica.receive(
            .appendRejected(
                session: session,
                previous: LogIndex(rawValue: 4),
                hint: LogPosition(1, 2),
                hasLostEntries: true
            ),
            from: ReplicaID(2),
            term: 2
        )

        #expect(replica.session(of: 2) != session)
        #expect(replica.matchIndex(of: ReplicaID(2)) == .zero)
    }
}
