import CoreTypes
package import RaftCore

/// What a seed draws: the size of the world, how unkind it is, and what is done in it.
///
/// Everything is drawn, as a fixed mix tests one world only (swarm testing). Times are microseconds unless named otherwise.
///
/// Source: Groce et al., "Swarm Testing", ISSTA 2012.
package struct Swarm: Sendable {
    package var founderCount = 3

    /// Nodes that may join; they begin without a group.
    package var spareCount = 0
    package var raft = RaftConfiguration()
    package var network = SimulatedNetwork.Configuration()
    package var syncTimeMaximum: Int64 = 2_000
    package var tickInterval: Int64 = 10_000

    /// A segment of the log.
    package var segmentBytes = 1 << 20

    /// A node's clock runs faster or slower by up to this.
    package var driftPercent = 0
    package var applyTimeMaximum: Int64 = 0
    package var snapshotTimeMaximum: Int64 = 20_000

    package var clientCount = 3
    package var keyCount = 2
    package var thinkTimeMaximum: Int64 = 50_000
    package var readPercent = 40
    package var compareAndSetPercent = 20
    package var attemptTimeout: Int64 = 400_000
    package var operationTimeout: Int64 = 5_000_000

    /// From one change to the next, on average; nil: none.
    package var membershipInterval: Int64?

    /// Around so many voters the changes hover: some sizes are weaker than others.
    package var voterGoal = 3
    package var transferInterval: Int64?

    /// A change is asked for as soon as somebody is elected.
    package var changesAtElections = false

    /// Every change is a voter more or a voter less.
    package var changesOneVoter = false

    /// Each leader is cut off soon after its election, in a group of its own, until the next one is: what several have
    /// begun meets again, in any order.
    package var contestsLeaders = false

    /// Removed nodes have their logs deleted, and may be added again.
    package var erasesRemoved = false

    /// When the world heals, in milliseconds.
    package var safetyTime = 6_000

    /// Faults of the schedule's clock come until then, in milliseconds; the network stays as it is.
    package var faultTime = 6_000

    /// In the end only a quorum comes back, if the others aren't needed.
    package var healsOnlyQuorum = false

    /// In the end, when all is well, the leader and one other voter stop hearing each other.
    package var leavesBridge = false

    /// Clients stop when all is well: nothing new in the log tells who is behind.
    package var endsQuietly = false

    /// Of the clients' and the clock's draws.
    package var seed: UInt64 = 0

    package init() {}

    package init(seed: UInt64, plantedBugs: PlantedBugs = []) {
        var random = SplitMix64(seed: seed)
        self.seed = random.next()
        self.founderCount = random.pick([1, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 7])
        self.drawNetwork(&random)
        self.drawDisk(&random)
        self.drawLimits(&random)
        self.drawWorkload(&random)
        self.drawMembership(&random)
        self.safetyTime = random.pick([2_000, 4_000, 8_000])
        self.faultTime = random.pick([self.safetyTime, self.safetyTime, self.safetyTime / 3, 0])
        self.healsOnlyQuorum = random.chance(percent: 50)
        self.leavesBridge = random.chance(percent: 30)
        self.endsQuietly = random.chance(percent: 60)
        if random.chance(percent: 20) { self.drawContest(&random) }
        self.raft.plantedBugs = plantedBugs
    }

    /// Draws anew what decides whether several leaders' entries, or memberships, compete.
    private mutating func drawContest(_ random: inout SplitMix64) {
        self.contestsLeaders = true
        self.faultTime = random.pick([0, 0, self.safetyTime])
        self.raft.entriesPerMessageLimit = random.pick([1, 1, 256])
        self.network.delayMaximum = random.pick([2_000, 10_000, 30_000])
        self.network.lossPercent = random.pick([0, 0, 1])
        guard random.chance(percent: 60) else {
            self.founderCount = random.pick([3, 3, 5])
            self.membershipInterval = nil
            return
        }
        self.founderCount = random.pick([2, 4, 4])
        self.spareCount = random.next(in: 1..<3)
        self.voterGoal = self.founderCount
        self.membershipInterval = 600_000
        self.changesAtElections = true
        self.changesOneVoter = true
        self.raft.promotionLagLimit = 1_000_000
    }

    private mutating func drawNetwork(_ random: inout SplitMix64) {
        self.network.delayMaximum = random.pick([500, 2_000, 10_000, 30_000, 100_000])
        self.network.tailPercent = random.pick([0, 0, 1, 5, 20])
        self.network.tailMaximum = random.pick([100_000, 500_000, 2_000_000])
        self.network.lossPercent = random.pick([0, 0, 1, 5, 20])
        self.network.duplicationPercent = random.pick([0, 0, 5, 20])
        self.network.corruptionPercent = random.pick([0, 0, 0, 3])
        self.network.losesWhatIsOnItsWay = random.chance(percent: 70)
        if random.chance(percent: 40) { self.network.slowNode = random.next(in: 0..<self.founderCount) }
    }

    private mutating func drawDisk(_ random: inout SplitMix64) {
        self.syncTimeMaximum = random.pick([200, 2_000, 10_000, 50_000, 200_000])
        self.tickInterval = random.pick([5_000, 10_000, 20_000])
        self.segmentBytes = random.pick([1, 20_000, 60_000, 1 << 20])
        self.driftPercent = random.pick([0, 0, 5, 20])
        self.applyTimeMaximum = random.pick([0, 1_000, 30_000])
        self.snapshotTimeMaximum = random.pick([1_000, 20_000, 300_000])
    }

    private mutating func drawLimits(_ random: inout SplitMix64) {
        self.raft.snapshotThreshold = random.pick([5, 20, 100, 1_000_000])
        self.raft.trailingEntryCount = random.pick([0, 3, 20])
        self.raft.snapshotChunkBytes = random.pick([8, 32, 4_096])
        self.raft.entriesPerMessageLimit = random.pick([1, 1, 4, 256])
        self.raft.messageBytesLimit = random.pick([100, 1 << 20])
        self.raft.inflightMessagesLimit = random.pick([1, 4, 64])
        self.raft.inflightBytesLimit = random.pick([200, 16 << 20])
        self.raft.entriesPerApplyLimit = random.pick([1, 8, 1_024])
        self.raft.uncommittedBytesLimit = random.pick([200, 64 << 20])
        self.raft.readsLimit = random.pick([2, 4_096])
        self.raft.promotionLagLimit = random.pick([5, 1_000_000])
        self.raft.storageStallLimit = random.pick([500, 2_000])
    }

    private mutating func drawWorkload(_ random: inout SplitMix64) {
        self.clientCount = random.pick([1, 3, 3, 6])
        self.keyCount = random.pick([1, 2, 4])
        self.thinkTimeMaximum = random.pick([2_000, 50_000, 200_000])
        self.readPercent = random.pick([0, 30, 60])
        self.compareAndSetPercent = random.pick([0, 20])
    }

    private mutating func drawMembership(_ random: inout SplitMix64) {
        guard random.chance(percent: 60) else { return }
        self.spareCount = random.next(in: 1..<4)
        self.membershipInterval = random.pick([10_000, 30_000, 150_000, 600_000])
        self.voterGoal = random.pick([1, 3, 4, 4, 4, 5])
        self.transferInterval = random.pick([nil, nil, 200_000, 1_000_000])
        self.erasesRemoved = random.chance(percent: 60)
        self.changesAtElections = random.chance(percent: 60)
        self.changesOneVoter = random.chance(percent: 30)
    }

    /// Longer than anything stays on its way: a packet behind a link that was clogged for longest, or two syncs of a slow
    /// disk.
    var settlingTime: Int64 {
        let factor = self.network.slowNode == nil ? 1 : SimulatedNetwork.slowFactor
        return 2_000_000 + 10 * self.syncTimeMaximum + factor * max(self.network.delayMaximum, self.slowestPacket)
    }

    private var slowestPacket: Int64 { self.network.tailPercent > 0 ? self.network.tailMaximum : 0 }

    package var nodeCount: Int { self.founderCount + self.spareCount }
}

