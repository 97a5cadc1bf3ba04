import CoreTypes

/// Leading: Raft §5.3, §5.4.2 and §8; pipelining and parallel writes: thesis §10.2.
extension RaftReplica {
    mutating func becomeLeader() {
        self.role = .leader
        self.leader = self.id
        self.owed = nil
        self.incoming = nil
        self.leadership = Leadership()
        self.leadership.heartbeatDeadline = self.now + self.configuration.heartbeatInterval
        self.leadership.quorumDeadline = self.now + self.configuration.electionTimeout
        self.leadership.firstIndex = self.log.lastIndex.next()
        self.updateFollowers()
        self.effects.append(.becameLeader(self.term))
        self.appendOwn(.empty)
        self.replicateToAll()
    }

    /// Whatever was promised as a leader is taken back; nothing is guessed.
    mutating func stopLeading() {
        self.refuseAllReads()
        let isCommitted = self.proposals.partition { $0.position.index <= self.commitIndex && !$0.isJoint }
        for proposal in self.proposals[..<isCommitted].sorted(by: { $0.position.index < $1.position.index }) {
            self.effects.append(.resolve(proposal.id, .unknown))
        }
        self.proposals.removeSubrange(..<isCommitted)
        self.proposals.sort { $0.position.index < $1.position.index }
        self.leadership = Leadership()
        self.leader = nil
        self.effects.append(.steppedDown(self.term))
    }

    // MARK: Proposals

    mutating func propose(_ proposals: [Proposal]) {
        var isAppended = false
        for proposal in proposals {
            if let refusal = self.refusal(of: proposal) {
                self.effects.append(.resolve(proposal.id, .refused(refusal)))
                continue
            }
            let entry = self.appendOwn(.command(proposal.command))
            self.proposals.append(
                PendingProposal(id: proposal.id, position: entry.position, byteCount: entry.byteCount)
            )
            isAppended = true
        }
        if isAppended { self.replicateToAll() }
    }

    private func refusal(of proposal: Proposal) -> Refusal? {
        guard self.role == .leader else { return .notLeader(self.leader) }
        guard self.leadership.transfer == nil else { return .transferring }
        let byteCount = proposal.command.count
        let isFull = self.leadership.uncommittedBytes + byteCount > self.configuration.uncommittedBytesLimit
        // One that is larger than the limit passes when nothing else waits.
        return isFull && self.leadership.uncommittedBytes > 0 ? .overloaded : nil
    }

    @discardableResult
    mutating func appendOwn(_ payload: LogEntry.Payload) -> LogEntry {
        let entry = LogEntry(index: self.log.lastIndex.next(), term: self.term, payload: payload)
        self.appendToLog(entry)
        self.leadership.uncommittedBytes += entry.byteCount
        return entry
    }

    /// What is applied here is told to who proposed it, in the order of the log.
    mutating func resolveApplied() {
        var count = 0
        for proposal in self.proposals {
            guard proposal.position.index <= self.appliedIndex, !proposal.isJoint else { break }
            let isKept = self.log.term(at: proposal.position.index) == proposal.position.term
            self.effects.append(.resolve(proposal.id, isKept ? .committed(proposal.position) : .unknown))
            count += 1
        }
        self.proposals.removeFirst(count)
    }

    // MARK: Ticks

    mutating func leaderTick() {
        if self.now >= self.leadership.quorumDeadline {
            self.leadership.quorumDeadline = self.now + self.configuration.electionTimeout
            guard self.isHeardByQuorum, !self.isStorageStalled else {
                self.becomeFollower(self.term, leader: nil)
                return
            }
        }
        if let transfer = self.leadership.transfer, self.now >= transfer.deadline { self.leadership.transfer = nil }
        guard self.now >= self.leadership.heartbeatDeadline else { return }
        self.broadcastHeartbeat()
        self.repeatSnapshotChunks()
    }

    /// Check-quorum: a leader that a majority doesn't hear can't commit, and must not keep its clients (thesis §6.2).
    private var isHeardByQuorum: Bool {
        let since = self.now - self.configuration.electionTimeout
        return self.membership.hasQuorum { voter in
            voter == self.id || self.leadership.followers.contains { $0.id == voter && $0.heardAt >= since }
        }
    }

