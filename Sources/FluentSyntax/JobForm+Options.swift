extension JobForm.Kind {
    /// What a program may write, without the colon.
    package var optionNames: [String] {
        switch self {
        case .mapReduce:
            ["input", "output", "map", "combiner", "reduce", "partitions", "format", "on-error", "memory"]
        case .streamingJob:
            ["input", "output", "window"] + Self.streamOptionNames + ["sides", "map", "combiner", "reduce"]
        case .streamProcessor: ["source", "sink"] + Self.streamOptionNames
        }
    }

    private static let streamOptionNames = [
        "time", "watermark", "idle-after", "drift-limit", "allowed-lateness", "late", "trigger", "alerts", "format",
        "on-error", "memory",
    ]

    package var requiredOptions: [String] {
        switch self {
        case .mapReduce: ["input", "output", "map"]
        case .streamingJob: ["input", "window", "map"]
        case .streamProcessor: ["source"]
        }
    }

    package var isStream: Bool { self != .mapReduce }

    /// The option that says where records come from.
    package var sourceOption: String { self == .streamProcessor ? "source" : "input" }

    /// The option that says where results go.
    package var sinkOption: String { self == .streamProcessor ? "sink" : "output" }

    /// Advice for an option that this form doesn't have, but another one, or a clause of the form.
    func advice(onUnknown option: String) -> String? {
        switch (self, option) {
        case (_, "sorted"), (_, "overwrite"): "give it to the sink: (distributed-path \"…\" :\(option) true)"
        case (.streamProcessor, "input"): "a processor reads its :source"
        case (.streamProcessor, "output"): "a processor writes to its :sink"
        case (.streamProcessor, "map"): "write (map F) behind the options"
        case (.streamProcessor, "window"), (.streamProcessor, "reduce"):
            "write (window WINDOW (group-by :field (aggregate :name (count)))) behind the options"
        case (.streamingJob, "source"), (.mapReduce, "source"): "a job reads its :input"
        case (.streamingJob, "sink"), (.mapReduce, "sink"): "a job writes to its :output"
        default: nil
        }
    }
}

extension SpecialForm {
    /// The kind of job that it defines.
    var jobKind: JobForm.Kind? {
        switch self {
        case .mapReduce: .mapReduce
        case .streamingJob: .streamingJob
        case .streamProcessor: .streamProcessor
        default: nil
        }
    }
}
