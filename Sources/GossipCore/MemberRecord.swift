package import CoreTypes

/// A node, and which of its lives: as of a replica.
package typealias NodeID = ReplicaID

/// What is known of a member.
package struct MemberRecord: Hashable, Sendable {
    package enum Status: UInt8, Hashable, Sendable {
        case alive
        /// Somebody got no answer; it may refute that.
        case suspect
        /// Nobody refuted that in time. Whether it is taken out of the cluster the voters decide; it is asked on, for ever.
        case unreachable
        /// It said that it goes, and doesn't come back in this life.
        case left
    }

    package var id: NodeID
    package var status: Status

    /// Only the member itself raises it, to refute what is said about it (SWIM's incarnation).
    package var refutation: UInt64

    /// Who got no answer: several such are better evidence than one that many repeat.
    package var accuser: NodeID?

    package init(id: NodeID, status: Status = .alive, refutation: UInt64 = 0, accuser: NodeID? = nil) {
        self.id = id
        self.status = status
        self.refutation = refutation
        self.accuser = accuser
    }

    /// Whether this is newer than another record of the same member: a later refutation, or, of equal ones, the worse news
    /// (SWIM §4.2).
    package func overrides(_ other: MemberRecord) -> Bool {
        if self.status == .left || other.status == .left { return self.status == .left && other.status != .left }
        if self.refutation != other.refutation { return self.refutation > other.refutation }
        return self.status.rawValue > other.status.rawValue
    }
}

/// What members say to each other; each message carries some updates.
package struct GossipMessage: Hashable, Sendable {
    package enum Body: Hashable, Sendable {
        case ping(sequence: UInt64)
        case acknowledgement(sequence: UInt64)
        /// Asks somebody else to probe a member.
        case pingRequest(target: NodeID, sequence: UInt64)
        /// The asked one got no answer either; that it says so shows that the one who asked is well (Lifeguard, LHA-Probe).
        case negativeAcknowledgement(sequence: UInt64)
        /// Everything one knows, for everything the other knows.
        case sync(isAnswer: Bool)
    }

    package var sender: NodeID
    package var receiver: NodeID
    package var body: Body
    package var updates: [MemberRecord]

    package init(sender: NodeID, receiver: NodeID, body: Body, updates: [MemberRecord]) {
        self.sender = sender
        self.receiver = receiver
        self.body = body
        self.updates = updates
    }
}
