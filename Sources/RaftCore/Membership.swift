package import CoreTypes

/// Who votes and who only follows: one configuration of a group in the sense of Raft §6.
///
/// While `outgoingVoters` isn't empty, it is joint: a decision needs a majority of both sets of voters.
package struct Membership: Hashable, Sendable {
    /// In ascending order, like all three.
    package private(set) var voters: [ReplicaID]

    /// The voters of the configuration that is being left; empty unless it is joint.
    package private(set) var outgoingVoters: [ReplicaID]

    /// Get the log and count for nothing; one that is still an outgoing voter is a learner once the change is complete.
    package private(set) var learners: [ReplicaID]

    package init(voters: [ReplicaID], learners: [ReplicaID] = []) {
        self.init(voters: voters, outgoingVoters: [], learners: learners)
    }

    package init(voters: [ReplicaID], outgoingVoters: [ReplicaID], learners: [ReplicaID]) {
        self.voters = Self.unique(voters)
        self.outgoingVoters = Self.unique(outgoingVoters)
        self.learners = Self.unique(learners).filter { !voters.contains($0) }
    }

    /// Nobody: what a replica knows that waits to be added to a group.
    package static let unknown = Membership(voters: [])

    package var isJoint: Bool { !self.outgoingVoters.isEmpty }

    /// Everybody who gets the log, in ascending order.
    package var members: [ReplicaID] {
        if self.outgoingVoters.isEmpty && self.learners.isEmpty { return self.voters }
        return Self.unique(self.voters + self.outgoingVoters + self.learners)
    }

    package func isVoter(_ replica: ReplicaID) -> Bool {
        self.voters.contains(replica) || self.outgoingVoters.contains(replica)
    }

    package func isMember(_ replica: ReplicaID) -> Bool {
        self.isVoter(replica) || self.learners.contains(replica)
    }

    /// Whether those for whom `agrees` holds decide: a majority, and of both sets of voters while it is joint.
    ///
    /// Nobody decides in a membership without voters.
    package func hasQuorum(_ agrees: (ReplicaID) -> Bool) -> Bool {
        Self.hasMajority(self.voters, agrees)
            && (self.outgoingVoters.isEmpty || Self.hasMajority(self.outgoingVoters, agrees))
    }

    /// What a leader appends to get from here to `target`; nil if nothing changes.
    ///
    /// One voter more or less is safe in one step, as every two majorities then overlap (Ongaro's thesis §4.1); everything
    /// else goes through a joint configuration (§4.3).
    package func step(towards target: Membership) -> Membership? {
        guard target.voters != self.voters || target.learners != self.learners else { return nil }
        let difference = Set(self.voters).symmetricDifference(target.voters)
        guard difference.count > 1 else { return target }
        return Membership(voters: target.voters, outgoingVoters: self.voters, learners: target.learners)
    }

    /// The configuration behind a joint one.
    package func leavingJoint() -> Membership {
        Membership(voters: self.voters, learners: self.learners)
    }

    private static func hasMajority(_ voters: [ReplicaID], _ agrees: (ReplicaID) -> Bool) -> Bool {
        var count = 0
        for voter in voters where agrees(voter) { count += 1 }
        return count > voters.count / 2
    }

    private static func unique(_ replicas: [ReplicaID]) -> [ReplicaID] {
        var result: [ReplicaID] = []
        for replica in replicas.sorted() where result.last != replica { result.append(replica) }
        return result
    }
}

extension Membership {
    /// Turns a voter into a learner, whatever else it was: what a wrongly restored snapshot did (planted bug 10).
    func demoting(_ replica: ReplicaID) -> Membership {
        Membership(
            voters: self.voters.filter { $0 != replica },
            outgoingVoters: self.outgoingVoters.filter { $0 != replica },
            learners: self.learners + [replica]
        )
    }
}

/// The memberships that a log holds, with the index from which each is in force.
struct MembershipHistory: Sendable {
    struct Element: Sendable {
        var index: LogIndex
        var membership: Membership
    }

    /// In ascending order of index; never empty: the first is the snapshot's.
    private(set) var elements: [Element]

    init(_ membership: Membership, from index: LogIndex) {
        self.elements = [Element(index: index, membership: membership)]
    }

    /// The newest, committed or not: it is the one in force (Raft §6).
    var current: Membership { self.elements[self.elements.count - 1].membership }
    var currentIndex: LogIndex { self.elements[self.elements.count - 1].index }

    /// Whether a replica votes in the newest, or in one before it that may still come back: all from `index` on.
    func mayVote(_ replica: ReplicaID, from index: LogIndex) -> Bool {
        let first = self.elements.lastIndex { $0.index <= index } ?? 0
        return self.elements[first...].contains { $0.membership.isVoter(replica) }
    }

    /// The one that is in force at an index.
    func membership(at index: LogIndex) -> Membership {
        self.elements.last { $0.index <= index }?.membership ?? self.elements[0].membership
    }

    mutating func append(_ membership: Membership, at index: LogIndex) {
        self.elements.append(Element(index: index, membership: membership))
    }

    /// The log was cut off: what it held from `index` on never was.
    mutating func truncate(from index: LogIndex) {
        while self.elements.count > 1, self.currentIndex >= index { self.elements.removeLast() }
    }

    /// A snapshot stands for the log through `index`.
    mutating func discard(through index: LogIndex) {
        while self.elements.count > 1, self.elements[1].index <= index { self.elements.removeFirst() }
    }
}
