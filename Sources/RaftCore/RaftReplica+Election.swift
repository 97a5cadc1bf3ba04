import CoreTypes

/// Elections: Raft §5.2 and §5.4.1; pre-vote and check-quorum: thesis §9.6 and §6.2; transfers: §3.10.
extension RaftReplica {
    mutating func restartElectionTimer() {
        let base = self.configuration.electionTimeout
        self.electionDeadline = self.now + base + Int64(self.random.next(in: 0..<Int(base)))
    }

    mutating func electionTimeoutPassed() {
        self.restartElectionTimer()
        guard self.canCampaign else { return }
        self.becomePreCandidate()
    }

    /// One whose hard state isn't durable must wait: it would give up its term before anybody heard of it.
    private var canCampaign: Bool {
        self.mayBeNeeded && self.hardState.repairFloor == nil && !self.isInstalling
            && self.storage.isHardStateDurable && !self.isStorageStalled
    }

    /// A voter; and one whose removal isn't committed, as nobody else may hold its entry: its own vote doesn't count then
    /// (thesis §4.2.2).
    private var mayBeNeeded: Bool {
        let isNeededByOlder = !self.configuration.plantedBugs.contains(.leavesBeforeCommit)
        return self.memberships.mayVote(
            self.id,
            from: isNeededByOlder ? self.commitIndex : self.memberships.currentIndex
        )
    }

    private mutating func becomePreCandidate() {
        self.role = .preCandidate
        self.leader = nil
        self.votesGranted = []
        self.votesRefused = []
        for member in self.membership.members where member != self.id && self.membership.isVoter(member) {
            self.send(.requestPreVote(lastEntry: self.log.last), to: member, term: self.term.next())
        }
        self.countVote(of: self.id, isGranted: true)
    }

    mutating func campaign(isTransfer: Bool) {
        self.becomeFollower(self.term.next(), leader: nil)
        self.role = .candidate
        let id = self.id
        self.changeHardState { $0.votedFor = id }
        self.votesGranted = []
        self.votesRefused = []
        for member in self.membership.members where member != self.id && self.membership.isVoter(member) {
            self.send(.requestVote(lastEntry: self.log.last, isTransfer: isTransfer), to: member)
        }
        // The own vote counts when it is durable.
    }

    mutating func countVote(of voter: ReplicaID, isGranted: Bool) {
        guard !self.votesGranted.contains(voter), !self.votesRefused.contains(voter) else { return }
        if isGranted { self.votesGranted.append(voter) } else { self.votesRefused.append(voter) }
        if self.membership.hasQuorum({ self.votesGranted.contains($0) }) {
            if self.role == .preCandidate { self.campaign(isTransfer: false) } else { self.becomeLeader() }
        } else if self.membership.hasQuorum({ self.votesRefused.contains($0) }) {
            self.role = .follower
        }
    }

    /// In a newer term, or in this one when another replica turned out to lead it.
    mutating func becomeFollower(_ term: Term, leader: ReplicaID?) {
        if self.role == .leader { self.stopLeading() }
        if term > self.term {
            self.changeHardState {
                $0.term = term
                $0.votedFor = nil
            }
            // Whatever waits was said by somebody who no longer is in that term: above all, that entries are accepted.
            self.held.removeAll()
            self.owed = nil
        }
        self.role = .follower
        self.leader = leader
        self.restartElectionTimer()
    }

    // MARK: Voting

    /// Whether a leader was heard so lately that nobody needs another one.
    private var isLeaderInContact: Bool {
        guard !self.configuration.plantedBugs.contains(.ignoresLeaderContact) else { return false }
        guard self.role != .leader else { return true }
        return self.leader != nil && self.now - self.leaderHeardAt < self.configuration.electionTimeout
    }

    /// A request that disrupts a leader that is heard is ignored, whatever its term (thesis §4.2.3).
    func isDisruption(_ body: RaftMessage.Body) -> Bool {
        switch body {
        case .requestVote(_, let isTransfer): !isTransfer && self.isLeaderInContact
        case .requestPreVote: self.isLeaderInContact
        case .preVote, .vote, .append, .appendAccepted, .appendRejected, .heartbeat, .heartbeatAnswer, .snapshotChunk,
            .snapshotProgress, .newerTerm, .timeoutNow:
            false
        }
    }

    mutating func answerPreVote(_ message: RaftMessage, lastEntry: LogPosition) {
        let isNewTerm = message.term > self.term
        let isGranted = isNewTerm && self.isUpToDate(lastEntry) && self.knowsMayVote
        self.send(.preVote(isGranted: isGranted), to: message.sender, term: isGranted ? message.term : self.term)
    }

