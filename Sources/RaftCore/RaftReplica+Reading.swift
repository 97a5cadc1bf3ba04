import CoreTypes

/// Linearizable reads by read index: thesis §6.4. No leader's lease: it would rest on clocks.
extension RaftReplica {
    mutating func read(_ ids: [ReadID]) {
        guard !ids.isEmpty else { return }
        let isFull = self.leadership.waitingReadCount + ids.count > self.configuration.readsLimit
        guard self.role == .leader, !isFull else {
            self.effects.append(.refuseReads(ids, leader: self.role == .leader ? nil : self.leader))
            return
        }
        self.leadership.openReads += ids
        self.beginOpenReads()
    }

    /// One round of heartbeats at a time; what comes meanwhile goes with the next one.
    ///
    /// A new leader waits: its commit index may lie behind what is committed, until an entry of its term is.
    mutating func beginOpenReads() {
        let isWaiting = !self.leadership.openReads.isEmpty && self.leadership.confirming == nil
        guard self.role == .leader, isWaiting else { return }
        guard self.hasCommittedInTerm || self.configuration.plantedBugs.contains(.freshLeaderReads) else { return }
        self.leadership.round += 1
        self.leadership.confirming = Leadership.ReadBatch(
            round: self.leadership.round,
            index: self.commitIndex,
            ids: self.leadership.openReads
        )
        self.leadership.openReads = []
        self.broadcastHeartbeat()
        self.confirmReads()
    }

    /// A quorum that answered a round began after the reads came knew no newer leader then.
    mutating func confirmReads() {
        guard let batch = self.leadership.confirming else { return }
        let isConfirmed = self.membership.hasQuorum { voter in
            voter == self.id || self.leadership.followers.contains { $0.id == voter && $0.answeredRound >= batch.round }
        }
        guard isConfirmed || self.configuration.plantedBugs.contains(.readsWithoutQuorum) else { return }
        self.leadership.confirming = nil
        self.leadership.confirmed.append(batch)
        self.serveConfirmedReads()
        self.beginOpenReads()
    }

    mutating func serveConfirmedReads() {
        var count = 0
        for batch in self.leadership.confirmed {
            guard batch.index <= self.appliedIndex else { break }
            self.effects.append(.serveReads(batch.ids, at: batch.index))
            count += 1
        }
        self.leadership.confirmed.removeFirst(count)
    }

    mutating func refuseAllReads() {
        let waiting = self.leadership.confirmed.flatMap(\.ids) + (self.leadership.confirming?.ids ?? [])
        let ids = waiting + self.leadership.openReads
        guard !ids.isEmpty else { return }
        self.leadership.confirmed = []
        self.leadership.confirming = nil
        self.leadership.openReads = []
        self.effects.append(.refuseReads(ids, leader: nil))
    }
}
