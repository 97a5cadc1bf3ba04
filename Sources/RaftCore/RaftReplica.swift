package import CoreTypes

/// One replica of a Raft group: a pure core.
///
/// ``step(_:)`` never blocks and never reads a clock, a disk or a socket. It changes the replica and returns the effects
/// that the caller performs, in order.
///
/// ## Order of calls
/// Any inputs in any order. Storage writes are asynchronous: a message that depends on one is held until `stored` says
/// that it is durable; heartbeats and ticks wait for none. `apply`, `saveSnapshot` and `installSnapshot` are answered
/// once each, before the next of their kind comes.
///
/// - Important: Perform writes in the order of their ids, and acknowledge one only when it and all before it are durable.
///
/// Source: Ongaro, Ousterhout, "In Search of an Understandable Consensus Algorithm", 2014; Ongaro, "Consensus: Bridging
/// Theory and Practice", 2014 (the thesis).
package struct RaftReplica: Sendable {
    package let id: ReplicaID
    package let configuration: RaftConfiguration
    package internal(set) var hardState: HardState
    package internal(set) var role = Role.follower

    /// The leader of this term, if it is known.
    package internal(set) var leader: ReplicaID?
    package internal(set) var commitIndex: LogIndex
    package internal(set) var appliedIndex: LogIndex

    /// The newest snapshot that is durable here.
    package internal(set) var snapshot: SnapshotMetadata

    var log: RaftLog
    var memberships: MembershipHistory
    var random: SplitMix64
    var now: Int64 = 0
    var effects: [Effect] = []
    package internal(set) var isHalted = false

    // Elections.
    var electionDeadline: Int64 = 0
    var leaderHeardAt = Int64.min / 2
    var votesGranted: [ReplicaID] = []
    var votesRefused: [ReplicaID] = []

    // Storage: what was written, what is durable, what waits for it.
    var storage: StorageProgress
    var held: [HeldMessage] = []

    // Following: what the leader is owed an answer for once it is durable.
    var owed: OwedAcceptance?

    /// Part of the log was missing when this process started.
    let hasFoundDamage: Bool
    var incoming: IncomingSnapshot?
    var isInstalling = false

    // Applying and saving.
    var applyingThrough: LogIndex?
    var isSavingSnapshot = false
    var snapshotRetryIndex = LogIndex.zero

    // Leading.
    var leadership = Leadership()
    var proposals: [PendingProposal] = []

    /// Starts from what storage holds; `seed` decides the randomised timeouts.
    ///
    /// The first tick sets the clock.
    package init(id: ReplicaID, recovered: RecoveredState, configuration: RaftConfiguration, seed: UInt64) {
        precondition(
            configuration.heartbeatInterval > 0 && configuration.heartbeatInterval < configuration.electionTimeout,
            "a follower must hear several heartbeats before it campaigns"
        )
        self.id = id
        self.configuration = configuration
        let snapshot = recovered.snapshot ?? SnapshotMetadata(position: .zero, membership: .unknown)
        let (log, damagedEnd) = Self.recoveredLog(recovered, snapshot)
        self.snapshot = snapshot
        self.log = log
        self.memberships = MembershipHistory(snapshot.membership, from: snapshot.position.index)
        var index = log.base.index.next()
        while index <= log.lastIndex {
            if case .membership(let membership) = log.entry(at: index).payload {
                self.memberships.append(membership, at: index)
            }
            index = index.next()
        }
        self.hardState = recovered.hardState
        self.hasFoundDamage = damagedEnd != nil
        self.appliedIndex = max(snapshot.position.index, min(recovered.appliedIndex, log.lastIndex))
        self.commitIndex = self.appliedIndex
        self.random = SplitMix64(seed: seed)
        self.storage = StorageProgress(durableIndex: log.lastIndex)
        if let damagedEnd, damagedEnd > log.last {
            self.hardState.repairFloor = max(damagedEnd, self.hardState.repairFloor ?? .zero)
        }
        // An entry may have become durable without the hard state written with it: its term was reached all the same, and
        // no vote of that term can have left.
        if log.last.term > self.hardState.term {
            self.hardState.term = log.last.term
            self.hardState.votedFor = nil
        }
        self.storage.isHardStateDirty = self.hardState != recovered.hardState
        if self.storage.isHardStateDirty { self.storage.hardStateWrite = self.storage.upcomingWrite }
    }

    /// The log behind the snapshot, and where it ended if part of it is missing.
    private static func recoveredLog(
        _ recovered: RecoveredState,
        _ snapshot: SnapshotMetadata
    ) -> (log: RaftLog, damagedEnd: LogPosition?) {
        var log = RaftLog(base: snapshot.position)
        guard let first = recovered.entries.first, let last = recovered.entries.last else {
            return (log, recovered.damagedEnd)
        }
        let base = snapshot.position
        if first.index > base.index.next() {
            // What lies between the snapshot and the log is missing: neither is of use without it.
            return (log, max(recovered.damagedEnd ?? .zero, last.position))
        }
        if first.index <= base.index {
            let offset = first.index.distance(to: base.index)
            let agrees = offset < recovered.entries.count && recovered.entries[offset].term == base.term
            // A snapshot was installed over a log that ended before it or contradicts it, and the reset was lost.
            guard agrees else { return (log, recovered.damagedEnd) }
        }
        for entry in recovered.entries where entry.index > base.index { log.append(entry) }
        return (log, recovered.damagedEnd)
    }

    /// Applies one input and returns the effects it causes, in the order to perform them.
    package mutating func step(_ input: Input) -> [Effect] {
        guard !self.isHalted else { return [] }
        switch input {
        case .tick(let now): self.tick(now)
        case .received(let message): self.receive(message)
        case .propose(let proposals): self.propose(proposals)
        case .changeMembership(let id, let target): self.changeMembership(id, to: target)
        case .transferLeadership(let target): self.transferLeadership(to: target)
        case .read(let ids): self.read(ids)
        case .stored(let write): self.stored(through: write)
        case .storageFailed: self.halt(.storageFailed)
        case .applied(let index): self.applied(through: index)
        case .snapshotSaved(let snapshot): self.snapshotSaved(snapshot)
        case .snapshotFailed: self.snapshotFailed()
        case .snapshotInstalled: self.snapshotInstalled()
        case .snapshotRejected: self.snapshotRejected()
        }
        self.applyCommitted()
        // First of all, so that no effect of this step comes before what it depends on.
        if let write = self.takeWrite() { self.effects.insert(.persist(write), at: 0) }
        defer { self.effects = [] }
        return self.effects
    }

    private mutating func tick(_ now: Int64) {
        if self.electionDeadline == 0 {
            self.now = now
            self.restartElectionTimer()
        }
        self.now = max(self.now, now)
        if self.role == .leader {
            self.leaderTick()
        } else if self.now >= self.electionDeadline {
            self.electionTimeoutPassed()
        }
    }

    // MARK: Applying

    /// Only what is durable here, so that the applied state is never ahead of the log after a crash.
    private mutating func applyCommitted() {
        guard self.applyingThrough == nil, !self.isInstalling, !self.isHalted else { return }
        let end = min(self.commitIndex, self.storage.durableIndex)
        guard end > self.appliedIndex else { return }
        let entries = self.log.entries(
            from: self.appliedIndex.next(),
            through: end,
            countLimit: self.configuration.entriesPerApplyLimit
        )
        guard let last = entries.last else { return }
        self.applyingThrough = last.index
        self.effects.append(.apply(entries))
    }

    private mutating func applied(through index: LogIndex) {
        guard let expected = self.applyingThrough, index == expected else { return }
        self.applyingThrough = nil
        self.appliedIndex = index
        self.resolveApplied()
        self.serveConfirmedReads()
        self.saveSnapshotIfDue()
    }

    // MARK: Halting

    mutating func halt(_ reason: HaltReason) {
        if self.role == .leader { self.stopLeading() }
        self.role = .follower
        self.isHalted = true
        self.effects.append(.halt(reason))
    }
}

