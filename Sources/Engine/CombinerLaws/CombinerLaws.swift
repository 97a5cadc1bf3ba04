internal import CoreTypes
package import FluentSyntax
package import JobPlan

/// What a combiner must keep to, because it may run any number of times, also none, also on its own results.
package enum CombinerLaw: String, CaseIterable, Hashable, Sendable {
    /// It gives a value wherever the reduce does.
    case total
    /// The order of the values doesn't show.
    case order
    /// Combining two parts and then both results is combining all at once.
    case parts
    /// Combining its own result alone doesn't change it.
    case again
    /// A combined value may stand beside values that weren't combined.
    case mixed
    /// The reduce makes of combined values what it makes of the values themselves.
    case reduce
}

/// Values for which a combiner breaks a law.
package struct CombinerCounterexample: Hashable, Sendable {
    package let law: CombinerLaw

    /// The values that were combined, in two parts.
    package let first: [Constant]
    package let second: [Constant]

    /// Whether the second part was combined too; where it wasn't, its values stood beside the combined first part.
    package let combinesSecond: Bool

    /// What two ways gave that should give the same: values, or for the reduce lists of what it emitted.
    ///
    /// `found` is nil where it failed.
    package let expected: Constant?
    package let found: Constant?
    package let failure: EvaluationError?
}

/// What trying a combiner showed.
package struct CombinerVerdict: Hashable, Sendable {
    /// Nil where none was found.
    package let counterexample: CombinerCounterexample?

    /// The shapes of the values that it was tried with, as people call them; empty where it takes none that could be
    /// made up.
    package let shapes: [String]

    /// The shapes that were only guessed and that it doesn't take, with what the first of such values made of it.
    package let refused: [RefusedShape]
    package let sampleCount: Int

    /// Whether the reduce took the values too.
    package let triesReduce: Bool
}

/// Made-up values that a combiner fails on.
package struct RefusedShape: Hashable, Sendable {
    /// As people call it.
    package let name: String
    package let failure: EvaluationError
}

