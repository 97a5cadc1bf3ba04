import ArgumentParser
import ConnectorCatalog
import FluentSyntax
import JobPlan
import ProgramService

/// `weir explain JOB.fl`: shows the plans of a program's jobs.
struct ExplainCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Show how a program's jobs will be run, and why.",
        discussion: """
            For each job: what was written, what the planner made of it, which rewrites it applied \
            or not and for which reason, and the stages that run, with their memory.

              weir explain jobs/word-count/job.fl
              weir explain jobs/word-count/job.fl --dot | dot -Tsvg > plan.svg

            Exits with 0, 1 if a definition fails, 2 if the command line or the program is wrong.
            """
    )

    @OptionGroup var program: ProgramOptions

    @Flag(help: "Print a JSON array with an object for each job.")
    var json = false

    @Flag(help: "Print a graph for each job, for Graphviz.")
    var dot = false

    func validate() throws {
        guard !self.json || !self.dot else { throw ValidationError("--json and --dot exclude each other; give one") }
    }

    func perform(_ console: Console) -> CommandStatus {
        guard let checked = CheckedFile.load(self.program.job, console: console) else { return .refused }
        let options = self.program.runOptions
        let problems = checked.program.parameters.problems(with: options.parameters.keys, in: [checked.source.name])
        guard problems.isEmpty else {
            for problem in problems { console.note("error: \(problem)") }
            return .refused
        }
        if let problem = checked.program.submissionProblem(.warning) {
            console.note(DiagnosticReport(source: checked.source, diagnostics: [problem]).text)
        }
        let local = LocalProgram(
            checked.program,
            connectors: ConnectorCatalog(defaults: ConnectorDefaults.values(self.program.runOptions.parameters)),
            options: options,
            observer: SilentObserver(console: console)
        )
        switch local.plans() {
        case .success(let plans):
            console.write(text: self.text(of: plans, source: checked.source))
            return .done
        case .failure(.refused(let diagnostics)):
            console.note(DiagnosticReport(source: checked.source, diagnostics: diagnostics).text)
            return .refused
        case .failure(.failed(let message)):
            console.note("error: \(message)")
            return .failed
        }
    }

    private func text(of plans: [ProgramPlan], source: SourceFile) -> String {
        if self.json { return JSONNode.array(plans.map { $0.json(source) }).text() + "\n" }
        if self.dot { return plans.map { $0.dot(source) }.joined() }
        return plans.isEmpty
            ? "the program defines no jobs\n" : plans.map { $0.text(source) }.joined(separator: "\n")
    }
}

extension ProgramPlan {
    fileprivate func text(_ source: SourceFile) -> String {
        switch self {
        case .job(let job): PlanExplanation(job, source: source).text
        case .stream(let plan): StreamExplanation(plan, source: source).text
        }
    }

    fileprivate func json(_ source: SourceFile) -> JSONNode {
        switch self {
        case .job(let job): PlanExplanation(job, source: source).json
        case .stream(let plan): StreamExplanation(plan, source: source).json
        }
    }

    fileprivate func dot(_ source: SourceFile) -> String {
        switch self {
        case .job(let job): PlanExplanation(job, source: source).dot
        case .stream(let plan): StreamExplanation(plan, source: source).dot
        }
    }
}
