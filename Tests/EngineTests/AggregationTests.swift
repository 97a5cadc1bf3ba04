import CoreTypes
import FluentSyntax
import JobPlan
import Testing
import WireFormat

@testable import Engine

@Suite struct AggregationTests {
    /// Two halves of random pairs, aggregated apart and merged, give what a dictionary gives.
    @Test(arguments: 0..<UInt64(60))
    func `sums and counts are those of a dictionary, whatever the keys and values are`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let kinds: [AggregateKind] = random.chance(percent: 50) ? [.sum] : [.count, .sum, .min, .max]
        let hasLargeValues = random.chance(percent: 30)
        var model: [String: [Int64]] = [:]
        var first = Aggregation(columns: Aggregation.columns(for: kinds))
        var second = Aggregation(columns: Aggregation.columns(for: kinds))
        for index in 0..<2_000 {
            let key = Self.key(&random)
            let value = hasLargeValues ? Int64.max / 3 : Int64(random.next(in: -50..<50))
            model[key, default: []].append(value)
            var pairs = PairBuffer()
            try Self.withText(key) { text in try pairs.append(key: text, value: Value(value)) }
            if index % 2 == 0 { first.add(pairs) } else { second.add(pairs) }
        }
        var output = RowOutput(routing: Self.routing, batchBytes: 512)
        second.drain(into: &output)
        output.flush()
        for ready in output.takeReady() { try first.merge(ready.batch) }

        let found = Self.contents(of: first)

