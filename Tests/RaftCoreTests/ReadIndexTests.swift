import CoreTypes
import Testing

@testable import RaftCore

/// Linearizable reads: thesis §6.4.
@Suite struct ReadIndexTests {
    private let id = ReadID(rawValue: 1)

    /// A leader of three that has committed and applied its first entry, at index 2.
    private static func makeLeader(configure: (inout RaftConfiguration) -> Void = { _ in }) -> RaftReplica {
        var replica = RaftReplica.makeLeader(configure: configure)
        replica.accept(2, from: 2)
        _ = replica.step(.applied(through: LogIndex(rawValue: 2)))
        return replica
    }

    @Test func `a read is served when a quorum has answered a heartbeat that was sent behind it`() {
        var replica = Self.makeLeader()

        let asked = replica.step(.read([self.id]))
        let old = replica.receive(
            .heartbeatAnswer(session: replica.session(of: 2), round: 0),
            from: ReplicaID(2),
            term: 2
        )
        let new = replica.receive(
            .heartbeatAnswer(session: replica.session(of: 2), round: 1),
            from: ReplicaID(2),
            term: 2
        )

        let heartbeat = RaftMessage.Body.heartbeat(
            session: replica.session(of: 2),
            commitIndex: LogIndex(rawValue: 2),
            round: 1
        )
        #expect(asked.first == replica.message(heartbeat, to: 2))
        #expect(!old.contains(.serveReads([self.id], at: LogIndex(rawValue: 2))))
        #expect(new.contains(.serveReads([self.id], at: LogIndex(rawValue: 2))))
    }

    @Test func `reads that come during a round share the next one`() {
        var replica = Self.makeLeader()
        _ = replica.step(.read([self.id]))
        let others = [ReadID(rawValue: 2), ReadID(rawValue: 3)]

        #expect(replica.step(.read([others[0]])) == [])
        #expect(replica.step(.read([others[1]])) == [])
        replica.receive(.heartbeatAnswer(session: replica.session(of: 2), round: 1), from: ReplicaID(2), term: 2)
        let served = replica.receive(
            .heartbeatAnswer(session: replica.session(of: 3), round: 2),
            from: ReplicaID(3),
            term: 2
        )

        #expect(served.contains(.serveReads(others, at: LogIndex(rawValue: 2))))
    }

    @Test func `a new leader serves no read before it has committed an entry of its term`() {
        var replica = RaftReplica.makeLeader()

        #expect(replica.step(.read([self.id])) == [])
        let committed = replica.accept(2, from: 2)

        #expect(committed.sent.contains { if case .heartbeat(_, _, 1) = $0 { true } else { false } })
    }

    @Test func `a read waits until its index is applied`() {
        var replica = RaftReplica.makeLeader()
        replica.accept(2, from: 2)
        _ = replica.step(.read([self.id]))

        let confirmed = replica.receive(
            .heartbeatAnswer(session: replica.session(of: 2), round: 1),
            from: ReplicaID(2),
            term: 2
        )
        #expect(!confirmed.contains(.serveReads([self.id], at: LogIndex(rawValue: 2))))

        let applied = replica.step(.applied(through: LogIndex(rawValue: 2)))
        #expect(applied == [.serveReads([self.id], at: LogIndex(rawValue: 2))])
    }

    @Test func `a leader that is deposed refuses what it hasn't served`() {
        var replica = Self.makeLeader()
        _ = replica.step(.read([self.id]))

        let effects = replica.receive(.newerTerm, from: ReplicaID(3), term: 3)

        #expect(effects.contains(.refuseReads([self.id], leader: nil)))
    }

    @Test func `reads beyond the limit are refused, and those for another leader are sent there`() {
        var replica = Self.makeLeader { $0.readsLimit = 1 }
        _ = replica.step(.read([self.id]))
        var follower = RaftReplica.make()
        follower.append([], behind: LogPosition(1, 1), term: 1)

        let second = ReadID(rawValue: 2)
        #expect(replica.step(.read([second])) == [.refuseReads([second], leader: nil)])
        #expect(follower.step(.read([second])) == [.refuseReads([second], leader: ReplicaID(2))])
    }
}
