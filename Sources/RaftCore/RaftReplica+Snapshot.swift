import CoreTypes

/// A snapshot that is on its way here.
struct IncomingSnapshot: Sendable {
    let leader: ReplicaID
    let session: ReplicationSession
    let snapshot: SnapshotMetadata
    var receivedBytes = 0
}

/// Log compaction and snapshots: Raft §7, in chunks.
extension RaftReplica {
    // MARK: Saving

    mutating func saveSnapshotIfDue() {
        let last = max(self.snapshot.position.index, self.snapshotRetryIndex)
        let isDue = last.distance(to: self.appliedIndex) >= self.configuration.snapshotThreshold
        // One that is being sent stays as it is until it has come: a slow follower would begin anew for ever.
        guard isDue, !self.isSavingSnapshot, !self.isInstalling, !self.isSendingSnapshot,
            let term = self.log.term(at: self.appliedIndex)
        else { return }
        self.isSavingSnapshot = true
        let position = LogPosition(term: term, index: self.appliedIndex)
        let membership = self.memberships.membership(at: position.index)
        self.effects.append(.saveSnapshot(SnapshotMetadata(position: position, membership: membership)))
    }

    mutating func snapshotSaved(_ snapshot: SnapshotMetadata) {
        self.isSavingSnapshot = false
        // One that was installed meanwhile may be newer.
        guard snapshot.position > self.snapshot.position, snapshot.position.index <= self.appliedIndex else { return }
        self.snapshot = snapshot
        self.restartSnapshots()
        let kept = UInt64(self.configuration.trailingEntryCount)
        guard snapshot.position.index.rawValue > kept else { return }
        let index = LogIndex(rawValue: snapshot.position.index.rawValue - kept)
        guard index > self.log.base.index else { return }
        self.memberships.discard(through: index)
        self.log.discard(through: index)
        self.effects.append(.discardLog(through: index))
    }

    /// The log still holds everything; another try comes a threshold later.
    mutating func snapshotFailed() {
        self.isSavingSnapshot = false
        self.snapshotRetryIndex = self.appliedIndex
    }

    // MARK: Sending

    private var isSendingSnapshot: Bool {
        self.role == .leader
            && self.leadership.followers.contains { if case .snapshot = $0.state { true } else { false } }
    }

    mutating func beginSnapshot(to index: Int) {
        let transfer = FollowerProgress.SnapshotTransfer(snapshot: self.snapshot, sentAt: self.now)
        self.leadership.followers[index].becomeProbe(next: self.leadership.followers[index].nextIndex)
        self.leadership.followers[index].state = .snapshot(transfer)
        self.sendChunk(to: index, transfer)
    }

    private mutating func sendChunk(to index: Int, _ transfer: FollowerProgress.SnapshotTransfer) {
        var transfer = transfer
        transfer.sentAt = self.now
        self.leadership.followers[index].state = .snapshot(transfer)
        let rest = max(0, transfer.snapshot.byteCount - transfer.offset)
        let order = SnapshotChunkOrder(
            sender: self.id,
            receiver: self.leadership.followers[index].id,
            term: self.term,
            session: self.leadership.followers[index].session,
            snapshot: transfer.snapshot,
            offset: transfer.offset,
            byteCount: min(rest, self.configuration.snapshotChunkBytes)
        )
        self.effects.append(.sendSnapshotChunk(order))
    }

    mutating func snapshotProgressed(_ index: Int, position: LogPosition, receivedBytes: Int) {
        guard case .snapshot(var transfer) = self.leadership.followers[index].state,
            transfer.snapshot.position == position, receivedBytes >= 0,
            receivedBytes < transfer.snapshot.byteCount, receivedBytes != transfer.offset
        else { return }
        transfer.offset = receivedBytes
        self.sendChunk(to: index, transfer)
    }

