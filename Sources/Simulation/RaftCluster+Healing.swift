import CoreTypes
import RaftCore

/// The second half of a run: no more faults, and progress within a bound.
struct Healing {
    let startedAt: Int64

    /// Entries that were committed before must be applied by everybody.
    let committedIndex: LogIndex

    /// Operations that began after the healing and were answered.
    var operationCount = 0

    /// Who led when progress was seen, and since when.
    var leader: (node: Int, term: Term)?
    var leaderSince: Int64 = 0

    /// The leader and another voter don't hear each other any more.
    var isBridged = false
}

extension RaftCluster {
    private static let progressLimit: Int64 = 20_000_000

    /// No other leader may come during this, several times an election timeout.
    private static let stableTime: Int64 = 1_000_000

    func checkLiveness() {
        guard let healing = self.healing else {
            self.heal()
            self.queue.schedule(.checkLiveness, at: self.queue.now + self.swarm.settlingTime)
            return
        }
        if let leader = healing.leader {
            let now = self.leaderNode
            let isSame = now == leader.node && self.nodes[leader.node].replica?.term == leader.term
            self.checker.require(
                isSame,
                .stableLeader,
                "node \(leader.node) led term \(leader.term), now \(self.describeNodes())"
            )
            if self.swarm.leavesBridge && !healing.isBridged { self.leaveBridge(of: leader.node) }
            if self.queue.now - healing.leaderSince >= Self.stableTime { self.isOver = true }
        } else if let leader = self.convergedLeader() {
            self.healing?.leader = leader
            self.healing?.leaderSince = self.queue.now
        } else if self.queue.now - healing.startedAt > Self.progressLimit + self.swarm.settlingTime {
            self.checker.report(.liveness, self.describeNodes())
        }
        self.queue.schedule(.checkLiveness, at: self.queue.now + 100_000)
    }

    // MARK: Healing

    private func heal() {
        self.log("healing")
        self.network.healAll()
        var calm = SimulatedNetwork.Configuration()
        calm.delayMaximum = min(5_000, self.swarm.network.delayMaximum)
        self.network.configuration = calm
        let alive = self.aliveNodes()
        for node in self.nodes.indices {
            self.disks[node].stalledUntil = 0
            self.disks[node].isFailing = false
            self.nodes[node].slowUntil = 0
            if !alive.contains(node) {
                self.crash(node)
                self.nodes[node].epoch += 1
                self.nodes[node].isGone = true
            } else if self.nodes[node].replica == nil {
                self.nodes[node].epoch += 1
                self.start(node)
            } else if self.nodes[node].isPaused {
                self.resume(node)
            }
        }
        self.healing = Healing(startedAt: self.queue.now, committedIndex: self.checker.committedIndex)
    }

    /// Everybody, or a quorum that holds everything and can decide whatever membership it finds.
    private func aliveNodes() -> [Int] {
        let all = Array(self.nodes.indices)
        let hasLost = all.contains { self.hasLostCopy($0) } || !self.wiped.isEmpty
        let inUse = self.checker.membershipsInUse
        // With several of them a quorum of each needn't be enough: one that isn't a voter by its own, newer log refuses its
        // vote to those who count it as one, and doesn't stand for election itself.
        guard self.swarm.healsOnlyQuorum, !hasLost, inUse.count == 1 else { return all }
        var alive = all
        var order = all
        for index in order.indices { order.swapAt(index, self.random.next(in: index..<order.count)) }
        for node in order {
            let rest = alive.filter { $0 != node }
            let suffices = inUse.allSatisfy { membership in
                membership.hasQuorum { rest.contains(Int($0.node)) }
            }
            if suffices { alive = rest }
        }
        return alive
    }

    /// The leader and a voter that has everything don't hear each other from now on; somebody hears both.
    private func leaveBridge(of node: Int) {
        guard let leader = self.nodes[node].replica else { return }
        let upToDate = leader.membership.voters.filter { voter in
            let replica = self.nodes[Int(voter.node)].replica
            return voter != leader.id && replica?.id == voter && replica?.lastPosition == leader.lastPosition
                && replica?.durableIndex == leader.lastPosition.index
        }
        guard let apart = upToDate.first else { return }
        let keepsQuorum = leader.membership.hasQuorum { voter in
            voter == leader.id || (voter != apart && upToDate.contains(voter))
        }
        guard keepsQuorum else { return }
        let other = Int(apart.node)
        self.network.cut(from: node, to: other)
        self.network.cut(from: other, to: node)
        self.healing?.isBridged = true
        self.healing?.leaderSince = self.queue.now
        self.log("nodes \(node) and \(other) stay apart")
    }

    // MARK: Progress

    /// The one leader, when operations are answered and everybody it reaches has what was committed.
    private func convergedLeader() -> (node: Int, term: Term)? {
        guard let healing = self.healing, healing.operationCount >= 3,
            self.checker.committedIndex > healing.committedIndex, let node = self.leaderNode,
            let leader = self.nodes[node].replica, leader.hasCommittedInTerm,
            leader.membershipIndex <= leader.commitIndex, !leader.membership.isJoint
        else { return nil }
        for member in leader.membership.members {
            let other = Int(member.node)
            let isReached = !self.network.isCut(from: node, to: other) && self.nodes[other].id == member
            guard isReached, let replica = self.nodes[other].replica else { continue }
            guard replica.term == leader.term, replica.appliedIndex >= healing.committedIndex,
                replica.membership == leader.membership
            else { return nil }
        }
        return (node, leader.term)
    }

    private func describeNodes() -> String {
        self.nodes.map { node in
            guard let replica = node.replica else { return "\(node.id) down" }
            let voters = replica.membership.voters.map(\.description).joined(separator: ",")
            return """
                \(replica.id) \(replica.role) term \(replica.term) applied \(replica.appliedIndex) \
                commit \(replica.commitIndex) last \(replica.lastPosition) voters \(voters)
                """
        }.joined(separator: "; ")
    }
}
