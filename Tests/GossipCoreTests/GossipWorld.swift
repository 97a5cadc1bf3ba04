import CoreTypes

@testable import GossipCore

/// Members that hear each other through a network that delays and loses.
struct GossipWorld {
    private(set) var now: Int64 = 0
    private(set) var members: [GossipMember] = []
    private var isRunning: [Bool] = []
    private var messages: [(at: Int64, message: GossipMessage)] = []
    private var random: SplitMix64
    var lossPercent = 0
    var delayMaximum: Int64 = 20

    /// Whether one hears another.
    var hears: @Sendable (NodeID, NodeID) -> Bool = { _, _ in true }

    /// The time of each change that a member saw.
    private(set) var changes: [(at: Int64, by: NodeID, record: MemberRecord)] = []

    private static let tickInterval: Int64 = 25

    init(count: Int, seed: UInt64, configuration: GossipConfiguration = GossipConfiguration()) {
        self.random = SplitMix64(seed: seed)
        for number in 0..<UInt32(count) {
            self.add(GossipMember(id: NodeID(node: number), configuration: configuration, seed: self.random.next()))
        }
        for index in 1..<max(1, count) { self.step(index, .join([NodeID(node: 0)])) }
    }

    mutating func add(_ member: GossipMember) {
        self.members.append(member)
        self.isRunning.append(true)
    }

    mutating func crash(_ index: Int) { self.isRunning[index] = false }

    mutating func resume(_ index: Int) { self.isRunning[index] = true }

    mutating func step(_ index: Int, _ input: GossipMember.Input) {
        let id = self.members[index].id
        for effect in self.members[index].step(input) {
            switch effect {
            case .send(let message):
                let isLost =
                    self.random.chance(percent: self.lossPercent) || !self.hears(message.sender, message.receiver)
                guard !isLost else { continue }
                self.messages.append((self.now + 1 + Int64(self.random.next(in: 0..<Int(self.delayMaximum))), message))
            case .changed(let record): self.changes.append((self.now, id, record))
            }
        }
    }

    mutating func run(until end: Int64) {
        while self.now < end {
            self.now += Self.tickInterval
            let due = self.messages.filter { $0.at <= self.now }.sorted { $0.at < $1.at }
            self.messages.removeAll { $0.at <= self.now }
            for (_, message) in due {
                let index = self.members.firstIndex { $0.id == message.receiver }
                if let index, self.isRunning[index] { self.step(index, .received(message)) }
            }
            for index in self.members.indices where self.isRunning[index] { self.step(index, .tick(now: self.now)) }
        }
    }

    /// How everybody who runs sees a member.
    func views(of node: NodeID) -> [MemberRecord.Status?] {
        self.members.indices.filter { self.isRunning[$0] && self.members[$0].id != node }
            .map { index in self.members[index].members.first { $0.id == node }?.status }
    }

    /// Whether all who run see all who run as alive.
    var isWhole: Bool {
        self.members.indices.filter { self.isRunning[$0] }
            .allSatisfy { index in self.views(of: self.members[index].id).allSatisfy { $0 == .alive } }
    }
}
