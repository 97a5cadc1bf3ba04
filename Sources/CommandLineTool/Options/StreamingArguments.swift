import ArgumentParser
import ProgramService

/// What `weir run` can be told about streams.
struct StreamingArguments: ParsableArguments {
    @Option(help: ArgumentHelp("Keep checkpoints here, and go on from them with --resume.", valueName: "dir"))
    var state: String?

    @Option(
        help: ArgumentHelp("Time from one checkpoint to the next. (default: 10s)", valueName: "time"),
        transform: TimeValue.positive
    )
    var checkpointInterval: Int64?

    @Option(
        help: ArgumentHelp("Give a checkpoint up that takes longer. (default: 10min)", valueName: "time"),
        transform: TimeValue.positive
    )
    var checkpointTimeout: Int64?

    @Option(
        help: ArgumentHelp(
            "Let a checkpoint overtake what is on its way when it waited so long, or 'never'. (default: 10s)",
            valueName: "time"
        ),
        transform: TimeValue.positiveOrNever
    )
    var unalignedAfter: Int64?

    @Option(
        help: ArgumentHelp("Time from the end of one checkpoint to the next at least. (default: 0)", valueName: "time"),
        transform: TimeValue.positive
    )
    var checkpointPause: Int64?

    @Option(
        help: ArgumentHelp("Checkpoints that are kept. (default: 3)", valueName: "n"),
        transform: TimeValue.retained
    )
    var retainedCheckpoints: Int?

    @Flag(help: "Go on from the newest checkpoint in --state.")
    var resume = false

    @Option(
        help: ArgumentHelp("Begin from this checkpoint, a directory checkpoint-N.", valueName: "dir")
    )
    var from: String?

    @Option(
        help: ArgumentHelp("Stop when nothing came for so long.", valueName: "time"),
        transform: TimeValue.positive
    )
    var untilIdle: Int64?

    @Flag(help: "On stopping fire all windows, as if time had come to its end.")
    var drain = false

    @Flag(help: "With --resume, drop state that the program changed the meaning of.")
    var allowDrop = false

    @Flag(help: "Deliver again what may have been delivered, instead of stopping.")
    var allowDuplicates = false

    func validate() throws {
        if self.resume, self.state == nil {
            throw ValidationError("--resume needs --state DIR: where the checkpoints are")
        }
    }

    /// The options that were given, as they are written.
    var givenNames: [String] {
        let all: [(name: String, isGiven: Bool)] = [
            ("--state", self.state != nil), ("--checkpoint-interval", self.checkpointInterval != nil),
            ("--checkpoint-timeout", self.checkpointTimeout != nil),
            ("--unaligned-after", self.unalignedAfter != nil), ("--checkpoint-pause", self.checkpointPause != nil),
            ("--retained-checkpoints", self.retainedCheckpoints != nil), ("--resume", self.resume),
            ("--from", self.from != nil), ("--until-idle", self.untilIdle != nil), ("--drain", self.drain),
            ("--allow-drop", self.allowDrop), ("--allow-duplicates", self.allowDuplicates),
        ]
        return all.filter(\.isGiven).map(\.name)
    }

    var options: StreamingOptions {
        var options = StreamingOptions()
        options.stateDirectory = self.state
        if let interval = self.checkpointInterval { options.checkpointInterval = interval }
        if let timeout = self.checkpointTimeout { options.checkpointTimeout = timeout }
        if let timeout = self.unalignedAfter { options.alignmentTimeout = timeout }
        if let pause = self.checkpointPause { options.minimumPause = pause }
        if let count = self.retainedCheckpoints { options.retainedCheckpoints = count }
        options.resumes = self.resume
        options.beginning = self.from
        options.untilIdle = self.untilIdle
        options.drains = self.drain
        options.allowsDrop = self.allowDrop
        options.allowsDuplicates = self.allowDuplicates
        return options
    }
}

/// Times as options take them: `500ms`, `10s`, `5min`, `1h`.
enum TimeValue {
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("ms", 1), ("s", 1_000), ("min", 60_000), ("h", 3_600_000),
    ]
    private static let maximum: Int64 = 366 * 24 * 3_600_000
    private static let retainedRange = 1...1_000

    static func positive(_ text: String) throws -> Int64 {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count)
        guard let count = Int64(digits), let factor = Self.units.first(where: { $0.name == unit })?.milliseconds else {
            throw ValidationError("a time is a number and a unit, as in 500ms, 10s, 5min or 1h")
        }
        let (time, overflows) = count.multipliedReportingOverflow(by: factor)
        guard !overflows, (1...Self.maximum).contains(time) else {
            throw ValidationError("a time is from 1ms to 8784h")
        }
        return time
    }

    /// The same, or the largest number for `never`.
    static func positiveOrNever(_ text: String) throws -> Int64 {
        text == "never" ? .max : try Self.positive(text)
    }

    static func retained(_ text: String) throws -> Int {
        guard let count = Int(text), Self.retainedRange.contains(count) else {
            throw ValidationError("the number of checkpoints is from 1 to 1000")
        }
        return count
    }
}