    mutating func broadcastHeartbeat() {
        self.leadership.heartbeatDeadline = self.now + self.configuration.heartbeatInterval
        for follower in self.leadership.followers {
            // No further than it is known to agree: what lies behind may be another log's.
            self.send(
                .heartbeat(
                    session: follower.session,
                    commitIndex: min(follower.matchIndex, self.commitIndex),
                    round: self.leadership.round
                ),
                to: follower.id
            )
        }
    }

    // MARK: Sending entries

    mutating func replicateToAll() {
        for index in self.leadership.followers.indices { self.replicate(to: index) }
        // A group of one commits what is durable here.
        self.advanceCommit()
    }

    /// Sends what a follower lacks, as far as the limits of what is in flight allow; `evenIfEmpty` asks at least once
    /// where its log ends.
    mutating func replicate(to index: Int, evenIfEmpty: Bool = false) {
        var mayBeEmpty = evenIfEmpty
        while !self.leadership.followers[index].isPaused(self.configuration) {
            let follower = self.leadership.followers[index]
            let isProbe = follower.state == .probe
            guard follower.nextIndex <= self.log.lastIndex || mayBeEmpty || isProbe else { return }
            let previousIndex = follower.nextIndex.previous()
            guard let previousTerm = self.log.term(at: previousIndex) else {
                self.beginSnapshot(to: index)
                return
            }
            let entries = self.log.entries(
                from: follower.nextIndex,
                through: self.log.lastIndex,
                countLimit: self.configuration.entriesPerMessageLimit,
                bytesLimit: self.configuration.messageBytesLimit
            )
            let request = AppendRequest(
                session: follower.session,
                previous: LogPosition(term: previousTerm, index: previousIndex),
                entries: entries,
                commitIndex: self.commitIndex
            )
            self.send(.append(request), to: follower.id)
            mayBeEmpty = false
            if isProbe {
                self.leadership.followers[index].probed(through: entries.last?.index ?? previousIndex)
            } else if let last = entries.last {
                let byteCount = entries.reduce(0) { $0 + $1.byteCount }
                self.leadership.followers[index].sent(through: last.index, byteCount: byteCount)
            }
        }
    }

    // MARK: Answers

    mutating func receiveAnswer(_ message: RaftMessage) {
        guard self.role == .leader,
            let index = self.leadership.followers.firstIndex(where: { $0.id == message.sender }),
            self.isOfSession(message.body, self.leadership.followers[index].session)
        else { return }
        self.leadership.followers[index].heardAt = self.now
        switch message.body {
        case .appendAccepted(_, let through): self.accepted(index, through: through)
        case .appendRejected(_, let previous, let hint, let hasLostEntries):
            self.rejected(index, previous: previous, hint: hint, hasLostEntries: hasLostEntries)
        case .heartbeatAnswer(_, let round): self.heartbeatAnswered(index, round: round)
        case .snapshotProgress(_, let position, let received):
            self.snapshotProgressed(index, position: position, receivedBytes: received)
        case .requestPreVote, .preVote, .requestVote, .vote, .append, .heartbeat, .snapshotChunk, .newerTerm,
            .timeoutNow:
            break
        }
    }

    private func isOfSession(_ body: RaftMessage.Body, _ session: ReplicationSession) -> Bool {
        guard !self.configuration.plantedBugs.contains(.ignoresSessions) else { return true }
        return switch body {
        case .appendAccepted(let of, _), .appendRejected(let of, _, _, _), .heartbeatAnswer(let of, _),
            .snapshotProgress(let of, _, _):
            of == session
        case .requestPreVote, .preVote, .requestVote, .vote, .append, .heartbeat, .snapshotChunk, .newerTerm,
            .timeoutNow:
            true
        }
    }