        #expect(found.count == model.count, "replay with seed \(seed)")
        for (key, values) in model {
            let state = try #require(found[key], "replay with seed \(seed)")
            let sum = values.reduce(Int128(0)) { $0 + Int128($1) }
            #expect(Self.integer(state.sum()) == Int64(exactly: sum), "replay with seed \(seed)")
            guard kinds.count > 1 else { continue }
            #expect(state.count == Int64(values.count))
            #expect(Self.integer(state.minimumValue()) == values.min())
            #expect(Self.integer(state.maximumValue()) == values.max())
        }
    }

    @Test func `a float turns columns into states and nothing is lost`() throws {
        var aggregation = Aggregation(columns: Aggregation.columns(for: [.sum]))
        for value in [Value(Int64(1)), Value(Int64(2)), Value(0.5), Value(Int64(3))] {
            var pairs = PairBuffer()
            try Self.withText("key") { text in try pairs.append(key: text, value: value) }
            aggregation.add(pairs)
        }

        let state = try #require(Self.contents(of: aggregation)["key"])

        #expect(aggregation.form == .states)
        guard case .value(let sum) = state.sum() else {
            Issue.record("there is no sum")
            return
        }
        #expect(sum.float == 6.5)
    }

    @Test func `a negative integer takes no digit from a sum of floats`() {
        var sum = NumberSum()
        sum.add(3.0 as Double)
        sum.add(1.224744871391589 as Double)

        sum.add(-1 as Int64)

        #expect(sum.float == 3.224744871391589)
    }

    @Test func `a batch in which a sum overflows is added once`() throws {
        let words = ["first", "akeythatistoolongfortwowords", "second", "first", "first", "first"]
        let text = words.joined(separator: " ")
        let delta = Int64.max / 3
        var aggregation = Aggregation(columns: [.sum])
        var scanner = TokenScanner(separators: .whitespace, emptyPieces: .dropped)
        var column = TextColumn(capacity: 100)
        let bytes = Array(text.utf8) + Array(repeating: 0, count: 128)

        unsafe bytes.withUnsafeBufferPointer { bytes in
            let base = unsafe bytes.baseAddress.unsafelyUnwrapped
            unsafe scanner.begin(base, count: text.utf8.count, hasCarriageReturns: false)
            while unsafe scanner.fill(&column, rows: nil) {
                let slices = unsafe TextSlices(
                    base: base,
                    starts: column.starts,
                    lengths: column.lengths,
                    count: column.count
                )
                aggregation.add(slices, delta: delta)
            }
        }

        let found = Self.contents(of: aggregation)
        #expect(aggregation.form == .states)
        #expect(Self.integer(try #require(found["second"]).sum()) == delta)
        #expect(Self.integer(try #require(found["akeythatistoolongfortwowords"]).sum()) == delta)
        #expect(Self.integer(try #require(found["first"]).sum()) == nil)
    }

    /// More keys than a near cache holds, so that slots are fetched ahead, and the table grows meanwhile.
    @Test(arguments: [100, 30_000])
    func `slices of any length are counted as in a dictionary`(keyCount: Int) throws {
        var random = SplitMix64(seed: 5)
        var model: [String: Int64] = [:]
        var aggregation = Aggregation(columns: [.sum])
        for _ in 0..<40 {
            let keys = (0..<2_000).map { _ in Self.sliceKey(random.next(in: 0..<keyCount)) }
            for key in keys { model[key, default: 0] += 3 }
            Self.add(keys, delta: 3, to: &aggregation)
        }

        let found = Self.contents(of: aggregation)

        #expect(aggregation.form == .integers)
        #expect(found.count == model.count)
        for (key, sum) in model { #expect(Self.integer(try #require(found[key]).sum()) == sum) }
    }

    @Test(arguments: [1, 31, 32, 33, 64, 1_999])
    func `a sum that overflows leaves what comes before it in columns`(position: Int) throws {
        var aggregation = Aggregation(columns: [.sum])
        Self.add((0..<20_000).map { "key\($0)" }, delta: 1, to: &aggregation)
        Self.add(["big"], delta: Int64.max, to: &aggregation)
        let keys = (0..<2_000).map { $0 == position ? "big" : "key\($0)" }

        Self.add(keys, delta: 1, to: &aggregation)

        let found = Self.contents(of: aggregation)
        #expect(aggregation.form == .states)
        #expect(Self.integer(try #require(found["big"]).sum()) == nil)
        for number in 0..<20_000 {
            let expected: Int64 = number < 2_000 && number != position ? 2 : 1
            #expect(Self.integer(try #require(found["key\(number)"]).sum()) == expected)
        }
    }

    /// A key in five is too long for two words.
    private static func sliceKey(_ number: Int) -> String {
        number % 5 == 0 ? "a key that is too long for two words \(number)" : "\(number)"
    }

    private static func add(_ keys: [String], delta: Int64, to aggregation: inout Aggregation) {
        var bytes: [UInt8] = []
        var column = TextColumn(capacity: keys.count)
        for key in keys {
            unsafe column.starts[column.count] = UInt32(bytes.count)
            unsafe column.lengths[column.count] = UInt32(key.utf8.count)
            column.count += 1
            bytes += Array(key.utf8)
        }
        bytes += Array(repeating: 0, count: 16)
        unsafe bytes.withUnsafeBufferPointer { bytes in
            let base = unsafe bytes.baseAddress.unsafelyUnwrapped
            let slices = unsafe TextSlices(
                base: base,
                starts: column.starts,
                lengths: column.lengths,
                count: column.count
            )
            aggregation.add(slices, delta: delta)
        }
    }

    @Test func `infinities aren't taken for a NaN`() {
        var state = AggregateState()
        state.add(Value(Double.infinity))
        state.add(Value(-Double.infinity))

        #expect(state.minimumValue().float == -Double.infinity)
        #expect(state.maximumValue().float == Double.infinity)
    }

    @Test(arguments: [#"\s"#, #"\r"#, #"[,\r]"#])
    func `separators that may be a line's end are the machine's where empty pieces count`(pattern: String) {
        #expect(SplitShape(.regex(pattern)) == nil)
        #expect(SplitShape(.regex(pattern + "+")) != nil)
    }

    private static let routing = Routing(keyGroupCount: 128, partitionCount: 4, subtaskCount: 2)

    private static func key(_ random: inout SplitMix64) -> String {
        let number = random.next(in: 0..<200)
        switch number % 4 {
        case 0: return "k\(number)"
        case 1: return "a key that is too long for two words \(number)"
        case 2: return "\(number)\0"
        default: return "\(number)"
        }
    }

    private static func withText(_ text: String, _ body: (Value) throws -> Void) throws {
        let padded = Array(text.utf8) + Array(repeating: 0, count: 32)
        try unsafe padded.withUnsafeBytes { bytes in
            try body(unsafe Value(.string, text: bytes.baseAddress.unsafelyUnwrapped, count: text.utf8.count))
        }
    }

    private static func contents(of aggregation: borrowing Aggregation) -> [String: AggregateState] {
        var found: [String: AggregateState] = [:]
        var arena = Arena(limitBytes: 64 << 20)
        let form = aggregation.form
        aggregation.forEachRow { row in
            guard let key = try? row.value(in: &arena) else {
                Issue.record("a key can't be decoded")
                return
            }
            found[key.text.string] = aggregation.state(of: row, form: form)
        }
        return found
    }

    /// The integer that a result is; nil where it overflows.
    private static func integer(_ result: AggregateResult) -> Int64? {
        guard case .value(let value) = result, value.tag == .integer else { return nil }
        return value.integer
    }
}

extension AggregateResult {
    fileprivate var float: Double? {
        guard case .value(let value) = self, value.tag == .float else { return nil }
        return value.float
    }
}
