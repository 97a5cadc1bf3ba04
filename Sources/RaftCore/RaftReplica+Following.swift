import CoreTypes

/// What the leader of this term waits to hear: that this replica holds the log through an index, durably.
struct OwedAcceptance: Sendable {
    let leader: ReplicaID
    let session: ReplicationSession

    /// The log agrees with the leader's through here.
    var matchIndex: LogIndex

    /// The leader was told that it is durable through here.
    var toldIndex: LogIndex
}

/// Replication as a follower sees it: Raft §5.3, figure 2.
extension RaftReplica {
    mutating func append(_ request: AppendRequest, from leader: ReplicaID) {
        // While a snapshot replaces the state, the log isn't touched: the leader tries again.
        guard !self.isInstalling else { return }
        if request.previous.index < self.commitIndex {
            self.acceptCommitted(request, from: leader)
            return
        }
        guard self.log.holds(request.previous) else {
            let hint = self.log.lastPosition(before: request.previous.index, termAtMost: request.previous.term)
            self.send(
                .appendRejected(
                    session: request.session,
                    previous: request.previous.index,
                    hint: hint,
                    hasLostEntries: self.hasFoundDamage && self.hardState.repairFloor != nil
                ),
                to: leader
            )
            return
        }
        guard self.appendMissing(request.entries) else { return }
        self.accept(through: request.previous.index.advanced(by: request.entries.count), request.session, leader)
        self.advanceCommit(told: min(request.commitIndex, self.owed?.matchIndex ?? .zero))
        self.acceptWhatIsDurable()
    }

    /// What is committed here agrees with every later leader's log, so nothing of it is compared, let alone replaced.
    private mutating func acceptCommitted(_ request: AppendRequest, from leader: ReplicaID) {
        let known = request.previous.index.distance(to: self.commitIndex)
        let rest = Array(request.entries.dropFirst(known))
        guard self.appendMissing(rest) else { return }
        self.accept(through: self.commitIndex.advanced(by: rest.count), request.session, leader)
        self.advanceCommit(told: min(request.commitIndex, self.owed?.matchIndex ?? .zero))
        self.acceptWhatIsDurable()
    }

    /// Appends what isn't there, and cuts the log off only where an entry conflicts (figure 2, receiver's rules 3 and 4).
    ///
    /// A request that was overtaken by later ones must not delete what those appended.
    private mutating func appendMissing(_ entries: [LogEntry]) -> Bool {
        for (offset, entry) in entries.enumerated() where self.log.term(at: entry.index) != entry.term {
            if entry.index <= self.log.lastIndex {
                guard entry.index > self.commitIndex else {
                    self.halt(.inconsistent("entry \(entry.position) would replace a committed one"))
                    return false
                }
                self.truncate(from: entry.index)
            }
            for new in entries[offset...] { self.appendToLog(new) }
            return true
        }
        if self.configuration.plantedBugs.contains(.truncatesWithoutConflict), let last = entries.last,
            last.index < self.log.lastIndex
        {
            self.truncate(from: last.index.next())
        }
        return true
    }

    mutating func appendToLog(_ entry: LogEntry) {
        self.log.append(entry)
        self.storage.entriesChanged(from: entry.index)
        guard case .membership(let membership) = entry.payload else { return }
        self.memberships.append(membership, at: entry.index)
    }

    private mutating func truncate(from index: LogIndex) {
        self.log.truncate(from: index)
        self.memberships.truncate(from: index)
        let isClamping = !self.configuration.plantedBugs.contains(.acknowledgesReplacedEntries)
        self.storage.truncated(from: index, isClamping: isClamping)
        if let owed = self.owed, owed.matchIndex >= index { self.owed = nil }
    }

    // MARK: Accepting

    private mutating func accept(through index: LogIndex, _ session: ReplicationSession, _ leader: ReplicaID) {
        if let owed = self.owed, owed.session == session, owed.leader == leader {
            self.owed?.matchIndex = max(owed.matchIndex, index)
        } else {
            self.owed = OwedAcceptance(leader: leader, session: session, matchIndex: index, toldIndex: .zero)
        }
        // Every request is answered: the leader may have lost the answer before.
        self.tellAcceptance(evenIfTold: true)
    }

    /// Called when a write has become durable: answers of many requests become one.
    mutating func acceptWhatIsDurable() { self.tellAcceptance(evenIfTold: false) }

    private mutating func tellAcceptance(evenIfTold: Bool) {
        guard self.role == .follower, let owed = self.owed, owed.leader == self.leader else { return }
        let index = min(owed.matchIndex, self.storage.durableIndex)
        guard index > owed.toldIndex || (evenIfTold && index == owed.matchIndex) else { return }
        self.owed?.toldIndex = index
        self.send(.appendAccepted(session: owed.session, through: index), to: owed.leader)
    }

    // MARK: Commit index

    /// The leader's commit index, or what of it is known to agree with this log.
    mutating func advanceCommit(told index: LogIndex) {
        let known = min(index, self.log.lastIndex)
        guard known > self.commitIndex, !self.isInstalling else { return }
        self.commitIndex = known
    }
}