    /// A chunk or its answer may have been lost; a follower that isn't heard gets nothing, and holds up no new snapshot.
    mutating func repeatSnapshotChunks() {
        for index in self.leadership.followers.indices {
            let follower = self.leadership.followers[index]
            guard case .snapshot(let transfer) = follower.state else { continue }
            if self.now - follower.heardAt > 2 * self.configuration.electionTimeout {
                self.leadership.followers[index].becomeProbe(next: follower.nextIndex)
                // The next heartbeat that it answers asks for more.
                self.leadership.followers[index].isProbeSent = true
            } else if self.now - transfer.sentAt >= self.configuration.electionTimeout {
                self.sendChunk(to: index, transfer)
            }
        }
    }

    /// Only the newest snapshot is kept: who was getting an older one gets this one from its beginning.
    private mutating func restartSnapshots() {
        guard self.role == .leader else { return }
        for index in self.leadership.followers.indices {
            guard case .snapshot = self.leadership.followers[index].state else { continue }
            self.beginSnapshot(to: index)
        }
    }

    // MARK: Receiving

    mutating func receiveChunk(_ chunk: SnapshotChunk, from leader: ReplicaID) {
        guard !self.isInstalling else { return }
        let position = chunk.snapshot.position
        if position.index > self.commitIndex && self.log.holds(position) && position.index <= self.storage.durableIndex
        {
            // The log has come by itself: the snapshot tells that it is committed that far.
            self.commitIndex = position.index
        }
        guard position.index > self.commitIndex else {
            let index = min(self.commitIndex, self.storage.durableIndex)
            self.send(.appendAccepted(session: chunk.session, through: index), to: leader)
            return
        }
        let isOngoing =
            self.incoming?.snapshot == chunk.snapshot && self.incoming?.leader == leader
            && self.incoming?.session == chunk.session
        if chunk.offset == 0 && !isOngoing {
            self.incoming = IncomingSnapshot(leader: leader, session: chunk.session, snapshot: chunk.snapshot)
        } else if !isOngoing {
            self.send(
                .snapshotProgress(session: chunk.session, position: position, receivedBytes: 0),
                to: leader
            )
            return
        }
        self.takeChunk(chunk, from: leader)
    }

    private mutating func takeChunk(_ chunk: SnapshotChunk, from leader: ReplicaID) {
        guard var incoming = self.incoming else { return }
        if chunk.offset == incoming.receivedBytes {
            self.effects.append(.storeSnapshotChunk(chunk))
            incoming.receivedBytes += chunk.bytes.count
            self.incoming = incoming
            if chunk.isLast {
                self.isInstalling = true
                self.effects.append(.installSnapshot(chunk.snapshot))
                return
            }
        }
        self.send(
            .snapshotProgress(
                session: chunk.session,
                position: chunk.snapshot.position,
                receivedBytes: incoming.receivedBytes
            ),
            to: leader
        )
    }

    // MARK: Installing

    mutating func snapshotInstalled() {
        guard self.isInstalling, let incoming = self.incoming else { return }
        self.isInstalling = false
        self.incoming = nil
        let snapshot = incoming.snapshot
        self.applyingThrough = nil
        self.isSavingSnapshot = false
        self.snapshot = snapshot
        var membership = snapshot.membership
        if self.configuration.plantedBugs.contains(.snapshotDemotesVoter) { membership = membership.demoting(self.id) }
        // A log that agrees with the snapshot goes on behind it, and what is committed of it stays so.
        if self.log.holds(snapshot.position) {
            self.memberships.discard(through: snapshot.position.index)
            self.log.discard(through: snapshot.position.index)
            self.storage.covered(through: snapshot.position.index)
            self.effects.append(.discardLog(through: snapshot.position.index))
        } else {
            self.log.reset(to: snapshot.position)
            self.memberships = MembershipHistory(membership, from: snapshot.position.index)
            self.storage.reset(to: snapshot.position)
        }
        self.commitIndex = max(self.commitIndex, snapshot.position.index)
        self.appliedIndex = snapshot.position.index
        self.resolveApplied()
        guard self.role == .follower, self.leader == incoming.leader else { return }
        self.owed = OwedAcceptance(
            leader: incoming.leader,
            session: incoming.session,
            matchIndex: snapshot.position.index,
            toldIndex: .zero
        )
        self.acceptWhatIsDurable()
    }

    mutating func snapshotRejected() {
        self.isInstalling = false
        self.incoming = nil
    }
}
