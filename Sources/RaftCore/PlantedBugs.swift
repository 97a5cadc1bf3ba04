/// Bugs that Raft implementations had, planted on purpose: a simulation that doesn't find them would not find others.
///
/// Each is checked at one place of the core. The numbers are those of the list that the simulator is measured by.
package struct PlantedBugs: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// 1: a membership change is taken before the leader has committed an entry of its term.
    ///
    /// Source: Ongaro, "Bug in single-server membership changes", raft-dev, 2015.
    package static let changesMembershipEarly = PlantedBugs(rawValue: 1 << 1)

    /// 2: entries of older terms are committed by counting replicas (Raft figure 8).
    package static let commitsOlderTerms = PlantedBugs(rawValue: 1 << 2)

    /// 3: a read is answered without asking a quorum whether this is still the leader.
    package static let readsWithoutQuorum = PlantedBugs(rawValue: 1 << 3)

    /// 4: a replica that doesn't know that it became a voter refuses to vote.
    package static let learnerRefusesVote = PlantedBugs(rawValue: 1 << 4)

    /// 5: a leader of an older term gets no answer, so that it never learns of a newer term.
    package static let ignoresOlderLeader = PlantedBugs(rawValue: 1 << 5)

    /// 6: where a follower is probed counts as what it is known to hold.
    package static let probeCountsAsMatch = PlantedBugs(rawValue: 1 << 6)

    /// 7: the quorum's index is read from a list that isn't sorted.
    package static let quorumOfUnsorted = PlantedBugs(rawValue: 1 << 7)

    /// 8: answers of an earlier replication session are taken for answers of this one.
    package static let ignoresSessions = PlantedBugs(rawValue: 1 << 8)

    /// 9: a replica that is removed leaves before the removal is committed, and doesn't stand for election any more.
    package static let leavesBeforeCommit = PlantedBugs(rawValue: 1 << 9)

    /// 10: a voter that installs a snapshot takes itself for a learner.
    package static let snapshotDemotesVoter = PlantedBugs(rawValue: 1 << 10)

    /// 11: a replica that lost its disk comes back under its old identity.
    package static let wipedKeepsIdentity = PlantedBugs(rawValue: 1 << 11)

    /// 12: what lies behind the entries of an append request is deleted, conflict or not.
    package static let truncatesWithoutConflict = PlantedBugs(rawValue: 1 << 12)

    /// 13: a write's acknowledgement counts for entries that have replaced those it wrote.
    package static let acknowledgesReplacedEntries = PlantedBugs(rawValue: 1 << 13)

    /// 14: votes are granted against a leader that is heard.
    package static let ignoresLeaderContact = PlantedBugs(rawValue: 1 << 14)

    /// 15: a new leader answers reads before it has committed an entry of its term.
    package static let freshLeaderReads = PlantedBugs(rawValue: 1 << 15)

    /// All of them, each by its name.
    package static let catalogue: [(name: String, bug: PlantedBugs)] = [
        ("changes-membership-early", .changesMembershipEarly),
        ("commits-older-terms", .commitsOlderTerms),
        ("reads-without-quorum", .readsWithoutQuorum),
        ("learner-refuses-vote", .learnerRefusesVote),
        ("ignores-older-leader", .ignoresOlderLeader),
        ("probe-counts-as-match", .probeCountsAsMatch),
        ("quorum-of-unsorted", .quorumOfUnsorted),
        ("ignores-sessions", .ignoresSessions),
        ("leaves-before-commit", .leavesBeforeCommit),
        ("snapshot-demotes-voter", .snapshotDemotesVoter),
        ("wiped-keeps-identity", .wipedKeepsIdentity),
        ("truncates-without-conflict", .truncatesWithoutConflict),
        ("acknowledges-replaced-entries", .acknowledgesReplacedEntries),
        ("ignores-leader-contact", .ignoresLeaderContact),
        ("fresh-leader-reads", .freshLeaderReads),
    ]
}
