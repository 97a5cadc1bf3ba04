import CoreTypes
import RaftCore

/// Who runs the group: it adds, removes and replaces replicas, and moves the leadership.
extension RaftCluster {
    func planChangeMembership() {
        guard !self.isHealed, let interval = self.swarm.membershipInterval else { return }
        self.queue.schedule(.changeMembership, at: self.queue.now + 1_000 + self.random.time(upTo: 2 * interval))
        self.eraseRemoved()
        self.changeMembership()
    }

    func changeMembership() {
        guard !self.isHealed else { return }
        // Also one that no longer leads may be asked.
        let leaders = self.nodes.indices.filter { self.nodes[$0].replica?.role == .leader && !self.nodes[$0].isPaused }
        guard !leaders.isEmpty else { return }
        let node = self.random.pick(leaders)
        guard let membership = self.nodes[node].replica?.membership,
            let target = self.target(from: membership, leader: self.nodes[node].id)
        else { return }
        self.waitingCount += 1
        self.log("operator asks \(node) for \(target)")
        let before = self.nodes[node].replica?.membershipIndex
        self.step(node, .changeMembership(ProposalID(rawValue: self.waitingCount), target: target))
        guard self.nodes[node].replica?.membershipIndex != before else { return }
        self.coverage.membershipChanges += 1
        if self.nodes[node].replica?.membership.isJoint == true { self.coverage.jointChanges += 1 }
    }

    private func target(from membership: Membership, leader: ReplicaID) -> Membership? {
        var voters = membership.voters
        var learners = membership.learners
        // A node that lost its disk is replaced before anything else.
        if let lost = membership.members.first(where: { self.nodes[Int($0.node)].id != $0 }) {
            guard voters != [lost] else { return nil }
            let new = self.nodes[Int(lost.node)].id
            return Membership(
                voters: voters.filter { $0 != lost },
                learners: learners.filter { $0 != lost } + (membership.isMember(new) ? [] : [new])
            )
        }
        guard !membership.members.contains(where: { self.hasLostCopy(Int($0.node)) }) else { return nil }
        let outside = self.nodes.map(\.id).filter { !membership.isMember($0) }
        if let erased = self.erased, outside.contains(erased), self.random.chance(percent: 60) {
            return Membership(voters: voters, learners: learners + [erased])
        }
        if self.swarm.changesOneVoter, let change = self.oneVoterChange(from: membership, outside) { return change }
        let isSmall = voters.count < self.swarm.voterGoal
        switch self.random.next(in: 0..<8) {
        case 0 where !outside.isEmpty: learners.append(self.random.pick(outside))
        case 1 where isSmall && !outside.isEmpty, 2 where isSmall && !outside.isEmpty:
            voters.append(self.random.pick(outside))
        case 3 where isSmall && !learners.isEmpty:
            voters.append(learners.remove(at: self.random.next(in: 0..<learners.count)))
        case 4 where !outside.isEmpty && voters.count == self.swarm.voterGoal: voters.append(self.random.pick(outside))
        case 5 where voters.count > 1 && !isSmall: voters.remove(at: self.random.next(in: 0..<voters.count))
        case 6 where voters.count > 1 && !isSmall:
            learners.append(voters.remove(at: self.random.next(in: 0..<voters.count)))
        case 7:
            // Anything: through a joint configuration, if need be.
            voters = membership.members.filter { _ in self.random.chance(percent: 60) }
            learners = membership.members.filter { !voters.contains($0) && self.random.chance(percent: 50) }
        default: return nil
        }
        return voters.isEmpty ? nil : Membership(voters: voters, learners: learners)
    }

    /// Around the goal: one more, or one fewer.
    private func oneVoterChange(from membership: Membership, _ outside: [ReplicaID]) -> Membership? {
        var voters = membership.voters
        let isMore =
            voters.count < self.swarm.voterGoal
            || (voters.count == self.swarm.voterGoal && self.random.chance(percent: 50))
        if isMore {
            guard !outside.isEmpty else { return nil }
            voters.append(self.random.pick(outside))
        } else {
            guard voters.count > 1 else { return nil }
            voters.remove(at: self.random.next(in: 0..<voters.count))
        }
        return Membership(voters: voters, learners: membership.learners)
    }

    /// A node that was removed, for good as far as anybody knows, gives its space back: its log goes, its votes stay.
    private func eraseRemoved() {
        guard self.swarm.erasesRemoved else { return }
        let inUse = self.checker.membershipsInUse
        for node in self.nodes.indices {
            let id = self.nodes[node].id
            let isMember = inUse.contains { $0.isMember(id) }
            guard !isMember, self.disks[node].hasEntries, self.random.chance(percent: 50) else { continue }
            self.log("node \(node) is erased")
            self.coverage.erasures += 1
            self.crash(node)
            self.nodes[node].epoch += 1
            self.disks[node].eraseLog()
            self.start(node)
            self.erased = id
            return
        }
    }

    func transferLeadership() {
        guard !self.isHealed, let interval = self.swarm.transferInterval else { return }
        self.queue.schedule(.transferLeadership, at: self.queue.now + 1_000 + self.random.time(upTo: 2 * interval))
        guard let node = self.leaderNode, !self.nodes[node].isPaused,
            let voters = self.nodes[node].replica?.membership.voters, !voters.isEmpty
        else { return }
        self.coverage.transfers += 1
        self.step(node, .transferLeadership(to: self.random.pick(voters)))
    }
}
