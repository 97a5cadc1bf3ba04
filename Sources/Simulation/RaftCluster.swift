import CoreTypes
import Linearizability
import RaftCore

/// A group of Raft replicas in a simulated world: everything that happens follows from a swarm and a fault schedule.
///
/// One loop takes the next event, hands it to a replica, performs the effects, and checks all invariants.
package final class RaftCluster {
    /// What is going to happen; `epoch` is the life of the process it belongs to.
    enum Event {
        case tick(node: Int, epoch: Int)
        case message(RaftMessage)
        case synced(node: Int, epoch: Int, WriteID)
        case applied(node: Int, epoch: Int, [LogEntry])
        case snapshotSaved(node: Int, epoch: Int, SimulatedLogDisk.StoredSnapshot)
        case snapshotReceived(node: Int, epoch: Int, SnapshotMetadata)
        case request(ClientRequest, node: Int)
        case reply(ClientReply)
        case clientWakes(client: Int, attempt: Int)
        case fault(Int)
        case restart(node: Int, epoch: Int)
        case resume(node: Int, epoch: Int)
        case changeMembership
        case changeAtElection
        case transferLeadership
        case checkLiveness
    }

    /// A process that runs a replica, or doesn't.
    struct Node {
        var id: ReplicaID
        var replica: RaftReplica?
        var machine: KeyValueMachine
        var epoch = 0
        var isPaused = false

        /// What came while it was paused.
        var deferred: [Event] = []

        /// Its clock shows `offset + time · rate / 1,000` milliseconds.
        var clockOffset: Int64 = 0
        var clockRate: Int64 = 1_000
        var slowUntil: Int64 = 0
        var incomingBytes: [UInt8] = []

        /// A fault has damaged what it stores: it may have less than it once said.
        var wasDamaged = false

        /// Lost for good when the world healed.
        var isGone = false
    }

    /// Who waits for a proposal or a read.
    struct Waiting {
        var client: Int
        var attempt: Int
        var sequence: UInt32
        var key: Int

        /// What was committed anywhere when a read came.
        var committedIndex: LogIndex
    }

    let swarm: Swarm
    let schedule: FaultSchedule
    var queue = EventQueue<Event>()
    var network: SimulatedNetwork
    var nodes: [Node] = []
    var disks: [SimulatedLogDisk] = []
    var checker: RaftChecker
    var random: SplitMix64
    var diskRandom: SplitMix64
    var clientRandom: SplitMix64

    var clients: [Client] = []
    var history: [HistoryOperation] = []
    var waiting: [UInt64: Waiting] = [:]
    var waitingCount: UInt64 = 0

    /// What identities that are gone had stored.
    var wiped: [ReplicaID: LogIndex] = [:]

    /// Whose log was deleted last: it is often added again.
    var erased: ReplicaID?
    var digest: UInt64 = 0xCBF2_9CE4_8422_2325
    var coverage = Coverage()
    var healing: Healing?
    var isOver = false

    /// The last lines of what happened, if somebody wants to see them.
    package var eventLog: [String]?

    package init(swarm: Swarm, schedule: FaultSchedule) {
        self.swarm = swarm
        self.schedule = schedule
        var random = SplitMix64(seed: swarm.seed)
        self.network = SimulatedNetwork(
            nodeCount: swarm.nodeCount,
            configuration: swarm.network,
            seed: random.next()
        )
        self.diskRandom = SplitMix64(seed: random.next())
        self.clientRandom = SplitMix64(seed: random.next())
        let founding = Membership(voters: (0..<swarm.founderCount).map { ReplicaID(node: UInt32($0)) })
        self.checker = RaftChecker(founding: founding, nodeCount: swarm.nodeCount)
        self.random = random
        for index in 0..<swarm.nodeCount {
            let isFounder = index < swarm.founderCount
            self.disks.append(
                SimulatedLogDisk(founding: isFounder ? founding : nil, segmentBytes: swarm.segmentBytes)
            )
            var node = Node(id: ReplicaID(node: UInt32(index)), machine: self.makeMachine())
            node.clockOffset = Int64(self.random.next(in: 1..<1_000_000))
            let drift = Int64(10 * swarm.driftPercent)
            node.clockRate = 1_000 - drift + self.random.time(upTo: 2 * drift)
            self.nodes.append(node)
        }
        for index in self.nodes.indices { self.start(index) }
        for index in 0..<swarm.clientCount { self.addClient(index) }
        self.planFaults()
    }

    func makeMachine() -> KeyValueMachine {
        KeyValueMachine(keyCount: self.swarm.keyCount, clientCount: self.swarm.clientCount)
    }

    private func planFaults() {
        for (index, fault) in self.schedule.faults.enumerated() where fault.election == nil {
            self.queue.schedule(.fault(index), at: Int64(fault.time) * 1_000)
        }
        if let interval = self.swarm.membershipInterval {
            self.queue.schedule(.changeMembership, at: self.random.time(upTo: 2 * interval))
        }
        if let interval = self.swarm.transferInterval {
            self.queue.schedule(.transferLeadership, at: self.random.time(upTo: 2 * interval))
        }
        self.queue.schedule(.checkLiveness, at: Int64(self.swarm.safetyTime) * 1_000)
    }

    // MARK: The loop

    /// Runs to the end of the liveness phase, or to the first violation.
    package func run(eventLimit: Int = 5_000_000) {
        var count = 0
        while !self.isOver, self.checker.violation == nil, count < eventLimit, let event = self.queue.next() {
            count += 1
            self.checker.now = self.queue.now
            self.handle(event)
        }
        self.coverage.events = count
        if !self.isOver && self.checker.violation == nil {
            self.checker.report(.liveness, "the run isn't over after \(count) events")
        }
    }

    private func handle(_ event: Event) {
        if let node = self.node(of: event), self.nodes[node].isPaused {
            self.nodes[node].deferred.append(event)
            return
        }
        switch event {
        case .tick(let node, let epoch): self.tick(node, epoch)
        case .message(let message): self.receive(message)
        case .synced(let node, let epoch, let write): self.synced(node, epoch, write)
        case .applied(let node, let epoch, let entries): self.applied(node, epoch, entries)
        case .snapshotSaved(let node, let epoch, let snapshot): self.snapshotSaved(node, epoch, snapshot)
        case .snapshotReceived(let node, let epoch, let snapshot): self.snapshotReceived(node, epoch, snapshot)
        case .request(let request, let node): self.serve(request, at: node)
        case .reply(let reply): self.receive(reply)
        case .clientWakes(let client, let attempt): self.wake(client, attempt)
        case .fault(let index): self.inject(self.schedule.faults[index].fault)
        case .restart(let node, let epoch): if self.nodes[node].epoch == epoch { self.start(node) }
        case .resume(let node, let epoch): if self.nodes[node].epoch == epoch { self.resume(node) }
        case .changeMembership: self.planChangeMembership()
        case .changeAtElection: self.changeMembership()
        case .transferLeadership: self.transferLeadership()
        case .checkLiveness: self.checkLiveness()
        }
    }

    /// The process whose part the event is; those of the world have none.
    private func node(of event: Event) -> Int? {
        switch event {
        case .tick(let node, _), .synced(let node, _, _), .applied(let node, _, _), .snapshotSaved(let node, _, _),
            .snapshotReceived(let node, _, _), .request(_, let node):
            node
        case .message(let message): Int(message.receiver.node)
        case .reply, .clientWakes, .fault, .restart, .resume, .changeMembership, .changeAtElection,
            .transferLeadership, .checkLiveness:
            nil
        }
    }

    func log(_ line: @autoclosure () -> String) {
        guard self.eventLog != nil else { return }
        self.eventLog?.append("\(self.queue.now) \(line())")
    }

    func mix(_ number: UInt64) {
        self.digest = (self.digest ^ number) &* 0x100_0000_01B3
        self.digest ^= self.digest >> 29
    }

    /// The replica that leads the newest term; nil if nobody that runs does.
    var leaderNode: Int? {
        var best: Int?
        for (index, node) in self.nodes.enumerated() {
            guard let replica = node.replica, replica.role == .leader else { continue }
            if let known = best, (self.nodes[known].replica?.term ?? .zero) >= replica.term { continue }
            best = index
        }
        return best
    }
}