/// Tries a job's combiner with made-up values: pure, the same for the same seed.
package struct CombinerLaws: ~Copyable {
    private var trial: CombinerTrial
    private let emitted: EmittedShapes
    private var random: SplitMix64
    private var refused: [RefusedShape] = []

    /// The first key with which the reduce takes the values; nil where there is none.
    private var key: Constant?

    private static let samplesPerShape = 400
    private static let probeCount = 24
    private static let valuesLimit = 4

    /// What a value may be of which the program doesn't tell.
    private static let guesses: [ValueShape] = [
        .integer, .float, .number, .string, .list(.integer), .list(.string), .tuple([.number, .number]),
    ]

    package init(
        combiner: Closure,
        reduce: Closure,
        emitted: EmittedShapes,
        seed: UInt64
    ) throws(CompilationError) {
        self.trial = try CombinerTrial(combiner: combiner, reduce: reduce)
        self.emitted = emitted
        self.random = SplitMix64(seed: seed)
    }

    /// Looks for values that break a law.
    package mutating func verdict() -> CombinerVerdict {
        let shape = self.emitted.value
        let shapes = shape.isKnown ? [shape] : Self.guesses.map { shape.filled(with: $0) }
        var tried: [String] = []
        var sampleCount = 0
        var triesReduce = false
        for candidate in shapes {
            guard self.takes(candidate, isGuess: !shape.isKnown) else { continue }
            tried.append(candidate.name)
            self.key = self.fittingKey(candidate)
            triesReduce = triesReduce || self.key != nil
            for _ in 0..<Self.samplesPerShape {
                sampleCount += 1
                let first = self.values(candidate)
                let second = self.values(candidate)
                guard let found = self.counterexample(first, second) else { continue }
                return CombinerVerdict(
                    counterexample: self.shrunk(found),
                    shapes: tried,
                    refused: self.refused,
                    sampleCount: sampleCount,
                    triesReduce: triesReduce
                )
            }
        }
        return CombinerVerdict(
            counterexample: nil,
            shapes: tried,
            refused: self.refused,
            sampleCount: sampleCount,
            triesReduce: triesReduce
        )
    }

    private mutating func values(_ shape: ValueShape) -> [Constant] {
        (0..<self.random.next(in: 1..<Self.valuesLimit + 1)).map { _ in shape.makeValue(&self.random) }
    }

    // MARK: What fits

    /// Whether the combiner is made for values of a shape: one that was only guessed must not fail at all.
    private mutating func takes(_ shape: ValueShape, isGuess: Bool) -> Bool {
        guard isGuess else { return true }
        for _ in 0..<Self.probeCount {
            let values = self.values(shape)
            do throws(EvaluationError) {
                let once = try self.trial.combined(values)
                _ = try self.trial.combined([once] + values)
            } catch {
                self.refused.append(RefusedShape(name: shape.name, failure: error))
                return false
            }
        }
        return true
    }

    /// A key with which the reduce takes values of a shape.
    private mutating func fittingKey(_ shape: ValueShape) -> Constant? {
        let guesses: [Constant] = [.string(Array("key".utf8)), .integer(1), .list([.integer(1), .integer(2)])]
        let known = self.emitted.key
        let candidates = known.isKnown ? (0..<3).map { _ in known.makeValue(&self.random) } : guesses
        for candidate in candidates {
            var isFitting = true
            for _ in 0..<Self.probeCount where isFitting {
                let values = self.values(shape)
                do throws(EvaluationError) {
                    _ = try self.trial.reduced(values, key: candidate)
                } catch {
                    isFitting = error.code.isOfRange
                }
            }
            if isFitting { return candidate }
        }
        return nil
    }

    /// A counter-example from which no value can be left out.
    private mutating func shrunk(_ found: CombinerCounterexample) -> CombinerCounterexample {
        var smallest = found
        var isSmaller = true
        while isSmaller {
            isSmaller = false
            let count = smallest.first.count + smallest.second.count
            for index in 0..<count where !isSmaller {
                var (first, second) = (smallest.first, smallest.second)
                if index < first.count { first.remove(at: index) } else { second.remove(at: index - first.count) }
                guard !first.isEmpty, !second.isEmpty, let smaller = self.counterexample(first, second) else {
                    continue
                }
                smallest = smaller
                isSmaller = true
            }
        }
        return smallest
    }

    // MARK: Laws

    private mutating func counterexample(_ first: [Constant], _ second: [Constant]) -> CombinerCounterexample? {
        do throws(EvaluationError) {
            let a = try self.trial.combined(first)
            let b = try self.trial.combined(second)
            let all = try self.trial.combined(first + second)
            let equality = ApproximateEquality(scaledTo: first + second + [a, b, all])
            let shuffled = (first + second).shuffled(using: &self.random)
            let single = try self.trial.combined([first[0]])
            let ways: [(CombinerLaw, expected: Constant, found: Constant)] = [
                (.order, all, try self.trial.combined(shuffled)),
                (.parts, all, try self.trial.combined([a, b])),
                (.again, a, try self.trial.combined([a])),
                (.mixed, try self.trial.combined([first[0]] + second), try self.trial.combined([single] + second)),
            ]
            for (law, expected, found) in ways where !self.areEquivalent(expected, found, equality) {
                return CombinerCounterexample(
                    law: law,
                    first: first,
                    second: second,
                    combinesSecond: law == .parts,
                    expected: expected,
                    found: found,
                    failure: nil
                )
            }
            return self.reduceCounterexample(first, second, combined: [[a] + second, [a, b]], equality)
        } catch {
            return self.failure(error, first, second)
        }
    }

    /// Equal, or alike to the reduce: then nobody sees the difference.
    private mutating func areEquivalent(
        _ left: Constant,
        _ right: Constant,
        _ equality: ApproximateEquality
    ) -> Bool {
        if equality.areEqual(left, right) { return true }
        guard let key = self.key else { return false }
        do throws(EvaluationError) {
            let mine = try self.trial.reduced([left], key: key)
            return equality.areSame(mine, try self.trial.reduced([right], key: key))
        } catch {
            return false
        }
    }

    /// A combiner may fail where the reduce does, or where numbers become too large.
    private mutating func failure(
        _ error: EvaluationError,
        _ first: [Constant],
        _ second: [Constant]
    ) -> CombinerCounterexample? {
        if error.code.isOfRange { return nil }
        if let key = self.key, (try? self.trial.reduced(first + second, key: key)) == nil { return nil }
        return CombinerCounterexample(
            law: .total,
            first: first,
            second: second,
            combinesSecond: false,
            expected: nil,
            found: nil,
            failure: error
        )
    }

    private mutating func reduceCounterexample(
        _ first: [Constant],
        _ second: [Constant],
        combined: [[Constant]],
        _ equality: ApproximateEquality
    ) -> CombinerCounterexample? {
        guard let key = self.key, let expected = try? self.trial.reduced(first + second, key: key) else { return nil }
        for (index, values) in combined.enumerated() {
            var found: [Constant]?
            var failure: EvaluationError?
            do throws(EvaluationError) {
                found = try self.trial.reduced(values, key: key)
            } catch {
                if error.code.isOfRange { continue }
                failure = error
            }
            if let found, equality.areSame(expected, found) { continue }
            return CombinerCounterexample(
                law: .reduce,
                first: first,
                second: second,
                combinesSecond: index > 0,
                expected: .list(expected),
                found: found.map { .list($0) },
                failure: failure
            )
        }
        return nil
    }
}

extension EvaluationError.Code {
    /// Says that made-up numbers were too large, not that anything is wrong.
    fileprivate var isOfRange: Bool {
        if case .integerOverflow = self { true } else { false }
    }
}