extension SplitMix64 {
    /// One of `choices`, each as likely as the others.
    mutating func pick<Choice>(_ choices: [Choice]) -> Choice { choices[self.next(in: 0..<choices.count)] }

    /// A time from 0 to `maximum`.
    mutating func time(upTo maximum: Int64) -> Int64 { maximum <= 0 ? 0 : Int64(self.next(in: 0..<Int(maximum) + 1)) }
}

// MARK: Faults

extension FaultSchedule {
    private enum Kind: CaseIterable {
        case crash, crashAll, pause, wipe, split, mute, isolate, bridge, ring, clog, slowDisk, stallDisk, failDisk
        case damageLog, damageSnapshot, jumpClock
    }

    /// The faults that a seed draws for a world: which kinds there are, how often, and whom they hit.
    package init(drawnFrom seed: UInt64, for swarm: Swarm, bugs: [String] = []) {
        var random = SplitMix64(seed: seed ^ 0xFA17)
        self.init(seed: seed, bugs: bugs, faults: [])
        self.addMixed(swarm, &random)
        self.addLeaderChurn(swarm, &random)
        self.addStrikes(swarm, &random)
        // Stable, so that what was drawn first comes first.
        self.faults = self.faults.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
            .map(\.element)
    }

    /// No leader stays for long: what several of them left half done is where histories differ.
    private mutating func addLeaderChurn(_ swarm: Swarm, _ random: inout SplitMix64) {
        guard let interval = random.pick([nil, nil, 250, 400, 700]) else { return }
        let isCrashing = random.chance(percent: 60)
        let isIsolating = random.chance(percent: 60)
        var time = random.next(in: 200..<1_000)
        while time < swarm.faultTime {
            let duration = random.next(in: 1..<(2 * interval))
            if isCrashing && random.chance(percent: 50) {
                self.faults.append(ScheduledFault(time: time, fault: .crash(.leader, downTime: duration)))
            } else if isIsolating {
                self.faults.append(ScheduledFault(time: time, fault: .isolate(.leader)))
                self.faults.append(ScheduledFault(time: time + duration, fault: .healNetwork))
            } else {
                self.faults.append(ScheduledFault(time: time, fault: .pause(.leader, time: duration)))
            }
            time += interval / 2 + random.next(in: 0..<interval)
        }
    }