/// How often the rare things happened: what never did wasn't tested.
package struct Coverage: Hashable, Sendable {
    package var events = 0
    package var elections = 0
    package var crashes = 0
    package var wipes = 0
    package var erasures = 0
    package var damages = 0
    package var repairs = 0
    package var partialWrites = 0
    package var snapshotsSaved = 0
    package var snapshotsInstalled = 0
    package var membershipChanges = 0
    package var jointChanges = 0
    package var transfers = 0
    package var readsServed = 0
    package var proposalsUnknown = 0
    package var truncations = 0
    package var operationsDone = 0
    package var operationsOpen = 0
    package var committedEntries = 0

    package init() {}

    /// Each count by its name.
    package var all: [(name: String, count: Int)] {
        [
            ("elections", self.elections), ("crashes", self.crashes), ("wipes", self.wipes),
            ("erasures", self.erasures), ("damages", self.damages), ("repairs", self.repairs),
            ("partial writes", self.partialWrites), ("snapshots saved", self.snapshotsSaved),
            ("snapshots installed", self.snapshotsInstalled), ("membership changes", self.membershipChanges),
            ("joint changes", self.jointChanges), ("transfers", self.transfers), ("reads served", self.readsServed),
            ("proposals unknown", self.proposalsUnknown), ("truncations", self.truncations),
            ("operations done", self.operationsDone), ("operations open", self.operationsOpen),
            ("committed entries", self.committedEntries),
        ]
    }
}
