import CoreTypes
import EngineTestKit
import FluentSyntax
import JobPlan
import Testing

@testable import Engine

/// One map for each thing that kernels can do, over lines that make it matter.
@Suite struct KernelStepTests {
    struct Step: Sendable, CustomStringConvertible {
        /// The body of a map over `line`.
        let map: String
        let lines: [String]
        /// Each emitted key with its values, sorted.
        let expected: [String]

        init(_ map: String, _ lines: [String], _ expected: [String]) {
            self.map = map
            self.lines = lines
            self.expected = expected
        }

        var description: String { self.map }
    }

    static let rows = [
        Step("(emit line 1)", ["a", "", "a"], ["\t[1]", "a\t[1,1]"]),
        Step(#"(for (w (split line " ")) (emit w 1))"#, ["a  b", "", " a"], ["\t[1,1,1]", "a\t[1,1]", "b\t[1]"]),
        Step(#"(for (w (split line #"\s+")) (emit w 1))"#, ["a \t b", "", " a "], ["a\t[1,1]", "b\t[1]"]),
        Step(#"(for (w (split line #",")) (emit w 1))"#, ["a,,b", ",c,"], ["\t[1]", "a\t[1]", "b\t[1]", "c\t[1]"]),
        Step(#"(for (w (split line #"[^a-z]+")) (emit w 1))"#, ["aäb", "Üc"], ["a\t[1]", "b\t[1]", "c\t[1]"]),
    ]

    static let texts = [
        Step(#"(emit "all" line)"#, ["b", "a"], [#"all\#t["a","b"]"#]),
        Step("(emit (lower line) 1)", ["aB", "ÄB", "", "É"], ["\t[1]", "ab\t[1]", "äb\t[1]", "é\t[1]"]),
        Step("(emit (upper line) 1)", ["aB", "äb", "straße"], ["AB\t[1]", "STRASSE\t[1]", "ÄB\t[1]"]),
        Step("(emit (lower (trim line)) 1)", ["  A b ", "c", " \u{B}"], ["\t[1]", "a b\t[1]", "c\t[1]"]),
        Step("(emit (substring line 1 3) 1)", ["abcd", "xyz", "äöü"], ["bc\t[1]", "yz\t[1]", "öü\t[1]"]),
        Step("(emit (substring line 1) 1)", ["abc", "x", "éa"], ["\t[1]", "a\t[1]", "bc\t[1]"]),
        Step("(emit (upper (substring line 0 1)) 1)", ["abc", "éa"], ["A\t[1]", "É\t[1]"]),
        Step(#"(emit (str line "-" (count line)) 1)"#, ["", "abcdefghijkl"], ["-0\t[1]", "abcdefghijkl-12\t[1]"]),
        Step(
            #"(emit (str (- (count line) 105) "/" (lower line)) 1)"#,
            ["A", String(repeating: "b", count: 105), String(repeating: "C", count: 300)],
            [
                "-104/a\t[1]", "0/\(String(repeating: "b", count: 105))\t[1]",
                "195/\(String(repeating: "c", count: 300))\t[1]",
            ]
        ),
        Step(
            #"(emit (str "a constant of more than sixteen bytes " line) 1)"#,
            ["x"],
            ["a constant of more than sixteen bytes x\t[1]"]
        ),
    ]

    static let integers = [
        Step("(emit (count line) 1)", ["ab", "äö", "\u{1F600}", ""], ["0\t[1]", "1\t[1]", "2\t[1,1]"]),
        Step("(emit line (+ (count line) 5 -7))", ["abc", ""], ["\t[-2]", "abc\t[1]"]),
        Step("(emit line (- (count line) 5))", ["abc"], ["abc\t[-2]"]),
        Step("(emit line (* (count line) (count line) -2))", ["abc"], ["abc\t[-18]"]),
        Step("(emit line (inc (count line)))", ["abc"], ["abc\t[4]"]),
        Step("(emit line (dec (count line)))", ["", "a"], ["\t[-1]", "a\t[0]"]),
        Step("(let ((n (count line)) (u (upper line))) (emit u (+ n n)))", ["ab", "ß"], ["AB\t[4]", "SS\t[2]"]),
        Step("(do (emit line 1) (emit (count line) 2))", ["a", "b"], ["1\t[2,2]", "a\t[1]", "b\t[1]"]),
    ]

    static let conditions = [
        Step("(when (< (count line) 2) (emit line 1))", ["a", "bb"], ["a\t[1]"]),
        Step("(when (<= (count line) 2) (emit line 1))", ["a", "bb", "ccc"], ["a\t[1]", "bb\t[1]"]),
        Step("(when (> (count line) 2) (emit line 1))", ["a", "ccc"], ["ccc\t[1]"]),
        Step("(when (>= (count line) 2) (emit line 1))", ["a", "bb", "ccc"], ["bb\t[1]", "ccc\t[1]"]),
        Step("(when (= (count line) 2) (emit line 1))", ["a", "bb"], ["bb\t[1]"]),
        Step("(when (!= (count line) 2) (emit line 1))", ["a", "bb"], ["a\t[1]"]),
        Step(#"(when (= (lower line) "bb") (emit line 1))"#, ["a", "Bb", "bbb"], ["Bb\t[1]"]),
        Step(#"(when (!= line "bb") (emit line 1))"#, ["a", "bb"], ["a\t[1]"]),
        Step(#"(when (contains? line "bc") (emit line 1))"#, ["abcd", "bc", "b", "acb"], ["abcd\t[1]", "bc\t[1]"]),
        Step(#"(when (contains? line "") (emit line 1))"#, ["a", ""], ["\t[1]", "a\t[1]"]),
        Step(#"(when (starts-with? line "ab") (emit line 1))"#, ["ab", "abc", "cab", "a"], ["ab\t[1]", "abc\t[1]"]),
        Step(#"(when (ends-with? line "ab") (emit line 1))"#, ["ab", "cab", "abc", "b"], ["ab\t[1]", "cab\t[1]"]),
        Step("(when (empty? line) (emit line 1))", ["", "a"], ["\t[1]"]),
        Step("(when (not (empty? (trim line))) (emit line 1))", [" ", "a"], ["a\t[1]"]),
        Step(
            #"(when (and (> (count line) 1) (starts-with? line "a") (ends-with? line "b")) (emit line 1))"#,
            ["a", "ab", "acb", "bb", "ac"],
            ["ab\t[1]", "acb\t[1]"]
        ),
        Step(
            #"(when (or (= line "x") (empty? line) (contains? line "q")) (emit line 1))"#,
            ["x", "", "aq", "y"],
            ["\t[1]", "aq\t[1]", "x\t[1]"]
        ),
        Step(
            #"(if (< (count line) 2) (emit line "short") (emit (substring line 0 1) "long"))"#,
            ["a", "bcd", "e"],
            [#"a\#t["short"]"#, #"b\#t["long"]"#, #"e\#t["short"]"#]
        ),
    ]

    @Test(arguments: rows + texts + integers + conditions)
    func `each step gives what the language says, on kernels and on the machine`(step: Step) throws {
        // So many lines that there are several batches, in which no two rows next to each other are alike.
        let lines = (0..<300).flatMap { _ in step.lines }
        let expected = step.expected.map { Self.repeated($0, 300) }

        let kernels = try Self.run(step.map, lines, kernelsEnabled: true)
        let machine = try Self.run(step.map, lines, kernelsEnabled: false)

        #expect(try Self.hasKernel(step.map), "the map runs on kernels")
        #expect(firstDifference(machine, expected) == nil)
        #expect(firstDifference(kernels, expected) == nil)
    }

    @Test(arguments: [
        ("(emit line (* (count line) 9223372036854775807))", "integer-overflow"),
        ("(emit line (+ 9223372036854775807 (count line)))", "integer-overflow"),
        ("(emit (substring line 3 5) 1)", "index-out-of-range"),
    ])
    func `what kernels can't do is the machine's error, at its record`(map: String, code: String) throws {
        let lines = (0..<2_000).map { $0 == 1_500 ? "ab" : $0 == 1_501 ? "ab" : "" }
        let guarded = "(when (not (empty? line)) \(map))"
        var places: [RecordPlace] = []

        for kernelsEnabled in [true, false] {
            do {
                _ = try Self.run(guarded, lines, kernelsEnabled: kernelsEnabled)
            } catch EngineError.evaluation(let error, let place) {
                #expect(error.code.name == code)
                places.append(place)
            }
        }

        #expect(try Self.hasKernel(guarded))
        #expect(places == Array(repeating: RecordPlace(resource: "text-0", offset: 1_500), count: 2))
    }

    @Test(arguments: [0, 1_023, 1_024, 2_900])
    func `a record that kernels give up late is emitted once`(position: Int) throws {
        // One line of several batches, of which one piece has letters beyond ASCII.
        let line = (0..<3_000).map { $0 == position ? "ÄÖ" : "W\($0 % 7)" }.joined(separator: " ")
        let map = #"(for (w (split line #"\s+")) (emit (lower w) 1))"#

        let found = try Self.run(map, ["before", line, "after"], kernelsEnabled: true)

        let counts = Dictionary(grouping: (0..<3_000).filter { $0 != position }) { "w\($0 % 7)" }.mapValues(\.count)
        let others = ["before": 1, "after": 1, "äö": 1]
        let expected = counts.merging(others) { first, _ in first }.map { key, count in
            key + "\t[" + Array(repeating: "1", count: count).joined(separator: ",") + "]"
        }
        #expect(firstDifference(found, expected.sorted()) == nil)
    }

    // MARK: Running

    private static func program(_ map: String) throws -> JobProgram {
        try .make(map: "(lambda (line) \(map))", reduce: "(lambda (key values) (emit key (sort values)))")
    }

    private static func run(_ map: String, _ lines: [String], kernelsEnabled: Bool) throws -> [String] {
        let options = PlanOptions(parallelism: 1, kernelsEnabled: kernelsEnabled)
        let run = StageRun(try self.program(map).compiled(options))
        let text = lines.map { $0 + "\n" }.joined()
        _ = try run.run(over: InMemorySource([text], blockBytes: 1 << 18))
        return run.sink.lines
    }

    private static func hasKernel(_ map: String) throws -> Bool {
        var function: MapFunction?
        var decode: DecodeStep?
        for step in try self.program(map).graph().stages[0].operators {
            if case .map(let found) = step.kind { function = found }
            if case .decode(let found) = step.kind { decode = found }
        }
        return KernelPlan(try #require(function), decode: try #require(decode)) != nil
    }

    /// The line of a key whose values come `count` times each.
    private static func repeated(_ line: String, _ count: Int) -> String {
        let parts = line.split(separator: "\t", omittingEmptySubsequences: false)
        let values = parts[1].dropFirst().dropLast().split(separator: ",")
        let all = values.flatMap { Array(repeating: String($0), count: count) }
        return "\(parts[0])\t[\(all.joined(separator: ","))]"
    }
}
