import ArgumentParser
import Engine
import FluentSyntax
import JobPlan
import Platform

/// `weir check JOB.fl…`: says what is wrong with programs.
struct CheckCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Say what is wrong with a program, without running it.",
        discussion: """
            Prints every error and warning with its place, the line and advice. Exits with 0 if \
            there is no error, 2 otherwise.

            With --combiner it also calls the combiners that are lambdas with made-up values, and \
            shows values for which one of them can't stand in for what it combined. Numbers are \
            compared to nine digits, so that rounding isn't held against it.

              weir check jobs/word-count/job.fl
              weir check jobs/*/job.fl --json
              weir check --combiner job.fl --seed 17
            """
    )

    @Argument(help: "The programs; '-' reads one from standard input.")
    var jobs: [String]

    @Flag(help: "Also try the combiners of the jobs.")
    var combiner = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Repeat the made-up values of another run.", valueName: "n")
    )
    var seed: UInt64?

    @Option(
        name: .customShort("D", allowingJoined: true),
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "A parameter of the program, where its jobs are evaluated for --combiner.",
            valueName: "name=value"
        ),
        transform: ParameterDefinition.parse
    )
    var parameters: [ParameterDefinition] = []

    @Flag(help: "Print one JSON array of all diagnostics; with --combiner an object of both.")
    var json = false

    @Flag(help: "Don't say 'ok' of programs without errors.")
    var quiet = false

    func validate() throws {
        guard self.seed == nil || self.combiner else {
            throw ValidationError("--seed has no effect without --combiner; give both")
        }
        try ParameterDefinition.checkUnique(self.parameters)
    }

    func perform(_ console: Console) -> CommandStatus {
        var status = CommandStatus.done
        var diagnostics: [JSONValue] = []
        var combiners: [JSONValue] = []
        var read: ProgramParameters? = ProgramParameters(names: [], isComplete: true)
        // 32 bits are enough for another run each time, and easy to type.
        let check = CombinerCheck(parameters: self.parameters, seed: self.seed ?? SystemEntropy().next() >> 32)
        for path in self.jobs {
            do {
                let source = try ProgramFile.read(path)
                let checked = CheckedFile.check(source, defaults: self.defaults)
                var report = DiagnosticReport(source: source, diagnostics: checked.diagnostics)
                // What one that doesn't check would read nobody knows.
                read = checked.program.flatMap { read?.merged(with: $0.parameters) }
                if let program = checked.program, !report.hasErrors {
                    let more = Self.refusals(of: program) + [program.submissionProblem(.warning)].compactMap(\.self)
                    report = DiagnosticReport(source: source, diagnostics: report.diagnostics + more)
                }
                var notes: [String] = []
                if self.combiner, let program = checked.program, !report.hasErrors {
                    let found = check.findings(of: program, console: console)
                    if let failure = found.failure {
                        console.note("error: \(failure)")
                        status = .refused
                        continue
                    }
                    report = DiagnosticReport(source: source, diagnostics: report.diagnostics + found.diagnostics)
                    combiners += found.reports.map { $0.json(source) }
                    notes = found.reports.compactMap(\.note)
                }
                diagnostics += report.json
                if report.hasErrors { status = .refused }
                self.show(report, notes: notes, console: console)
            } catch {
                console.note("error: \(error.message)")
                status = .refused
                read = nil
            }
        }
        for problem in read?.problems(with: self.parameters.map(\.name), in: self.jobs) ?? [] {
            console.note("error: \(problem)")
            status = .refused
        }
        if self.json { console.write(self.document(diagnostics, combiners).text) }
        return status
    }

    private var defaults: [String: String] {
        ConnectorDefaults.values(Dictionary(self.parameters.map { ($0.name, $0.value) }) { first, _ in first })
    }

    /// What only the compiler finds: a wrong regular expression, a function that is too large.
    private static func refusals(of program: Program) -> [Diagnostic] {
        var compiler = ProgramCompiler()
        do {
            _ = try compiler.add(program)
            return []
        } catch {
            return [error.diagnostic]
        }
    }

    private func document(_ diagnostics: [JSONValue], _ combiners: [JSONValue]) -> JSONValue {
        guard self.combiner else { return .array(diagnostics) }
        return .object([.init("diagnostics", .array(diagnostics)), .init("combiners", .array(combiners))])
    }

    private func show(_ report: DiagnosticReport, notes: [String], console: Console) {
        guard !self.json else { return }
        if !report.diagnostics.isEmpty { console.note(report.text) }
        guard !self.quiet else { return }
        for note in notes { console.note("\(report.source.name): \(note)") }
        if !report.hasErrors { console.note("\(report.source.name): ok") }
    }
}
