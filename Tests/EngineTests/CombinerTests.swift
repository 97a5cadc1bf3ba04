import CoreTypes
import EngineTestKit
import FluentSyntax
import JobPlan
import Testing
import WireFormat

@testable import Engine

/// Sums, minima and maxima before the shuffle.
@Suite struct AggregateCombinerTests {
    /// Any values under few keys: what is shipped aggregates to the same, to the last bit, and the rest is all there.
    @Test(arguments: 0..<UInt64(30))
    func `what is shipped comes to what the values come to`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let kind = [AggregateKind.sum, .min, .max][random.next(in: 0..<3)]
        let pairs = (0..<3_000).map { _ in (key: Self.key(&random), value: Self.value(&random)) }

        let shipped = try CombinerMaking.shipped(pairs, by: try CombinerMaking.step(kind))

        let found = CombinerMaking.groups(shipped)
        #expect(shipped.count < pairs.count, "replay with seed \(seed)")
        #expect(found.count == Set(pairs.map(\.key)).count, "replay with seed \(seed)")
        for (key, values) in CombinerMaking.groups(pairs) {
            let combined = found[key] ?? []
            for type in [CombinableType.number, .text] {
                #expect(
                    Self.result(kind, type, values) == Self.result(kind, type, combined),
                    "replay with seed \(seed)"
                )
            }
            let others = values.filter { Self.type($0, kind) == .other }
            #expect(
                combined.filter { Self.type($0, kind) == .other }.map(\.sourceText).sorted()
                    == others.map(\.sourceText).sorted(),
                "replay with seed \(seed)"
            )
        }
    }

    @Test func `a sum beyond 64 bits travels as several integers`() throws {
        let pairs = (0..<5).map { _ in (key: "k", value: Constant.integer(.max)) }

        let shipped = try CombinerMaking.shipped(pairs, by: try CombinerMaking.step(.sum))

        #expect(shipped.map(\.value) == pairs.map(\.value))
    }

    @Test func `an overflow on the way shows nowhere`() throws {
        let values: [Int64] = [.max, .max, -.max, -.max, 7]

        let shipped = try CombinerMaking.shipped(
            values.map { ("k", .integer($0)) },
            by: try CombinerMaking.step(.sum)
        )

        #expect(shipped.map(\.value) == [.integer(7)])
    }

    @Test func `a sum of floats keeps the digits that one float can't hold`() throws {
        let pairs = [1e16, 1, 0.5].map { (key: "k", value: Constant.float($0)) } + [("k", .integer(3))]

        let shipped = try CombinerMaking.shipped(pairs, by: try CombinerMaking.step(.sum))

        #expect(shipped.map(\.value) == [.float(1e16 + 2), .float(-0.5), .integer(3)])
    }

    @Test func `strings have extremes beside those of numbers`() throws {
        let values: [Constant] = [.string(Array("b".utf8)), .integer(3), .string(Array("a".utf8)), .float(2.5), .nil]

        let shipped = try CombinerMaking.shipped(values.map { ("k", $0) }, by: try CombinerMaking.step(.min))

        #expect(Set(shipped.map(\.value)) == [.string(Array("a".utf8)), .float(2.5), .nil])
        #expect(shipped.count == 3)
    }

    @Test func `keys that don't fit are shipped and come back`() throws {
        let pairs = (0..<60_000).map { (key: "key number \($0 % 20_000)", value: Constant.integer(1)) }

        let shipped = try CombinerMaking.shipped(pairs, by: try CombinerMaking.step(.sum, tableBytes: 512 << 10))

        let sums = CombinerMaking.groups(shipped).mapValues { $0.reduce(0) { $0 + ($1.integerValue ?? 0) } }
        #expect(sums.count == 20_000)
        #expect(sums.allSatisfy { $0.value == 3 })
    }

    private static func key(_ random: inout SplitMix64) -> String {
        let number = random.next(in: 0..<40)
        return number % 3 == 0 ? "a key that is too long for two words \(number)" : "k\(number)"
    }

    private static func value(_ random: inout SplitMix64) -> Constant {
        switch random.next(in: 0..<100) {
        case 0..<50: .integer(Int64(random.next(in: -50..<50)))
        case 50..<60: .integer(Int64.max / 3)
        case 60..<80: .float(Double(random.next(in: -1_000..<1_000)) / 10)
        case 80..<84: .float(1e17)
        case 84: .float(.infinity)
        case 85: .float(.nan)
        case 86..<94: .string(Array("text \(random.next(in: 0..<100))".utf8))
        case 94..<97: .list([.integer(1), .string([0x61])])
        default: .nil
        }
    }

    private static func type(_ constant: Constant, _ kind: AggregateKind) -> CombinableType {
        switch constant {
        case .integer, .float: .number
        case .string: kind == .sum ? .other : .text
        default: .other
        }
    }

    /// What the values of a type come to, to the bit; an integer and a float of one value are the same extreme.
    private static func result(_ kind: AggregateKind, _ type: CombinableType, _ values: [Constant]) -> String {
        var arena = Arena(limitBytes: 1 << 20)
        var state = AggregateState()
        for constant in values where Self.type(constant, kind) == type {
            state.add(arena.makeValue(constant) ?? .nil)
        }
        switch state.result(of: kind) {
        case .value(let value):
            if value.has(.float), kind != .sum, let integer = Int64(exactly: value.float) { return "\(integer)" }
            return value.shown
        case .overflow: return "overflow"
        case .wrongType: return "wrong type"
        }
    }
}

