import CoreTypes
import Testing

@testable import RaftCore

/// Raft §5.1, §5.2 and §5.4.1, a test for each rule.
@Suite struct ElectionPaperTests {
    @Test func `a server begins as a follower, and stays one as long as it hears a leader`() {
        var replica = RaftReplica.make()
        var now: Int64 = 1

        for _ in 0..<50 {
            now += 100
            _ = replica.step(.tick(now: now))
            replica.append([], behind: LogPosition(1, 1), term: 1)
        }

        #expect(replica.role == .follower)
        #expect(replica.term == Term(rawValue: 1))
    }

    @Test func `one that hears nothing asks first whether it would win, and changes no term`() {
        var replica = RaftReplica.make()

        let effects = replica.step(.tick(now: 302))

        #expect(
            effects == [
                replica.message(.requestPreVote(lastEntry: LogPosition(1, 1)), to: 2, term: 2),
                replica.message(.requestPreVote(lastEntry: LogPosition(1, 1)), to: 3, term: 2),
            ]
        )
        #expect(replica.role == .preCandidate)
        #expect(replica.term == Term(rawValue: 1))
    }

    @Test func `to begin an election it increments its term and votes for itself, durably, before it asks`() {
        var replica = RaftReplica.make()
        _ = replica.step(.tick(now: 302))

        let effects = replica.receive(.preVote(isGranted: true), from: ReplicaID(2), term: 2)

        let hardState = HardState(term: Term(rawValue: 2), votedFor: ReplicaID(1))
        #expect(effects == [.persist(LogWrite(id: WriteID(rawValue: 1), hardState: hardState))])
        #expect(
            replica.storeAll() == [
                replica.message(.requestVote(lastEntry: LogPosition(1, 1), isTransfer: false), to: 2),
                replica.message(.requestVote(lastEntry: LogPosition(1, 1), isTransfer: false), to: 3),
            ]
        )
    }

    @Test(arguments: [(3, 1), (5, 2), (4, 2), (7, 3)])
    func `a majority of votes wins, and one vote less doesn't`(count: Int, needed: Int) {
        var replica = RaftReplica.make(count)
        _ = replica.step(.tick(now: 302))
        for voter in 2...UInt32(count) { replica.receive(.preVote(isGranted: true), from: ReplicaID(voter), term: 2) }
        replica.storeAll()

        for voter in 2..<UInt32(needed + 1) { replica.receive(.vote(isGranted: true), from: ReplicaID(voter), term: 2) }
        #expect(replica.role == .candidate)
        let effects = replica.receive(.vote(isGranted: true), from: ReplicaID(UInt32(needed + 1)), term: 2)

        #expect(replica.role == .leader)
        #expect(effects.contains(.becameLeader(Term(rawValue: 2))))
    }

    @Test func `a voter's vote counts once`() {
        var replica = RaftReplica.make(5)
        _ = replica.step(.tick(now: 302))
        for voter in 2...3 as ClosedRange<UInt32> {
            replica.receive(.preVote(isGranted: true), from: ReplicaID(voter), term: 2)
        }
        replica.storeAll()

        replica.receive(.vote(isGranted: true), from: ReplicaID(2), term: 2)
        replica.receive(.vote(isGranted: true), from: ReplicaID(2), term: 2)

        #expect(replica.role == .candidate)
    }

    @Test func `a candidate whose own vote isn't durable doesn't lead`() {
        var replica = RaftReplica.make(1)

        _ = replica.step(.tick(now: 302))
        #expect(replica.role == .candidate)
        replica.storeAll()

        #expect(replica.role == .leader)
    }

    @Test func `a server votes for one candidate in a term, the first, and tells it when that is durable`() {
        var replica = RaftReplica.make()
        let request = RaftMessage.Body.requestVote(lastEntry: LogPosition(1, 1), isTransfer: false)

        let first = replica.receive(request, from: ReplicaID(2), term: 2)
        let second = replica.receive(request, from: ReplicaID(3), term: 2)
        let stored = replica.storeAll()

        let hardState = HardState(term: Term(rawValue: 2), votedFor: ReplicaID(2))
        #expect(first == [.persist(LogWrite(id: WriteID(rawValue: 1), hardState: hardState))])
        #expect(second == [])
        #expect(
            stored == [
                replica.message(.vote(isGranted: true), to: 2), replica.message(.vote(isGranted: false), to: 3),
            ]
        )
    }

    @Test func `asked again by the same candidate, it gives the same vote`() {
        var replica = RaftReplica.make(term: 2, votedFor: ReplicaID(2))
        let request = RaftMessage.Body.requestVote(lastEntry: LogPosition(1, 1), isTransfer: false)

        replica.receive(request, from: ReplicaID(2), term: 2)

        #expect(replica.storeAll() == [replica.message(.vote(isGranted: true), to: 2)])
    }

    @Test(arguments: [
        (LogPosition(3, 2), true), (LogPosition(2, 3), true), (LogPosition(2, 4), true), (LogPosition(2, 2), false),
        (LogPosition(1, 9), false),
    ])
    func `a vote goes only to a log that is as up to date`(candidate: LogPosition, isGranted: Bool) {
        var replica = RaftReplica.make(term: 3, terms: [2, 2])

        replica.receive(.requestVote(lastEntry: candidate, isTransfer: false), from: ReplicaID(2), term: 4)

        #expect(replica.storeAll() == [replica.message(.vote(isGranted: isGranted), to: 2)])
    }

    @Test func `a candidate that hears the leader of its term follows it`() {
        var replica = RaftReplica.make()
        _ = replica.step(.tick(now: 302))
        replica.receive(.preVote(isGranted: true), from: ReplicaID(2), term: 2)
        replica.storeAll()

        replica.append([], behind: LogPosition(1, 1), from: 3, term: 2)

        #expect(replica.role == .follower)
        #expect(replica.leader == ReplicaID(3))
    }

    @Test func `a leader that hears of a newer term steps down`() {
        var replica = RaftReplica.makeLeader()

        let effects = replica.receive(.newerTerm, from: ReplicaID(2), term: 5)

        #expect(effects.contains(.steppedDown(Term(rawValue: 2))))
        #expect(replica.role == .follower)
        #expect(replica.term == Term(rawValue: 5))
    }

    @Test func `who speaks of an older term is told the newer one`() {
        var replica = RaftReplica.make(term: 4)

        #expect(replica.append([], behind: .zero, term: 3) == [replica.message(.newerTerm, to: 2)])
        #expect(
            replica.receive(.requestVote(lastEntry: LogPosition(3, 9), isTransfer: false), from: ReplicaID(3), term: 3)
                == [replica.message(.vote(isGranted: false), to: 3)]
        )
    }

    @Test func `timeouts lie between the election timeout and twice that, and differ`() {
        var replica = RaftReplica.make()
        var seen: Set<Int64> = []

        for _ in 0..<200 {
            replica.restartElectionTimer()
            seen.insert(replica.electionDeadline - replica.now)
        }

        #expect(seen.allSatisfy { (150..<300).contains($0) })
        #expect(seen.count > 50)
    }
}

