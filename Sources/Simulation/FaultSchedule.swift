/// Something that goes wrong, or right again.
///
/// Times are milliseconds; nodes are numbers from 0.
package enum Fault: Hashable, Sendable {
    /// Whom a fault hits.
    package enum Target: Hashable, Sendable {
        case node(Int)
        /// Whoever leads then; nobody if nobody does.
        case leader
    }

    case crash(Target, downTime: Int)
    case crashAll(downTime: Int)
    /// The process stops and goes on as if nothing had happened.
    case pause(Target, time: Int)
    /// The disk is lost; the node comes back as somebody else.
    case wipe(Target, downTime: Int)
    /// The nodes of the set and the others don't hear each other.
    case split(NodeSet)
    /// What the nodes of the set send doesn't come, but they hear the others.
    case mute(NodeSet)
    case isolate(Target)
    /// The leader and the nodes of the set don't hear the others, nor are they heard.
    case splitLeader(with: NodeSet)
    /// The two sides don't hear each other, but both hear and are heard by the node between them.
    case bridge(NodeSet, between: Int)
    /// Every node hears only the one before and the one behind it.
    case ring
    case healNetwork
    /// What one node sends to another waits, and then comes at once.
    case clog(from: Int, to: Int, time: Int)
    /// Syncs take five times as long.
    case slowDisk(Target, time: Int)
    /// No sync ends: the disk is full, or hangs.
    case stallDisk(Target, time: Int)
    /// The next write fails.
    case failDisk(Target)
    /// A bit of a stored entry flips; it is found at the next start.
    case damageLog(Target)
    case damageSnapshot(Target)
    case jumpClock(Target, time: Int)
}

/// A set of nodes, one bit each.
package struct NodeSet: RawRepresentable, Hashable, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) {
        self.rawValue = rawValue
    }

    package func contains(_ node: Int) -> Bool { self.rawValue >> node & 1 == 1 }
}

package struct ScheduledFault: Hashable, Sendable {
    /// Milliseconds from the beginning, or from an election.
    package var time: Int

    /// The election from which `time` counts, from 1; nil: the beginning.
    package var election: Int?
    package var fault: Fault

    package init(time: Int, election: Int? = nil, fault: Fault) {
        self.time = time
        self.election = election
        self.fault = fault
    }

    /// When it happens: `25`, or `election-3+25`.
    var timeText: String { self.election.map { "election-\($0)+\(self.time)" } ?? "\(self.time)" }

    init?(time text: String, fault: Fault) {
        var time = text[...]
        var election: Int?
        if text.hasPrefix("election-") {
            let parts = text.dropFirst("election-".count).split(separator: "+")
            guard parts.count == 2, let number = Int(parts[0]) else { return nil }
            election = number
            time = parts[1]
        }
        guard let milliseconds = Int(time), milliseconds >= 0 else { return nil }
        self.init(time: milliseconds, election: election, fault: fault)
    }
}

/// Everything that a run depends on, as a text that replays it.
///
/// The first line is the format's name; then `seed N`, `bug NAME` for each planted one, and a line for each fault, which
/// begins with its time: `MILLISECONDS fault …`, or `election-N+MILLISECONDS fault …`. What begins with `#` is ignored.
package struct FaultSchedule: Hashable, Sendable {
    package static let formatName = "weir fault schedule 1"

    package var seed: UInt64

    /// Names of planted bugs.
    package var bugs: [String]
    package var faults: [ScheduledFault]

    package init(seed: UInt64, bugs: [String] = [], faults: [ScheduledFault]) {
        self.seed = seed
        self.bugs = bugs
        self.faults = faults
    }
}

/// Why a text isn't a schedule.
package struct FaultScheduleError: Error, Hashable, CustomStringConvertible {
    package var line: Int
    package var reason: String

    package var description: String { "can't read line \(self.line) of the fault schedule: \(self.reason)" }
}

