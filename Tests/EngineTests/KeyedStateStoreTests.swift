import CoreTypes
import EngineTestKit
import Platform
import Storage
import Testing

@testable import Engine

/// Where the states of a test are kept.
enum StoreWorld: Hashable, CustomTestStringConvertible {
    case memory
    /// So many bytes of memory, and a table of the tests.
    case tiers(bytes: Int)
    /// So many bytes of memory, and RocksDB.
    case rocks(bytes: Int)

    static let all: [StoreWorld] = [.memory, .tiers(bytes: 1), .tiers(bytes: 6_000), .tiers(bytes: 20_000)]

    /// Makes a database for each seed, which takes longer.
    static let rocks: [StoreWorld] = [.rocks(bytes: 1), .rocks(bytes: 6_000)]

    static let rocksTier = RocksTier(scratch: LocalScratchSpace(), directory: "/tmp")

    var spill: KeyedSpill? {
        switch self {
        case .memory: nil
        case .tiers(let bytes): KeyedSpill(InMemoryColdTier(), bytesLimit: bytes)
        case .rocks(let bytes): KeyedSpill(Self.rocksTier, bytesLimit: bytes)
        }
    }

    var testDescription: String {
        switch self {
        case .memory: "memory"
        case .tiers(let bytes): "\(bytes) bytes and a table"
        case .rocks(let bytes): "\(bytes) bytes and RocksDB"
        }
    }
}

@Suite struct KeyedStateStoreTests {
    @Test(arguments: Seeds.first(15), StoreWorld.all)
    func `states and timers come back as they were kept, however keys come and go`(
        seed: UInt64,
        world: StoreWorld
    ) throws {
        try Self.keep(seed: seed, world)
    }

    @Test(arguments: Seeds.first(4), StoreWorld.rocks)
    func `states and timers come back from a database as they were kept`(seed: UInt64, world: StoreWorld) throws {
        try Self.keep(seed: seed, world)
    }

    private static func keep(seed: UInt64, _ world: StoreWorld) throws {
        var random = SplitMix64(seed: seed)
        let expires = random.chance(percent: 50)
        var store = TieredStateStore(expires: expires, spill: world.spill)
        // The order of timers at one time has to be the same, too.
        var memory = MemoryStateStore(expires: expires)
        var model = StoreModel()
        let keyCount = random.next(in: 1..<60)

        for _ in 0..<random.next(in: 1..<600) {
            let number = random.next(in: 0..<keyCount)
            let change = StoreChange(&random)
            try change.apply(to: &store, number)
            try change.apply(to: &memory, number)
            model.apply(change, number)
            try StoreKey.with(number) { key in
                try store.fetch(key)
                let state = store.state(of: key).map { StoreModel.State($0) }
                #expect(state == model.states[number], "seed \(seed)")
                #expect(store.timerCount(of: key) == model.timers[number]?.count ?? 0, "seed \(seed)")
            }
            if random.chance(percent: 80) { try store.relieve() }
            if random.chance(percent: 10) {
                let due = try Self.fire(&store, upTo: change.time)
                #expect(try Self.fire(&memory, upTo: change.time) == due, "seed \(seed)")
                #expect(model.fire(upTo: change.time).sorted() == due.sorted(), "seed \(seed)")
                #expect(due.map(\.time) == due.map(\.time).sorted(), "seed \(seed)")
            }
            if random.chance(percent: 1) {
                #expect(try Self.content(of: &store) == model.content, "seed \(seed)")
            }
            #expect(store.keyCount == model.keyCount, "seed \(seed)")
        }
        #expect(try Self.content(of: &store) == model.content, "seed \(seed)")
        #expect(try Self.fire(&store, upTo: 100) == Self.fire(&memory, upTo: 100), "seed \(seed)")
        for number in 0..<keyCount {
            try StoreKey.with(number) { key in
                try store.fetch(key)
                store.removeState(of: key)
            }
        }
        #expect(store.keyCount == 0, "seed \(seed)")
        #expect(try Self.content(of: &store) == [], "seed \(seed)")
    }

    private static func fire<Store: KeyedStateStore & ~Copyable>(
        _ store: inout Store,
        upTo time: Int64
    ) throws -> [StoreTimer] {
        var fired: [StoreTimer] = []
        while let timer = try store.nextTimer(upTo: time) {
            fired.append(StoreTimer(time: timer.time, number: try StoreKey.number(of: timer.key)))
            store.removeTimer(timer)
            if fired.count.isMultiple(of: 3) { try store.relieve() }
        }
        return fired
    }

    @Test(arguments: Seeds.first(3), StoreWorld.all)
    func `states are dropped that were written long ago, and no others`(seed: UInt64, world: StoreWorld) throws {
        try Self.drop(seed: seed, world)
    }