/// Lambdas before the shuffle.
@Suite struct BufferedCombinerTests {
    @Test(arguments: [16 << 10, 1 << 20, 64 << 20])
    func `a lambda combines what is collected, whatever room there is`(tableBytes: Int) throws {
        let pairs = (0..<40_000).map { (key: "key \($0 % 100)", value: Constant.integer(Int64($0))) }
        let step = try CombinerMaking.step("(lambda (vs) (reduce + vs))", tableBytes: tableBytes)

        let shipped = try CombinerMaking.shipped(pairs, by: step)

        #expect(shipped.count < pairs.count / 20)
        #expect(Self.sums(shipped) == Self.sums(pairs))
    }

    @Test func `keys that hardly repeat are passed by, and none is lost`() throws {
        let pairs = (0..<60_000).map { (key: "a rather long key, number \($0 % 50_000)", value: Constant.integer(1)) }
        let step = try CombinerMaking.step("(lambda (vs) (reduce + vs))", tableBytes: 1 << 20)

        let shipped = try CombinerMaking.shipped(pairs, by: step)

        #expect(Self.sums(shipped) == Self.sums(pairs))
    }

    @Test func `the combiner sees lists, maps and text, also its own`() throws {
        let values: [Constant] = [
            .list([.string(Array("b".utf8))]), .list([.string(Array("a".utf8)), .string(Array("b".utf8))]),
        ]
        let step = try CombinerMaking.step("(lambda (vs) (sort (distinct (flat-map (fn (x) x) vs))))")

        let shipped = try CombinerMaking.shipped(values.map { ("k", $0) }, by: step)

        #expect(shipped.map(\.value.sourceText) == [#"["a" "b"]"#])
    }

    @Test func `a single value isn't combined`() throws {
        let step = try CombinerMaking.step("(lambda (vs) (+ 1 (reduce + vs)))")

        let shipped = try CombinerMaking.shipped(
            [("a", .integer(1)), ("b", .integer(2)), ("b", .integer(3))],
            by: step
        )

        #expect(CombinerMaking.groups(shipped) == ["a": [.integer(1)], "b": [.integer(6)]])
    }

