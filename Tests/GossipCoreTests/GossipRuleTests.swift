import CoreTypes
import Testing

@testable import GossipCore

/// One rule at a time: what a single member says.
@Suite struct GossipRuleTests {
    private static let own = NodeID(node: 0)

    private static func node(_ number: UInt32) -> NodeID { NodeID(node: number) }

    private static func message(
        _ body: GossipMessage.Body,
        from sender: UInt32,
        _ updates: [MemberRecord] = []
    ) -> GossipMessage {
        GossipMessage(sender: Self.node(sender), receiver: Self.own, body: body, updates: updates)
    }

    /// A member that knows so many others, at time 0.
    private static func member(knowing count: UInt32) -> GossipMember {
        var member = GossipMember(id: Self.own, seed: 5)
        let others = (1..<(count + 1)).map { MemberRecord(id: Self.node($0)) }
        _ = member.step(.received(Self.message(.sync(isAnswer: true), from: 1, others)))
        return member
    }

    private static func sent(_ effects: [GossipMember.Effect]) -> [GossipMessage] {
        effects.compactMap { if case .send(let message) = $0 { message } else { nil } }
    }

    /// Ticks from one time to another, and what was sent.
    private static func tick(_ member: inout GossipMember, _ times: Range<Int64>) -> [GossipMessage] {
        var messages: [GossipMessage] = []
        for now in stride(from: times.lowerBound, to: times.upperBound, by: 50) {
            messages += Self.sent(member.step(.tick(now: now)))
        }
        return messages
    }

    /// SWIM §4.3.
    @Test func `every member is probed once before any is probed again`() {
        var member = Self.member(knowing: 7)
        var targets: [NodeID] = []
        for round in 0..<Int64(14) {
            let messages = Self.sent(member.step(.tick(now: round * 1_000)))
            for message in messages {
                guard case .ping(let sequence) = message.body else { continue }
                targets.append(message.receiver)
                let answer = Self.message(.acknowledgement(sequence: sequence), from: message.receiver.node)
                _ = member.step(.received(answer))
            }
        }

        #expect(targets.count == 14)
        #expect(Set(targets.prefix(7)).count == 7)
        #expect(Set(targets.suffix(7)).count == 7)
    }

    /// SWIM §3.1.
    @Test func `where no answer comes in time, three others are asked to probe`() throws {
        var member = Self.member(knowing: 7)

        let messages = Self.tick(&member, 0..<700)

        let ping = try #require(messages.first { if case .ping = $0.body { true } else { false } })
        let requests = messages.filter { if case .pingRequest = $0.body { true } else { false } }
        #expect(requests.count == 3)
        #expect(Set(requests.map(\.receiver)).count == 3)
        for request in requests {
            guard case .pingRequest(let target, _) = request.body else { continue }
            #expect(target == ping.receiver && request.receiver != ping.receiver)
        }
    }

    @Test func `an answer that comes through somebody else is an answer`() throws {
        var member = Self.member(knowing: 3)
        let ping = try #require(Self.tick(&member, 0..<700).first { if case .ping = $0.body { true } else { false } })
        guard case .ping(let sequence) = ping.body else { return }
        let helper = (1..<UInt32(4)).first { $0 != ping.receiver.node } ?? 0

        _ = member.step(.received(Self.message(.acknowledgement(sequence: sequence), from: helper)))
        _ = Self.tick(&member, 700..<1_100)

        #expect(member.members.allSatisfy { $0.status == .alive })
    }

