import ConnectorCatalog
import FluentSyntax
import JobService
import Platform
import ProgramService

/// One run of a program, from its file to the exit status.
struct RunSession {
    let console: Console
    let style: RunStyle
    private let memory = PeakMemoryWatch()
    private let start = ContinuousClock.now

    init(console: Console, style: RunStyle) {
        self.console = console
        self.style = style
    }

    func run(path: String, options: RunOptions) -> ExitStatus {
        do {
            let file = try CheckedFile.load(path)
            if self.style.showsWarnings, !file.warnings.diagnostics.isEmpty { self.console.note(file.warnings.text) }
            return self.run(file, options: options)
        } catch {
            error.show(self.console)
            return self.finish(.refused, jobs: [], failure: error.failure, diagnostics: error.diagnostics)
        }
    }

    private func run(_ file: CheckedFile, options: RunOptions) -> ExitStatus {
        let reporter = RunReporter(console: self.console, style: self.style, memory: self.memory)
        let program = LocalProgram(
            file.program,
            connectors: ConnectorCatalog.standard,
            options: options,
            observer: reporter
        )
        let stop = StopRequest(console: self.console) { program.cancel() }
        // Without the watch Ctrl-C ends the process as it ends any other: what is half-written is removed by the next run.
        let watch = try? TerminationWatch { stop.receive($0) }
        let outcome = RunTicker(console: self.console, style: self.style, reporter: reporter, memory: self.memory)
            .during(onOutputFailure: { program.cancel() }, body: program.run)
        withExtendedLifetime(watch) {}
        let warnings = file.warnings.json
        switch outcome {
        case .finished:
            return self.finish(.finished, jobs: reporter.summaries, failure: nil, diagnostics: warnings)
        case .failed(let message):
            if !reporter.hasShown(message) { self.console.note("error: \(message)") }
            return self.finish(.failed, jobs: reporter.summaries, failure: message, diagnostics: warnings)
        case .refused(let diagnostics):
            let report = DiagnosticReport(source: file.source, diagnostics: diagnostics)
            self.console.note(report.text)
            return self.finish(.refused, jobs: reporter.summaries, failure: nil, diagnostics: warnings + report.json)
        case .cancelled:
            let status = self.finish(.cancelled, jobs: reporter.summaries, failure: nil, diagnostics: warnings)
            return stop.signal.map { .stopped(code: $0.exitCode) } ?? status
        }
    }

    /// Prints the summary for programs, if that is what was asked for.
    private func finish(
        _ state: RunReport.State,
        jobs: [JobSummary],
        failure: String?,
        diagnostics: [JSONValue]
    ) -> ExitStatus {
        if self.style.isJSON {
            let anonymousBytesPeak = self.memory.sample()
            let usage = ProcessUsage.current()
            let report = RunReport(
                state: state,
                jobs: jobs,
                failure: failure,
                diagnostics: diagnostics,
                elapsed: ContinuousClock.now - self.start,
                usage: RunUsage(
                    processorTime: usage.processorTime,
                    residentBytesPeak: usage.residentBytesPeak,
                    anonymousBytesPeak: anonymousBytesPeak
                )
            )
            self.console.write(report.json.text)
        }
        switch state {
        case .finished: return .done
        case .failed, .cancelled: return .failed
        case .refused: return .refused
        }
    }
}

extension CheckedFile.Problem {
    fileprivate var failure: String? {
        switch self {
        case .unreadable(let error): error.message
        case .wrong: nil
        }
    }

    fileprivate var diagnostics: [JSONValue] {
        switch self {
        case .unreadable: []
        case .wrong(let report): report.json
        }
    }
}
