import CoreTypes
import Testing

@testable import GossipCore

/// Membership as SWIM and Lifeguard describe it, in whole clusters.
@Suite struct GossipMemberTests {
    @Test(arguments: [2, 3, 10, 50])
    func `members that know one seed find each other`(count: Int) {
        var world = GossipWorld(count: count, seed: UInt64(count))

        world.run(until: 10_000)

        #expect(world.isWhole)
        #expect(world.members.allSatisfy { $0.members.count == count - 1 })
    }

    @Test(arguments: 0..<UInt64(10))
    func `a member that stopped is unreachable to all in bounded time, and nobody else is`(seed: UInt64) {
        var world = GossipWorld(count: 5, seed: seed)
        world.run(until: 10_000)
        world.crash(3)

        world.run(until: 40_000)

        #expect(world.views(of: NodeID(node: 3)).allSatisfy { $0 == .unreachable }, "seed \(seed)")
        let others = world.changes.filter { $0.record.id.node != 3 && $0.record.status == .unreachable }
        #expect(others.isEmpty, "seed \(seed)")
    }

    @Test(arguments: 0..<UInt64(10))
    func `a tenth of lost messages makes nobody unreachable`(seed: UInt64) {
        var world = GossipWorld(count: 8, seed: seed)
        world.run(until: 10_000)
        world.lossPercent = 10

        world.run(until: 300_000)

        #expect(!world.changes.contains { $0.record.status == .unreachable }, "seed \(seed)")
    }

    @Test(arguments: [20_000, 600_000] as [Int64])
    func `a partition heals however long it lasted`(duration: Int64) {
        var world = GossipWorld(count: 6, seed: 4)
        world.run(until: 10_000)
        world.hears = { ($0.node < 3) == ($1.node < 3) }
        world.run(until: 10_000 + duration)
        let isCut = !world.isWhole

        world.hears = { _, _ in true }
        world.run(until: world.now + 120_000)

        #expect(isCut)
        #expect(world.isWhole)
    }

    @Test func `a member that goes in order is neither suspected nor asked`() {
        var world = GossipWorld(count: 5, seed: 8)
        world.run(until: 10_000)

        world.step(2, .leave)
        world.run(until: 12_000)
        world.crash(2)
        world.run(until: 60_000)

        #expect(world.views(of: NodeID(node: 2)).allSatisfy { $0 == .left })
        #expect(!world.changes.contains { $0.record.id.node == 2 && $0.record.status == .suspect })
    }

    @Test func `a paused member that wakes refutes what was said about it`() {
        var world = GossipWorld(count: 5, seed: 9)
        world.run(until: 10_000)
        world.crash(1)
        world.run(until: 40_000)

        world.resume(1)
        world.run(until: 80_000)

        #expect(world.isWhole)
        #expect(world.members[1].refutation > 0)
    }

    @Test func `a refused connection is evidence at once`() {
        var world = GossipWorld(count: 3, seed: 10)
        world.run(until: 10_000)

        world.step(0, .refused(NodeID(node: 2)))

        #expect(world.members[0].members.first { $0.id.node == 2 }?.status == .unreachable)
    }

    @Test func `a later life of a node takes the place of an earlier one`() {
        var world = GossipWorld(count: 4, seed: 11)
        world.run(until: 10_000)
        world.crash(3)
        var next = GossipMember(id: NodeID(node: 3, incarnation: 1), seed: 77)
        let greeting = next.step(.join([NodeID(node: 0)]))
        world.add(next)
        for case .send(let message) in greeting { world.step(0, .received(message)) }

        world.run(until: 60_000)

        #expect(world.members[0].members.map(\.id).filter { $0.node == 3 } == [NodeID(node: 3, incarnation: 1)])
        #expect(world.isWhole)
    }

    @Test func `whoever hears nobody doubts itself, and judges others slower`() {
        var world = GossipWorld(count: 5, seed: 12)
        world.run(until: 10_000)
        world.hears = { $1.node != 4 }

        world.run(until: 30_000)

        #expect(world.members[4].awareness > 1)
        #expect((0..<4).allSatisfy { world.members[$0].awareness <= 2 })
    }

    @Test func `members beyond the limit are ignored`() {
        var configuration = GossipConfiguration()
        configuration.membersLimit = 3
        var member = GossipMember(id: NodeID(node: 0), configuration: configuration, seed: 1)
        let flood = (1..<UInt32(100)).map { MemberRecord(id: NodeID(node: $0)) }

        _ = member.step(
            .received(
                GossipMessage(
                    sender: NodeID(node: 1),
                    receiver: NodeID(node: 0),
                    body: .ping(sequence: 1),
                    updates: flood
                )
            )
        )

        #expect(member.members.count == 3)
    }
}

@Suite struct SuspicionTests {
    /// Lifeguard, §IV-B: from the longest time to the shortest, by the logarithm of the confirmations.
    @Test func `each confirmation makes a suspicion shorter`() {
        let nodes = (1..<6).map { NodeID(node: UInt32($0)) }
        var suspicion = Suspicion(by: nodes[0], at: 0, memberCount: 9, configuration: GossipConfiguration())
        var deadlines = [suspicion.deadline]
        for node in nodes {
            suspicion.confirm(node)
            deadlines.append(suspicion.deadline)
        }

        #expect(deadlines[0] == 24_000)
        #expect(deadlines[1] == deadlines[0])
        #expect(deadlines[2] < deadlines[1])
        #expect(Array(deadlines[3...]) == [4_000, 4_000, 4_000])
    }

    @Test func `among two nobody can confirm, and the shortest time counts`() {
        let suspicion = Suspicion(by: NodeID(node: 1), at: 500, memberCount: 2, configuration: GossipConfiguration())

        #expect(suspicion.deadline == 4_500)
    }
}

@Suite struct PhiAccrualDetectorTests {
    @Test(
        arguments: [
            (0, 0.0), (500, 0.0), (1_000, 0.3), (1_200, 1.6), (1_400, 4.7), (1_600, 10.8), (1_700, 15.3),
        ] as [(Double, Double)]
    )
    func `phi grows with the silence as the normal distribution says`(silence: Double, expected: Double) {
        let phi = PhiAccrualDetector.phi(silence: silence, mean: 1_000, deviation: 100)

        #expect(abs(phi - expected) < 0.1)
    }

    @Test func `a silence longer than all before is unusual, and one like those before isn't`() {
        var detector = PhiAccrualDetector(expectedInterval: 1_000, toleratedPause: 0)
        for beat in 0..<Int64(100) { detector.heard(at: beat * 1_000) }

        #expect(detector.phi(at: 99_000 + 900) < 1)
        #expect(detector.phi(at: 99_000 + 3_000) > 8)
    }

    @Test func `a pause that is tolerated is no evidence`() {
        var detector = PhiAccrualDetector(expectedInterval: 1_000)
        for beat in 0..<Int64(100) { detector.heard(at: beat * 1_000) }

        #expect(detector.phi(at: 99_000 + 3_500) < 8)
        #expect(detector.phi(at: 99_000 + 6_000) > 8)
    }
}