// MARK: What a caller may look at

extension RaftReplica {
    package var term: Term { self.hardState.term }

    /// The newest membership in the log, committed or not.
    package var membership: Membership { self.memberships.current }

    /// The one that was in force at an index of the log.
    package func membership(at index: LogIndex) -> Membership { self.memberships.membership(at: index) }
    package var membershipIndex: LogIndex { self.memberships.currentIndex }
    package var lastPosition: LogPosition { self.log.last }

    /// What the log begins behind.
    package var basePosition: LogPosition { self.log.base }
    package var durableIndex: LogIndex { self.storage.durableIndex }

    /// Nil where the log holds nothing any more, or nothing yet.
    package func term(at index: LogIndex) -> Term? { self.log.term(at: index) }

    /// How far a member's log is known to agree with this leader's; nil unless this is the leader.
    package func matchIndex(of member: ReplicaID) -> LogIndex? {
        guard self.role == .leader else { return nil }
        if member == self.id { return self.storage.durableIndex }
        return self.leadership.followers.first { $0.id == member }?.matchIndex
    }

    /// The identity under which a node comes back whose storage was lost.
    package static func identity(afterLossOf old: ReplicaID, _ plantedBugs: PlantedBugs) -> ReplicaID {
        plantedBugs.contains(.wipedKeepsIdentity) ? old : old.nextIncarnation()
    }
}