    /// Lifeguard, LHA-Probe.
    @Test func `who is asked to probe passes the answer on, or says that there is none`() {
        var member = Self.member(knowing: 3)
        let asked = Self.sent(
            member.step(.received(Self.message(.pingRequest(target: Self.node(2), sequence: 9), from: 1)))
        )
        guard case .ping(let sequence)? = asked.first?.body else { return #expect(Bool(false), "\(asked)") }

        let passed = Self.sent(
            member.step(.received(Self.message(.acknowledgement(sequence: sequence), from: 2)))
        )
        _ = member.step(.received(Self.message(.pingRequest(target: Self.node(2), sequence: 10), from: 1)))
        let late = Self.tick(&member, 0..<1_000).filter { $0.receiver == Self.node(1) }

        #expect(asked.first?.receiver == Self.node(2))
        #expect(passed.map(\.body) == [.acknowledgement(sequence: 9)])
        #expect(late.contains { $0.body == .negativeAcknowledgement(sequence: 10) })
    }

    /// Lifeguard, LHA-Probe: a probe that fails, and helpers that say nothing, speak against this member.
    @Test func `silence of the helpers makes a member doubt itself, and an answer makes it confident`() {
        var member = Self.member(knowing: 5)
        _ = Self.tick(&member, 0..<1_100)
        let doubtful = member.awareness

        for now in stride(from: Int64(1_100), to: 60_000, by: 50) {
            for message in Self.sent(member.step(.tick(now: now))) {
                guard case .ping(let sequence) = message.body else { continue }
                let answer = Self.message(.acknowledgement(sequence: sequence), from: message.receiver.node)
                _ = member.step(.received(answer))
            }
        }

        #expect(doubtful == 3)
        #expect(member.awareness == 0)
    }

    /// SWIM §4.2.
    @Test func `a suspected member refutes with a higher number, also what is old`() {
        var member = Self.member(knowing: 3)
        let suspicion = MemberRecord(id: Self.own, status: .suspect, refutation: 4, accuser: Self.node(2))

        let first = Self.sent(member.step(.received(Self.message(.ping(sequence: 1), from: 1, [suspicion]))))
        let again = Self.sent(member.step(.received(Self.message(.ping(sequence: 2), from: 3, [suspicion]))))

        #expect(member.refutation == 5)
        for answer in [first, again] {
            #expect(answer.first?.updates.contains(MemberRecord(id: Self.own, refutation: 5)) == true)
        }
    }

    /// Lifeguard, the buddy system.
    @Test func `a suspect hears of it with the next message to it`() {
        var member = Self.member(knowing: 2)
        let suspicion = MemberRecord(id: Self.node(2), status: .suspect, accuser: Self.node(1))
        _ = member.step(.received(Self.message(.ping(sequence: 1), from: 1, [suspicion])))
        // Whatever was new has gone out to others by then.
        for sequence in 2..<UInt64(12) { _ = member.step(.received(Self.message(.ping(sequence: sequence), from: 1))) }

        let answer = Self.sent(member.step(.received(Self.message(.ping(sequence: 99), from: 2))))

        #expect(answer.first?.updates.contains { $0.id == Self.node(2) && $0.status == .suspect } == true)
    }

    /// SWIM §4.1.
    @Test func `news goes out a few times, and then no more`() {
        var member = Self.member(knowing: 8)
        for sequence in 0..<UInt64(50) { _ = member.step(.received(Self.message(.ping(sequence: sequence), from: 1))) }
        _ = member.step(.received(Self.message(.ping(sequence: 60), from: 1, [MemberRecord(id: Self.node(9))])))

        var count = 1
        for sequence in 100..<UInt64(150) {
            let answer = Self.sent(member.step(.received(Self.message(.ping(sequence: sequence), from: 1))))
            if answer.first?.updates.contains(where: { $0.id == Self.node(9) }) == true { count += 1 }
        }

        // 4 · log10(11), rounded up.
        #expect(count == 5)
    }

    @Test(arguments: [
        (MemberRecord.Status.alive, UInt64(1), MemberRecord.Status.suspect, UInt64(0), true),
        (.suspect, 0, .alive, 0, true), (.alive, 0, .suspect, 0, false), (.unreachable, 0, .suspect, 0, true),
        (.alive, 1, .unreachable, 0, true), (.suspect, 1, .left, 0, false), (.left, 0, .alive, 9, true),
        (.alive, 0, .alive, 0, false),
    ])
    func `later refutations override, and of equal ones the worse news`(
        status: MemberRecord.Status,
        refutation: UInt64,
        other: MemberRecord.Status,
        otherRefutation: UInt64,
        isOverriding: Bool
    ) {
        let record = MemberRecord(id: Self.node(1), status: status, refutation: refutation)

        let overrides = record.overrides(MemberRecord(id: Self.node(1), status: other, refutation: otherRefutation))

        #expect(overrides == isOverriding)
    }
}
