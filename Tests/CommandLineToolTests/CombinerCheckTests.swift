import Foundation
import Testing

@testable import CommandLineTool

@Suite struct CombinerCheckTests {
    private let folder: TemporaryFolder

    init() throws {
        self.folder = try TemporaryFolder()
    }

    private func write(
        _ combiner: String,
        map: String = "(emit line (parse-int line))",
        reduce: String = "(emit k (sum vs))"
    ) throws -> String {
        try self.folder.write(
            """
            (define-mapreduce totals
              :input (distributed-files (param "input"))
              :output (distributed-path "out")
              :map (lambda (line) \(map))
              \(combiner.isEmpty ? "" : ":combiner " + combiner)
              :reduce (lambda (k vs) \(reduce)))
            """,
            to: "job.fl"
        )
    }

    @Test func `a combiner that holds is said to, with the seed`() throws {
        let path = try self.write("(lambda (vs) (reduce + vs))")

        let call = Invocation("check", "--combiner", "-D", "input=in", "--seed", "7", path)

        #expect(call.status == .done)
        #expect(
            call.notes == "\(path): job totals: no counter-example to its combiner among 400 samples of integer "
                + "(seed 7; floats are compared to nine digits)\n\(path): ok\n"
        )
    }

    @Test func `a mean is refuted with values, and that is an error at the lambda`() throws {
        let path = try self.write("(lambda (vs) (/ (sum vs) (count vs)))")

        let call = Invocation("check", "--combiner", "-Dinput=in", "--seed", "7", path)

        #expect(call.status == .refused)
        #expect(call.notes.hasPrefix("\(path):5:13: error[combiner-law]: the combiner of totals can't stand for"))
        #expect(call.notes.contains("it makes "))
        #expect(call.notes.contains("--seed 7 repeats this search"))
        #expect(!call.notes.contains(": ok"))
    }

    @Test func `each run makes up its own values and tells its seed`() throws {
        let path = try self.write("(lambda (vs) (reduce + vs))")

        let calls = (0..<2).map { _ in Invocation("check", "--combiner", "-D", "input=in", path).notes }

        #expect(calls.allSatisfy { $0.contains("(seed ") })
        #expect(calls[0] != calls[1])
    }

    @Test func `values come from what the map is seen to emit`() throws {
        let path = try self.write(
            "(lambda (vs) [(sum (map first vs)) (sum (map last vs))])",
            map: "(emit line [(parse-float line) 1])",
            reduce: "(emit k (/ (sum (map first vs)) (sum (map last vs))))"
        )

        let call = Invocation("check", "--combiner", "-D", "input=in", "--seed", "3", path)

        #expect(call.status == .done)
        #expect(call.notes.contains("samples of [float 1] (seed 3;"))
    }

    @Test(arguments: [
        ("sum", "job totals: the combiner sum is known to be right"),
        ("max", "job totals: the combiner max is known to be right"),
        ("first", "job totals: the combiner first keeps one of the values, whichever comes first"),
        ("", "job totals has no combiner"),
    ])
    func `builtins needn't be tried`(combiner: String, note: String) throws {
        let path = try self.write(combiner)

        let call = Invocation("check", "--combiner", "-D", "input=in", path)

        #expect(call.status == .done)
        #expect(call.notes.contains(note))
    }

    @Test func `a combiner that takes nothing that was made up is told of with what was tried`() throws {
        let path = try self.write(
            "(lambda (vs) {:a (sum (map :a vs))})",
            map: "(emit line (parse-json line))",
            reduce: "(emit k (sum (map :a vs)))"
        )

        let call = Invocation("check", "--combiner", "-D", "input=in", path)
        let json = Invocation("check", "--combiner", "--json", "-D", "input=in", path).results

        #expect(call.status == .done)
        #expect(call.notes.contains("its combiner wasn't tried"))
        #expect(call.notes.contains("\n  integer: get needs a map, got an integer\n"))
        #expect(call.notes.contains("\nhelp: emit a value whose shape is written in :map"))
        #expect(json.contains(#""verdict":"untried""#))
        #expect(json.contains(#"{"values":"string","failure":"get needs a map, got a string"}"#))
    }

    @Test func `programs get an object with both`() throws {
        let path = try self.write("(lambda (vs) (reduce - vs))")

        let call = Invocation("check", "--combiner", "--json", "-D", "input=in", "--seed", "7", path)

        let read = try #require(
            try JSONSerialization.jsonObject(with: Data(call.results.utf8)) as? [String: [[String: Any]]]
        )
        let combiner = try #require(read["combiners"]?.first)
        #expect(call.status == .refused)
        #expect(read["diagnostics"]?.map { $0["code"] as? String } == ["combiner-law"])
        #expect(combiner["job"] as? String == "totals")
        #expect(combiner["verdict"] as? String == "refuted")
        #expect(combiner["seed"] as? Int == 7)
        #expect(combiner["line"] as? Int == 5)
        #expect(combiner["law"] as? String != nil)
        #expect((combiner["first"] as? [String])?.isEmpty == false)
        #expect(combiner["expected"] as? String != combiner["found"] as? String)
    }

    @Test func `a seed without combiners is refused`() throws {
        let path = try self.write("sum")

        let call = Invocation("check", "--seed", "7", path)

        #expect(call.status == .refused)
        #expect(call.notes.contains("--seed has no effect without --combiner"))
    }

    @Test func `jobs that can't be evaluated are refused with the reason`() throws {
        let path = try self.write("(lambda (vs) (reduce + vs))")

        let call = Invocation("check", "--combiner", path)

        #expect(call.status == .refused)
        #expect(call.notes.contains("input"))
    }
}