    @Test(arguments: Seeds.first(2), StoreWorld.rocks)
    func `states in a database are dropped that were written long ago`(seed: UInt64, world: StoreWorld) throws {
        try Self.drop(seed: seed, world)
    }

    private static func drop(seed: UInt64, _ world: StoreWorld) throws {
        var random = SplitMix64(seed: seed)
        var store = TieredStateStore(expires: true, spill: world.spill)
        var writtenAt: [Int: Int64] = [:]
        var timed: Set<Int> = []
        for round in 0..<3_000 {
            let number = random.next(in: 0..<2_000)
            // What was written never becomes older.
            let time = max(Int64(random.next(in: 0..<1_000)), writtenAt[number] ?? 0)
            var change = StoreChange(.set([1]), at: time)
            try change.apply(to: &store, number)
            writtenAt[number] = time
            if random.chance(percent: 5) {
                change = StoreChange(.timer, at: 2_000)
                try change.apply(to: &store, number)
                timed.insert(number)
            }
            if random.chance(percent: 20) { try store.relieve() }
            if round == 1_500 { while try store.dropSome(writtenUpTo: 50) {} }
            if round == 1_500 { writtenAt = writtenAt.filter { $0.value > 50 } }
            if random.chance(percent: 1) { _ = try store.freeze() }
        }

        for time in [100, 400, 401, 900] as [Int64] {
            while try store.dropSome(writtenUpTo: time) {}
            let alive = writtenAt.filter { $0.value > time }.map(\.key)
            #expect(store.keyCount == timed.union(alive).count, "seed \(seed)")
        }
        #expect(try Self.fire(&store, upTo: 2_000).count == timed.count, "seed \(seed)")
        #expect(store.keyCount == writtenAt.values.count { $0 > 900 }, "seed \(seed)")
    }

    @Test func `what was handed over stays as it is while the store goes on`() throws {
        for world in StoreWorld.all + StoreWorld.rocks {
            var store = TieredStateStore(expires: false, spill: world.spill)
            for number in 0..<300 { try StoreChange(.set([1]), at: 1).apply(to: &store, number) }
            let frozen = try store.freeze()

            for number in 0..<200 { try StoreChange(.removal, at: 2).apply(to: &store, number) }
            for number in 200..<400 { try StoreChange(.set([2]), at: 2).apply(to: &store, number) }
            try store.relieve()

            let lines = try Self.lines(of: frozen)
            #expect(lines == (0..<300).map { "\($0) [1] 1 []" }.sorted(), "\(world.testDescription)")
            #expect(try Self.content(of: &store).count == 200, "\(world.testDescription)")
        }
    }

    @Test func `memory is kept to its limit, and everything else lies on disk`() throws {
        let limit = 400_000
        for world in [StoreWorld.tiers(bytes: limit), .rocks(bytes: limit)] {
            var store = TieredStateStore(expires: true, spill: world.spill)
            var largest = 0
            for number in 0..<30_000 {
                try StoreChange(.set([1, 2, 3]), at: Int64(number)).apply(to: &store, number)
                try store.relieve()
                largest = max(largest, store.bytes)
            }

            #expect(store.keyCount == 30_000)
            #expect(store.diskBytes > 0 || store.spills.bytes > 1_000_000)
            // The least that a database takes is more than its part of so little.
            #expect(largest < limit + (world == .rocks(bytes: limit) ? 2 << 20 : 0), "\(world.testDescription)")
        }
    }

    @Test(arguments: [
        InMemoryColdTier.Fault.making(call: 1), .reading(call: 1), .reading(call: 40), .committing(call: 1),
        .committing(call: 30), .scanning(call: 1), .freezing(call: 1),
    ])
    func `a disk that refuses is reported`(fault: InMemoryColdTier.Fault) throws {
        let tier = InMemoryColdTier(fault: fault)
        var found: SpillError?
        do throws(SpillError) {
            var store = TieredStateStore(expires: true, spill: KeyedSpill(tier, bytesLimit: 1))
            for number in 0..<100 {
                let time = Int64(number)
                try StoreKey.with(number % 30) { (key) throws(SpillError) in
                    try store.fetch(key)
                    store.addTimer(at: time, of: key)
                    try store.relieve()
                }
            }
            _ = try store.nextTimer(upTo: 10)
            _ = try store.freeze()
        } catch {
            found = error
        }

        #expect(found == .injected)
        #expect(tier.calls.alive == 0)
    }

    // MARK: Content

    private static func content(of store: inout TieredStateStore) throws -> [String] {
        try Self.lines(of: store.freeze())
    }

    private static func lines(of frozen: any FrozenState) throws -> [String] {
        var lines: [String] = []
        try frozen.encode { chunk in
            try StateReader.read(chunk, of: "a test") { bytes in
                var reader = try ProcessSnapshotReader(bytes)
                while let entry = try reader.next() {
                    let state = entry.state.map { "\($0.value.array) \($0.writtenAt)" } ?? "-"
                    lines.append("\(try StoreKey.number(of: entry.key)) \(state) \(entry.times)")
                }
            }
        }
        return lines.sorted()
    }
}

