import FluentSyntax
import JobPlan
import Testing

@testable import Engine

@Suite struct CombinerLawsTests {
    private static let sum = "(lambda (k vs) (emit k (sum vs)))"

    @Test(arguments: [
        ("(lambda (vs) (reduce + vs))", sum, ValueShape.number),
        ("(lambda (vs) (sum vs))", sum, .unknown),
        ("(lambda (vs) (reduce max vs))", "(lambda (k vs) (emit k (max vs)))", .float),
        ("(lambda (vs) (reduce * vs))", "(lambda (k vs) (emit k (reduce * vs)))", .unknown),
        // Concatenation shows the order of its parts, but this reduce doesn't see it.
        (
            "(lambda (vs) (flat-map (fn (v) v) vs))", "(lambda (k vs) (emit k (sort (flat-map (fn (v) v) vs))))",
            .list(.string)
        ),
        (
            "(lambda (vs) [(sum (map first vs)) (sum (map last vs))])",
            "(lambda (k vs) (emit k (/ (sum (map first vs)) (+ 1.5 (max 0 (sum (map last vs)))))))",
            .tuple([.float, .constant(.integer(1))])
        ),
        // Wrong for negative numbers, but none are emitted.
        ("(lambda (vs) (fold max 0 vs))", "(lambda (k vs) (emit k (max vs)))", .constant(.integer(1))),
    ])
    func `nothing is held against a combiner that is one`(combiner: String, reduce: String, shape: ValueShape) throws {
        for seed in 0..<UInt64(3) {
            let verdict = try Self.verdict(combiner, reduce, shape, seed: seed)

            #expect(verdict.counterexample == nil, "seed \(seed)")
            #expect(!verdict.shapes.isEmpty)
            #expect(verdict.triesReduce)
        }
    }

    @Test(arguments: [
        ("(lambda (vs) (/ (sum vs) (count vs)))", sum, ValueShape.number, CombinerLaw.parts),
        ("(lambda (vs) (count vs))", sum, .constant(.integer(1)), .parts),
        ("(lambda (vs) (reduce - vs))", sum, .integer, .order),
        ("(lambda (vs) (first vs))", sum, .integer, .order),
        ("(lambda (vs) (+ 1 (sum vs)))", sum, .integer, .parts),
        ("(lambda (vs) (max vs))", sum, .integer, .reduce),
        ("(lambda (vs) (sum vs))", "(lambda (k vs) (emit k (count vs)))", .integer, .reduce),
        // A mean of ones keeps all laws of its own; only the reduce tells.
        ("(lambda (vs) (/ (sum vs) (count vs)))", sum, .constant(.integer(1)), .reduce),
        ("(lambda (vs) (fn (x) (count vs)))", sum, .integer, .total),
        ("(lambda (vs) (if (> (count vs) 3) (throw \"many\") (sum vs)))", sum, .integer, .total),
    ])
    func `a combiner that is none is refuted`(
        combiner: String,
        reduce: String,
        shape: ValueShape,
        law: CombinerLaw
    ) throws {
        // Other values may break another law first.
        var laws: Set<CombinerLaw> = []
        for seed in 0..<UInt64(3) {
            let verdict = try Self.verdict(combiner, reduce, shape, seed: seed)

            let found = try #require(verdict.counterexample, "seed \(seed)")
            #expect(!found.first.isEmpty && !found.second.isEmpty)
            laws.insert(found.law)
        }
        #expect(laws.contains(law), "\(laws)")
    }

    @Test func `values of unknown shape are those that the combiner takes`() throws {
        let texts = try Self.verdict(
            "(lambda (vs) (reduce (fn (a b) (if (< (count (lower a)) (count (lower b))) b a)) vs))",
            "(lambda (k vs) (emit k (max (map count vs))))",
            .unknown
        )
        let nothing = try Self.verdict("(lambda (vs) (get (first vs) :a))", Self.sum, .map([]))

        #expect(texts.shapes == ["string"])
        #expect(texts.counterexample == nil)
        #expect(nothing.sampleCount > 0)
    }

    @Test func `a combiner that takes nothing that can be made up isn't tried`() throws {
        let verdict = try Self.verdict(
            "(lambda (vs) (throw \"never\"))",
            Self.sum,
            .unknown
        )

        #expect(verdict.shapes == [])
        #expect(verdict.sampleCount == 0)
        #expect(verdict.counterexample == nil)
    }

    @Test func `no value of a counter-example can be left out`() throws {
        for seed in 0..<UInt64(10) {
            let verdict = try Self.verdict("(lambda (vs) (count vs))", Self.sum, .constant(.integer(1)), seed: seed)

            let found = try #require(verdict.counterexample, "seed \(seed)")
            #expect(found.first.count + found.second.count == 3, "seed \(seed): \(found)")
        }
    }

    @Test func `one seed gives one verdict`() throws {
        let verdicts = try (0..<5).map { _ in
            try Self.verdict("(lambda (vs) (reduce - vs))", Self.sum, .number, seed: 17)
        }

        #expect(Set(verdicts).count == 1)
    }

    @Test func `floats are equal to nine digits of the largest number in sight`() {
        let equality = ApproximateEquality(scaledTo: [.float(1e6)])

        #expect(equality.areEqual(.float(0.1), .float(0.1005)))
        #expect(!equality.areEqual(.float(0.1), .float(0.2)))
        #expect(equality.areEqual(.integer(2), .float(2)))
        #expect(!equality.areEqual(.integer(2), .integer(3)))
        #expect(equality.areEqual(.list([.float(1), .nil]), .list([.float(1.0001), .nil])))
        #expect(equality.areSame([.integer(1), .integer(2)], [.integer(2), .integer(1)]))
        #expect(!equality.areSame([.integer(1), .integer(1)], [.integer(2), .integer(1)]))
    }

    private static func verdict(
        _ combiner: String,
        _ reduce: String,
        _ shape: ValueShape,
        seed: UInt64 = 1
    ) throws -> CombinerVerdict {
        var laws = try CombinerLaws(
            combiner: try CombinerMaking.closure(combiner),
            reduce: try CombinerMaking.closure(reduce),
            emitted: EmittedShapes(key: .string, value: shape),
            seed: seed
        )
        return laws.verdict()
    }
}
