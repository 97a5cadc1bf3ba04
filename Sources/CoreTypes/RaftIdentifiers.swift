/// A Raft term: a logical clock that only grows, from 0 ("before the first election").
public struct Term: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public static let zero = Term(rawValue: 0)

    public static func < (left: Term, right: Term) -> Bool {
        left.rawValue < right.rawValue
    }

    public func next() -> Term {
        Term(rawValue: self.rawValue + 1)
    }

    public var description: String { String(self.rawValue) }
}

/// The place of an entry in a Raft log, from 1; 0 is "empty log".
public struct LogIndex: RawRepresentable, Hashable, Comparable, Strideable, Sendable, CustomStringConvertible {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public static let zero = LogIndex(rawValue: 0)

    public static func < (left: LogIndex, right: LogIndex) -> Bool {
        left.rawValue < right.rawValue
    }

    public func next() -> LogIndex {
        LogIndex(rawValue: self.rawValue + 1)
    }

    /// The index before this one; 0 has none, and stays 0.
    public func previous() -> LogIndex {
        LogIndex(rawValue: self.rawValue == 0 ? 0 : self.rawValue - 1)
    }

    public func distance(to other: LogIndex) -> Int {
        Int(other.rawValue) - Int(self.rawValue)
    }

    public func advanced(by count: Int) -> LogIndex {
        LogIndex(rawValue: UInt64(Int(self.rawValue) + count))
    }

    public var description: String { String(self.rawValue) }
}

/// An entry's term and index: in one log, it names the entry and everything before it (Raft §5.3, log matching).
///
/// Ordered as §5.4.1 orders logs by their last entry: the later term, then the longer log, is more up to date.
public struct LogPosition: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let term: Term
    public let index: LogIndex

    public init(term: Term, index: LogIndex) {
        self.term = term
        self.index = index
    }

    /// Before the first entry.
    public static let zero = LogPosition(term: .zero, index: .zero)

    public static func < (left: LogPosition, right: LogPosition) -> Bool {
        left.term == right.term ? left.index < right.index : left.term < right.term
    }

    public var description: String { "\(self.term).\(self.index)" }
}

/// One replica of a Raft group: a node, and which of its lives.
///
/// A node whose disk was lost comes back with the next incarnation, and so as somebody else: what its earlier life voted
/// and acknowledged isn't known to it.
public struct ReplicaID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let node: UInt32
    public let incarnation: UInt32

    public init(node: UInt32, incarnation: UInt32 = 0) {
        self.node = node
        self.incarnation = incarnation
    }

    public static func < (left: ReplicaID, right: ReplicaID) -> Bool {
        left.node == right.node ? left.incarnation < right.incarnation : left.node < right.node
    }

    /// The identity of the same node after it lost what it had stored.
    public func nextIncarnation() -> ReplicaID {
        ReplicaID(node: self.node, incarnation: self.incarnation + 1)
    }

    public var description: String {
        self.incarnation == 0 ? "\(self.node)" : "\(self.node)/\(self.incarnation)"
    }
}
