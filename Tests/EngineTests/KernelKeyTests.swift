import CoreTypes
import EngineTestKit
import FluentSyntax
import JobPlan
import Testing

@testable import Engine

/// Keys that kernels put together, shipped one by one and summed up in tables.
@Suite struct KernelKeyTests {
    /// Keys of words: of up to eight bytes, of up to fifteen, and of more in some batch.
    static let keys = [
        #"(str (substring w 0 1) "-" (count w))"#,
        #"(str "<" "/" (substring w 0 1))"#,
        #"(str "k" (count w) "of" (substring w 0 2))"#,
        #"(str (substring w 0 2) (substring w 1 2) (substring w 0 2))"#,
        #"(str (count w))"#,
        #"(str (- (count w) 5))"#,
        #"(str (* (count w) 37) "." (* (count w) (count w) 111))"#,
        #"(str (* (count w) 12345678901) "!")"#,
        #"(str "twelve bytes" (substring w 0 1) (substring w 1 2))"#,
        #"(str "ä" (upper (substring w 0 2)) "ö" (count w))"#,
        #"(str w "=" w)"#,
        #"(str w)"#,
        #"(str)"#,
        #"(str "" "")"#,
        #"(str (str (substring w 0 1) "+") (str (count w) "+"))"#,
        #"(lower (str (upper (substring w 0 2)) "XY"))"#,
    ]

    @Test(arguments: keys)
    func `a key that is put together is the one that the machine makes`(key: String) throws {
        for map in ["(emit \(key) 1)", "(emit \(key) (count w))", "(when (> (count w) 3) (emit \(key) 2))"] {
            let expected = try Self.run(map, kernelsEnabled: false)

            #expect(try Self.hasKernel(map), "the map runs on kernels")
            #expect(firstDifference(try Self.run(map, kernelsEnabled: true), expected) == nil, "\(map)")
        }
    }

    @Test(arguments: keys)
    func `a text that is put together is a value and takes part in conditions`(key: String) throws {
        let test = #"(or (ends-with? k "1") (< (count k) 4) (contains? k "-"))"#
        let map = "(let ((k \(key))) (emit w k) (if \(test) (emit k 1) (emit (count k) k)))"
        let reduce = "(lambda (key values) (emit key (count-distinct values)))"

        let expected = try Self.run(map, reduce: reduce, kernelsEnabled: false)

        #expect(firstDifference(try Self.run(map, reduce: reduce, kernelsEnabled: true), expected) == nil)
    }

    // MARK: Running

    /// Words of all lengths, long ones in the last batches only.
    private static let lines: [String] = {
        var random = SplitMix64(seed: 11)
        return (0..<900).map { line in
            (0..<8).map { _ in
                let length = random.next(in: 2..<(line < 600 ? 12 : 130))
                return String((0..<length).map { _ in "abcXYZ019".randomElement(using: &random) ?? "a" })
            }.joined(separator: " ")
        }
    }()

    private static func program(_ map: String, reduce: String) throws -> JobProgram {
        try .make(map: #"(lambda (line) (for (w (split line #"\s+")) \#(map)))"#, reduce: reduce)
    }

    private static let sum = "(lambda (key values) (emit key (sum values)))"

    private static func run(_ map: String, reduce: String = sum, kernelsEnabled: Bool) throws -> [String] {
        let options = PlanOptions(parallelism: 1, kernelsEnabled: kernelsEnabled)
        let run = StageRun(try self.program(map, reduce: reduce).compiled(options))
        let text = self.lines.map { $0 + "\n" }.joined()
        _ = try run.run(over: InMemorySource([text], blockBytes: 1 << 16))
        return run.sink.lines
    }

    private static func hasKernel(_ map: String) throws -> Bool {
        var function: MapFunction?
        var decode: DecodeStep?
        for step in try self.program(map, reduce: self.sum).graph().stages[0].operators {
            if case .map(let found) = step.kind { function = found }
            if case .decode(let found) = step.kind { decode = found }
        }
        return KernelPlan(try #require(function), decode: try #require(decode)) != nil
    }
}
