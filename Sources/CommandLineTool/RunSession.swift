import ConnectorCatalog
import ConnectorKit
import FluentSyntax
import JobPlan
import JobService
import Platform
import ProgramService

/// One run of a program, from its file to the exit status.
struct RunSession {
    let console: Console
    let style: RunStyle
    private let makeProgram: MakeProgram
    private let watchesSignals: Bool

    /// Whether the figures of streams are printed for programs while they run.
    private let watchesStreams: Bool
    private let memory = PeakMemoryWatch()
    private let start = ContinuousClock.now

    /// Turns a checked program into one that can be run once.
    typealias MakeProgram = (CheckedFile, RunOptions, any RunObserver) -> RunnableProgram

    /// A session that catches signals, unless it isn't alone: only one of a process can.
    init(
        console: Console,
        style: RunStyle,
        watchesSignals: Bool = true,
        watchesStreams: Bool = false,
        makeProgram: @escaping MakeProgram = RunnableProgram.local
    ) {
        self.console = console
        self.style = style
        self.watchesSignals = watchesSignals
        self.watchesStreams = watchesStreams
        self.makeProgram = makeProgram
    }

    /// - Parameters:
    ///   - path: Of the program.
    ///   - options: Of the run.
    ///   - streamOptions: What the command line says that only streams heed, as it is written.
    ///   - start: Starts what the run needs, once the program is known to be right, and says where it is; what it gives
    ///     lives as long as the run.
    /// - Returns: How it ended.
    func run(
        path: String,
        options: RunOptions,
        streamOptions: [String] = [],
        start: (inout RunOptions) throws(ConnectorError) -> AnyObject? = { _ in nil }
    ) -> CommandStatus {
        do {
            let file = try CheckedFile.load(path)
            let problems = file.program.parameters.problems(with: options.parameters.keys, in: [file.source.name])
            guard problems.isEmpty else { return self.refuse(problems) }
            guard streamOptions.isEmpty || file.program.definesStream else {
                return self.refuse([Self.refusal(of: streamOptions, in: file.source.name)])
            }
            if self.style.showsWarnings, !file.warnings.diagnostics.isEmpty { self.console.note(file.warnings.text) }
            return self.run(file, options: options, start: start)
        } catch {
            error.show(self.console)
            return self.finish(.refused, jobs: [], failure: error.failure, diagnostics: error.diagnostics)
        }
    }

    private func run(
        _ file: CheckedFile,
        options: RunOptions,
        start: (inout RunOptions) throws(ConnectorError) -> AnyObject?
    ) -> CommandStatus {
        var options = options
        do {
            let started = try start(&options)
            defer { withExtendedLifetime(started) {} }
            return self.run(file, options: options)
        } catch {
            self.console.note("error: \(error.message)")
            let state: RunReport.State = error.domain == .user ? .refused : .failed
            return self.finish(state, jobs: [], failure: error.message, diagnostics: file.warnings.json)
        }
    }

    private func run(_ file: CheckedFile, options: RunOptions) -> CommandStatus {
        let reporter = RunReporter(console: self.console, style: self.style, memory: self.memory)
        let program = self.makeProgram(file, options, reporter)
        let stop = StopRequest(
            console: self.console,
            note: { reporter.stopNote(options.streaming) },
            cancel: program.cancel
        )
        // Without the watch Ctrl-C ends the process as it ends any other: what is half-written is removed by the next run.
        let watch = self.watchesSignals ? try? TerminationWatch { stop.receive($0) } : nil
        let ticker = RunTicker(
            console: self.console,
            style: self.style,
            reporter: reporter,
            memory: self.memory,
            watches: self.watchesStreams
        )
        let outcome = ticker.during(onOutputFailure: program.cancel, body: program.run)
        withExtendedLifetime(watch) {}
        let warnings = file.warnings.json
        switch outcome {
        case .finished:
            return self.finish(.finished, jobs: reporter.summaries, failure: nil, diagnostics: warnings)
        case .failed where reporter.summaries.contains(where: \.isReaderGone):
            return .brokenPipe
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

    private static func refusal(of options: [String], in name: String) -> String {
        let pronoun = options.count == 1 ? "it" : "them"
        return "can't use \(options.joined(separator: ", ")): only streams heed \(pronoun), and \(name) defines none; "
            + "leave \(pronoun) out, or write define-streaming-job or define-stream-processor"
    }

    private func refuse(_ problems: [String]) -> CommandStatus {
        for problem in problems { self.console.note("error: \(problem)") }
        return self.finish(.refused, jobs: [], failure: problems.joined(separator: "\n"), diagnostics: [])
    }

    /// Prints the summary for programs, if that is what was asked for.
    private func finish(
        _ state: RunReport.State,
        jobs: [JobSummary],
        failure: String?,
        diagnostics: [JSONValue]
    ) -> CommandStatus {
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

/// A program that runs once.
struct RunnableProgram {
    /// Blocks until the program has ended.
    let run: () -> RunOutcome

    /// May be called from any thread.
    let cancel: @Sendable () -> Void

    /// With the jobs in this process.
    static func local(_ file: CheckedFile, options: RunOptions, observer: any RunObserver) -> RunnableProgram {
        let program = LocalProgram(
            file.program,
            connectors: ConnectorCatalog(defaults: ConnectorDefaults.values(options.parameters)),
            options: options,
            observer: observer
        )
        return RunnableProgram(run: program.run, cancel: program.cancel)
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
