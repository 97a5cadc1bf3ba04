package import ConnectorKit
internal import FluentSyntax
internal import JobPlan

/// The keyed stage of a stream as its subtasks run it.
package typealias KeyedStage = ProcessStage<TieredStateStore>

/// A stage of a plan, compiled.
struct CompiledStage: Sendable {
    let operation: ProcessOperation
    /// What becomes of the records that it hands on.
    let map: FunctionIndex

    init(
        _ stage: StreamStage,
        allowedLateness: Int64,
        _ compiler: inout ProgramCompiler
    ) throws(CompilationError) {
        switch stage.operation {
        case .pass: self.operation = .pass
        case .deduplicate(let within):
            self.operation = .deduplicate(within: within, kept: within + allowedLateness)
        case .join(let join):
            self.operation = .join(
                JoinOperation(
                    from: join.from,
                    to: join.to,
                    lateness: allowedLateness,
                    function: try compiler.add(join.function),
                    range: join.range
                )
            )
        case .process(let functions):
            let onEvent = try compiler.add(functions.onEvent.discardingResult)
            let onTimer = try functions.onTimer.map { closure throws(CompilationError) in
                try compiler.add(closure.discardingResult)
            }
            self.operation = .process(onEvent: onEvent, onTimer: onTimer, timeToLive: functions.timeToLive)
        }
        self.map = try compiler.add(stage.map.discardingResult)
    }
}

extension ProcessOperation {
    /// Whether what it keeps is ever dropped for its age.
    fileprivate var expires: Bool {
        switch self {
        case .pass, .process(_, _, nil): false
        case .deduplicate, .process, .join: true
        }
    }

    /// Whether it keeps anything of keys.
    var keepsState: Bool {
        if case .pass = self { return false }
        return true
    }

    fileprivate var hasTimers: Bool {
        guard case .process(_, .some, _) = self else { return false }
        return true
    }
}

extension CompiledStream {
    /// Stages behind the one that reads: keyed ones, then that of the window if there is one.
    package var stageCount: Int { self.stages.count + (self.windows == nil ? 0 : 1) }

    /// Whether a stage keeps states of keys, or windows that keys have for themselves.
    package var keepsKeys: Bool {
        let hasOwnWindows =
            switch self.windows?.kind {
            case nil, .sliced: false
            case .session, .count, .global: true
            }
        return hasOwnWindows || self.stages.contains { $0.operation.keepsState }
    }

    /// Whether records come by key to a stage; otherwise each subtask feeds the one of its own number.
    package func isKeyed(_ stage: Int) -> Bool { stage >= self.plan.stages.count || self.plan.stages[stage].isKeyed }

    /// What a stage is called in checkpoints; nil where it keeps nothing.
    package func operatorID(of stage: Int) -> String? {
        stage < self.plan.stages.count ? self.plan.stages[stage].operatorID : Self.windowOperatorID
    }

    /// What is on its way to a stage is called in checkpoints that overtake it.
    package func channelsID(before stage: Int) -> String {
        "\(Self.channelsPrefix)\(stage + 1)/\(self.operatorID(of: stage) ?? "records")"
    }

    /// How names begin that ``channelsID(before:)`` gives.
    package static let channelsPrefix = "channels/"

    /// Whether the functions of a keyed stage may alert.
    package func alerts(in stage: Int) -> Bool {
        switch self.plan.stages[stage].operation {
        case .process, .join: true
        case .pass, .deduplicate: false
        }
    }

    /// The shapes of keyed stages, by what they are called.
    var stageShapes: [String: String] {
        var shapes: [String: String] = [:]
        for stage in self.plan.stages {
            if let id = stage.operatorID { shapes[id] = stage.shape }
        }
        return shapes
    }

    /// A keyed stage; `form` is how the sink wants records, and `cold` where states go that don't fit in memory: without
    /// it they stay there.
    package func makeKeyedStage(
        _ stage: Int,
        subtask: Int,
        form: OutputForm,
        tables: [LookupTable] = [],
        cold: (any ColdTier)? = nil
    ) -> KeyedStage {
        let operation = self.stages[stage].operation
        let isLast = stage + 1 == self.stageCount
        let keepsKeys = isLast && form == .messages && self.isKeyed(stage)
        let host = ProcessHost(
            jobName: self.name,
            keepsKeys: keepsKeys,
            hasTimers: operation.hasTimers,
            recordBytesLimit: self.limits.memoryBytes,
            surroundings: RecordSurroundings(tables: tables)
        )
        return ProcessStage(
            operation,
            policy: self.policy,
            keepsKeys: keepsKeys,
            machine: Machine(program: self.program, limits: self.limits, host: host),
            store: TieredStateStore(
                expires: operation.expires,
                spill: cold.map { KeyedSpill($0, bytesLimit: self.stateBytesLimit) }
            ),
            routing: self.routing,
            subtask: subtask,
            deadLetters: self.makeDeadLetters()
        )
    }

    /// What feeds the stage behind a keyed one, whose dead letters it adds to.
    package func makeMapStage(
        behind stage: Int,
        tables: [LookupTable] = [],
        deadLetters: OutputBlock? = nil
    ) -> StreamMapStage {
        var map = self.makeMapStage(
            StreamFunctions(
                usesSurroundings: false,
                map: .record(self.stages[stage].map),
                mapFieldCount: 0,
                emission: nil,
                time: nil
            ),
            columnCount: self.plan.stages[stage].columnCount,
            decode: DecodeStep(format: .json),
            feeding: stage + 1,
            surroundings: RecordSurroundings(tables: tables),
            deadLetters: deadLetters
        )
        let name = self.plan.stages[stage].operatorID ?? "stage \(stage + 1)"
        _ = map.addSplit(named: name, latest: WatermarkTracker.none)
        return map
    }

    /// The end of a stream without a window, which adds to the dead letters of the keyed stage before it.
    package func makeSinkStage(
        form: OutputForm,
        tables: [LookupTable] = [],
        deadLetters: OutputBlock? = nil
    ) -> SinkStage {
        guard let last = self.stages.last else { preconditionFailure("a stream without a window has a stage") }
        let formatter = StreamFormatter(form: form, format: self.plan.definition.settings.sinkFormat, content: .records)
        let host = SinkHost(formatter: formatter, surroundings: RecordSurroundings(tables: tables))
        return SinkStage(
            machine: Machine(program: self.program, limits: self.limits, host: host),
            function: last.map,
            policy: self.policy,
            name: "the records of \(self.name)",
            deadLetters: deadLetters
        )
    }
}

extension StreamWindows {
    /// For records that go to a keyed stage one by one.
    static let records = StreamWindows(recordsOf: .values)

    private init(recordsOf layout: WindowLayout) {
        self.kind = .global
        self.layout = layout
        self.takesAggregates = false
        self.allowedLateness = 0
        self.trigger = TriggerSpecification()
    }
}