    /// Leaders are hit while their first entries are on their way.
    private mutating func addStrikes(_ swarm: Swarm, _ random: inout SplitMix64) {
        guard swarm.contestsLeaders || random.chance(percent: 50) else { return }
        let durationLimit = random.pick([100, 500, 1_500])
        let partitionPercent = swarm.contestsLeaders ? 100 : random.pick([0, 50, 100])
        // One that stays until the next leader is hit: the one before may then lead again.
        let isHealing = !swarm.contestsLeaders && random.chance(percent: 50)
        let isSplitting = random.chance(percent: 50)
        let packetTime = 1 + Int(swarm.network.delayMaximum / 1_000)
        for election in 1...30 where random.chance(percent: 80) {
            // Before anybody has heard of it, while the first entries are on their way, or when some are committed.
            let delay = random.next(in: 0..<random.pick([3, 20, 60, 200, packetTime, 3 * packetTime, 6 * packetTime]))
            let duration = random.next(in: 1..<durationLimit)
            guard random.chance(percent: partitionPercent) else {
                let crash = Fault.crash(.leader, downTime: duration)
                self.faults.append(ScheduledFault(time: delay, election: election, fault: crash))
                continue
            }
            let companions = NodeSet(rawValue: random.next(in: 0..<(1 << swarm.nodeCount)))
            let fault: Fault =
                isSplitting && random.chance(percent: 50) ? .splitLeader(with: companions) : .isolate(.leader)
            self.faults.append(ScheduledFault(time: delay, election: election, fault: fault))
            guard isHealing else { continue }
            self.faults.append(ScheduledFault(time: delay + duration, election: election, fault: .healNetwork))
        }
    }

    private mutating func addMixed(_ swarm: Swarm, _ random: inout SplitMix64) {
        let share = random.pick([15, 40, 80])
        let kinds = Kind.allCases.filter { _ in random.chance(percent: share) }
        guard !kinds.isEmpty else { return }
        let interval = random.pick([50, 150, 400, 1_200])
        let partitionTime = random.pick([100, 400, 1_500])
        let leaderPercent = random.pick([10, 40, 90])
        var time = random.next(in: 0..<(2 * interval))
        while time < swarm.faultTime {
            let kind = random.pick(kinds)
            let fault = Self.fault(kind, swarm.nodeCount, leaderPercent, &random)
            self.faults.append(ScheduledFault(time: time, fault: fault))
            switch kind {
            case .split, .mute, .isolate, .bridge, .ring:
                let end = time + random.next(in: 0..<partitionTime)
                self.faults.append(ScheduledFault(time: end, fault: .healNetwork))
            case .crash, .crashAll, .pause, .wipe, .clog, .slowDisk, .stallDisk, .failDisk, .damageLog, .damageSnapshot,
                .jumpClock:
                break
            }
            time += random.next(in: 1..<(2 * interval))
        }
    }

    private static func fault(
        _ kind: Kind,
        _ nodeCount: Int,
        _ leaderPercent: Int,
        _ random: inout SplitMix64
    ) -> Fault {
        let node = random.next(in: 0..<nodeCount)
        let target: Fault.Target = random.chance(percent: leaderPercent) ? .leader : .node(node)
        let other = random.next(in: 0..<nodeCount)
        let set = NodeSet(rawValue: random.next(in: 0..<(1 << nodeCount)))
        let time = random.next(in: 1..<random.pick([20, 300, 1_500]))
        return switch kind {
        case .crash: .crash(target, downTime: time)
        case .crashAll: .crashAll(downTime: time)
        case .pause: .pause(target, time: time)
        case .wipe: .wipe(target, downTime: time)
        case .split: .split(set)
        case .mute: .mute(set)
        case .isolate: .isolate(target)
        case .bridge: .bridge(set, between: node)
        case .ring: .ring
        case .clog: .clog(from: node, to: other, time: time)
        case .slowDisk: .slowDisk(target, time: time)
        case .stallDisk: .stallDisk(target, time: time)
        case .failDisk: .failDisk(target)
        case .damageLog: .damageLog(target)
        case .damageSnapshot: .damageSnapshot(target)
        case .jumpClock: .jumpClock(target, time: time)
        }
    }
}
