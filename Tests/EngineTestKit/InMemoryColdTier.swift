package import Engine

/// Keeps tables in memory, counts what is alive, and breaks where a test says so.
package final class InMemoryColdTier: ColdTier {
    /// Which call fails; calls are counted from 1 over all tables.
    package enum Fault: Hashable, Sendable {
        case making(call: Int)
        case reading(call: Int)
        case committing(call: Int)
        case scanning(call: Int)
        case freezing(call: Int)
    }

    /// What was asked of it.
    package struct Calls: Hashable, Sendable {
        package var tables = 0
        package var reads = 0
        package var commits = 0
        package var scans = 0
        package var snapshots = 0

        /// Tables and snapshots that somebody still refers to.
        package var alive = 0

        package init() {}
    }

    fileprivate let made: FaultyCalls<Calls, Fault>

    package init(fault: Fault? = nil) {
        self.made = FaultyCalls(Calls(), fault: fault)
    }

    package var calls: Calls { self.made.figures }

    package func makeTable(memoryBytes: Int) throws(SpillError) -> any ColdTable {
        try self.made.count(\.tables) { .making(call: $0) }
        return InMemoryColdTable(self)
    }
}

// SAFETY: one thread uses a table, as its protocol says; snapshots have a copy.
private final class InMemoryColdTable: ColdTable, @unchecked Sendable {
    private let tier: InMemoryColdTier
    private var content: [[UInt8]: [UInt8]] = [:]
    private var gathered: [(key: [UInt8], value: [UInt8]?)] = []
    private(set) var gatheredBytes = 0
    private var storedBytes: Int64 = 0

    init(_ tier: InMemoryColdTier) {
        self.tier = tier
        tier.made.change(\.alive, by: 1)
    }

    deinit {
        self.tier.made.change(\.alive, by: -1)
    }

    func read(_ key: Bytes, into value: inout ByteBuffer) throws(SpillError) -> Bool {
        try self.tier.made.count(\.reads) { .reading(call: $0) }
        guard let found = self.content[key.array] else { return false }
        for byte in found { value.append(byte) }
        return true
    }

    func put(_ key: Bytes, _ value: Bytes) {
        self.gathered.append((key.array, value.array))
        self.gatheredBytes += key.count + value.count
    }

    func remove(_ key: Bytes) {
        self.gathered.append((key.array, nil))
        self.gatheredBytes += key.count
    }

    func commit() throws(SpillError) {
        guard !self.gathered.isEmpty else { return }
        try self.tier.made.count(\.commits) { .committing(call: $0) }
        for (key, value) in self.gathered {
            if let before = self.content[key] { self.storedBytes -= Int64(key.count + before.count) }
            if let value { self.storedBytes += Int64(key.count + value.count) }
            self.content[key] = value
        }
        self.gathered = []
        self.gatheredBytes = 0
    }

    func makeCursor(_ range: ColdRange) throws(SpillError) -> any ColdCursor {
        try self.tier.made.count(\.scans) { .scanning(call: $0) }
        return InMemoryColdCursor(self.content, range)
    }

    func makeSnapshot() throws(SpillError) -> any ColdSnapshot {
        try self.tier.made.count(\.snapshots) { .freezing(call: $0) }
        return InMemoryColdSnapshot(self.tier, self.content)
    }

    var figures: (memoryBytes: Int, storedBytes: Int64) { (0, self.storedBytes) }
}

private final class InMemoryColdSnapshot: ColdSnapshot {
    private let tier: InMemoryColdTier
    private let content: [[UInt8]: [UInt8]]

    init(_ tier: InMemoryColdTier, _ content: [[UInt8]: [UInt8]]) {
        self.tier = tier
        self.content = content
        tier.made.change(\.alive, by: 1)
    }

    deinit {
        self.tier.made.change(\.alive, by: -1)
    }

    func makeCursor(_ range: ColdRange) throws(SpillError) -> any ColdCursor {
        try self.tier.made.count(\.scans) { .scanning(call: $0) }
        return InMemoryColdCursor(self.content, range)
    }
}

private final class InMemoryColdCursor: ColdCursor {
    private let entries: [(key: [UInt8], value: [UInt8])]
    private var index = 0
    private var keyBuffer = ByteBuffer()
    private var valueBuffer = ByteBuffer()

    init(_ content: [[UInt8]: [UInt8]], _ range: ColdRange) {
        self.entries =
            content
            .filter { !$0.key.lexicographicallyPrecedes(range.first) && $0.key.lexicographicallyPrecedes(range.end) }
            .map { ($0.key, $0.value) }
            .sorted { $0.key.lexicographicallyPrecedes($1.key) }
        self.copy()
    }

    private func copy() {
        self.keyBuffer.removeAll()
        self.valueBuffer.removeAll()
        guard self.index < self.entries.count else { return }
        for byte in self.entries[self.index].key { self.keyBuffer.append(byte) }
        for byte in self.entries[self.index].value { self.valueBuffer.append(byte) }
    }

    var isAtEnd: Bool { self.index == self.entries.count }
    var key: Bytes { self.keyBuffer.bytes }
    var value: Bytes { self.valueBuffer.bytes }

    func advance() throws(SpillError) {
        self.index += 1
        self.copy()
    }
}
