import ArgumentParser
import ConnectorCatalog
import ConnectorKit
import ProgramService

/// How `weir run` is given a broker of its own.
struct DevelopmentOptions: ParsableArguments {
    @Flag(help: "Start a development broker for this run (in memory, at least once), and use it as kafka.brokers.")
    var devBroker = false

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "With --dev-broker, put the lines of a file into a topic before the program starts. Repeatable.",
            valueName: "topic=file"
        ),
        transform: TopicFill.parse
    )
    var fill: [TopicFill] = []

    func validate() throws {
        guard self.devBroker || self.fill.isEmpty else {
            throw ValidationError("--fill goes with --dev-broker: other brokers have their own records")
        }
    }

    /// The options that were given, as they are written.
    var givenNames: [String] {
        (self.devBroker ? ["--dev-broker"] : []) + (self.fill.isEmpty ? [] : ["--fill"])
    }

    /// Starts the broker, fills it, and makes a run use it.
    ///
    /// - Returns: Nil where none is wanted; otherwise the broker lives as long as this does.
    func start(_ options: inout RunOptions, _ console: Console) throws(ConnectorError) -> DevelopmentRun? {
        guard self.devBroker else { return nil }
        if options.streaming.resumes {
            let message =
                "can't --resume with --dev-broker: it begins empty, and the positions of a checkpoint mean nothing to it"
            throw ConnectorError(.user, retry: .never, message)
        }
        if options.parameters["kafka.brokers"] != nil {
            let message = "can't use both --dev-broker and -D kafka.brokers: leave one out"
            throw ConnectorError(.user, retry: .never, message)
        }
        let run = try DevelopmentRun(topics: self.fill.map(\.topic))
        console.note("development broker, in memory, at least once: \(run.brokers)")
        for fill in self.fill {
            let count = try fill.perform(run)
            console.note("  \(fill.topic): \(Quantity.exact(count)) records of '\(fill.path)'")
        }
        options.parameters.merge(run.defaults) { given, _ in given }
        return run
    }
}