/// A timer that fired, and the number of its key.
private struct StoreTimer: Hashable, Comparable {
    let time: Int64
    let number: Int

    static func < (left: StoreTimer, right: StoreTimer) -> Bool {
        (left.time, left.number) < (right.time, right.number)
    }
}

/// What becomes of a key.
private struct StoreChange {
    enum Kind {
        case set([UInt8])
        case append([UInt8])
        case removal
        case timer
    }

    let kind: Kind
    let time: Int64

    init(_ kind: Kind, at time: Int64) {
        self.kind = kind
        self.time = time
    }

    init(_ random: inout SplitMix64) {
        self.time = Int64(random.next(in: -50..<50))
        let value = (0..<random.next(in: 0..<90)).map { _ in UInt8(random.next(in: 0..<256)) }
        switch random.next(in: 0..<10) {
        case 0..<2: self.kind = .set(value)
        case 2..<4: self.kind = .append(value)
        case 4..<6: self.kind = .removal
        default: self.kind = .timer
        }
    }

    func apply<Store: KeyedStateStore & ~Copyable>(to store: inout Store, _ number: Int) throws {
        try StoreKey.with(number) { key in
            try store.fetch(key)
            switch self.kind {
            case .set(let value): Self.withBytes(value) { store.setState(of: key, to: $0, writtenAt: self.time) }
            case .append(let value):
                Self.withBytes(value) { store.appendState(of: key, $0, writtenAt: self.time) }
            case .removal: store.removeState(of: key)
            case .timer: store.addTimer(at: self.time, of: key)
            }
        }
    }

    private static func withBytes(_ array: [UInt8], _ body: (Bytes) -> Void) {
        unsafe array.withUnsafeBufferPointer { buffer in
            // An empty array may have no address.
            let start = unsafe buffer.baseAddress ?? UnsafePointer(bitPattern: 16).unsafelyUnwrapped
            body(unsafe Bytes(start: start, count: array.count))
        }
    }
}

/// What a store should hold.
private struct StoreModel {
    struct State: Equatable {
        let value: [UInt8]
        let writtenAt: Int64

        init(_ state: StoredState) {
            self.init(value: state.value.array, writtenAt: state.writtenAt)
        }

        init(value: [UInt8], writtenAt: Int64) {
            self.value = value
            self.writtenAt = writtenAt
        }
    }

    var states: [Int: State] = [:]
    var timers: [Int: Set<Int64>] = [:]

    private var keys: Set<Int> { Set(self.states.keys).union(self.timers.filter { !$0.value.isEmpty }.keys) }

    var keyCount: Int { self.keys.count }

    mutating func apply(_ change: StoreChange, _ number: Int) {
        switch change.kind {
        case .set(let value): self.states[number] = State(value: value, writtenAt: change.time)
        case .append(let value):
            let whole = (self.states[number]?.value ?? []) + value
            self.states[number] = State(value: whole, writtenAt: change.time)
        case .removal: self.states[number] = nil
        case .timer: self.timers[number, default: []].insert(change.time)
        }
    }

    /// Removes the timers up to a time.
    mutating func fire(upTo time: Int64) -> [StoreTimer] {
        var fired: [StoreTimer] = []
        for (number, times) in self.timers {
            fired += times.filter { $0 <= time }.map { StoreTimer(time: $0, number: number) }
            self.timers[number] = times.filter { $0 > time }
        }
        return fired
    }

    var content: [String] {
        self.keys.map { number in
            let state = self.states[number].map { "\($0.value) \($0.writtenAt)" } ?? "-"
            return "\(number) \(state) \((self.timers[number] ?? []).sorted())"
        }
        .sorted()
    }
}

/// Short keys and long ones, by number.
private enum StoreKey {
    static func with<Failure: Error>(_ number: Int, _ body: (StateKey) throws(Failure) -> Void) throws(Failure) {
        let text = Array((number % 2 == 0 ? "\(number)" : "a key that is longer than fits, \(number)").utf8)
        let room = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.count)
        defer { unsafe room.deallocate() }
        _ = unsafe room.initialize(from: text)
        let start = unsafe UnsafeRawPointer(room.baseAddress.unsafelyUnwrapped)
        let words = unsafe KeyWords(start, count: text.count, isText: true)
        try body(unsafe StateKey(words, longKey: words.isLong ? start : nil))
    }

    static func number(of key: StateKey) throws -> Int {
        var arena = Arena(limitBytes: 1 << 16)
        let text = try key.value(in: &arena).text.string
        return Int(text.split(separator: " ").last ?? "") ?? -1
    }
}
