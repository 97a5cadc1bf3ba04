package import ConnectorKit
package import FluentSyntax
package import JobPlan

/// Runs a checked program with its jobs in this process.
///
/// Isolation: ``run()`` and ``plans()`` block the calling thread; ``cancel()`` may come from any thread.
package final class LocalProgram: Sendable {
    private let program: Program
    private let connectors: any ConnectorResolver
    private let options: RunOptions
    private let observer: any RunObserver

    /// - Parameter connectors: What the program's sources and sinks are looked up in.
    package init(
        _ program: Program,
        connectors: any ConnectorResolver,
        options: RunOptions,
        observer: any RunObserver
    ) {
        self.program = program
        self.connectors = connectors
        self.options = options
        self.observer = observer
    }

    /// Evaluates the program's forms in order.
    package func run() -> RunOutcome {
        .failed("not there yet")
    }

    /// Plans every job of the program without running any: definitions are evaluated, other forms aren't.
    package func plans() -> Result<[PlannedJob], ProgramProblem> {
        .success([])
    }

    /// Stops the jobs that run; ``run()`` then answers `.cancelled`.
    package func cancel() {}
}

/// Why a program can't be planned.
package enum ProgramProblem: Error, Sendable {
    case refused([Diagnostic])
    case failed(String)
}
