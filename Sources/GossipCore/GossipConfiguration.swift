/// How a member probes and suspects; times in milliseconds.
///
/// Source: Das, Gupta, Motivala, "SWIM", DSN 2002; Dadgar, Phillips, Currey, "Lifeguard", DSN-W 2018.
package struct GossipConfiguration: Hashable, Sendable {
    /// From one probe to the next, where this member is well.
    package var probeInterval: Int64 = 1_000

    /// How long an answer may take before others are asked to probe as well.
    package var probeTimeout: Int64 = 500

    /// How many others are asked.
    package var indirectProbeCount = 3

    /// A suspicion lasts so many probe intervals, times the logarithm of the number of members, where others confirm it.
    package var suspicionMultiplier: Int64 = 4

    /// And so many times as long where nobody does.
    package var suspicionFactorMaximum: Int64 = 6

    /// How badly off a member may think that it is: each step makes it as much slower to judge others as the first.
    package var awarenessMaximum = 8

    /// From one exchange of everything with somebody to the next.
    package var syncInterval: Int64 = 30_000

    /// An update goes out so many times, times the logarithm of the number of members.
    package var transmitMultiplier = 4
    package var updatesPerMessageLimit = 16

    /// Members that are known at most; others are ignored.
    package var membersLimit = 4_096

    package init() {}
}
