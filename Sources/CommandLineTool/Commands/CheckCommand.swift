import ArgumentParser
import FluentSyntax

/// `weir check JOB.fl…`: says what is wrong with programs.
struct CheckCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Say what is wrong with a program, without running it.",
        discussion: """
            Prints every error and warning with its place, the line and advice. Exits with 0 if \
            there is no error, 2 otherwise.

              weir check jobs/word-count/job.fl
              weir check jobs/*/job.fl --json
            """
    )

    @Argument(help: "The programs; '-' reads one from standard input.")
    var jobs: [String]

    @Flag(help: "Print one JSON array of all diagnostics on standard output.")
    var json = false

    @Flag(help: "Don't say 'ok' of programs without errors.")
    var quiet = false

    func perform(_ console: Console) -> ExitStatus {
        var status = ExitStatus.done
        var diagnostics: [JSONValue] = []
        for path in self.jobs {
            do {
                let source = try ProgramFile.read(path)
                let report = DiagnosticReport(source: source, diagnostics: Frontend.check(source).diagnostics)
                diagnostics += report.json
                if report.hasErrors { status = .refused }
                self.show(report, console: console)
            } catch {
                console.note("error: \(error.message)")
                status = .refused
            }
        }
        if self.json { console.write(JSONValue.array(diagnostics).text) }
        return status
    }

    private func show(_ report: DiagnosticReport, console: Console) {
        if !self.json, !report.diagnostics.isEmpty { console.note(report.text) }
        if !self.json, !self.quiet, !report.hasErrors { console.note("\(report.source.name): ok") }
    }
}