extension FaultSchedule {
    package var text: String {
        var lines = [Self.formatName, "seed \(self.seed)"]
        lines += self.bugs.map { "bug \($0)" }
        lines += self.faults.map { "\($0.timeText) \($0.fault.text)" }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Reads what `text` wrote.
    package init(parsing text: String) throws(FaultScheduleError) {
        var seed: UInt64?
        var bugs: [String] = []
        var faults: [ScheduledFault] = []
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.first.map(String.init) == Self.formatName else {
            throw FaultScheduleError(line: 1, reason: "it isn't '\(Self.formatName)'")
        }
        for (offset, line) in lines.enumerated().dropFirst() where !line.isEmpty && !line.hasPrefix("#") {
            let words = line.split(separator: " ").map(String.init)
            switch words.first {
            case "seed": seed = words.count == 2 ? UInt64(words[1]) : nil
            case "bug": bugs += words.dropFirst()
            case .some(let time):
                guard let fault = Fault(words: Array(words.dropFirst())),
                    let scheduled = ScheduledFault(time: time, fault: fault)
                else { throw FaultScheduleError(line: offset + 1, reason: "no such fault: \(line)") }
                faults.append(scheduled)
            case nil: continue
            }
        }
        guard let seed else { throw FaultScheduleError(line: lines.count, reason: "there is no seed") }
        self.init(seed: seed, bugs: bugs, faults: faults)
    }
}

extension Fault.Target {
    var text: String {
        switch self {
        case .node(let node): "\(node)"
        case .leader: "leader"
        }
    }

    init?(word: String) {
        if word == "leader" {
            self = .leader
        } else if let node = Int(word), node >= 0 {
            self = .node(node)
        } else {
            return nil
        }
    }
}

extension Fault {
    var text: String {
        switch self {
        case .crash(let target, let time): "crash \(target.text) \(time)"
        case .crashAll(let time): "crash-all \(time)"
        case .pause(let target, let time): "pause \(target.text) \(time)"
        case .wipe(let target, let time): "wipe \(target.text) \(time)"
        case .split(let nodes): "split \(nodes.rawValue)"
        case .mute(let nodes): "mute \(nodes.rawValue)"
        case .isolate(let target): "isolate \(target.text)"
        case .splitLeader(let nodes): "split-leader \(nodes.rawValue)"
        case .bridge(let nodes, let hub): "bridge \(nodes.rawValue) \(hub)"
        case .ring: "ring"
        case .healNetwork: "heal-network"
        case .clog(let sender, let receiver, let time): "clog \(sender) \(receiver) \(time)"
        case .slowDisk(let target, let time): "slow-disk \(target.text) \(time)"
        case .stallDisk(let target, let time): "stall-disk \(target.text) \(time)"
        case .failDisk(let target): "fail-disk \(target.text)"
        case .damageLog(let target): "damage-log \(target.text)"
        case .damageSnapshot(let target): "damage-snapshot \(target.text)"
        case .jumpClock(let target, let time): "jump-clock \(target.text) \(time)"
        }
    }

    init?(words: [String]) {
        let target = words.count > 1 ? Target(word: words[1]) : nil
        let numbers = words.dropFirst().map { Int($0) ?? -1 }
        let last = numbers.last ?? -1
        switch (words.first, words.count) {
        case ("crash-all", 2) where last >= 0: self = .crashAll(downTime: last)
        case ("split", 2) where last >= 0: self = .split(NodeSet(rawValue: last))
        case ("split-leader", 2) where last >= 0: self = .splitLeader(with: NodeSet(rawValue: last))
        case ("mute", 2) where last >= 0: self = .mute(NodeSet(rawValue: last))
        case ("bridge", 3) where numbers.min() ?? -1 >= 0:
            self = .bridge(NodeSet(rawValue: numbers[0]), between: numbers[1])
        case ("ring", 1): self = .ring
        case ("heal-network", 1): self = .healNetwork
        case ("clog", 4) where numbers.min() ?? -1 >= 0:
            self = .clog(from: numbers[0], to: numbers[1], time: numbers[2])
        default:
            guard let target, let fault = Self.targeted(words, target, last) else { return nil }
            self = fault
        }
    }

    private static func targeted(_ words: [String], _ target: Target, _ time: Int) -> Fault? {
        switch (words.first, words.count) {
        case ("isolate", 2): .isolate(target)
        case ("fail-disk", 2): .failDisk(target)
        case ("damage-log", 2): .damageLog(target)
        case ("damage-snapshot", 2): .damageSnapshot(target)
        case ("crash", 3) where time >= 0: .crash(target, downTime: time)
        case ("pause", 3) where time >= 0: .pause(target, time: time)
        case ("wipe", 3) where time >= 0: .wipe(target, downTime: time)
        case ("slow-disk", 3) where time >= 0: .slowDisk(target, time: time)
        case ("stall-disk", 3) where time >= 0: .stallDisk(target, time: time)
        case ("jump-clock", 3) where time >= 0: .jumpClock(target, time: time)
        default: nil
        }
    }
}
