import CoreTypes
import Testing

@testable import RaftCore

/// Raft §7: log compaction and installing snapshots, here in chunks.
@Suite struct SnapshotPaperTests {
    private static func metadata(_ position: LogPosition, bytes: Int = 10) -> SnapshotMetadata {
        SnapshotMetadata(position: position, membership: .make(3), byteCount: bytes)
    }

    private static func chunk(_ metadata: SnapshotMetadata, at offset: Int, _ count: Int) -> RaftMessage.Body {
        .snapshotChunk(
            SnapshotChunk(
                session: ReplicationSession(rawValue: 1),
                snapshot: metadata,
                offset: offset,
                bytes: Array(repeating: 7, count: count)
            )
        )
    }

    @Test func `a snapshot is due when enough is applied, and then the log before it goes, but for a rest`() {
        var replica = RaftReplica.make(1, terms: [1, 1, 1]) {
            $0.snapshotThreshold = 4
            $0.trailingEntryCount = 1
        }
        replica.win()
        replica.storeAll()
        let due = replica.step(.applied(through: LogIndex(rawValue: 5)))
        var metadata = SnapshotMetadata(position: LogPosition(2, 5), membership: .make(1))
        #expect(due.first == .saveSnapshot(metadata))

        metadata.byteCount = 10
        let saved = replica.step(.snapshotSaved(metadata))

        #expect(saved == [.discardLog(through: LogIndex(rawValue: 4))])
        #expect(replica.basePosition == LogPosition(1, 4))
        #expect(replica.snapshot == metadata)
    }

    @Test func `a snapshot that can't be saved is tried again a threshold later`() {
        var replica = RaftReplica.make(1, terms: [1]) { $0.snapshotThreshold = 3 }
        replica.win()
        replica.storeAll()
        _ = replica.step(.applied(through: LogIndex(rawValue: 3)))
        _ = replica.step(.snapshotFailed)
        func applyOne(_ index: UInt64) -> [RaftReplica.Effect] {
            _ = replica.step(.propose([Proposal(id: ProposalID(rawValue: index), command: [1])]))
            replica.storeAll()
            return replica.step(.applied(through: LogIndex(rawValue: index)))
        }

        let wanted = (4...6).map { index in
            applyOne(UInt64(index)).contains { if case .saveSnapshot = $0 { true } else { false } }
        }

        #expect(wanted == [false, false, true])
    }

    @Test func `a follower takes the chunks in order, and asks again where one is missing`() {
        var replica = RaftReplica.make()
        let metadata = Self.metadata(LogPosition(3, 9))
        func progress(_ bytes: Int) -> [RaftMessage.Body] {
            [
                .snapshotProgress(
                    session: ReplicationSession(rawValue: 1),
                    position: metadata.position,
                    receivedBytes: bytes
                )
            ]
        }

        let lost = replica.receive(Self.chunk(metadata, at: 4, 4), from: ReplicaID(2), term: 1)
        let first = replica.receive(Self.chunk(metadata, at: 0, 4), from: ReplicaID(2), term: 1)
        let twice = replica.receive(Self.chunk(metadata, at: 0, 4), from: ReplicaID(2), term: 1)
        let second = replica.receive(Self.chunk(metadata, at: 4, 4), from: ReplicaID(2), term: 1)
        let last = replica.receive(Self.chunk(metadata, at: 8, 2), from: ReplicaID(2), term: 1)

        #expect(lost.sent == progress(0))
        #expect(first.sent == progress(4) && first.count == 2)
        #expect(twice.sent == progress(4) && twice.count == 1)
        #expect(second.sent == progress(8))
        #expect(last.last == .installSnapshot(metadata))
    }

