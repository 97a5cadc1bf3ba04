package import FluentSyntax

/// What a `define-mapreduce` form says, evaluated and checked: what the planner starts from.
package struct JobDefinition: Sendable {
    package let name: String
    package let kind: JobForm.Kind
    package let input: ConnectorCall
    package let output: ConnectorCall

    /// Its parameter is the record, or its two are the key and the record.
    package let map: Closure

    /// A builtin or a closure of one parameter, the list of values.
    package let combiner: Constant?

    /// Its two parameters are the key and its values; nil: what the map emits is the result.
    package let reduce: Closure?

    /// 1…``partitionLimit``; nil leaves it to the planner.
    package let partitions: Int?

    /// How records are read.
    package let format: RecordFormat

    /// How pairs are written.
    package let sinkFormat: RecordFormat
    package let onError: ErrorPolicy

    /// At least ``memoryMinimumBytes``; nil leaves it to whoever runs the job.
    package let memoryBytes: Int64?

    /// Whether every partition is written in the order of its keys.
    package let isSorted: Bool

    /// The whole form.
    package let range: SourceRange

    package static let partitionLimit = 65_536
    package static let memoryMinimumBytes = MemorySize.jobMinimumBytes

    package init(
        name: String,
        kind: JobForm.Kind = .mapReduce,
        endpoints: (input: ConnectorCall, output: ConnectorCall),
        functions: (map: Closure, combiner: Constant?, reduce: Closure?),
        settings: Settings = Settings(),
        range: SourceRange
    ) {
        self.name = name
        self.kind = kind
        self.input = endpoints.input
        self.output = endpoints.output
        self.map = functions.map
        self.combiner = functions.combiner
        self.reduce = functions.reduce
        self.partitions = settings.partitions
        self.format = settings.format
        self.sinkFormat = settings.sinkFormat
        self.onError = settings.onError
        self.memoryBytes = settings.memoryBytes
        self.isSorted = settings.isSorted
        self.range = range
    }

    /// The options that have defaults.
    package struct Settings: Sendable {
        package var partitions: Int?
        package var format = RecordFormat.text
        package var sinkFormat = RecordFormat.text
        package var onError = ErrorPolicy.fail
        package var memoryBytes: Int64?
        package var isSorted = false

        package init() {}
    }
}

/// Everything that is wrong with a job's options.
package struct JobDefinitionError: Error, Hashable, Sendable {
    /// At least one, in the order of the program.
    package let problems: [Diagnostic]

    package init(problems: [Diagnostic]) {
        self.problems = problems
    }
}
