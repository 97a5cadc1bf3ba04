import FluentSyntax
import OracleWorlds
import ReferenceInterpreter
import Testing

@testable import JobPlan

struct InliningDifferentialTests {
    @Test func `programs with everything built in give the values, pairs and errors of the written ones`() {
        var run = ProgramComparison()
        let first = DailyRun.firstSeed
        let programCount = DailyRun.programCount / 4

        run.compare(first..<first + programCount) { program in
            LoweredEvaluation.outcome(of: program) { $0.inlined(isValueUsed: true) }
        }

        for mismatch in run.mismatches { Issue.record("\(mismatch)") }
        #expect(run.comparedCount > Int(programCount) * 9 / 10)
    }

    @Test func `where nobody looks at the value, the pairs and errors stay the same`() {
        var mismatches: [String] = []
        let first = DailyRun.firstSeed

        for seed in first..<first + DailyRun.programCount / 4 {
            let program = ProgramGenerator.program(seed: seed)
            let outcome = LoweredEvaluation.outcome(of: program) { $0.inlined(isValueUsed: false) }
            guard let outcome, let reference = program.interpret()?.withoutValues else { continue }
            guard let difference = reference.difference(from: outcome.withoutValues) else { continue }
            mismatches.append("seed \(seed): \(difference)\n\(program.text)")
        }

        for mismatch in mismatches.prefix(5) { Issue.record("\(mismatch)") }
        #expect(mismatches.isEmpty)
    }

    @Test func `loops over what was changed in case, mapped and filtered give the same pairs`() {
        let sources = ["(lower line)", "(upper line)", "line"]
        let separators = [#"" ""#, ##"#"\s+""##, #"",""#, ##"#"[ ,;]+""##, #""a""#, ##"#"[^a-z]+""##]
        let steps = [
            "S", "(map trim S)", "(filter (lambda (x) (> (count x) 2)) S)", "(map parse-int S)",
            "(filter (lambda (x) (contains? x \"a\")) (map lower S))", "(map (lambda (x) (substring x 1)) S)",
        ]
        let texts = ["", " ", "Ab cD, e", "a  b;;C", "ΑΣ ΣΑ,Σ", "İK ŉß", "x\u{1E9E} 1 22 333"].map { Array($0.utf8) }
        let lines = texts + [[0xFF, 0x41, 0x20, 0xC3]]
        var mismatches: [String] = []

        for source in sources {
            for separator in separators {
                for step in steps {
                    let sequence = step.replacing("S", with: "(split \(source) \(separator))")
                    let text = """
                        (define-mapreduce job :input (distributed-files "in") :output (stdout)
                          :map (lambda (key line) (for (w \(sequence)) (emit w 1))))
                        """
                    let program = GeneratedProgram(seed: 0, kind: .mapLambda, text: text, lines: lines)
                    let outcome = LoweredEvaluation.outcome(of: program) { $0.inlined(isValueUsed: false) }
                    let difference = outcome.flatMap {
                        program.interpret()?.withoutValues.difference(from: $0.withoutValues)
                    }
                    if outcome == nil || difference != nil { mismatches.append("\(text): \(difference ?? "refused")") }
                }
            }
        }

        #expect(mismatches == [])
    }

    @Test func `generated programs give the inliner something to do`() {
        var appliedCount = 0

        for seed in UInt64(0)..<500 {
            guard let checked = Frontend.check(ProgramGenerator.program(seed: seed).source).program else { continue }
            let rewrites = checked.forms.inliningResult(isValueUsed: true)?.rewrites ?? []
            if rewrites.contains(where: \.isApplied) { appliedCount += 1 }
        }

        #expect(appliedCount > 20)
    }
}

extension Array where Element == Expression {
    /// The forms with the last one rewritten: the map of a job, or the expression as a function without parameters.
    fileprivate func inlined(isValueUsed: Bool) -> [Expression] {
        guard let last = self.last, let result = self.inliningResult(isValueUsed: isValueUsed) else { return self }
        let lambda = result.closure.lambda
        guard case .defineJob(let form) = last.kind else { return self.dropLast() + [lambda.body] }
        let options = form.options.map { option in
            guard option.name == "map" else { return option }
            return JobForm.Option(name: "map", value: Expression(.lambda(lambda), range: option.value.range))
        }
        let job = JobForm(kind: form.kind, name: form.name, options: options)
        return self.dropLast() + [Expression(.defineJob(job), range: last.range)]
    }

    fileprivate func inliningResult(isValueUsed: Bool) -> Inliner.Result? {
        guard let last = self.last, let lambda = last.lastFunction else { return nil }
        let closure = Closure(lambda: lambda, captured: [], globals: self.globals)
        var context = Inliner.Context(isValueUsed: isValueUsed)
        // The map of a generated job gets lines.
        if let line = lambda.parameters.last { context.types = [line: .string] }
        return Inliner.inlined(closure, role: "map", in: context)
    }

    /// Those that are known before anything runs.
    private var globals: [String: Constant] {
        var globals: [String: Constant] = [:]
        for form in self {
            guard case .define(let name, let value) = form.kind else { continue }
            switch value.kind {
            case .constant(let constant): globals[name] = constant
            case .lambda(let lambda):
                globals[name] = .function(Closure(lambda: lambda, captured: [], globals: globals))
            default: continue
            }
        }
        return globals
    }
}

extension Expression {
    fileprivate var lastFunction: Lambda? {
        switch self.kind {
        case .define: return nil
        case .defineJob(let form):
            guard let map = form.options.first(where: { $0.name == "map" }), case .lambda(let lambda) = map.value.kind
            else { return nil }
            return lambda
        default:
            let place = SourceRange(start: -1, end: -1)
            return Lambda(name: "", parameters: [], body: self, captured: [], range: place)
        }
    }
}

extension ProgramOutcome {
    /// The same where every success gave nil.
    fileprivate var withoutValues: ProgramOutcome {
        ProgramOutcome(
            runs: self.runs.map { run in
                Run(result: run.result.map { _ in .nil }, emitted: run.emitted)
            }
        )
    }
}
