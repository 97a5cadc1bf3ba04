import CoreTypes

/// Membership changes: Raft §6, thesis chapter 4; and leadership transfers: thesis §3.10.
extension RaftReplica {
    mutating func changeMembership(_ id: ProposalID, to target: Membership) {
        if let refusal = self.refusal(of: target) {
            self.effects.append(.resolve(id, .refused(refusal)))
            return
        }
        guard let membership = self.membership.step(towards: target) else {
            self.effects.append(.resolve(id, .refused(.unchanged)))
            return
        }
        let entry = self.appendOwn(.membership(membership))
        self.proposals.append(
            PendingProposal(
                id: id,
                position: entry.position,
                byteCount: entry.byteCount,
                isJoint: membership.isJoint
            )
        )
        self.membershipChanged()
        self.replicateToAll()
    }

    private func refusal(of target: Membership) -> Refusal? {
        guard self.role == .leader else { return .notLeader(self.leader) }
        guard self.leadership.transfer == nil else { return .transferring }
        // One at a time, and none before this leader knows which was the last.
        let isSettled = self.memberships.currentIndex <= self.commitIndex && !self.membership.isJoint
        let knowsCommitted =
            self.hasCommittedInTerm || self.configuration.plantedBugs.contains(.changesMembershipEarly)
        guard isSettled, knowsCommitted else { return .changeInProgress }
        guard !target.voters.isEmpty else { return .noVoters }
        guard target.members.count <= self.configuration.membersLimit else { return .tooManyMembers }
        for voter in target.voters where !self.membership.isVoter(voter) {
            let match = self.matchIndex(of: voter) ?? .zero
            guard match.distance(to: self.log.lastIndex) <= self.configuration.promotionLagLimit else {
                return .notCaughtUp(voter)
            }
        }
        return nil
    }

    /// The leader knows everything that is committed only when an entry of its own term is (Raft §8).
    package var hasCommittedInTerm: Bool {
        self.role == .leader && self.commitIndex >= self.leadership.firstIndex
    }

    mutating func membershipChanged() {
        self.updateFollowers()
        if self.configuration.plantedBugs.contains(.leavesBeforeCommit), !self.membership.isJoint,
            !self.membership.isVoter(self.id)
        {
            self.becomeFollower(self.term, leader: nil)
        }
    }

    /// One entry of progress for each other member: those that stay keep theirs, a new one begins a new session.
    mutating func updateFollowers() {
        let old = self.leadership.followers
        self.leadership.followers = self.membership.members.filter { $0 != self.id }.map { member in
            old.first { $0.id == member } ?? self.makeProgress(of: member)
        }
    }

    /// The beginning of a replication session: nothing is known of what the follower holds.
    mutating func makeProgress(of member: ReplicaID) -> FollowerProgress {
        self.leadership.sessionCount += 1
        return FollowerProgress(
            id: member,
            session: ReplicationSession(rawValue: self.leadership.sessionCount),
            nextIndex: self.log.lastIndex.next(),
            now: self.now
        )
    }

    /// A joint configuration that is committed is left at once; a leader that isn't in the committed one goes.
    mutating func membershipMayBeCommitted() {
        guard self.role == .leader, self.memberships.currentIndex <= self.commitIndex, self.hasCommittedInTerm else {
            return
        }
        if self.membership.isJoint {
            self.leaveJoint()
        } else if !self.membership.isVoter(self.id) {
            self.leaveAsRemoved()
        }
    }

    private mutating func leaveJoint() {
        let joint = self.memberships.currentIndex
        let entry = self.appendOwn(.membership(self.membership.leavingJoint()))
        for index in self.proposals.indices where self.proposals[index].position.index == joint {
            let pending = self.proposals[index]
            self.proposals.remove(at: index)
            self.proposals.append(
                PendingProposal(id: pending.id, position: entry.position, byteCount: pending.byteCount)
            )
            break
        }
        self.membershipChanged()
        self.replicateToAll()
    }

    /// The new configuration is committed without this replica: the best voter takes over without waiting for silence.
    private mutating func leaveAsRemoved() {
        let voters = self.leadership.followers.filter { self.membership.isVoter($0.id) }
        if let best = voters.max(by: { $0.matchIndex < $1.matchIndex }) {
            // So that it knows that this is committed.
            self.broadcastHeartbeat()
            self.send(.timeoutNow, to: best.id)
        }
        self.becomeFollower(self.term, leader: nil)
    }

    // MARK: Transfers

    /// Nothing happens if this isn't the leader, or `target` isn't another voter, or a transfer is under way.
    mutating func transferLeadership(to target: ReplicaID) {
        guard self.role == .leader, target != self.id, self.membership.isVoter(target),
            self.leadership.transfer == nil,
            let index = self.leadership.followers.firstIndex(where: { $0.id == target })
        else { return }
        let deadline = self.now + self.configuration.electionTimeout
        self.leadership.transfer = Leadership.Transfer(target: target, deadline: deadline)
        self.replicate(to: index, evenIfEmpty: true)
        self.completeTransferIfReady()
    }

    /// The target must hold everything: otherwise it couldn't win.
    mutating func completeTransferIfReady() {
        guard let transfer = self.leadership.transfer, !transfer.isAsked,
            self.matchIndex(of: transfer.target) == self.log.lastIndex
        else { return }
        self.leadership.transfer?.isAsked = true
        self.send(.timeoutNow, to: transfer.target)
    }
}