    /// Whether it is a voter by its own membership plays no role: the candidate's may be newer.
    mutating func answerVote(_ message: RaftMessage, lastEntry: LogPosition) {
        let isFree = self.hardState.votedFor == message.sender || (self.hardState.votedFor == nil && self.leader == nil)
        let isGranted = isFree && self.isUpToDate(lastEntry) && self.knowsMayVote
        if isGranted {
            self.changeHardState { $0.votedFor = message.sender }
            self.restartElectionTimer()
        }
        self.send(.vote(isGranted: isGranted), to: message.sender)
    }

    private var knowsMayVote: Bool {
        !self.configuration.plantedBugs.contains(.learnerRefusesVote) || self.membership.isVoter(self.id)
    }

    /// Compared with what this replica's log ever held, not only with what is left of it.
    private func isUpToDate(_ candidateEnd: LogPosition) -> Bool {
        candidateEnd >= max(self.log.last, self.hardState.repairFloor ?? .zero)
    }

    // MARK: Receiving

    mutating func receive(_ message: RaftMessage) {
        guard message.receiver == self.id, message.sender != self.id else { return }
        if message.term > self.term {
            guard !self.isDisruption(message.body) else { return }
            self.adoptTerm(of: message)
        } else if message.term < self.term {
            self.answerOlderTerm(message)
            return
        }
        switch message.body {
        case .requestPreVote(let lastEntry):
            guard !self.isDisruption(message.body) else { return }
            self.answerPreVote(message, lastEntry: lastEntry)
        case .preVote(let isGranted):
            let isExpected = self.role == .preCandidate && (!isGranted || message.term == self.term.next())
            if isExpected { self.countVote(of: message.sender, isGranted: isGranted) }
        case .requestVote(let lastEntry, _): self.answerVote(message, lastEntry: lastEntry)
        case .vote(let isGranted):
            if self.role == .candidate { self.countVote(of: message.sender, isGranted: isGranted) }
        case .append, .heartbeat, .snapshotChunk: self.receiveFromLeader(message)
        case .appendAccepted, .appendRejected, .heartbeatAnswer, .snapshotProgress: self.receiveAnswer(message)
        case .newerTerm: break
        case .timeoutNow:
            guard self.role != .leader, self.canCampaign else { return }
            self.campaign(isTransfer: true)
        }
    }

    private mutating func adoptTerm(of message: RaftMessage) {
        switch message.body {
        case .requestPreVote: break
        case .preVote(isGranted: true): break
        case .append, .heartbeat, .snapshotChunk: self.becomeFollower(message.term, leader: message.sender)
        case .preVote, .requestVote, .vote, .appendAccepted, .appendRejected, .heartbeatAnswer, .snapshotProgress,
            .newerTerm, .timeoutNow:
            self.becomeFollower(message.term, leader: nil)
        }
    }

    /// A leader of an older term must learn that it is over: it hears nothing else from a replica that is ahead of it, and
    /// a replica that is ahead can't follow it.
    private mutating func answerOlderTerm(_ message: RaftMessage) {
        switch message.body {
        case .append, .heartbeat, .snapshotChunk:
            guard !self.configuration.plantedBugs.contains(.ignoresOlderLeader) else { return }
            self.send(.newerTerm, to: message.sender)
        case .requestPreVote: self.send(.preVote(isGranted: false), to: message.sender)
        case .requestVote: self.send(.vote(isGranted: false), to: message.sender)
        case .preVote, .vote, .appendAccepted, .appendRejected, .heartbeatAnswer, .snapshotProgress, .newerTerm,
            .timeoutNow:
            break
        }
    }

    private mutating func receiveFromLeader(_ message: RaftMessage) {
        guard self.role != .leader, self.leader == nil || self.leader == message.sender else {
            self.halt(.inconsistent("\(message.sender) leads term \(self.term), and so does another"))
            return
        }
        if self.role != .follower { self.becomeFollower(self.term, leader: message.sender) }
        self.leader = message.sender
        self.leaderHeardAt = self.now
        self.restartElectionTimer()
        switch message.body {
        case .append(let request): self.append(request, from: message.sender)
        case .heartbeat(let session, let commitIndex, let round):
            self.advanceCommit(told: commitIndex)
            self.send(.heartbeatAnswer(session: session, round: round), to: message.sender)
        case .snapshotChunk(let chunk): self.receiveChunk(chunk, from: message.sender)
        case .requestPreVote, .preVote, .requestVote, .vote, .appendAccepted, .appendRejected, .heartbeatAnswer,
            .snapshotProgress, .newerTerm, .timeoutNow:
            break
        }
    }
}
