import CoreTypes
import EngineTestKit
import JobPlan
import Testing

@testable import Engine

/// Whole jobs with tables so small that they spill all the time, against dictionaries.
@Suite struct SpilledReduceTests {
    private static let splitMap =
        #"(lambda (line) (let ((f (split line " "))) (emit (nth f 0) (parse-int (nth f 1)))))"#

    private static let reductions = [
        "(sum values)",
        "[(count values) (sum values) (min values) (max values)]",
        #"(join "," (sort values))"#,
        // Traverses the values twice.
        "[(reduce (lambda (n v) (+ n 1)) 0 values) (reduce (lambda (n v) (+ n v)) 0 values)]",
    ]

    private static func expected(_ reduction: Int, _ values: [Int64]) -> String {
        let sum = values.reduce(0, &+)
        switch reduction {
        case 0: return "\(sum)"
        case 1: return "[\(values.count),\(sum),\(values.min() ?? 0),\(values.max() ?? 0)]"
        case 2: return values.sorted().map { "\($0)" }.joined(separator: ",")
        default: return "[\(values.count),\(sum)]"
        }
    }

    @Test(arguments: 0..<UInt64(16))
    func `integers of short and long keys come out as from a dictionary`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let reduction = Int(seed % 4)
        var model: [String: [Int64]] = [:]
        let texts = (0..<random.next(in: 1..<4)).map { _ in
            (0..<random.next(in: 0..<600)).map { _ in
                let key = Self.key(&random)
                let value = Int64(random.next(in: -1_000..<1_000))
                model[key, default: []].append(value)
                return "\(key) \(value)\n"
            }
            .joined()
        }
        let program = try JobProgram.make(
            map: Self.splitMap,
            reduce: "(lambda (key values) (emit key \(Self.reductions[reduction])))",
            options: ":partitions \(random.next(in: 3..<6))",
            output: random.chance(percent: 50) ? ":sorted true" : ""
        )

        let (sink, figures) = try Self.run(program, texts, &random)

