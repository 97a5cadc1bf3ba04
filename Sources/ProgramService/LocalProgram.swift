package import ConnectorKit
internal import CoordinationCore
package import FluentSyntax
internal import JobPlan
internal import JobService
internal import Synchronization

/// Runs a checked program with its jobs in this process.
///
/// Isolation: ``run()`` and ``plans()`` block the calling thread; ``cancel()`` may come from any thread.
package final class LocalProgram: Sendable {
    private let program: Program
    private let context: ProgramContext
    private let definitions = Mutex<[ProgramDefinition]>([])

    /// Prepares a run; the program's sources and sinks are looked up in `connectors`.
    package init(
        _ program: Program,
        connectors: any ConnectorResolver,
        options: RunOptions,
        observer: any RunObserver
    ) {
        self.program = program
        self.context = ProgramContext(
            source: program.source,
            options: options,
            connectors: connectors,
            observer: observer
        )
    }

    /// Evaluates the program's forms in order.
    package func run() -> RunOutcome {
        let outcome = self.evaluate(runs: true)
        let failed = self.context.waitForAll()
        // A stream that took its last checkpoint when it was stopped has lost nothing: it has finished.
        if self.context.wasCancelled, failed != nil || !self.context.hasSubmitted { return .cancelled }
        guard case .finished = outcome, let failed else { return outcome }
        // One that was cancelled has no reason.
        let reason = failed.failure.isEmpty ? "" : ": \(failed.failure)"
        return .failed("job \(failed.name) \(failed.state.rawValue)\(reason)")
    }

    private func evaluate(runs: Bool) -> RunOutcome {
        if runs, let problem = self.program.submissionProblem(.error) { return .refused([problem]) }
        do {
            var evaluation = try ProgramEvaluation(self.program, context: self.context)
            try evaluation.run(onlyDefinitions: !runs)
            if runs { try evaluation.submitOnlyJob() }
            self.definitions.withLock { $0 = evaluation.definitions }
            return .finished
        } catch {
            switch error {
            case .refused(let diagnostics): return .refused(diagnostics)
            case .failed(let text): return .failed(text)
            }
        }
    }

    /// Plans every job of the program without running any: definitions are evaluated, other forms aren't.
    package func plans() -> Result<[ProgramPlan], ProgramProblem> {
        switch self.evaluate(runs: false) {
        case .finished, .cancelled:
            self.checkedPlans()
        case .failed(let text): .failure(.failed(text))
        case .refused(let diagnostics): .failure(.refused(diagnostics))
        }
    }

    private func checkedPlans() -> Result<[ProgramPlan], ProgramProblem> {
        let plans = self.definitions.withLock { $0 }.map { self.context.plan($0) }
        let unset = plans.flatMap(\.unsetParameters).map { parameter in
            let code = EvaluationError.Code.unsetParameter(name: parameter.name)
            return Diagnostic(.error, code.name, code.message, at: parameter.range)
        }
        return unset.isEmpty ? .success(plans) : .failure(.refused(unset))
    }

    /// Stops the jobs that run; ``run()`` then answers `.cancelled`.
    package func cancel() { self.context.cancel() }
}

/// Why a program can't be planned.
package enum ProgramProblem: Error, Sendable {
    case refused([Diagnostic])
    case failed(String)
}
