import CoreTypes

@testable import RaftCore

/// A group of replicas that does what a script says, and records every effect: no randomness but that of the timeouts.
///
/// Messages, writes and applied entries wait until the script delivers them, in the order in which they came up.
struct ScriptedGroup {
    private enum Pending {
        case message(RaftMessage)
        case stored(ReplicaID, WriteID)
        case applied(ReplicaID, LogIndex)
        case saved(ReplicaID, SnapshotMetadata)
        case installed(ReplicaID)
    }

    private var replicas: [RaftReplica] = []
    private var pending: [Pending] = []
    private var cut: [[ReplicaID]] = []

    /// Of each replica its own, so that one can time out alone.
    private var clocks: [ReplicaID: Int64] = [:]
    private var proposalCount: UInt64 = 0

    /// What happened since the command before.
    private(set) var lines: [String] = []

    /// Runs one command and returns what it caused.
    mutating func run(_ command: String) throws(ScriptError) -> [String] {
        self.lines = []
        let words = command.split(separator: " ").map(String.init)
        let options = Dictionary(uniqueKeysWithValues: words.compactMap(Self.option))
        let nodes = words.dropFirst().compactMap { UInt32($0) }.map { ReplicaID($0) }
        switch words.first {
        case "group": try self.found(options)
        case "timeout": self.advance(by: 301, only: nodes)
        case "wait": self.advance(by: Int64(words.last ?? "") ?? 0, only: self.replicas.map(\.id))
        case "deliver": self.deliver(roundLimit: words.contains("all") ? 200 : 1)
        case "cut": self.cut = [nodes]
        case "heal": self.cut = []
        case "propose": self.propose(nodes, words.last ?? "")
        case "read": self.step(nodes, .read([ReadID(rawValue: self.nextID())]))
        case "transfer": self.step(Array(nodes.prefix(1)), .transferLeadership(to: nodes.last ?? ReplicaID(0)))
        case "change":
            let target = Membership(
                voters: Self.replicas(options["voters"]),
                learners: Self.replicas(options["learners"])
            )
            self.step(nodes, .changeMembership(ProposalID(rawValue: self.nextID()), target: target))
        default: throw ScriptError(command: command)
        }
        return self.lines
    }

    // MARK: Commands

    private mutating func found(_ options: [String: String]) throws(ScriptError) {
        let voters = Self.replicas(options["voters"])
        let learners = Self.replicas(options["learners"])
        guard !voters.isEmpty else { throw ScriptError(command: "group without voters") }
        var configuration = RaftConfiguration()
        configuration.snapshotThreshold = Int(options["threshold"] ?? "") ?? configuration.snapshotThreshold
        configuration.trailingEntryCount = Int(options["trailing"] ?? "") ?? 0
        configuration.snapshotChunkBytes = Int(options["chunk"] ?? "") ?? 1_024
        let founding = RecoveredState.founding(Membership(voters: voters, learners: learners))
        for id in (voters + learners + Self.replicas(options["spare"])).sorted() {
            let isFounder = voters.contains(id) || learners.contains(id)
            let state = isFounder ? founding : RecoveredState()
            self.replicas.append(
                RaftReplica(id: id, recovered: state, configuration: configuration, seed: UInt64(id.node))
            )
        }
        self.advance(by: 1, only: self.replicas.map(\.id))
    }

    private mutating func advance(by time: Int64, only nodes: [ReplicaID]) {
        for node in nodes {
            self.clocks[node, default: 0] += time
            self.step([node], .tick(now: self.clocks[node, default: 0]))
        }
    }

    private mutating func propose(_ nodes: [ReplicaID], _ text: String) {
        let proposal = Proposal(id: ProposalID(rawValue: self.nextID()), command: Array(text.utf8))
        self.step(nodes, .propose([proposal]))
    }

    private mutating func nextID() -> UInt64 {
        self.proposalCount += 1
        return self.proposalCount
    }

    private mutating func deliver(roundLimit: Int) {
        var rounds = 0
        while !self.pending.isEmpty, rounds < roundLimit {
            rounds += 1
            let batch = self.pending
            self.pending = []
            for item in batch { self.deliver(item) }
        }
    }

    private mutating func deliver(_ item: Pending) {
        switch item {
        case .message(let message):
            let isCut = self.cut.contains { $0.contains(message.sender) != $0.contains(message.receiver) }
            if !isCut { self.step([message.receiver], .received(message)) }
        case .stored(let id, let write): self.step([id], .stored(through: write))
        case .applied(let id, let index): self.step([id], .applied(through: index))
        case .saved(let id, let snapshot): self.step([id], .snapshotSaved(snapshot))
        case .installed(let id): self.step([id], .snapshotInstalled)
        }
    }

    private mutating func step(_ ids: [ReplicaID], _ input: RaftReplica.Input) {
        for id in ids {
            guard let position = self.replicas.firstIndex(where: { $0.id == id }) else { continue }
            for effect in self.replicas[position].step(input) {
                self.lines.append("\(id) \(effect.line)")
                self.perform(effect, id)
            }
        }
    }

