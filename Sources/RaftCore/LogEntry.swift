package import CoreTypes

/// One entry of the replicated log.
package struct LogEntry: Hashable, Sendable {
    package enum Payload: Hashable, Sendable {
        /// A new leader's first entry: committing it commits everything before it (Raft §8).
        case empty
        /// What the state machine applies; the core never looks into it.
        case command([UInt8])
        /// Takes effect at a replica as soon as its log holds it (Raft §6).
        case membership(Membership)
    }

    package var index: LogIndex
    package var term: Term
    package var payload: Payload

    package init(index: LogIndex, term: Term, payload: Payload) {
        self.index = index
        self.term = term
        self.payload = payload
    }

    package var position: LogPosition { LogPosition(term: self.term, index: self.index) }

    /// What it counts against limits: its payload and a fixed share for index, term and framing.
    package var byteCount: Int {
        switch self.payload {
        case .empty: 32
        case .command(let bytes): 32 + bytes.count
        case .membership(let membership): 32 + 8 * membership.members.count
        }
    }
}

/// What must survive a crash besides the log.
package struct HardState: Hashable, Sendable {
    package var term = Term.zero
    package var votedFor: ReplicaID?

    /// The end of the log as it was before a part of it was found damaged; nil when nothing is missing.
    ///
    /// A replica votes as if its log still ended there, and doesn't campaign before its log is as up to date again: what
    /// it acknowledged then may be committed because of it.
    package var repairFloor: LogPosition?

    package init(term: Term = .zero, votedFor: ReplicaID? = nil, repairFloor: LogPosition? = nil) {
        self.term = term
        self.votedFor = votedFor
        self.repairFloor = repairFloor
    }
}

/// The number of a write to storage, from 1, in the order in which they must become durable.
package struct WriteID: RawRepresentable, Hashable, Comparable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    package static let zero = WriteID(rawValue: 0)

    package static func < (left: WriteID, right: WriteID) -> Bool {
        left.rawValue < right.rawValue
    }

    package func next() -> WriteID {
        WriteID(rawValue: self.rawValue + 1)
    }
}

/// One write to a replica's storage.
///
/// Within it, the hard state becomes durable before the entries, which may be of its term.
package struct LogWrite: Hashable, Sendable {
    package var id: WriteID

    /// Nil: unchanged.
    package var hardState: HardState?

    /// The log from the first of them on: whatever was stored at these indexes or behind them is replaced.
    ///
    /// Those that the log was told meanwhile to discard are left out.
    package var entries: [LogEntry]

    /// The log is empty from here on, behind the snapshot that was installed.
    package var reset: LogPosition?

    package init(id: WriteID, hardState: HardState? = nil, entries: [LogEntry] = [], reset: LogPosition? = nil) {
        self.id = id
        self.hardState = hardState
        self.entries = entries
        self.reset = reset
    }
}

/// What a snapshot stands for: the log through `position`.
package struct SnapshotMetadata: Hashable, Sendable {
    package var position: LogPosition

    /// The one in force at `position`.
    package var membership: Membership
    package var byteCount: Int

    package init(position: LogPosition, membership: Membership, byteCount: Int = 0) {
        self.position = position
        self.membership = membership
        self.byteCount = byteCount
    }
}

/// What a replica's storage holds when it starts.
package struct RecoveredState: Hashable, Sendable {
    package var hardState = HardState()

    /// The newest complete one; nil before the first, and after one was found damaged.
    package var snapshot: SnapshotMetadata?

    /// The log's intact part, in order and without gaps, cut off at the first damaged entry.
    package var entries: [LogEntry] = []

    /// The index that the state machine stored together with its state; at least the snapshot's.
    ///
    /// If the log was damaged before it, entries through it are applied again: the state machine skips those.
    package var appliedIndex = LogIndex.zero

    /// Where the log ended if something before its end was found damaged or missing; nil when it is intact.
    ///
    /// A torn tail, which was never acknowledged, isn't damage. If the end isn't known, the highest position that it can
    /// have been: the hard state's term and the largest index.
    package var damagedEnd: LogPosition?

    package init() {}

    /// What storage must hold before the first start of a replica that founds a group: the same at each of them.
    ///
    /// The membership is an entry like any other, so that a log without a snapshot is complete.
    package static func founding(_ membership: Membership) -> RecoveredState {
        var state = RecoveredState()
        let first = Term.zero.next()
        state.hardState.term = first
        state.entries = [LogEntry(index: LogIndex.zero.next(), term: first, payload: .membership(membership))]
        return state
    }
}
