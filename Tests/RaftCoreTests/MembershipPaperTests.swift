import CoreTypes
import Testing

@testable import RaftCore

/// Raft §6 and chapter 4 of the thesis: membership changes, and leadership transfers of §3.10.
@Suite struct MembershipPaperTests {
    @Test func `a joint configuration decides only with both majorities`() throws {
        let old = Membership.make(3)
        let target = Membership(voters: [ReplicaID(3), ReplicaID(4), ReplicaID(5)])
        let joint = try #require(old.step(towards: target))

        #expect(joint.isJoint)
        func decides(_ agreeing: [UInt32]) -> Bool { joint.hasQuorum { agreeing.contains($0.node) } }
        #expect(!decides([1, 2]))
        #expect(!decides([4, 5]))
        #expect(decides([1, 3, 4]))
        #expect(decides([1, 2, 4, 5]))
        #expect(joint.leavingJoint() == target)
    }

    @Test func `one voter more or less is one step`() throws {
        let more = Membership(voters: Membership.make(3).voters + [ReplicaID(4)])

        #expect(Membership.make(3).step(towards: more) == more)
        #expect(more.step(towards: .make(3)) == .make(3))
        #expect(more.step(towards: more) == nil)
    }

    @Test func `a membership is in force as soon as it is in the log, and not when it is cut off again`() {
        var replica = RaftReplica.make(term: 2)
        let wider = Membership(voters: Membership.make(3).voters + [ReplicaID(4)])
        let entry = LogEntry(index: LogIndex(rawValue: 2), term: Term(rawValue: 2), payload: .membership(wider))
        let request = AppendRequest(
            session: ReplicationSession(rawValue: 1),
            previous: LogPosition(1, 1),
            entries: [entry],
            commitIndex: .zero
        )

        replica.receive(.append(request), from: ReplicaID(2), term: 2)
        #expect(replica.membership == wider)
        replica.append([3], behind: LogPosition(1, 1), from: 3, term: 3)

        #expect(replica.membership == .make(3))
    }

    @Test func `no change is taken before the leader has committed an entry of its term`() {
        var replica = RaftReplica.makeLeader(4)
        let target = Membership.make(3)

        let early = replica.step(.changeMembership(ProposalID(rawValue: 1), target: target))
        replica.accept(2, from: 2)
        replica.accept(2, from: 3)
        let later = replica.step(.changeMembership(ProposalID(rawValue: 2), target: target))

        #expect(early == [.resolve(ProposalID(rawValue: 1), .refused(.changeInProgress))])
        #expect(later.written?.entries.map(\.payload) == [.membership(target)])
    }

    @Test func `a second change waits for the first, and a joint configuration is left by itself`() {
        var replica = RaftReplica.makeLeader { $0.promotionLagLimit = .max }
        replica.accept(2, from: 2)
        let target = Membership(voters: [ReplicaID(1), ReplicaID(4), ReplicaID(5)])
        _ = replica.step(.changeMembership(ProposalID(rawValue: 1), target: target))
        #expect(replica.membership.isJoint)
        replica.storeAll()

        let second = replica.step(.changeMembership(ProposalID(rawValue: 2), target: .make(3)))
        replica.accept(3, from: 2)
        #expect(replica.commitIndex == LogIndex(rawValue: 2))
        replica.accept(3, from: 4)

        #expect(second == [.resolve(ProposalID(rawValue: 2), .refused(.changeInProgress))])
        #expect(replica.commitIndex == LogIndex(rawValue: 3))
        #expect(replica.membership == target)
        #expect(replica.lastPosition == LogPosition(2, 4))
    }

    @Test func `a replica that is far behind doesn't become a voter`() {
        var replica = RaftReplica.makeLeader(terms: [1, 1, 1]) { $0.promotionLagLimit = 2 }
        replica.accept(5, from: 2)
        let target = Membership(voters: Membership.make(3).voters + [ReplicaID(4)])

        let effects = replica.step(.changeMembership(ProposalID(rawValue: 1), target: target))

        #expect(effects == [.resolve(ProposalID(rawValue: 1), .refused(.notCaughtUp(ReplicaID(4))))])
    }