    private mutating func accepted(_ index: Int, through: LogIndex) {
        guard through <= self.log.lastIndex else { return }
        self.leadership.followers[index].release(through: through)
        let isNews = through > self.leadership.followers[index].matchIndex
        if isNews { self.leadership.followers[index].matchIndex = through }
        switch self.leadership.followers[index].state {
        case .probe: self.leadership.followers[index].becomeReplicate()
        case .replicate: self.leadership.followers[index].becomeReplicate()
        case .snapshot(let transfer):
            // Also when it has got there without the snapshot, or only just that far.
            guard through >= transfer.snapshot.position.index || self.log.term(at: through) != nil else { return }
            self.leadership.followers[index].becomeProbe(next: through.next())
            self.leadership.followers[index].becomeReplicate()
        }
        if isNews { self.advanceCommit() }
        self.completeTransferIfReady()
        guard self.role == .leader, self.leadership.followers.indices.contains(index) else { return }
        self.replicate(to: index)
    }

    private mutating func rejected(_ index: Int, previous: LogIndex, hint: LogPosition, hasLostEntries: Bool) {
        if hasLostEntries && hint.index < self.leadership.followers[index].matchIndex {
            let id = self.leadership.followers[index].id
            self.leadership.followers[index] = self.makeProgress(of: id)
        }
        let follower = self.leadership.followers[index]
        if case .snapshot = follower.state { return }
        // Older than what it has said since.
        guard previous > follower.matchIndex else { return }
        guard follower.state != .probe || previous == follower.nextIndex.previous() || hasLostEntries else { return }
        let next = min(previous, self.lastAgreeing(with: hint).next())
        self.leadership.followers[index].becomeProbe(next: max(next, LogIndex.zero.next()))
        if self.configuration.plantedBugs.contains(.probeCountsAsMatch) {
            self.leadership.followers[index].matchIndex = self.leadership.followers[index].nextIndex.previous()
        }
        self.replicate(to: index)
    }

    /// The newest index at which this log can agree with a follower's (Raft §5.3, one round trip for each term that
    /// differs); before the log's beginning if only a snapshot helps.
    private func lastAgreeing(with hint: LogPosition) -> LogIndex {
        let agreeing = self.log.lastPosition(before: hint.index, termAtMost: hint.term)
        let isKnown = agreeing.index <= hint.index && agreeing.term <= hint.term
        return isKnown ? agreeing.index : min(hint.index, self.log.base.index.previous())
    }

    private mutating func heartbeatAnswered(_ index: Int, round: UInt64) {
        let answered = max(self.leadership.followers[index].answeredRound, round)
        self.leadership.followers[index].answeredRound = answered
        self.confirmReads()
        self.leadership.followers[index].isProbeSent = false
        guard self.leadership.followers[index].matchIndex < self.log.lastIndex else { return }
        if self.leadership.followers[index].isPaused(self.configuration) {
            self.leadership.followers[index].releaseOldest()
        }
        self.replicate(to: index, evenIfEmpty: true)
    }

    // MARK: Committing

    mutating func advanceCommit() {
        let index = self.quorumIndex()
        guard index > self.commitIndex else { return }
        let isOfTerm = self.log.term(at: index) == self.term
        // An entry of an older term is committed only by one of this term behind it (figure 8).
        guard isOfTerm || self.configuration.plantedBugs.contains(.commitsOlderTerms) else { return }
        let from = self.commitIndex.next()
        self.commitIndex = index
        self.releaseUncommittedBytes(from: from, through: index)
        self.beginOpenReads()
        self.membershipMayBeCommitted()
    }

    private mutating func releaseUncommittedBytes(from first: LogIndex, through last: LogIndex) {
        for index in first...last where index >= self.leadership.firstIndex {
            self.leadership.uncommittedBytes -= self.log.entry(at: index).byteCount
        }
    }

    /// The highest index that a quorum holds durably: in a joint configuration, a majority of both sets.
    private func quorumIndex() -> LogIndex {
        let index = self.majorityIndex(of: self.membership.voters)
        guard self.membership.isJoint else { return index }
        return min(index, self.majorityIndex(of: self.membership.outgoingVoters))
    }

    private func majorityIndex(of voters: [ReplicaID]) -> LogIndex {
        guard !voters.isEmpty else { return .zero }
        var held = voters.map { self.matchIndex(of: $0) ?? .zero }
        if !self.configuration.plantedBugs.contains(.quorumOfUnsorted) { held.sort(by: >) }
        return held[voters.count / 2]
    }
}
