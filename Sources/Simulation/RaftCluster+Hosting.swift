import CoreTypes
import RaftCore

/// What a service does around a replica: it performs the effects and decides nothing.
extension RaftCluster {
    // MARK: Processes

    func start(_ node: Int) {
        guard self.nodes[node].replica == nil, !self.nodes[node].isGone else { return }
        self.nodes[node].epoch += 1
        self.nodes[node].isPaused = false
        self.nodes[node].deferred = []
        self.nodes[node].incomingBytes = []
        self.nodes[node].machine = self.makeMachine()
        let recovered = self.disks[node].recover()
        if let snapshot = self.disks[node].snapshot, snapshot.metadata.position.index > .zero {
            let isRestored = self.nodes[node].machine.restore(
                snapshot.bytes,
                at: snapshot.metadata.position.index
            )
            self.checker.require(isRestored, .stateMachineSafety, "node \(node) can't read its own snapshot")
        }
        if recovered.damagedEnd != nil { self.coverage.repairs += 1 }
        let replica = RaftReplica(
            id: self.nodes[node].id,
            recovered: recovered,
            configuration: self.swarm.raft,
            seed: self.random.next()
        )
        self.log("node \(node) starts as \(replica.id) in term \(replica.term) with \(replica.lastPosition)")
        self.checker.started(replica)
        self.nodes[node].replica = replica
        self.tick(node, self.nodes[node].epoch)
    }

    func crash(_ node: Int) {
        guard self.nodes[node].replica != nil else { return }
        self.log("node \(node) crashes")
        self.coverage.crashes += 1
        self.nodes[node].epoch += 1
        self.nodes[node].replica = nil
        self.nodes[node].isPaused = false
        self.nodes[node].deferred = []
        let before = self.disks[node].partialCount
        self.disks[node].crash(&self.diskRandom)
        self.coverage.partialWrites += self.disks[node].partialCount - before
    }

    func resume(_ node: Int) {
        self.nodes[node].isPaused = false
        let deferred = self.nodes[node].deferred
        self.nodes[node].deferred = []
        for event in deferred { self.queue.schedule(event, at: self.queue.now) }
    }

    func tick(_ node: Int, _ epoch: Int) {
        guard self.nodes[node].epoch == epoch else { return }
        let clock = self.nodes[node].clockOffset + self.queue.now / 1_000 * self.nodes[node].clockRate / 1_000
        self.step(node, .tick(now: clock))
        // Not exactly periodic, or all nodes would tick in the same order for ever.
        let next = self.swarm.tickInterval / 2 + self.random.time(upTo: self.swarm.tickInterval)
        self.queue.schedule(.tick(node: node, epoch: epoch), at: self.queue.now + next)
    }

    // MARK: Steps and effects

    func step(_ node: Int, _ input: RaftReplica.Input) {
        guard let effects = self.nodes[node].replica?.step(input), let replica = self.nodes[node].replica else {
            return
        }
        if self.eventLog != nil, !effects.isEmpty { self.log("\(node) ← \(input)") }
        // Before the effects: what they apply was committed by this step.
        self.checker.stepped(replica, self.disks, self.wiped)
        self.checkMatch(input, replica)
        if !effects.isEmpty {
            self.mix(UInt64(self.queue.now) << 8 | UInt64(node) << 4 | UInt64(effects.count & 15))
            for effect in effects { self.perform(effect, node, replica) }
        }
    }

    /// What a follower says it holds is there, unless the nemesis damaged it since.
    private func checkMatch(_ input: RaftReplica.Input, _ leader: RaftReplica) {
        guard leader.role == .leader, case .received(let message) = input, case .appendAccepted = message.body else {
            return
        }
        let node = Int(message.sender.node)
        guard self.nodes[node].id == message.sender, !self.nodes[node].wasDamaged else { return }
        self.checker.counted(message.sender, by: leader, self.disks[node])
    }

