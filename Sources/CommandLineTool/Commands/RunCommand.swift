import ArgumentParser
import ConnectorCatalog
import ConnectorKit
import FluentSyntax
import Platform
import ProgramService

/// `weir run JOB.fl`: runs a program and its jobs in this process.
struct RunCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a program and its jobs here, on all processors.",
        discussion: """
            Shows how far each job is and, when it ends, where its output lies, how much it read \
            and wrote, and what it took. What the program prints goes to standard output.

              weir run jobs/word-count/job.fl
              weir run jobs/word-count/job.fl -D input='books/*.txt' --overwrite
              weir run big.fl --memory 512MiB --parallelism 2 --json > summary.json
              weir run clickstream.fl --state state --checkpoint-interval 10s --resume

            A stream runs until it is stopped, or its input ends; stopped with --state it takes a last \
            checkpoint, and ends with 0.

            Ctrl-C cancels the jobs and removes what they left half-written; a second one ends at \
            once. Exits with 0 when all is done, 1 if a job failed, 2 if the command line or the program \
            is wrong, 130 on Ctrl-C, 143 on SIGTERM, 141 without a word if whoever read the output went away.
            """
    )

    @OptionGroup var program: ProgramOptions

    @Flag(help: "Replace what output directories hold.")
    var overwrite = false

    @Flag(help: "Print one JSON object at the end; what the program prints goes to standard error.")
    var json = false

    @Flag(help: "With --json, print the figures of each stream every second too, an object a line.")
    var watch = false

    @Flag(help: "Show no progress, no summary and no warnings.")
    var quiet = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Steps that a lambda may take for one record. (default: 100_000_000)", valueName: "n"),
        transform: OptionValue.steps
    )
    var stepLimit: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Memory that a lambda may take for one record. (default: a share of --memory, at most 256MiB)",
            valueName: "size"
        ),
        transform: OptionValue.recordMemory
    )
    var recordMemory: Int64?

    @OptionGroup(title: "Streams") var streaming: StreamingArguments

    @OptionGroup(title: "Trying out") var development: DevelopmentOptions

    func validate() throws {
        guard self.json || !self.watch else {
            throw ValidationError("--watch goes with --json: without it figures are shown anyway")
        }
        if let problem = Failpoint.problem { throw ValidationError(problem) }
    }

    func perform(_ console: Console) -> CommandStatus {
        let session = RunSession(console: console, style: self.style, watchesStreams: self.watch)
        let streamOptions =
            self.streaming.givenNames + (self.watch ? ["--watch"] : []) + self.development.givenNames
        return session.run(path: self.program.job, options: self.options, streamOptions: streamOptions) {
            options throws(ConnectorError) in
            try self.development.start(&options, console)
        }
    }

    /// Everything that the command line says about the run.
    var options: RunOptions {
        var options = self.program.runOptions
        options.overwritesOutput = self.overwrite
        options.streaming = self.streaming.options
        if let steps = self.stepLimit { options.recordSteps = steps }
        if let bytes = self.recordMemory { options.recordMemoryBytes = Int(bytes) }
        return options
    }

    private var style: RunStyle { self.json ? .json(isQuiet: self.quiet) : self.quiet ? .quiet : .standard }
}

/// How much a run says, and to whom.
enum RunStyle: Hashable, Sendable {
    case standard
    case quiet
    case json(isQuiet: Bool)

    /// Progress and summaries for people.
    var isTalkative: Bool { self == .standard }

    var showsWarnings: Bool { self == .standard || self == .json(isQuiet: false) }

    var isJSON: Bool {
        switch self {
        case .standard, .quiet: false
        case .json: true
        }
    }
}
