import CoreTypes
import RaftCore

/// The nemesis: it performs the schedule, but for what would be the test's own fault.
extension RaftCluster {
    var isHealed: Bool { self.healing != nil }

    func inject(_ fault: Fault) {
        guard !self.isHealed else { return }
        self.log("fault: \(fault.text)")
        switch fault {
        case .crash(let target, let time): self.node(target).map { self.crash($0, for: time) }
        case .crashAll(let time): for node in self.nodes.indices { self.crash(node, for: time) }
        case .pause(let target, let time): self.node(target).map { self.pause($0, for: time) }
        case .wipe(let target, let time): self.node(target).map { self.wipe($0, for: time) }
        case .split, .mute, .isolate, .splitLeader, .bridge, .ring, .healNetwork: self.injectPartition(fault)
        case .clog(let sender, let receiver, let time):
            guard max(sender, receiver) < self.nodes.count else { return }
            self.network.clog(from: sender, to: receiver, until: self.queue.now + Int64(time) * 1_000)
        case .slowDisk(let target, let time):
            self.node(target).map { self.nodes[$0].slowUntil = self.queue.now + Int64(time) * 1_000 }
        case .stallDisk(let target, let time):
            self.node(target).map { self.disks[$0].stalledUntil = self.queue.now + Int64(time) * 1_000 }
        case .failDisk(let target): self.node(target).map { self.disks[$0].isFailing = true }
        case .damageLog(let target): self.node(target).map { self.damageLog($0) }
        case .damageSnapshot(let target): self.node(target).map { self.damageSnapshot($0) }
        case .jumpClock(let target, let time): self.node(target).map { self.nodes[$0].clockOffset += Int64(time) }
        }
    }

    /// What the schedule has in store for this election.
    func elected() {
        self.coverage.elections += 1
        for (index, fault) in self.schedule.faults.enumerated() where fault.election == self.coverage.elections {
            self.queue.schedule(.fault(index), at: self.queue.now + Int64(fault.time) * 1_000)
        }
        guard self.swarm.changesAtElections, self.swarm.membershipInterval != nil else { return }
        self.queue.schedule(.changeAtElection, at: self.queue.now + self.random.time(upTo: 20_000))
    }

    private func injectPartition(_ fault: Fault) {
        switch fault {
        case .split(let set): self.network.partition { set.contains($0) != set.contains($1) }
        case .mute(let set): self.network.partition { set.contains($0) && !set.contains($1) }
        case .isolate(let target):
            guard let node = self.node(target) else { return }
            self.network.partition { ($0 == node) != ($1 == node) }
        case .splitLeader(let set):
            guard let leader = self.leaderNode else { return }
            self.network.partition { (set.contains($0) || $0 == leader) != (set.contains($1) || $1 == leader) }
        case .bridge(let set, let hub):
            self.network.partition { $0 != hub && $1 != hub && set.contains($0) != set.contains($1) }
        case .ring:
            let count = self.nodes.count
            self.network.partition { ($0 + 1) % count != $1 && ($1 + 1) % count != $0 }
        case .healNetwork: self.network.partition { _, _ in false }
        case .crash, .crashAll, .pause, .wipe, .clog, .slowDisk, .stallDisk, .failDisk, .damageLog, .damageSnapshot,
            .jumpClock:
            break
        }
    }

    /// Nil if there is no such node, or no leader.
    private func node(_ target: Fault.Target) -> Int? {
        switch target {
        case .node(let node): self.nodes.indices.contains(node) ? node : nil
        case .leader: self.leaderNode
        }
    }

    private func crash(_ node: Int, for time: Int) {
        guard self.nodes[node].replica != nil else { return }
        self.crash(node)
        self.queue.schedule(
            .restart(node: node, epoch: self.nodes[node].epoch),
            at: self.queue.now + Int64(time) * 1_000
        )
    }

    private func pause(_ node: Int, for time: Int) {
        guard self.nodes[node].replica != nil, !self.nodes[node].isPaused else { return }
        self.nodes[node].isPaused = true
        let end = self.queue.now + Int64(time) * 1_000
        self.queue.schedule(.resume(node: node, epoch: self.nodes[node].epoch), at: end)
    }

    private func wipe(_ node: Int, for time: Int) {
        guard self.mayLoseCopy(of: node) else { return }
        self.crash(node)
        self.nodes[node].epoch += 1
        self.coverage.wipes += 1
        let old = self.nodes[node].id
        let new = RaftReplica.identity(afterLossOf: old, self.swarm.raft.plantedBugs)
        if new != old { self.wiped[old] = self.disks[node].lastPosition.index }
        self.nodes[node].id = new
        self.nodes[node].wasDamaged = false
        self.disks[node] = SimulatedLogDisk(founding: nil, segmentBytes: self.swarm.segmentBytes)
        let end = self.queue.now + Int64(time) * 1_000
        self.queue.schedule(.restart(node: node, epoch: self.nodes[node].epoch), at: end)
    }

    private func damageLog(_ node: Int) {
        guard self.disks[node].hasEntries, self.mayLoseCopy(of: node) else { return }
        guard self.disks[node].damageLog(&self.diskRandom) else { return }
        self.nodes[node].wasDamaged = true
        self.coverage.damages += 1
    }

    private func damageSnapshot(_ node: Int) {
        let position = self.disks[node].snapshot?.metadata.position ?? .zero
        guard position.index > .zero, self.mayLoseCopy(of: node) else { return }
        guard self.disks[node].damageSnapshot(&self.diskRandom) else { return }
        self.nodes[node].wasDamaged = true
        self.coverage.damages += 1
    }

    // MARK: The fault atlas

    /// Whether a node's copy may be lost: another intact one of everything committed must be left, and the nodes that lost
    /// theirs must stay a minority, of every membership that may decide.
    private func mayLoseCopy(of node: Int) -> Bool {
        let isElsewhere = self.nodes.indices.contains { other in
            other != node && !self.hasLostCopy(other) && self.checker.membership.isVoter(self.nodes[other].id)
                && self.disks[other].holds(self.checker.committedPosition)
        }
        guard isElsewhere else { return false }
        return self.checker.membershipsInUse.allSatisfy { membership in
            membership.hasQuorum { voter in
                let other = Int(voter.node)
                return other != node && self.nodes[other].id == voter && !self.hasLostCopy(other)
            }
        }
    }

    func hasLostCopy(_ node: Int) -> Bool { self.disks[node].isDamaged }
}
