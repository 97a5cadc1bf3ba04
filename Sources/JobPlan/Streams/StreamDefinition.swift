package import FluentSyntax

/// What a `define-streaming-job` or `define-stream-processor` form says, evaluated and checked: what the planner starts from.
package struct StreamDefinition: Sendable {
    package let name: String
    package let kind: JobForm.Kind
    package let input: ConnectorCall

    /// Nil: whatever is emitted goes to standard output.
    package let output: ConnectorCall?

    /// Its parameter is the record, or its two are the key and the record; it emits a key and the record's
    /// ``columnCount`` values: that value itself where it is one, a list of them where there are more, nil where there are none.
    package let map: Closure
    package let columnCount: Int

    /// A builtin or a closure of one parameter, the list of values: it may run, but needn't.
    package let combiner: Constant?

    /// The keyed stages between ``map`` and the window, or the sink, in their order; ``map`` feeds the first of them.
    package let stages: [StreamStage]

    /// What becomes of a key and window; nil where there is no window.
    ///
    /// Of a `define-stream-processor` what it emits is the group, a list of keys or nil, and the output record, a map that
    /// has the fields of the group too.
    package let reduce: WindowReduce?

    /// Nil: what comes behind the last of ``stages``, of which there is one then, goes to the sink.
    package let window: WindowSpecification?

    /// What the records of a window are grouped by: equal texts mean equal groups.
    package let grouping: String
    package let settings: Settings

    /// The whole form.
    package let range: SourceRange

    package init(
        name: String,
        kind: JobForm.Kind,
        endpoints: (input: ConnectorCall, output: ConnectorCall?),
        map: (closure: Closure, columnCount: Int),
        combiner: Constant? = nil,
        stages: [StreamStage] = [],
        reduce: WindowReduce?,
        window: WindowSpecification?,
        grouping: String,
        settings: Settings,
        range: SourceRange
    ) {
        self.name = name
        self.kind = kind
        self.input = endpoints.input
        self.output = endpoints.output
        self.map = map.closure
        self.columnCount = map.columnCount
        precondition(window != nil || !stages.isEmpty, "records that go to no window go through a stage")
        self.combiner = combiner
        self.stages = stages
        self.reduce = reduce
        self.window = window
        self.grouping = grouping
        self.settings = settings
        self.range = range
    }

    /// The options that have defaults.
    package struct Settings: Sendable {
        /// From a record to its event time in milliseconds since 1970; nil: the time its source gives it.
        package var time: Closure?

        /// Milliseconds by which a record may come behind a later one; nil: what its source is known for.
        package var outOfOrdernessBound: Int64?

        /// Milliseconds of silence after which a split that is at its end no longer holds time back.
        package var idleAfter: Int64 = 10_000

        /// Milliseconds by which a split may be ahead of the one that is furthest behind; nil: any.
        package var driftLimit: Int64?

        /// Milliseconds behind a window's end in which records still change its result.
        package var allowedLateness: Int64 = 0
        package var trigger = TriggerSpecification()

        /// Whether the slide of the window wasn't given: it is ``WindowSpecification/slideStandard(ofSize:)``.
        package var hasStandardSlide = false

        /// Where records go that come too late; nil: they are only counted.
        package var late: ConnectorCall?

        /// Where `alert` writes; nil: JSON lines on standard output.
        package var alerts: ConnectorCall?
        /// Where functions and steps write beside the output.
        package var sides: [SideOutput] = []
        package var format = RecordFormat.json
        package var sinkFormat = RecordFormat.text
        package var onError = ErrorPolicy.fail

        /// At least ``JobDefinition/memoryMinimumBytes``; nil leaves it to whoever runs the job.
        package var memoryBytes: Int64?

        package init() {}
    }
}

/// How a stream is cut into windows; times in milliseconds.
package enum WindowSpecification: Hashable, Sendable {
    /// `size` > 0; windows begin at multiples of it, moved by `0 ..< size`.
    case tumbling(size: Int64, offset: Int64)
    /// A window of `size` begins every `slide` > 0 milliseconds; `slide` may be larger than `size`.
    case sliding(size: Int64, slide: Int64)
    /// Ends when a key had no record for `gap` > 0.
    case session(gap: Int64)
    /// Every `slide` records of a key, its newest `count`.
    case count(count: Int64, slide: Int64)
    /// Everything, until the end of the input.
    case global

    /// A tenth of the size, at least a millisecond.
    package static func slideStandard(ofSize size: Int64) -> Int64 { max(size / 10, 1) }
}

/// When a window's result is given before and behind the watermark's passing its end.
package struct TriggerSpecification: Hashable, Sendable {
    /// Every so many milliseconds of the clock, while records come.
    package var earlyMilliseconds: Int64?

    /// Every so many records of a key and window.
    package var earlyCount: Int64?

    /// Whether each late record that is allowed fires its window again at once; otherwise late ones are gathered until the
    /// watermark moves.
    package var firesOnEachLateRecord = true

    package init() {}
}

/// What becomes of the values of a key and window.
package enum WindowReduce: Sendable {
    /// Two parameters: the key and the sequence of its values, in the order they came.
    case general(Closure)
    /// At least one; the closure's parameters are the key, then one for each result.
    case aggregates([WindowAggregate], result: Closure)
}

/// One aggregate over a column of what the map emits.
package struct WindowAggregate: Hashable, Sendable {
    package enum Function: Hashable, Sendable {
        case count
        case countDistinct
        /// HyperLogLog.
        case countDistinctApproximate
        case sum
        case min
        case max
        case mean
        /// By event time; of equal times the one that came first or last.
        case first
        case last
        /// A list, in the order they came.
        case collect
        /// The largest so many, largest first.
        case top(Int)
        /// 0…1.
        case quantile(Double)
    }

    package let function: Function

    /// Which of the emitted values it takes; nil: the record as such, for `count`.
    package let column: Int?

    /// What that value is, in the words of the program; nil: the record as such, or the value that a job emits.
    package let input: String?

    /// Whether a nil is left out, as a record without that field is; otherwise it is a value like others.
    package let skipsNil: Bool

    /// The call: where its errors happened.
    package let range: SourceRange

    package init(_ function: Function, column: Int?, input: String? = nil, skipsNil: Bool, range: SourceRange) {
        self.function = function
        self.column = column
        self.input = input
        self.skipsNil = skipsNil
        self.range = range
    }
}