    private mutating func perform(_ effect: RaftReplica.Effect, _ id: ReplicaID) {
        switch effect {
        case .persist(let write): self.pending.append(.stored(id, write.id))
        case .send(let message): self.pending.append(.message(message))
        case .sendSnapshotChunk(let order):
            self.pending.append(.message(order.message(with: Array(repeating: 0, count: order.byteCount))))
        case .apply(let entries): if let last = entries.last { self.pending.append(.applied(id, last.index)) }
        case .saveSnapshot(var snapshot):
            snapshot.byteCount = 20
            self.pending.append(.saved(id, snapshot))
        case .installSnapshot: self.pending.append(.installed(id))
        case .resolve, .serveReads, .refuseReads, .storeSnapshotChunk, .discardLog, .becameLeader, .steppedDown, .halt:
            break
        }
    }

    // MARK: Parsing

    private static func option(_ word: String) -> (String, String)? {
        let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
        return parts.count == 2 ? (parts[0], parts[1]) : nil
    }

    private static func replicas(_ list: String?) -> [ReplicaID] {
        (list ?? "").split(separator: ",").compactMap { UInt32($0) }.map { ReplicaID($0) }
    }
}

struct ScriptError: Error, CustomStringConvertible {
    var command: String

    var description: String { "can't run '\(self.command)': there is no such command" }
}

// MARK: Effects as lines

extension RaftReplica.Effect {
    fileprivate var line: String {
        switch self {
        case .persist(let write): "writes #\(write.id.rawValue)\(write.text)"
        case .send(let message): "→ \(message.receiver) term \(message.term) \(message.body.text)"
        case .sendSnapshotChunk(let order):
            "→ \(order.receiver) term \(order.term) snapshot \(order.snapshot.position) \(order.offset)+\(order.byteCount)"
        case .apply(let entries): "applies \(entries.map(\.text).joined(separator: " "))"
        case .resolve(let id, let outcome): "resolves \(id.rawValue): \(outcome)"
        case .serveReads(let ids, let index): "serves \(ids.map(\.rawValue)) at \(index)"
        case .refuseReads(let ids, let leader): "refuses \(ids.map(\.rawValue)), leader \(leader?.description ?? "?")"
        case .saveSnapshot(let snapshot): "saves a snapshot at \(snapshot.position)"
        case .storeSnapshotChunk(let chunk): "keeps bytes \(chunk.offset)+\(chunk.bytes.count)"
        case .installSnapshot(let snapshot): "installs the snapshot at \(snapshot.position)"
        case .discardLog(let index): "discards its log through \(index)"
        case .becameLeader(let term): "leads term \(term)"
        case .steppedDown(let term): "leads term \(term) no more"
        case .halt(let reason): "halts: \(reason)"
        }
    }
}

extension LogWrite {
    fileprivate var text: String {
        var text = ""
        if let hardState = self.hardState {
            text += " term \(hardState.term) vote \(hardState.votedFor?.description ?? "none")"
        }
        if let reset = self.reset { text += " reset to \(reset)" }
        if !self.entries.isEmpty { text += " " + self.entries.map(\.text).joined(separator: " ") }
        return text
    }
}

extension LogEntry {
    fileprivate var text: String {
        switch self.payload {
        case .empty: "\(self.position)"
        case .command(let bytes): "\(self.position):\(String(decoding: bytes, as: UTF8.self))"
        case .membership(let membership): "\(self.position):\(membership.text)"
        }
    }
}

extension Membership {
    fileprivate var text: String {
        let outgoing = self.outgoingVoters.isEmpty ? "" : "&" + Self.list(self.outgoingVoters)
        let learners = self.learners.isEmpty ? "" : "+" + Self.list(self.learners)
        return "{\(Self.list(self.voters))\(outgoing)\(learners)}"
    }

    private static func list(_ replicas: [ReplicaID]) -> String {
        replicas.map(\.description).joined(separator: ",")
    }
}

extension RaftMessage.Body {
    fileprivate var text: String {
        switch self {
        case .requestPreVote(let last): "asks for a pre-vote with \(last)"
        case .preVote(let isGranted): isGranted ? "grants a pre-vote" : "refuses a pre-vote"
        case .requestVote(let last, let isTransfer): "asks for a vote with \(last)\(isTransfer ? ", transfer" : "")"
        case .vote(let isGranted): isGranted ? "votes" : "refuses its vote"
        case .append(let request):
            "append behind \(request.previous) [\(request.entries.map(\.text).joined(separator: " "))] "
                + "commit \(request.commitIndex)"
        case .appendAccepted(_, let index): "accepts through \(index)"
        case .appendRejected(_, let previous, let hint, _): "rejects behind \(previous), hint \(hint)"
        case .heartbeat(_, let commit, let round): "heartbeat commit \(commit) round \(round)"
        case .heartbeatAnswer(_, let round): "answers round \(round)"
        case .snapshotChunk(let chunk): "snapshot \(chunk.snapshot.position) \(chunk.offset)+\(chunk.bytes.count)"
        case .snapshotProgress(_, let position, let bytes): "has \(bytes) bytes of \(position)"
        case .newerTerm: "tells of a newer term"
        case .timeoutNow: "says: campaign now"
        }
    }
}