    private func perform(_ effect: RaftReplica.Effect, _ node: Int, _ replica: RaftReplica) {
        self.log("\(node) → \(effect)")
        let epoch = self.nodes[node].epoch
        let now = self.queue.now
        switch effect {
        case .persist(let write): self.persist(write, node, replica)
        case .send(let message): self.send(message, node, replica)
        case .sendSnapshotChunk(let order): self.send(order, node, replica)
        case .apply(let entries):
            self.checker.applying(entries, at: replica.id)
            let end = now + self.random.time(upTo: self.swarm.applyTimeMaximum)
            self.queue.schedule(.applied(node: node, epoch: epoch, entries), at: end)
        case .resolve(let id, let outcome): self.resolve(id, outcome, node)
        case .serveReads(let ids, let index): self.serveReads(ids, at: index, node)
        case .refuseReads(let ids, let leader):
            for id in ids { self.refuse(id.rawValue, leader) }
        case .saveSnapshot(let metadata): self.saveSnapshot(metadata, node)
        case .storeSnapshotChunk(let chunk):
            if chunk.offset == 0 { self.nodes[node].incomingBytes = [] }
            self.nodes[node].incomingBytes += chunk.bytes
        case .installSnapshot(let metadata):
            let end = now + self.random.time(upTo: self.swarm.snapshotTimeMaximum)
            self.queue.schedule(.snapshotReceived(node: node, epoch: epoch, metadata), at: end)
        case .discardLog(let index): self.disks[node].discardLog(through: index)
        case .becameLeader(let term):
            self.mix(term.rawValue)
            self.checker.becameLeader(replica)
            self.elected()
        case .steppedDown: break
        case .halt(let reason): self.halt(node, reason)
        }
    }

    private func halt(_ node: Int, _ reason: RaftReplica.HaltReason) {
        switch reason {
        case .storageFailed:
            self.crash(node)
            let restart = self.queue.now + 1_000 + self.random.time(upTo: 500_000)
            self.queue.schedule(.restart(node: node, epoch: self.nodes[node].epoch), at: restart)
        case .inconsistent(let what): self.checker.report(.noHalt, "node \(node): \(what)")
        }
    }

    // MARK: Disk

    private func persist(_ write: LogWrite, _ node: Int, _ replica: RaftReplica) {
        self.checker.writing(write, of: replica)
        if let first = write.entries.first, first.index <= self.disks[node].lastPosition.index {
            self.coverage.truncations += 1
        }
        let isSlow = self.nodes[node].slowUntil > self.queue.now
        let maximum = self.isHealed ? min(2_000, self.swarm.syncTimeMaximum) : self.swarm.syncTimeMaximum
        let syncTime = (50 + self.diskRandom.time(upTo: maximum)) * (isSlow ? 5 : 1)
        let end = self.disks[node].submit(write, now: self.queue.now, syncTime: syncTime)
        self.queue.schedule(.synced(node: node, epoch: self.nodes[node].epoch, write.id), at: end)
    }

    func synced(_ node: Int, _ epoch: Int, _ write: WriteID) {
        guard self.nodes[node].epoch == epoch else { return }
        if self.disks[node].isFailing {
            // Whether anything of it is there shows at the next start.
            self.step(node, .storageFailed)
            return
        }
        self.disks[node].complete(through: write)
        self.step(node, .stored(through: write))
    }

    // MARK: State machine

    func applied(_ node: Int, _ epoch: Int, _ entries: [LogEntry]) {
        guard self.nodes[node].epoch == epoch, let last = entries.last else { return }
        for entry in entries where entry.index > self.nodes[node].machine.appliedIndex {
            let expected = self.nodes[node].machine.appliedIndex.next()
            self.checker.require(
                entry.index == expected,
                .stateMachineSafety,
                "node \(node) applies \(entry.index), and \(expected) would be next"
            )
            var command: KeyValueCommand?
            if case .command(let bytes) = entry.payload { command = KeyValueCommand(bytes) }
            self.nodes[node].machine.apply(command, at: entry.index)
        }
        self.step(node, .applied(through: last.index))
    }

