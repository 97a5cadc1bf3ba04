import Engine
import FluentSyntax
import JobPlan

/// What is to be said about the combiner of one job.
struct CombinerReport: Sendable {
    enum Outcome: Sendable {
        /// The job has none.
        case absent
        /// A builtin that is right for all values: nothing needs to be tried.
        case known(Builtin)
        /// `first` or `last`: right where any of the values will do.
        case arbitrary(Builtin)
        case tried(CombinerVerdict)
    }

    let job: String

    /// The combiner, or the job where it has none.
    let range: SourceRange
    let outcome: Outcome
    let seed: UInt64

    private var counterexample: CombinerCounterexample? {
        guard case .tried(let verdict) = self.outcome else { return nil }
        return verdict.counterexample
    }

    /// The error that a counter-example is.
    var diagnostic: Diagnostic? {
        guard let found = self.counterexample else { return nil }
        return Diagnostic(
            .error,
            "combiner-law",
            "the combiner of \(self.job) can't stand for the values it combines: \(found.text)",
            help: "a combiner may run any number of times, also none, also on its own results; "
                + "--seed \(self.seed) repeats this search",
            at: self.range
        )
    }

    /// What else people should know; nil where the error says it all.
    var note: String? {
        switch self.outcome {
        case .absent: return "job \(self.job) has no combiner"
        case .known(let builtin): return "job \(self.job): the combiner \(builtin.name) is known to be right"
        case .arbitrary(let builtin):
            return "job \(self.job): the combiner \(builtin.name) keeps one of the values, whichever comes "
                + "\(builtin.name); that is right where any of them will do"
        case .tried(let verdict):
            guard verdict.counterexample == nil else { return nil }
            guard !verdict.shapes.isEmpty else { return self.note(of: verdict.refused) }
            let unreduced = verdict.triesReduce ? "" : "; its reduce takes none of them and wasn't tried"
            return "job \(self.job): no counter-example to its combiner among "
                + "\(Quantity.exact(Int64(verdict.sampleCount))) samples of \(verdict.shapes.joined(separator: ", ")) "
                + "(seed \(self.seed); floats are compared to nine digits)\(unreduced)"
        }
    }

    private func note(of refused: [RefusedShape]) -> String {
        let tries = refused.map { "\n  \($0.name): \($0.failure.code.message(evaluating: "the combiner"))" }.joined()
        return "job \(self.job): its combiner wasn't tried: what the map emits can't be seen, and it takes none of the "
            + "values that were made up:\(tries)\n"
            + "help: emit a value whose shape is written in :map, such as (emit key [(parse-int a) 1]), or compare "
            + "with a run without :combiner"
    }

    func json(_ source: SourceFile) -> JSONValue {
        let start = source.location(of: self.range.start)
        var members: [JSONValue.Member] = [
            .init("file", .string(source.name)),
            .init("line", .integer(Int64(start.line))),
            .init("column", .integer(Int64(start.column))),
            .init("job", .string(self.job)),
            .init("verdict", .string(self.verdictName)),
        ]
        guard case .tried(let verdict) = self.outcome else { return .object(members) }
        let found = verdict.counterexample
        members += [
            .init("seed", .integer(Int64(bitPattern: self.seed))),
            .init("samples", .integer(Int64(verdict.sampleCount))),
            .init("values", .array(verdict.shapes.map { .string($0) })),
            .init("refusedValues", .array(verdict.refused.map(Self.object))),
            .init("triesReduce", .boolean(verdict.triesReduce)),
            .init("law", .text(found?.law.rawValue)),
            .init("first", .texts(found?.first)),
            .init("second", .texts(found?.second)),
            .init("combinesSecond", found.map { .boolean($0.combinesSecond) } ?? .null),
            .init("expected", .text(found?.expected?.sourceText)),
            .init("found", .text(found?.found?.sourceText)),
            .init("failure", .text(found?.failure?.code.message(evaluating: "the combiner"))),
        ]
        return .object(members)
    }

    private static func object(_ shape: RefusedShape) -> JSONValue {
        let failure = shape.failure.code.message(evaluating: "the combiner")
        return .object([.init("values", .string(shape.name)), .init("failure", .string(failure))])
    }

    private var verdictName: String {
        switch self.outcome {
        case .absent: "absent"
        case .known: "known"
        case .arbitrary: "arbitrary"
        case .tried(let verdict):
            verdict.counterexample != nil ? "refuted" : verdict.shapes.isEmpty ? "untried" : "unrefuted"
        }
    }
}

extension CombinerCounterexample {
    /// What was combined how, and what came of it.
    fileprivate var text: String {
        let first = Constant.list(self.first).sourceText
        let second = Constant.list(self.second).sourceText
        let all = Constant.list(self.first + self.second).sourceText
        let expected = self.expected?.sourceText ?? "nothing"
        let failure = self.failure?.code.message(evaluating: "the combiner") ?? ""
        let found = self.found?.sourceText ?? (failure.isEmpty ? "nothing" : "an error (\(failure))")
        return switch self.law {
        case .total: "it fails on values among \(all), which reduce takes: \(failure)"
        case .order: "it makes \(expected) of \(all), but \(found) of them in another order"
        case .parts: "it makes \(expected) of \(all), but \(found) when \(first) and \(second) are combined first"
        case .again: "it makes \(expected) of \(first), but \(found) of that result"
        case .mixed:
            "it makes \(expected) of \(Constant.list([self.first[0]] + self.second).sourceText), "
                + "but \(found) when \(self.first[0].sourceText) was combined alone before"
        case .reduce:
            "reduce emits \(expected) for \(all), but \(found) when \(first)"
                + (self.combinesSecond ? " and \(second)" : "") + " are combined first"
        }
    }
}

extension JSONValue {
    /// Values as a program would write them.
    fileprivate static func texts(_ constants: [Constant]?) -> JSONValue {
        constants.map { .array($0.map { .string($0.sourceText) }) } ?? .null
    }
}
