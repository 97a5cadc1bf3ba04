import CoreTypes
import Environment
import RaftCore
import Simulation

@testable import RaftStorage

/// A store on a simulated disk, and what must be in it.
struct StoreWorld {
    static let directory = "raft"
    static let founding = Membership(voters: [
        ReplicaID(node: 1), ReplicaID(node: 2, incarnation: 3), ReplicaID(node: 5),
    ])

    let disk = SimulatedDisk()
    var configuration = RaftLogStore.Configuration()
    var random: SplitMix64
    var store: RaftLogStore?

    /// What was acknowledged, and what was written behind that, in the order of the records.
    var durable = LogModel()
    var written: [LogModel.Step] = []
    var hardState = HardState()
    private var lastWrite = WriteID.zero

    init(seed: UInt64) throws {
        self.random = SplitMix64(seed: seed)
        self.configuration.segmentBytes = self.random.pick([1, 8_192, 40_000, 1 << 20])
        let state = RecoveredState.founding(Self.founding)
        try RaftLogStore.create(state, disk: self.disk, directory: Self.directory, configuration: self.configuration)
        self.hardState = state.hardState
        for entry in state.entries { self.durable.apply(.entry(entry)) }
        _ = try self.open()
    }

    mutating func open() throws -> RecoveredState {
        self.store = nil
        let (store, state) = try RaftLogStore.open(
            disk: self.disk,
            directory: Self.directory,
            configuration: self.configuration
        )
        self.store = store
        return state
    }

    // MARK: Writing

    /// Writes what a replica might: entries behind the last, or in place of some, a new term, or the beginning behind a snapshot.
    mutating func write() throws {
        var writes: [LogWrite] = []
        var model = self.model
        for _ in 0..<self.random.next(in: 1..<4) {
            self.lastWrite = self.lastWrite.next()
            var write = LogWrite(id: self.lastWrite)
            if self.random.chance(percent: 20) {
                self.hardState.term = self.hardState.term.next()
                self.hardState.votedFor = self.random.chance(percent: 50) ? ReplicaID(node: 2, incarnation: 3) : nil
                write.hardState = self.hardState
            }
            if self.random.chance(percent: 5) {
                let index = model.last.index.advanced(by: self.random.next(in: 1..<9))
                let position = LogPosition(term: self.hardState.term, index: index)
                write.reset = position
                self.add(.reset(position), to: &model)
                try self.install(position)
            }
            let length = model.entries.count
            // What a snapshot stands for is committed, and never replaced.
            let fixed = min(length, max(0, model.base.index.distance(to: self.durable.discardedIndex)))
            let kept = self.random.chance(percent: 25) ? self.random.next(in: fixed..<(length + 1)) : length
            let first = model.base.index.advanced(by: kept + 1)
            for offset in 0..<self.random.next(in: 0..<5) {
                let entry = LogEntry(
                    index: first.advanced(by: offset),
                    term: self.hardState.term,
                    payload: self.payload()
                )
                write.entries.append(entry)
                self.add(.entry(entry), to: &model)
            }
            writes.append(write)
        }
        try self.store?.write(writes)
    }

    /// A snapshot comes before the reset that it asks for.
    func install(_ position: LogPosition) throws {
        guard let writer = try self.store?.makeSnapshot() else { return }
        try self.store?.install(writer, position: position, membership: Self.founding)
    }

    private mutating func add(_ step: LogModel.Step, to model: inout LogModel) {
        model.apply(step)
        self.written.append(step)
    }

    private mutating func payload() -> LogEntry.Payload {
        switch self.random.next(in: 0..<10) {
        case 0: .empty
        case 1: .membership(Self.founding)
        default: .command((0..<self.random.next(in: 0..<700)).map { _ in UInt8(self.random.next(in: 0..<256)) })
        }
    }

    /// Makes durable what was written.
    mutating func synchronize() throws {
        try self.store?.synchronize()
        for step in self.written { self.durable.apply(step) }
        self.written = []
    }

    /// A snapshot comes before what it stands for is given up.
    mutating func discard() throws {
        let newer = self.durable.entries.filter { $0.index > self.durable.discardedIndex }
        guard !newer.isEmpty else { return }
        let entry = self.random.pick(newer)
        try self.install(entry.position)
        try self.store?.discard(through: entry.index)
        self.durable.discardedIndex = max(self.durable.discardedIndex, entry.index)
    }

    private var model: LogModel {
        var model = self.durable
        for step in self.written { model.apply(step) }
        return model
    }

    // MARK: Reading

    /// Whether what was found is what was durable, and the beginning of what was written behind it.
    func isPossible(_ found: [LogEntry]) -> Bool {
        var model = self.durable
        if model.isFound(in: found) { return true }
        for step in self.written {
            model.apply(step)
            if model.isFound(in: found) { return true }
        }
        return false
    }

    /// Goes on from what was found: behind the snapshot, where the log doesn't reach it.
    mutating func accept(_ state: RecoveredState) {
        for step in self.written where !self.durable.isFound(in: state.entries) { self.durable.apply(step) }
        self.written = []
        if let position = state.snapshot?.position, state.entries.isEmpty, position.index > self.durable.last.index {
            self.durable.apply(.reset(position))
        }
    }
}

/// A log, as what is written to it makes it.
struct LogModel {
    enum Step: Hashable {
        case entry(LogEntry)
        case reset(LogPosition)
    }

    private(set) var base = LogPosition.zero
    private(set) var entries: [LogEntry] = []

    /// What lies before may be there or not.
    var discardedIndex = LogIndex.zero

    var last: LogPosition { self.entries.last?.position ?? self.base }

    mutating func apply(_ step: Step) {
        switch step {
        case .entry(let entry):
            self.entries.removeSubrange((self.base.index.distance(to: entry.index) - 1)...)
            self.entries.append(entry)
        case .reset(let position):
            self.base = position
            self.entries = []
        }
    }

    func isFound(in found: [LogEntry]) -> Bool {
        found.filter { $0.index > self.discardedIndex } == self.entries.filter { $0.index > self.discardedIndex }
    }
}

extension SplitMix64 {
    mutating func pick<Choice>(_ choices: [Choice]) -> Choice { choices[self.next(in: 0..<choices.count)] }
}