        let lines = model.map { "\($0.key)\t\(Self.expected(reduction, $0.value))" }.sorted()
        #expect(firstDifference(sink.lines, lines) == nil, "replay with seed \(seed)")
        #expect(figures.keys == model.count, "replay with seed \(seed)")
        #expect(figures.spilledRuns > 0, "replay with seed \(seed)")
    }

    @Test(arguments: 0..<UInt64(5))
    func `sums that leave 64 bits on the way are exact at the end`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var lines: [String] = []
        var model: [String: Int64] = [:]
        for number in 0..<200 {
            let key = random.chance(percent: 50) ? "k\(number)" : "a-key-too-long-for-its-slot-\(number)"
            // Three of the largest, taken back by three others: partial sums overflow, the whole doesn't.
            let large = Int64.max / 2
            let rest = Int64(random.next(in: -9..<10))
            lines += Array(repeating: "\(key) \(large)\n", count: 3) + Array(repeating: "\(key) \(-large)\n", count: 3)
            lines.append("\(key) \(rest)\n")
            model[key] = rest
        }
        let program = try JobProgram.make(map: Self.splitMap, reduce: "(lambda (key values) (emit key (sum values)))")

        let (sink, figures) = try Self.run(program, [lines.joined()], &random)

        let expected = model.map { "\($0.key)\t\($0.value)" }.sorted()
        #expect(firstDifference(sink.lines, expected) == nil, "replay with seed \(seed)")
        #expect(figures.spilledRuns > 0, "replay with seed \(seed)")
    }

    @Test(arguments: 0..<UInt64(12))
    func `keys and values of any type keep their groups when columns become states midway`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let isAggregated = random.chance(percent: 60)
        let count = random.next(in: 200..<900)
        let firstFloat = random.next(in: 0..<count)
        var model: [String: [Double]] = [:]
        var floats: Set<String> = []
        let text = (0..<count).map { number in
            let (written, key) = Self.jsonKey(&random)
            let isFloat = number >= firstFloat && random.chance(percent: 30)
            let value = Double(random.next(in: -500..<500)) + (isFloat ? 0.5 : 0)
            model[key, default: []].append(value)
            if isFloat { floats.insert(key) }
            return #"{"k":\#(written),"v":\#(isFloat ? "\(value)" : "\(Int(value))")}"# + "\n"
        }
        .joined()
        let sum = isAggregated ? "(sum values)" : "(reduce (lambda (n v) (+ n v)) 0 values)"
        let program = try JobProgram.make(
            map: "(lambda (record) (emit (get record :k) (get record :v)))",
            reduce: "(lambda (key values) (emit key [(count values) \(sum)]))",
            format: "'json",
            output: ":format 'json"
        )

        let (sink, figures) = try Self.run(program, [text], &random)

        let lines = model.map { key, values in
            let sum = values.reduce(0, +)
            return #"{"key":\#(key),"value":[\#(values.count),\#(floats.contains(key) ? "\(sum)" : "\(Int(sum))")]}"#
        }
        #expect(firstDifference(sink.lines, lines.sorted()) == nil, "replay with seed \(seed)")
        #expect(figures.spilledRuns > 0, "replay with seed \(seed)")
    }

    @Test(arguments: 0..<UInt64(6))
    func `the first and the last text of a key survive being spilled`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var model: [String: [String]] = [:]
        let text = (0..<random.next(in: 100..<900)).map { _ in
            let key = Self.key(&random)
            let isShort = random.chance(percent: 50)
            let value = isShort ? "v\(random.next(in: 0..<99))" : Self.key(&random) + "-and-more-of-it"
            model[key, default: []].append(value)
            return "\(key) \(value)\n"
        }
        .joined()
        let program = try JobProgram.make(
            map: #"(lambda (line) (let ((f (split line " "))) (emit (nth f 0) (nth f 1))))"#,
            reduce: "(lambda (key values) (emit key [(min values) (max values)]))"
        )

        let (sink, figures) = try Self.run(program, [text], &random)

        let lines = model.map { #"\#($0.key)\#t["\#($0.value.min() ?? "")","\#($0.value.max() ?? "")"]"# }
        #expect(firstDifference(sink.lines, lines.sorted()) == nil, "replay with seed \(seed)")
        #expect(figures.spilledRuns > 0, "replay with seed \(seed)")
    }

    @Test func `more runs than are merged at a time are merged in levels`() throws {
        var random = SplitMix64(seed: 1)
        let text = (0..<6_000).map { "key-\($0 % 1_500) \($0 % 7)\n" }.joined()
        let program = try JobProgram.make(
            map: Self.splitMap,
            reduce: #"(lambda (key values) (emit key (join "," values)))"#,
            options: ":partitions 2"
        )
        let options = PlanOptions(parallelism: 1, tableBytes: 1 << 10)

        let (sink, figures) = try Self.run(program, [text], &random, options: options)

        // Values of a key are in the order they came, however often they were merged.
        let lines = (0..<1_500).map { key in
            "key-\(key)\t" + (0..<4).map { "\((key + 1_500 * $0) % 7)" }.joined(separator: ",")
        }
        #expect(firstDifference(sink.lines, lines.sorted()) == nil)
        #expect(figures.spilledRuns > 24 + 24 / 24)
    }

    @Test func `sorted partitions are sorted after a merge too`() throws {
        var random = SplitMix64(seed: 2)
        let text = (0..<3_000).map { "\(($0 * 7_919) % 1_009)-\($0 % 2 == 0 ? "" : "with-a-long-tail") 1\n" }.joined()
        let program = try JobProgram.make(
            map: Self.splitMap,
            reduce: "(lambda (key values) (emit key (sum values)))",
            options: ":partitions 3",
            output: ":sorted true"
        )

        let (sink, _) = try Self.run(program, [text], &random)

        let parts = try #require(sink.partitions).map { InMemorySink.lines(of: $0) }
        #expect(parts.allSatisfy { $0.count > 100 })
        for part in parts { #expect(part == part.sorted()) }
    }

    @Test func `a value larger than a spill block comes back whole`() throws {
        var random = SplitMix64(seed: 3)
        let large = String(repeating: "x", count: 3_000_000)
        let text = "a 1\nb \(large)\na 2\nb y\n"
        let program = try JobProgram.make(
            map: #"(lambda (line) (let ((f (split line " "))) (emit (nth f 0) (nth f 1))))"#,
            reduce: #"(lambda (key values) (emit key (join "," values)))"#
        )

        let (sink, figures) = try Self.run(program, [text], &random)

        #expect(firstDifference(sink.lines, ["a\t1,2", "b\t\(large),y"]) == nil)
        #expect(figures.spilledRuns > 0)
    }

    // MARK: Running

    /// Runs a job whose tables get a few KiB.
    private static func run(
        _ program: JobProgram,
        _ texts: [String],
        _ random: inout SplitMix64,
        options: PlanOptions? = nil
    ) throws -> (InMemorySink, StageRun.Figures) {
        let options =
            options
            ?? PlanOptions(
                parallelism: random.next(in: 1..<4),
                tableBytes: Int64(random.next(in: 1 << 10..<1 << 14)),
                kernelsEnabled: random.chance(percent: 50)
            )
        let store = InMemorySpillStore()
        let run = StageRun(try program.compiled(options), store: store)
        let figures = try run.run(over: InMemorySource(texts, blockBytes: random.next(in: 64..<4_096)))
        #expect(store.calls.alive == 0, "every run is given back")
        return (run.sink, figures)
    }

    private static func key(_ random: inout SplitMix64) -> String {
        let number = random.next(in: 0..<120)
        switch number % 4 {
        case 0: return "k\(number)"
        case 1: return "a-key-that-is-too-long-for-two-words-\(number)"
        // 15 and 16 bytes: the longest that fits two words, and the shortest that doesn't.
        case 2: return "fifteen-bytes" + "\(100 + number)".suffix(2)
        default: return "sixteen-bytes-" + "\(100 + number)".suffix(2)
        }
    }

    /// A key as it is written, and as it comes out.
    private static func jsonKey(_ random: inout SplitMix64) -> (written: String, key: String) {
        let number = random.next(in: 0..<40)
        switch random.next(in: 0..<9) {
        case 0: return ("\(number)", "\(number)")
        // An integral float is the same key as the integer.
        case 1: return ("\(number).0", "\(number)")
        case 2: return ("\(number).5", "\(number).5")
        case 3: return ("\"\(number)\"", "\"\(number)\"")
        case 4: return ("\"longer than two words \(number)\"", "\"longer than two words \(number)\"")
        case 5: return ("null", "null")
        case 6: return ("true", "true")
        case 7: return ("[\(number),\"a\",[]]", "[\(number),\"a\",[]]")
        default: return ("{\"b\":1,\"a\":\(number)}", "{\"a\":\(number),\"b\":1}")
        }
    }
}
