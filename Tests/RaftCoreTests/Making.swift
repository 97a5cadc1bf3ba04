import CoreTypes

@testable import RaftCore

extension ReplicaID {
    init(_ node: UInt32) { self.init(node: node) }
}

extension LogPosition {
    init(_ term: UInt64, _ index: UInt64) {
        self.init(term: Term(rawValue: term), index: LogIndex(rawValue: index))
    }
}

extension Membership {
    /// Voters 1, 2, … .
    static func make(_ count: Int) -> Membership {
        Membership(voters: (1...count).map { ReplicaID(UInt32($0)) })
    }
}

extension RaftReplica {
    /// Replica 1 of `count`, at time 0 and in term `term`; its log is the founding membership as entry 1.1, and then a
    /// command of each of `terms`.
    static func make(
        _ count: Int = 3,
        term: UInt64 = 1,
        terms: [UInt64] = [],
        votedFor: ReplicaID? = nil,
        configure: (inout RaftConfiguration) -> Void = { _ in }
    ) -> RaftReplica {
        var state = RecoveredState.founding(.make(count))
        state.hardState = HardState(term: Term(rawValue: term), votedFor: votedFor)
        state.entries += LogEntry.make(terms, from: 2)
        return self.make(state, configure: configure)
    }

    static func make(
        _ state: RecoveredState,
        id: ReplicaID = ReplicaID(1),
        configure: (inout RaftConfiguration) -> Void = { _ in }
    ) -> RaftReplica {
        var configuration = RaftConfiguration()
        configure(&configuration)
        var replica = RaftReplica(id: id, recovered: state, configuration: configuration, seed: 7)
        _ = replica.step(.tick(now: 1))
        return replica
    }

    /// The same in the role of leader of term `term` + 1, with its first entry durable and sent, but not committed.
    static func makeLeader(
        _ count: Int = 3,
        term: UInt64 = 1,
        terms: [UInt64] = [],
        configure: (inout RaftConfiguration) -> Void = { _ in }
    ) -> RaftReplica {
        var replica = self.make(count, term: term, terms: terms, configure: configure)
        replica.win()
        replica.storeAll()
        return replica
    }

    /// Lets the election timeout pass, and gives it every vote.
    mutating func win() {
        _ = self.step(.tick(now: self.electionDeadline))
        for voter in self.membership.voters where voter != self.id {
            _ = self.receive(.preVote(isGranted: true), from: voter, term: self.term.rawValue + 1)
        }
        self.storeAll()
        for voter in self.membership.voters where voter != self.id {
            _ = self.receive(.vote(isGranted: true), from: voter, term: self.term.rawValue)
        }
    }

    /// Whatever was written is durable.
    @discardableResult
    mutating func storeAll() -> [Effect] { self.step(.stored(through: self.storage.lastWrite)) }

    @discardableResult
    mutating func receive(_ body: RaftMessage.Body, from sender: ReplicaID, term: UInt64) -> [Effect] {
        self.step(
            .received(RaftMessage(sender: sender, receiver: self.id, term: Term(rawValue: term), body: body))
        )
    }

    /// A follower says that it holds the log through an index.
    @discardableResult
    mutating func accept(_ index: UInt64, from sender: UInt32, session: UInt64? = nil) -> [Effect] {
        let session = session.map { ReplicationSession(rawValue: $0) } ?? self.session(of: sender)
        return self.receive(
            .appendAccepted(session: session, through: LogIndex(rawValue: index)),
            from: ReplicaID(sender),
            term: self.term.rawValue
        )
    }

    func session(of node: UInt32) -> ReplicationSession {
        self.leadership.followers.first { $0.id == ReplicaID(node) }?.session ?? ReplicationSession(rawValue: 0)
    }

    /// A leader of `term` sends entries that follow `previous`.
    @discardableResult
    mutating func append(
        _ terms: [UInt64],
        behind previous: LogPosition,
        commit: UInt64 = 0,
        from sender: UInt32 = 2,
        term: UInt64
    ) -> [Effect] {
        let request = AppendRequest(
            session: ReplicationSession(rawValue: 1),
            previous: previous,
            entries: LogEntry.make(terms, from: previous.index.rawValue + 1),
            commitIndex: LogIndex(rawValue: commit)
        )
        return self.receive(.append(request), from: ReplicaID(sender), term: term)
    }

    func message(_ body: RaftMessage.Body, to receiver: UInt32, term: UInt64? = nil) -> Effect {
        let term = term.map { Term(rawValue: $0) } ?? self.term
        return .send(RaftMessage(sender: self.id, receiver: ReplicaID(receiver), term: term, body: body))
    }
}

extension LogEntry {
    /// A command of each term, at the indexes from `first` on; the command says its place.
    static func make(_ terms: [UInt64], from first: UInt64) -> [LogEntry] {
        terms.enumerated().map { offset, term in
            let index = first + UInt64(offset)
            return LogEntry(
                index: LogIndex(rawValue: index),
                term: Term(rawValue: term),
                payload: .command([UInt8(term), UInt8(index)])
            )
        }
    }
}

extension [RaftReplica.Effect] {
    /// The messages among them, without their envelopes.
    var sent: [RaftMessage.Body] {
        self.compactMap { if case .send(let message) = $0 { message.body } else { nil } }
    }

    var applied: [LogPosition] {
        self.flatMap { effect -> [LogPosition] in
            guard case .apply(let entries) = effect else { return [] }
            return entries.map(\.position)
        }
    }

    var written: LogWrite? {
        for case .persist(let write) in self { return write }
        return nil
    }
}
