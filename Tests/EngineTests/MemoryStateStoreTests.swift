import CoreTypes
import Testing

@testable import Engine

@Suite struct MemoryStateStoreTests {
    /// What a store should hold.
    private struct Model: Equatable {
        struct State: Equatable {
            let value: [UInt8]
            let writtenAt: Int64
        }

        var states: [Int: State] = [:]
        var timers: [Int: Set<Int64>] = [:]

        var keyCount: Int { Set(self.states.keys).union(self.timers.filter { !$0.value.isEmpty }.keys).count }
    }

    @Test(arguments: 0..<UInt64(100))
    func `states and timers come back as they were kept, however keys come and go`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let keyCount = random.next(in: 1..<60)
        var store = MemoryStateStore(expires: random.chance(percent: 50))
        var model = Model()

        for _ in 0..<random.next(in: 1..<600) {
            let number = random.next(in: 0..<keyCount)
            let time = Int64(random.next(in: -50..<50))
            StoreKey.with(number) { key in
                switch random.next(in: 0..<10) {
                case 0..<4:
                    let value = (0..<random.next(in: 0..<90)).map { _ in UInt8(random.next(in: 0..<256)) }
                    let isAppended = random.chance(percent: 50)
                    unsafe value.withUnsafeBufferPointer { buffer in
                        // An empty array may have no address.
                        let start = unsafe buffer.baseAddress ?? UnsafePointer(bitPattern: 16).unsafelyUnwrapped
                        let bytes = unsafe Bytes(start: start, count: value.count)
                        if isAppended {
                            store.appendState(of: key, bytes, writtenAt: time)
                        } else {
                            store.setState(of: key, to: bytes, writtenAt: time)
                        }
                    }
                    let before = isAppended ? model.states[number]?.value ?? [] : []
                    model.states[number] = Model.State(value: before + value, writtenAt: time)
                case 4..<6:
                    store.removeState(of: key)
                    model.states[number] = nil
                default:
                    store.addTimer(at: time, of: key)
                    model.timers[number, default: []].insert(time)
                }
                let state = store.state(of: key).map { Model.State(value: $0.value.array, writtenAt: $0.writtenAt) }
                #expect(state == model.states[number], "seed \(seed)")
                #expect(store.timerCount(of: key) == model.timers[number]?.count ?? 0, "seed \(seed)")
            }
            if random.chance(percent: 10) { try Self.fire(&store, &model, upTo: time, seed) }
            #expect(store.keyCount == model.keyCount, "seed \(seed)")
        }
        #expect(Self.content(of: store) == Self.content(of: model), "seed \(seed)")
        try Self.fire(&store, &model, upTo: 100, seed)
        for number in 0..<keyCount { StoreKey.with(number) { store.removeState(of: $0) } }
        #expect(store.keyCount == 0, "seed \(seed)")
    }

    private static func fire(
        _ store: inout MemoryStateStore,
        _ model: inout Model,
        upTo time: Int64,
        _ seed: UInt64
    ) throws {
        var latest = Int64.min
        while let timer = store.nextTimer(upTo: time) {
            let number = try StoreKey.number(of: timer.key)
            #expect(timer.time >= latest, "seed \(seed)")
            #expect(model.timers[number]?.remove(timer.time) != nil, "seed \(seed)")
            latest = timer.time
            store.removeTimer(timer)
        }
        #expect(!model.timers.values.contains { $0.contains { $0 <= time } }, "seed \(seed)")
    }

    @Test(arguments: 0..<UInt64(50))
    func `states are dropped that were written long ago, and no others`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var store = MemoryStateStore(expires: true)
        var writtenAt: [Int: Int64] = [:]
        for _ in 0..<3_000 {
            let number = random.next(in: 0..<2_000)
            // What was written never becomes older.
            let time = max(Int64(random.next(in: 0..<1_000)), writtenAt[number] ?? 0)
            var value: UInt8 = 1
            unsafe withUnsafePointer(to: &value) { start in
                let bytes = unsafe Bytes(start: start, count: 1)
                StoreKey.with(number) { store.setState(of: $0, to: bytes, writtenAt: time) }
            }
            writtenAt[number] = time
        }

        for time in [100, 400, 401, 900] as [Int64] {
            while store.dropSome(writtenUpTo: time) {}
            #expect(store.keyCount == writtenAt.values.count { $0 > time }, "seed \(seed)")
        }
    }

    private static func content(of store: borrowing MemoryStateStore) -> [String] {
        var lines: [String] = []
        store.forEach { key, state, timers in
            let number = (try? StoreKey.number(of: key)) ?? -1
            lines.append("\(number) \(state.map { "\($0.value.array) \($0.writtenAt)" } ?? "-") \(timers)")
        }
        return lines.sorted()
    }

    private static func content(of model: Model) -> [String] {
        Set(model.states.keys).union(model.timers.filter { !$0.value.isEmpty }.keys).map { number in
            let state = model.states[number].map { "\($0.value) \($0.writtenAt)" } ?? "-"
            return "\(number) \(state) \((model.timers[number] ?? []).sorted())"
        }
        .sorted()
    }
}

/// Short keys and long ones, by number.
private enum StoreKey {
    static func with(_ number: Int, _ body: (StateKey) throws -> Void) rethrows {
        let text = Array((number % 2 == 0 ? "\(number)" : "a key that is longer than fits, \(number)").utf8)
        try unsafe text.withUnsafeBytes { bytes in
            let start = unsafe bytes.baseAddress.unsafelyUnwrapped
            let words = unsafe KeyWords(start, count: text.count, isText: true)
            try body(unsafe StateKey(words, longKey: words.isLong ? start : nil))
        }
    }

    static func number(of key: StateKey) throws -> Int {
        var arena = Arena(limitBytes: 1 << 16)
        let text = try key.value(in: &arena).text.string
        return Int(text.split(separator: " ").last ?? "") ?? -1
    }
}