    @Test func `an installed snapshot replaces a log that doesn't hold its position, and is accepted`() {
        var replica = RaftReplica.make(terms: [1, 1])
        let metadata = Self.metadata(LogPosition(1, 9))
        replica.receive(Self.chunk(metadata, at: 0, 10), from: ReplicaID(2), term: 1)

        let effects = replica.step(.snapshotInstalled)

        #expect(
            effects == [
                .persist(LogWrite(id: WriteID(rawValue: 1), reset: LogPosition(1, 9))),
                replica.message(
                    .appendAccepted(session: ReplicationSession(rawValue: 1), through: LogIndex(rawValue: 9)),
                    to: 2
                ),
            ]
        )
        #expect(replica.appliedIndex == LogIndex(rawValue: 9))
        #expect(replica.lastPosition == LogPosition(1, 9))
        #expect(replica.membership == .make(3))
    }

    @Test func `a log that holds the snapshot's position needs no snapshot, only to know that it is committed`() {
        var replica = RaftReplica.make(terms: [1, 1, 1])

        let chunk = Self.chunk(Self.metadata(LogPosition(1, 3)), at: 0, 10)
        let effects = replica.receive(chunk, from: ReplicaID(2), term: 1)

        #expect(replica.commitIndex == LogIndex(rawValue: 3))
        #expect(effects.applied == [LogPosition(1, 1), LogPosition(1, 2), LogPosition(1, 3)])
        #expect(replica.lastPosition == LogPosition(1, 4))
    }

    @Test func `while a snapshot replaces the state, nothing is applied and no election begun`() {
        var replica = RaftReplica.make(terms: [1])
        replica.receive(Self.chunk(Self.metadata(LogPosition(1, 9)), at: 0, 10), from: ReplicaID(2), term: 1)

        let appended = replica.append([1], behind: LogPosition(1, 2), commit: 2, term: 1)
        let ticked = replica.step(.tick(now: 5_000))

        #expect(appended.applied == [] && ticked == [])
        #expect(replica.commitIndex == .zero)
    }

    @Test func `a follower whose next entry is gone gets the snapshot, and the log behind it`() {
        var replica = RaftReplica.makeLeader(terms: [1, 1]) {
            $0.snapshotThreshold = 4
            $0.trailingEntryCount = 0
            $0.snapshotChunkBytes = 6
        }
        replica.accept(4, from: 2)
        _ = replica.step(.applied(through: LogIndex(rawValue: 4)))
        let metadata = SnapshotMetadata(position: LogPosition(2, 4), membership: .make(3), byteCount: 10)
        _ = replica.step(.snapshotSaved(metadata))
        let session = replica.session(of: 3)
        func orders(_ effects: [RaftReplica.Effect]) -> [Int] {
            effects.compactMap { if case .sendSnapshotChunk(let order) = $0 { order.offset } else { nil } }
        }

        let begun = replica.receive(
            .appendRejected(
                session: session,
                previous: LogIndex(rawValue: 3),
                hint: LogPosition(1, 1),
                hasLostEntries: false
            ),
            from: ReplicaID(3),
            term: 2
        )
        let more = replica.receive(
            .snapshotProgress(session: session, position: metadata.position, receivedBytes: 6),
            from: ReplicaID(3),
            term: 2
        )
        replica.accept(4, from: 3)
        let after = replica.step(.propose([Proposal(id: ProposalID(rawValue: 1), command: [1])]))

        #expect(orders(begun) == [0] && orders(more) == [6])
        let requests = after.sent.compactMap { if case .append(let request) = $0 { request } else { nil } }
        #expect(requests.map(\.entries.count) == [1, 1])
    }

    @Test func `a restart behind an installed snapshot ignores a log that ended before it`() {
        var state = RecoveredState.founding(.make(3))
        state.snapshot = Self.metadata(LogPosition(4, 9))
        state.appliedIndex = LogIndex(rawValue: 9)

        let replica = RaftReplica.make(state)

        #expect(replica.lastPosition == LogPosition(4, 9))
        #expect(replica.commitIndex == LogIndex(rawValue: 9))
        #expect(replica.hardState.repairFloor == nil)
    }
}

/// A log that was found damaged.
@Suite struct RepairTests {
    private static func make() -> RaftReplica {
        var state = RecoveredState.founding(.make(3))
        state.hardState.term = Term(rawValue: 2)
        state.damagedEnd = LogPosition(2, 6)
        return .make(state)
    }

    @Test func `it votes as if its log still ended where it did, and remembers that durably`() {
        var state = RecoveredState.founding(.make(3))
        state.damagedEnd = LogPosition(2, 6)
        var replica = RaftReplica(id: ReplicaID(1), recovered: state, configuration: RaftConfiguration(), seed: 1)
        let first = replica.step(.tick(now: 1))

        #expect(first.written?.hardState?.repairFloor == LogPosition(2, 6))
        replica.storeAll()
        let request = RaftMessage.Body.requestVote(lastEntry: LogPosition(2, 5), isTransfer: false)
        replica.receive(request, from: ReplicaID(2), term: 3)
        #expect(replica.storeAll() == [replica.message(.vote(isGranted: false), to: 2)])
    }

    @Test func `it doesn't campaign before its log is as up to date again`() {
        var replica = Self.make()
        replica.storeAll()
        #expect(replica.step(.tick(now: 1_000)) == [])

        replica.append([1, 1, 1, 2, 2], behind: LogPosition(1, 1), term: 2)
        replica.storeAll()
        replica.storeAll()

        #expect(replica.hardState.repairFloor == nil)
        let ticked = replica.step(.tick(now: replica.now + 301))
        #expect(ticked.sent.count == 2)
    }

    @Test func `it tells the leader that entries are lost`() {
        var replica = Self.make()
        replica.storeAll()

        let effects = replica.append([], behind: LogPosition(2, 6), term: 2)

        #expect(
            effects.sent == [
                .appendRejected(
                    session: ReplicationSession(rawValue: 1),
                    previous: LogIndex(rawValue: 6),
                    hint: LogPosition(1, 1),
                    hasLostEntries: true
                )
            ]
        )
    }

    @Test func `a failed write ends the replica`() {
        var replica = RaftReplica.makeLeader()

        #expect(replica.step(.storageFailed) == [.steppedDown(Term(rawValue: 2)), .halt(.storageFailed)])
        #expect(replica.step(.tick(now: 10_000)) == [])
    }

    @Test func `a replica that lost everything comes back as somebody else`() {
        let old = ReplicaID(3)

        let new = RaftReplica.identity(afterLossOf: old, [])

        #expect(new == ReplicaID(node: 3, incarnation: 1))
        #expect(!Membership.make(3).isVoter(new))
    }
}
