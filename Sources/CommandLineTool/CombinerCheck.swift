import ConnectorCatalog
import Engine
import FluentSyntax
import JobPlan
import ProgramService

/// Tries the combiners of a program's jobs with made-up values.
struct CombinerCheck: Sendable {
    let parameters: [ParameterDefinition]
    let seed: UInt64

    /// Evaluates the definitions of a program that checks, and tries the combiner of each job.
    ///
    /// - Returns: A report for each job, and all errors: counter-examples, or why there are no jobs.
    func findings(of program: Program, console: Console) -> Findings {
        var options = RunOptions()
        for parameter in self.parameters { options.parameters[parameter.name] = parameter.value }
        let local = LocalProgram(
            program,
            connectors: ConnectorCatalog.standard,
            options: options,
            observer: SilentObserver(console: console)
        )
        var findings = Findings()
        switch local.plans() {
        case .failure(.refused(let diagnostics)): findings.diagnostics = diagnostics
        case .failure(.failed(let message)): findings.failure = message
        case .success(let plans):
            for case .job(let job) in plans {
                do {
                    let report = try self.report(on: job)
                    findings.reports.append(report)
                    if let diagnostic = report.diagnostic { findings.diagnostics.append(diagnostic) }
                } catch {
                    findings.diagnostics.append(error.diagnostic)
                }
            }
        }
        return findings
    }

    /// What trying the combiners of a program showed.
    struct Findings: Sendable {
        var reports: [CombinerReport] = []
        var diagnostics: [Diagnostic] = []

        /// Why the definitions can't be evaluated, for people.
        var failure: String?
    }

    private func report(on job: PlannedJob) throws(CompilationError) -> CombinerReport {
        let name = job.definition.name
        guard case .some(.closure(let combiner)) = job.combiner, let reduce = job.wholeReduce, let map = job.map else {
            let outcome: CombinerReport.Outcome =
                switch job.definition.combiner {
                case .some(.builtin(let builtin)):
                    [.first, .last].contains(builtin) ? .arbitrary(builtin) : .known(builtin)
                default: .absent
                }
            return CombinerReport(job: name, range: job.definition.range, outcome: outcome, seed: self.seed)
        }
        var laws = try CombinerLaws(
            combiner: combiner,
            reduce: reduce,
            emitted: EmittedShapes(map, format: job.definition.format),
            seed: self.seed
        )
        let verdict = laws.verdict()
        return CombinerReport(job: name, range: combiner.lambda.range, outcome: .tried(verdict), seed: self.seed)
    }
}

extension PlannedJob {
    fileprivate var map: MapFunction? {
        for case .map(let function) in self.optimised.operators { return function }
        return nil
    }

    fileprivate var combiner: CombineFunction? {
        for case .combine(let function) in self.optimised.operators { return function }
        return nil
    }

    /// The reduce over the key and the sequence of its values.
    fileprivate var wholeReduce: Closure? {
        for case .reduce(let function) in self.optimised.operators {
            switch function {
            case .general(let closure): return closure
            case .aggregates(let reduce): return reduce.whole
            }
        }
        return nil
    }
}