    @Test func `a leader that removes itself leads until that is committed, and hands over`() {
        var replica = RaftReplica.makeLeader(2)
        replica.accept(2, from: 2)
        let target = Membership(voters: [ReplicaID(2)])
        _ = replica.step(.changeMembership(ProposalID(rawValue: 1), target: target))
        replica.storeAll()
        #expect(replica.role == .leader)
        // Its own copy no longer counts.
        #expect(replica.commitIndex == LogIndex(rawValue: 2))

        let effects = replica.accept(3, from: 2)

        #expect(effects.sent.contains(.timeoutNow))
        #expect(effects.contains(.steppedDown(Term(rawValue: 2))))
        #expect(replica.commitIndex == LogIndex(rawValue: 3))
    }

    @Test func `one whose removal isn't committed still campaigns, as nobody else may have its entry`() {
        var state = RecoveredState.founding(.make(2))
        let removal = Membership(voters: [ReplicaID(2)])
        state.entries.append(
            LogEntry(index: LogIndex(rawValue: 2), term: Term(rawValue: 1), payload: .membership(removal))
        )
        var replica = RaftReplica.make(state)

        let effects = replica.step(.tick(now: 302))

        #expect(effects == [replica.message(.requestPreVote(lastEntry: LogPosition(1, 2)), to: 2, term: 2)])
    }

    @Test func `a replica that doesn't know yet that it votes is asked all the same`() {
        var state = RecoveredState.founding(.make(3))
        state.entries = []
        var replica = RaftReplica.make(state, id: ReplicaID(9))

        replica.receive(.requestVote(lastEntry: LogPosition(3, 7), isTransfer: false), from: ReplicaID(2), term: 4)

        #expect(replica.storeAll() == [replica.message(.vote(isGranted: true), to: 2)])
    }

    @Test func `a learner gets the log, counts for nothing, and doesn't campaign`() {
        var state = RecoveredState.founding(Membership(voters: [ReplicaID(2)], learners: [ReplicaID(1)]))
        var learner = RaftReplica.make(state)
        state.hardState.term = Term(rawValue: 1)
        var leader = RaftReplica.make(state, id: ReplicaID(2))
        leader.win()

        #expect(learner.step(.tick(now: 5_000)) == [])
        leader.storeAll()

        #expect(leader.commitIndex == LogIndex(rawValue: 2))
        #expect(leader.matchIndex(of: ReplicaID(1)) == .zero)
    }

    @Test func `leadership goes to one that holds everything, who campaigns at once`() {
        var leader = RaftReplica.makeLeader()
        leader.accept(2, from: 2)
        _ = leader.step(.propose([Proposal(id: ProposalID(rawValue: 1), command: [1])]))
        leader.storeAll()

        let early = leader.step(.transferLeadership(to: ReplicaID(2)))
        let refused = leader.step(.propose([Proposal(id: ProposalID(rawValue: 2), command: [1])]))
        let caughtUp = leader.accept(3, from: 2)

        #expect(!early.sent.contains(.timeoutNow))
        #expect(refused == [.resolve(ProposalID(rawValue: 2), .refused(.transferring))])
        #expect(caughtUp.sent.contains(.timeoutNow))

        var target = RaftReplica.make()
        target.receive(.timeoutNow, from: ReplicaID(2), term: 1)
        #expect(target.role == .candidate)
        #expect(
            target.storeAll().sent.first == .requestVote(lastEntry: LogPosition(1, 1), isTransfer: true)
        )
    }

    @Test func `a transfer that takes longer than an election is given up`() {
        var leader = RaftReplica.makeLeader()
        leader.accept(2, from: 2)
        _ = leader.step(.transferLeadership(to: ReplicaID(3)))

        for time in stride(from: leader.now, through: leader.now + 160, by: 20) {
            leader.receive(.heartbeatAnswer(session: leader.session(of: 2), round: 0), from: ReplicaID(2), term: 2)
            _ = leader.step(.tick(now: time))
        }
        let effects = leader.step(.propose([Proposal(id: ProposalID(rawValue: 2), command: [1])]))

        #expect(effects.written?.entries.count == 1)
    }
}
