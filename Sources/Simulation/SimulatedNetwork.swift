import CoreTypes

/// What happens to packets between nodes: how long each takes, and which never come.
///
/// Nodes are numbers from 0. Delays are drawn for each packet by itself, so packets overtake each other.
package struct SimulatedNetwork {
    package struct Configuration: Hashable, Sendable {
        /// Of nearly every packet, in microseconds.
        package var delayMinimum: Int64 = 100
        package var delayMaximum: Int64 = 2_000

        /// Some packets take up to `tailMaximum`: longer than an election timeout, so that what was said in one term is
        /// heard in another.
        package var tailPercent = 0
        package var tailMaximum: Int64 = 0
        package var lossPercent = 0
        package var duplicationPercent = 0

        /// Packets that come with a flipped bit: a checksum finds it, and the packet counts as lost.
        package var corruptionPercent = 0

        /// To and from this node packets take `slowFactor` times as long.
        package var slowNode: Int?

        /// A cut also takes the packets that are on their way.
        package var losesWhatIsOnItsWay = false

        package init() {}
    }

    /// Of the slow node, if there is one.
    package static let slowFactor: Int64 = 4

    package var configuration: Configuration
    private let nodeCount: Int
    private var random: SplitMix64

    /// From node, to node: nothing passes while it is above 0.
    private var cuts: [Bool]

    /// Nothing leaves the link before then: what is sent waits, and comes at once.
    private var cloggedUntil: [Int64]
    package private(set) var lostCount = 0
    package private(set) var duplicatedCount = 0

    package init(nodeCount: Int, configuration: Configuration, seed: UInt64) {
        self.nodeCount = nodeCount
        self.configuration = configuration
        self.random = SplitMix64(seed: seed)
        self.cuts = Array(repeating: false, count: nodeCount * nodeCount)
        self.cloggedUntil = Array(repeating: 0, count: nodeCount * nodeCount)
    }

    /// When a packet that is sent now arrives: never, once, or twice.
    package mutating func arrivals(from sender: Int, to receiver: Int, now: Int64) -> (first: Int64?, second: Int64?) {
        let link = sender * self.nodeCount + receiver
        let isLost =
            self.cuts[link] || self.random.chance(percent: self.configuration.lossPercent)
            || self.random.chance(percent: self.configuration.corruptionPercent)
        guard !isLost else {
            self.lostCount += 1
            return (nil, nil)
        }
        let start = max(now, self.cloggedUntil[link])
        let isSlow = self.configuration.slowNode == sender || self.configuration.slowNode == receiver
        let factor = isSlow ? Self.slowFactor : 1
        let first = start + factor * self.delay()
        guard self.random.chance(percent: self.configuration.duplicationPercent) else { return (first, nil) }
        self.duplicatedCount += 1
        return (first, start + factor * self.delay())
    }

    /// The delay of a packet between a node and somebody outside, which only takes time.
    package mutating func delay() -> Int64 {
        let isTail = self.random.chance(percent: self.configuration.tailPercent)
        let maximum = isTail ? self.configuration.tailMaximum : self.configuration.delayMaximum
        let minimum = self.configuration.delayMinimum
        guard maximum > minimum else { return minimum }
        return minimum + Int64(self.random.next(in: 0..<Int(maximum - minimum)))
    }

    package func isCut(from sender: Int, to receiver: Int) -> Bool { self.cuts[sender * self.nodeCount + receiver] }

    package mutating func cut(from sender: Int, to receiver: Int) {
        self.cuts[sender * self.nodeCount + receiver] = true
    }

    package mutating func clog(from sender: Int, to receiver: Int, until time: Int64) {
        self.cloggedUntil[sender * self.nodeCount + receiver] = time
    }

    /// Cuts every link for which `isCut` holds, and restores all others.
    package mutating func partition(_ isCut: (_ sender: Int, _ receiver: Int) -> Bool) {
        for sender in 0..<self.nodeCount {
            for receiver in 0..<self.nodeCount {
                self.cuts[sender * self.nodeCount + receiver] = sender != receiver && isCut(sender, receiver)
            }
        }
    }

    package mutating func healAll() {
        self.partition { _, _ in false }
        for link in self.cloggedUntil.indices { self.cloggedUntil[link] = 0 }
    }
}
