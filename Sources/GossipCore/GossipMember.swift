import CoreTypes

/// One member of a cluster, as gossip sees it: a pure core.
///
/// It probes the others in turn, suspects those that don't answer, tells everybody and hears everybody's news. What it finds
/// are suspicions: the voters decide who is down.
///
/// ## Order of calls
/// Any inputs in any order; the first tick sets the clock, and ticks come several times a probe timeout.
///
/// Source: Das, Gupta, Motivala, "SWIM: Scalable Weakly-consistent Infection-style Process Group Membership Protocol", DSN
/// 2002; Dadgar, Phillips, Currey, "Lifeguard: Local Health Awareness for More Accurate Failure Detection", DSN-W 2018.
package struct GossipMember: Sendable {
    package enum Input: Sendable {
        /// Milliseconds of a clock that only goes forward.
        case tick(now: Int64)
        case received(GossipMessage)
        /// Nodes that are asked who is there; nothing is known of them.
        case join([NodeID])
        /// This node goes, in order.
        case leave
        /// A connection was reset or refused: somebody answers there, and the process is gone.
        case refused(NodeID)
        /// The voters took a member out of the cluster: it is nobody any more.
        case removed(NodeID)
    }

    package enum Effect: Hashable, Sendable {
        case send(GossipMessage)
        /// What is known of a member has changed.
        case changed(MemberRecord)
    }

    struct Peer: Sendable {
        var record: MemberRecord
        var suspicion: Suspicion?
    }

    struct Probe: Sendable {
        let target: NodeID
        let sequence: UInt64
        let indirectAt: Int64
        let deadline: Int64
        var isIndirect = false
        var isAnswered = false

        /// Of those who were asked to probe as well, how many said anything.
        var askedCount = 0
        var answeredCount = 0
    }

    /// A probe for somebody else.
    struct Relay: Sendable {
        let sequence: UInt64
        let target: NodeID
        let asker: NodeID
        let askerSequence: UInt64
        let deadline: Int64
    }

    package let id: NodeID
    package let configuration: GossipConfiguration

    /// How badly off this member thinks that it is, from 0; each step makes probes and time-outs longer.
    package private(set) var awareness = 0
    package private(set) var refutation: UInt64 = 0
    package private(set) var hasLeft = false

    var random: SplitMix64
    var now: Int64 = 0
    var effects: [Effect] = []

    /// By id, without this member.
    var peers: [NodeID: Peer] = [:]
    var updates: UpdateQueue
    var probe: Probe?
    var relays: [Relay] = []
    private var sequence: UInt64 = 0
    private var probeOrder: [NodeID] = []
    private var nextProbeAt: Int64 = 0
    private var nextSyncAt: Int64 = 0
    private var seeds: [NodeID] = []

    package init(id: NodeID, configuration: GossipConfiguration = GossipConfiguration(), seed: UInt64) {
        self.id = id
        self.configuration = configuration
        self.random = SplitMix64(seed: seed)
        self.updates = UpdateQueue(limit: configuration.membersLimit)
    }

    /// Every other member, in the order of their ids.
    package var members: [MemberRecord] { self.peers.values.map(\.record).sorted { $0.id < $1.id } }

    /// What this member says of itself.
    package var ownRecord: MemberRecord {
        MemberRecord(id: self.id, status: self.hasLeft ? .left : .alive, refutation: self.refutation)
    }

    /// Applies one input and returns the effects it causes, in the order to perform them.
    package mutating func step(_ input: Input) -> [Effect] {
        switch input {
        case .tick(let now): self.tick(now)
        case .received(let message): self.receive(message)
        case .join(let seeds): self.join(seeds)
        case .leave: self.leave()
        case .refused(let node): self.refused(node)
        case .removed(let node): self.peers[node] = nil
        }
        defer { self.effects = [] }
        return self.effects
    }

    private var memberCount: Int { self.peers.values.count { $0.record.status != .left } + 1 }

    // MARK: Time

    private mutating func tick(_ now: Int64) {
        self.now = max(self.now, now)
        self.expireSuspicions()
        self.expireRelays()
        self.advanceProbe()
        guard !self.hasLeft else { return }
        if self.now >= self.nextProbeAt { self.beginProbe() }
        if self.now >= self.nextSyncAt {
            self.nextSyncAt = self.now + self.configuration.syncInterval
            self.syncWithSomebody()
        }
    }

    /// Lifeguard: whoever seems to be badly off itself judges others slower.
    private func stretched(_ time: Int64) -> Int64 { time * Int64(self.awareness + 1) }

    private mutating func adjustAwareness(_ change: Int) {
        self.awareness = max(0, min(self.configuration.awarenessMaximum, self.awareness + change))
    }

    // MARK: Probing

    /// Every member once in random order, then in another one: none waits longer than two rounds (SWIM §4.3).
    private mutating func nextTarget() -> NodeID? {
        for _ in 0..<2 {
            while let target = self.probeOrder.popLast() {
                if let peer = self.peers[target], peer.record.status != .left { return target }
            }
            self.probeOrder = self.peers.keys.sorted()
            self.probeOrder.shuffle(using: &self.random)
        }
        return nil
    }

    private mutating func beginProbe() {
        self.nextProbeAt = self.now + self.stretched(self.configuration.probeInterval)
        guard self.probe == nil, let target = self.nextTarget() else { return }
        self.sequence += 1
        self.probe = Probe(
            target: target,
            sequence: self.sequence,
            indirectAt: self.now + self.stretched(self.configuration.probeTimeout),
            deadline: self.nextProbeAt
        )
        self.send(.ping(sequence: self.sequence), to: target)
    }

    private mutating func advanceProbe() {
        guard var probe = self.probe else { return }
        if !probe.isAnswered, !probe.isIndirect, self.now >= probe.indirectAt {
            probe.isIndirect = true
            let helpers = self.others(than: probe.target, count: self.configuration.indirectProbeCount)
            probe.askedCount = helpers.count
            for helper in helpers {
                self.send(.pingRequest(target: probe.target, sequence: probe.sequence), to: helper)
            }
        }
        self.probe = probe
        guard self.now >= probe.deadline else { return }
        self.probe = nil
        guard !probe.isAnswered else { return }
        // Those who were asked said nothing either: perhaps nobody hears this member.
        self.adjustAwareness(probe.askedCount == 0 ? 1 : probe.askedCount - probe.answeredCount)
        self.suspect(probe.target)
    }

    private mutating func others(than target: NodeID, count: Int) -> [NodeID] {
        var candidates = self.peers.values.filter { $0.record.status == .alive && $0.record.id != target }.map(
            \.record.id
        )
        candidates.sort()
        candidates.shuffle(using: &self.random)
        return Array(candidates.prefix(count))
    }

    private mutating func expireRelays() {
        for relay in self.relays where self.now >= relay.deadline {
            self.send(.negativeAcknowledgement(sequence: relay.askerSequence), to: relay.asker)
        }
        self.relays.removeAll { self.now >= $0.deadline }
    }

    // MARK: Suspecting

    private mutating func suspect(_ node: NodeID) {
        guard var record = self.peers[node]?.record, record.status == .alive || record.status == .suspect else {
            return
        }
        record.status = .suspect
        record.accuser = self.id
        if self.peers[node]?.record.status == .suspect { self.confirm(record) } else { self.set(record) }
    }

    /// Another one got no answer either: that is news.
    private mutating func confirm(_ record: MemberRecord) {
        guard let accuser = record.accuser, self.peers[record.id]?.suspicion?.confirm(accuser) == true else { return }
        self.updates.add(record)
    }

    private mutating func expireSuspicions() {
        for node in self.peers.keys.sorted() {
            guard let suspicion = self.peers[node]?.suspicion, self.now >= suspicion.deadline,
                var record = self.peers[node]?.record
            else { continue }
            record.status = .unreachable
            self.set(record)
        }
    }

    private mutating func refused(_ node: NodeID) {
        guard var record = self.peers[node]?.record, record.status == .alive || record.status == .suspect else {
            return
        }
        record.status = .unreachable
        self.set(record)
    }

    /// Takes a record, tells everybody, and begins or ends a suspicion.
    private mutating func set(_ record: MemberRecord) {
        let before = self.peers[record.id]
        guard before != nil || self.peers.count < self.configuration.membersLimit else { return }
        var peer = Peer(record: record)
        if record.status == .suspect {
            peer.suspicion = Suspicion(
                by: record.accuser ?? self.id,
                at: self.now,
                memberCount: self.memberCount,
                configuration: self.configuration
            )
        }
        self.peers[record.id] = peer
        self.updates.add(record)
        if before?.record.status != record.status { self.effects.append(.changed(record)) }
    }

    // MARK: News

    private mutating func take(_ record: MemberRecord) {
        guard record.id != self.id else { return self.refute(record) }
        // An earlier life of the same node is over as soon as a later one is known.
        guard !self.peers.keys.contains(where: { $0.node == record.id.node && $0.incarnation > record.id.incarnation })
        else { return }
        guard let known = self.peers[record.id]?.record else {
            guard record.status != .left else { return }
            for old in self.peers.keys where old.node == record.id.node { self.peers[old] = nil }
            return self.set(record)
        }
        if record.overrides(known) {
            self.set(record)
        } else if record.status == .suspect, known.status == .suspect, record.refutation == known.refutation {
            self.confirm(record)
        }
    }

    /// Whoever hears that it is suspected says that it lives, louder than what was said (SWIM §4.2).
    private mutating func refute(_ record: MemberRecord) {
        guard !self.hasLeft, record.status != .alive else { return }
        if record.refutation >= self.refutation {
            self.refutation = record.refutation + 1
            // It was suspected, so it may have been too slow.
            self.adjustAwareness(1)
        }
        // Also where that was refuted before: whoever says it hasn't heard.
        self.updates.add(self.ownRecord)
    }

    // MARK: Joining and leaving

    private mutating func join(_ seeds: [NodeID]) {
        self.seeds = seeds.filter { $0 != self.id }
        for seed in self.seeds { self.send(.sync(isAnswer: false), to: seed, updates: self.everything) }
    }

    private mutating func leave() {
        self.hasLeft = true
        self.updates.add(self.ownRecord)
        for helper in self.others(than: self.id, count: self.configuration.indirectProbeCount) {
            self.send(.sync(isAnswer: false), to: helper, updates: self.everything)
        }
    }

    private var everything: [MemberRecord] { [self.ownRecord] + self.members }

    /// With anybody, also one that is unreachable or was only a seed: so a partition heals however long it lasted.
    private mutating func syncWithSomebody() {
        let known = self.peers.values.filter { $0.record.status != .left }.map(\.record.id)
        let candidates = Set(known + self.seeds).sorted()
        guard !candidates.isEmpty else { return }
        let target = candidates[self.random.next(in: 0..<candidates.count)]
        self.send(.sync(isAnswer: false), to: target, updates: self.everything)
    }

    // MARK: Messages

    private mutating func receive(_ message: GossipMessage) {
        guard message.receiver == self.id, message.sender != self.id else { return }
        for record in message.updates.prefix(self.configuration.membersLimit) { self.take(record) }
        switch message.body {
        case .ping(let sequence): self.send(.acknowledgement(sequence: sequence), to: message.sender)
        case .acknowledgement(let sequence): self.acknowledged(sequence, by: message.sender)
        case .pingRequest(let target, let sequence): self.relay(target, sequence, for: message.sender)
        case .negativeAcknowledgement(let sequence):
            if self.probe?.sequence == sequence { self.probe?.answeredCount += 1 }
        case .sync(let isAnswer):
            if !isAnswer { self.send(.sync(isAnswer: true), to: message.sender, updates: self.everything) }
        }
    }

    private mutating func acknowledged(_ sequence: UInt64, by sender: NodeID) {
        if self.probe?.sequence == sequence {
            if self.probe?.target != sender { self.probe?.answeredCount += 1 }
            if self.probe?.isAnswered == false { self.adjustAwareness(-1) }
            self.probe?.isAnswered = true
        }
        for relay in self.relays where relay.sequence == sequence && relay.target == sender {
            self.send(.acknowledgement(sequence: relay.askerSequence), to: relay.asker)
        }
        self.relays.removeAll { $0.sequence == sequence && $0.target == sender }
    }

    private mutating func relay(_ target: NodeID, _ sequence: UInt64, for asker: NodeID) {
        guard self.relays.count < self.configuration.membersLimit else { return }
        self.sequence += 1
        self.relays.append(
            Relay(
                sequence: self.sequence,
                target: target,
                asker: asker,
                askerSequence: sequence,
                deadline: self.now + self.configuration.probeTimeout
            )
        )
        self.send(.ping(sequence: self.sequence), to: target)
    }

    private mutating func send(_ body: GossipMessage.Body, to receiver: NodeID, updates: [MemberRecord]? = nil) {
        let news = updates ?? self.news(for: receiver)
        self.effects.append(.send(GossipMessage(sender: self.id, receiver: receiver, body: body, updates: news)))
    }

    /// What is new, and for a suspect that it is suspected: nobody hears that too early (Lifeguard, the buddy system).
    private mutating func news(for receiver: NodeID) -> [MemberRecord] {
        let times = Int(
            (Double(self.configuration.transmitMultiplier) * Logarithm.ofTen(self.memberCount + 1)).rounded(.up)
        )
        var news = self.updates.take(self.configuration.updatesPerMessageLimit, times: max(1, times))
        if let record = self.peers[receiver]?.record, record.status != .alive, !news.contains(record) {
            news.append(record)
        }
        return news
    }
}