/// Pre-vote and check-quorum: the thesis, §4.2.3, §6.2 and §9.6.
@Suite struct LeaderContactTests {
    @Test func `who hears a leader answers nobody who wants to be one`() {
        var replica = RaftReplica.make()
        replica.append([], behind: LogPosition(1, 1), term: 1)

        #expect(replica.receive(.requestPreVote(lastEntry: LogPosition(9, 9)), from: ReplicaID(3), term: 2) == [])
        let request = RaftMessage.Body.requestVote(lastEntry: LogPosition(9, 9), isTransfer: false)
        #expect(replica.receive(request, from: ReplicaID(3), term: 9) == [])
        #expect(replica.term == Term(rawValue: 1))
    }

    @Test func `unless the leader itself asked for the election`() {
        var replica = RaftReplica.make()
        replica.append([], behind: LogPosition(1, 1), term: 1)

        let request = RaftMessage.Body.requestVote(lastEntry: LogPosition(1, 1), isTransfer: true)
        replica.receive(request, from: ReplicaID(3), term: 2)

        #expect(replica.storeAll() == [replica.message(.vote(isGranted: true), to: 3)])
    }

    @Test func `a pre-vote changes nothing at the voter`() {
        var replica = RaftReplica.make()
        let before = replica.hardState

        let effects = replica.receive(.requestPreVote(lastEntry: LogPosition(1, 1)), from: ReplicaID(3), term: 7)

        #expect(effects == [replica.message(.preVote(isGranted: true), to: 3, term: 7)])
        #expect(replica.hardState == before)
    }

    @Test func `a leader that a majority doesn't answer steps down within two election timeouts`() {
        var replica = RaftReplica.makeLeader()
        let start = replica.now

        var effects: [RaftReplica.Effect] = []
        for time in stride(from: start, through: start + 310, by: 10) { effects += replica.step(.tick(now: time)) }

        #expect(effects.contains(.steppedDown(Term(rawValue: 2))))
        #expect(replica.role != .leader)
    }

    @Test func `a leader whose storage does nothing for too long steps down, and doesn't campaign`() {
        var replica = RaftReplica.makeLeader(1) { $0.storageStallLimit = 500 }
        _ = replica.step(.propose([Proposal(id: ProposalID(rawValue: 1), command: [1])]))
        let start = replica.now

        var effects: [RaftReplica.Effect] = []
        for time in stride(from: start, through: start + 2_000, by: 10) { effects += replica.step(.tick(now: time)) }

        #expect(effects.contains(.steppedDown(Term(rawValue: 2))))
        #expect(effects.contains(.resolve(ProposalID(rawValue: 1), .unknown)))
        #expect(replica.role == .follower)
    }

    @Test func `heartbeats don't wait for the disk`() {
        var replica = RaftReplica.makeLeader()
        _ = replica.step(.propose([Proposal(id: ProposalID(rawValue: 1), command: [1])]))

        let effects = replica.step(.tick(now: replica.now + 60))

        let heartbeats = effects.sent.count { if case .heartbeat = $0 { true } else { false } }
        #expect(heartbeats == 2)
        #expect(replica.storage.pending.count == 1)
    }

    @Test func `a candidate whose term isn't durable begins no other election`() {
        var replica = RaftReplica.make()
        _ = replica.step(.tick(now: 302))
        replica.receive(.preVote(isGranted: true), from: ReplicaID(2), term: 2)

        for time in stride(from: 400 as Int64, through: 1_500, by: 50) { _ = replica.step(.tick(now: time)) }

        #expect(replica.term == Term(rawValue: 2))
    }
}