    private func saveSnapshot(_ metadata: SnapshotMetadata, _ node: Int) {
        self.checker.require(
            self.nodes[node].machine.appliedIndex == metadata.position.index,
            .stateMachineSafety,
            "node \(node) saves \(metadata.position) with the state of \(self.nodes[node].machine.appliedIndex)"
        )
        let bytes = self.nodes[node].machine.encoded
        var metadata = metadata
        metadata.byteCount = bytes.count
        let snapshot = SimulatedLogDisk.StoredSnapshot(metadata: metadata, bytes: bytes)
        let end = self.queue.now + self.random.time(upTo: self.swarm.snapshotTimeMaximum)
        self.queue.schedule(.snapshotSaved(node: node, epoch: self.nodes[node].epoch, snapshot), at: end)
    }

    func snapshotSaved(_ node: Int, _ epoch: Int, _ snapshot: SimulatedLogDisk.StoredSnapshot) {
        guard self.nodes[node].epoch == epoch else { return }
        if self.random.chance(percent: self.isHealed ? 0 : 5) {
            self.step(node, .snapshotFailed)
            return
        }
        let stored = self.disks[node].snapshot?.metadata.position ?? .zero
        if snapshot.metadata.position > stored {
            self.disks[node].store(snapshot)
            self.coverage.snapshotsSaved += 1
        }
        self.step(node, .snapshotSaved(snapshot.metadata))
    }

    func snapshotReceived(_ node: Int, _ epoch: Int, _ metadata: SnapshotMetadata) {
        guard self.nodes[node].epoch == epoch else { return }
        let bytes = self.nodes[node].incomingBytes
        self.nodes[node].incomingBytes = []
        self.checker.require(
            metadata.position.index > self.nodes[node].machine.appliedIndex,
            .stateMachineSafety,
            "node \(node) goes back from \(self.nodes[node].machine.appliedIndex) to \(metadata.position)"
        )
        let isComplete = bytes.count == metadata.byteCount
        guard isComplete, self.nodes[node].machine.restore(bytes, at: metadata.position.index) else {
            self.checker.report(.stateMachineSafety, "node \(node) got \(bytes.count) bytes as \(metadata)")
            return
        }
        self.disks[node].store(SimulatedLogDisk.StoredSnapshot(metadata: metadata, bytes: bytes))
        self.coverage.snapshotsInstalled += 1
        self.step(node, .snapshotInstalled)
    }

    // MARK: Messages

    func receive(_ message: RaftMessage) {
        let isLost =
            self.network.configuration.losesWhatIsOnItsWay
            && self.network.isCut(from: Int(message.sender.node), to: Int(message.receiver.node))
        if !isLost { self.step(Int(message.receiver.node), .received(message)) }
    }

    private func send(_ message: RaftMessage, _ node: Int, _ replica: RaftReplica) {
        self.checker.sending(message, of: replica, self.disks[node])
        self.transmit(message)
    }

    private func send(_ order: SnapshotChunkOrder, _ node: Int, _ replica: RaftReplica) {
        guard let snapshot = self.disks[node].snapshot, snapshot.metadata.position == order.snapshot.position else {
            return
        }
        guard let bytes = self.disks[node].readSnapshot(at: order.offset, count: order.byteCount) else {
            // The read finds it: what this process knows is no longer what it can give.
            self.crash(node)
            let restart = self.queue.now + 10_000
            self.queue.schedule(.restart(node: node, epoch: self.nodes[node].epoch), at: restart)
            return
        }
        self.transmit(order.message(with: bytes))
    }

    private func transmit(_ message: RaftMessage) {
        let sender = Int(message.sender.node)
        let receiver = Int(message.receiver.node)
        let arrivals = self.network.arrivals(from: sender, to: receiver, now: self.queue.now)
        if let first = arrivals.first { self.queue.schedule(.message(message), at: first) }
        if let second = arrivals.second { self.queue.schedule(.message(message), at: second) }
    }
}
