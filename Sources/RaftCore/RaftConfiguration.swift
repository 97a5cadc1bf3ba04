/// The times and limits of a replica; times in milliseconds of a clock that never goes back.
package struct RaftConfiguration: Hashable, Sendable {
    /// A follower that hears nothing campaigns after this long to twice as long.
    package var electionTimeout: Int64 = 150

    /// From one heartbeat of a leader to the next; several must fit into `electionTimeout`.
    package var heartbeatInterval: Int64 = 50

    /// A leader one of whose writes isn't durable after this long gives up its role, and nobody campaigns meanwhile.
    package var storageStallLimit: Int64 = 2_000

    /// Entries that a leader takes but that aren't committed; beyond, proposals are refused.
    package var uncommittedBytesLimit = 64 << 20

    /// Of one append request; one entry is sent whatever its size.
    package var entriesPerMessageLimit = 256
    package var messageBytesLimit = 1 << 20

    /// Append requests that a follower hasn't answered; beyond, it gets no more of them.
    package var inflightMessagesLimit = 64
    package var inflightBytesLimit = 16 << 20

    /// Of one apply effect; the next comes when those are applied.
    package var entriesPerApplyLimit = 1_024

    /// Of one chunk; the next is sent when it has come.
    package var snapshotChunkBytes = 256 << 10

    /// Applied entries behind the last snapshot, from which on a new one is saved.
    package var snapshotThreshold = 10_000

    /// Entries that are kept though a snapshot stands for them: a follower a little behind needs no snapshot.
    package var trailingEntryCount = 1_000

    /// Reads that wait for their index; beyond, they are refused.
    package var readsLimit = 4_096

    /// Messages that wait for a write; beyond, they are dropped, as a network may do.
    package var heldMessagesLimit = 1_024

    /// Voters and learners of a group; a change beyond is refused.
    package var membersLimit = 31

    /// Entries by which a replica that becomes a voter may be behind: one that isn't there yet counts for quorums, but
    /// doesn't help to reach them (Ongaro's thesis §4.2.1).
    package var promotionLagLimit = 1_000

    /// Defects for testing the tests; empty everywhere else.
    package var plantedBugs: PlantedBugs = []

    package init() {}
}