    @Test func `a failing combiner fails with its place and the key`() throws {
        let step = try CombinerMaking.step("(lambda (vs) (quot 1 (- (reduce + vs) 3)))")

        do throws(EngineError) {
            _ = try CombinerMaking.shipped([("b", .integer(1)), ("b", .integer(2))], by: step)
            Issue.record("the combiner divides by zero")
        } catch .evaluation(let error, let place) {
            #expect(error.code == .divisionByZero(operation: "quot"))
            #expect(error.range.start == "(define f (lambda (vs) ".utf8.count)
            #expect(place.resource == "the values of key b")
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test func `where records may fail, values of a failing combiner travel as they are`() throws {
        let pairs: [CombinerMaking.Pair] = [
            ("b", .integer(1)), ("b", .integer(2)), ("c", .integer(3)), ("c", .integer(4)),
        ]
        let step = try CombinerMaking.step("(lambda (vs) (quot 14 (- (reduce + vs) 3)))", policy: .skip)

        let shipped = try CombinerMaking.shipped(pairs, by: step)

        let groups = CombinerMaking.groups(shipped)
        #expect(groups["b"] == [.integer(1), .integer(2)])
        #expect(groups["c"] == [.integer(3)])
    }

    @Test func `a result that can't travel is the combiner's fault`() throws {
        let step = try CombinerMaking.step("(lambda (vs) (fn (x) (count vs)))")

        do throws(EngineError) {
            _ = try CombinerMaking.shipped([("b", .integer(1)), ("b", .integer(2))], by: step)
            Issue.record("a function can't travel")
        } catch .evaluation(let error, _) {
            #expect(error.code.name == "type-mismatch")
            #expect(error.range.start == "(define f ".utf8.count)
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test func `values themselves are a result`() throws {
        let step = try CombinerMaking.step("(lambda (vs) vs)")

        let shipped = try CombinerMaking.shipped([("b", .integer(1)), ("b", .integer(2))], by: step)

        #expect(shipped.map(\.value) == [.list([.integer(1), .integer(2)])])
    }

    private static func sums(_ pairs: [CombinerMaking.Pair]) -> [String: Int64] {
        CombinerMaking.groups(pairs).mapValues { $0.reduce(0) { $0 + ($1.integerValue ?? 0) } }
    }
}

/// Combining behind the shuffle, where values are spilled.
@Suite struct SpilledCombinerTests {
    @Test(arguments: [true, false])
    func `fewer values are spilled where a combiner runs`(isLambda: Bool) throws {
        let step = isLambda ? try CombinerMaking.step("(lambda (vs) (reduce + vs))") : try CombinerMaking.step(.sum)

        let combined = try Self.spilled(GroupCombiner(step))
        let whole = try Self.spilled(nil)

        #expect(combined.bytes > 0)
        #expect(combined.bytes < whole.bytes / 4)
        #expect(combined.sums == whole.sums)
        #expect(whole.sums.count == 200)
    }

    @Test func `a combiner that fails there fails the job`() throws {
        let step = try CombinerMaking.step("(lambda (vs) (quot 1 0))")

        #expect(throws: EngineError.self) { _ = try Self.spilled(GroupCombiner(step)) }
    }

    /// Sums of what a table of half a mebibyte spills and merges of 40,000 values.
    private static func spilled(_ combiner: consuming GroupCombiner?) throws -> (bytes: Int64, sums: [String: Int64]) {
        var tables = ReduceTables(
            kind: .groups,
            combiner: combiner,
            routing: CombinerMaking.routing,
            bytesLimit: 512 << 10,
            store: InMemorySpillStore()
        )
        var rows = RowOutput(routing: CombinerMaking.routing, batchBytes: 16 << 10)
        for start in stride(from: 0, to: 40_000, by: 100) {
            let pairs = (start..<start + 100).map { (key: "key \($0 % 200)", value: Constant.integer(Int64($0))) }
            rows.ship(CombinerMaking.buffer(pairs), 0..<100)
        }
        rows.flush()
        for ready in rows.takeReady() { try tables.receive(ready.batch) }
        try tables.finish()

        var merger = try RunMerger(tables.runs, routing: CombinerMaking.routing)
        var sums: [String: Int64] = [:]
        while let cursor = merger.current {
            let pair = CombinerMaking.pair(cursor.keyed, cursor.valueBytes)
            sums[pair.key, default: 0] += pair.value.integerValue ?? 0
            try merger.advance()
        }
        return (tables.spilledBytes, sums)
    }
}

extension Constant {
    fileprivate var integerValue: Int64? {
        if case .integer(let value) = self { value } else { nil }
    }
}
