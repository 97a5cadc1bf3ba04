package import ConnectorKit
package import FluentSyntax
internal import CoreTypes
package import JobPlan

/// A stream's plan whose functions are compiled: makes the stages that its subtasks run.
///
/// Isolation: immutable; any thread may make stages.
package final class CompiledStream: Sendable {
    package let plan: StreamPlan

    /// Subtasks of each stage.
    package let parallelism: Int
    let program: CompiledProgram
    private let functions: StreamFunctions

    /// The stages between the one that reads and the window, or the sink.
    let stages: [CompiledStage]

    /// Nil where there is no window.
    private let call: WindowCall?
    private let template: RecordTemplate?
    package let windows: StreamWindows?
    let limits: MachineLimits
    private let memoryBytes: Int64
    private let tableBytes: Int64?
    private let outOfOrdernessBound: Int64
    package let routing: Routing

    /// Key groups of a stream's life: its state moves by them.
    package static let keyGroupCount = 128

    /// Compiles the functions of a plan.
    ///
    /// The parallelism is 1…``keyGroupCount``; `memoryBytes` is what all tables together should take at most, and
    /// `outOfOrdernessBound` what the source is known for, in milliseconds: the definition's own goes before it;
    /// `tableBytes`, where there is one, is what the windows or keys of a subtask take before they go to disk. Without
    /// `kernelsEnabled` the machine runs every function.
    ///
    /// - Throws: A function can't be compiled.
    package init(
        _ plan: StreamPlan,
        parallelism: Int,
        memoryBytes: Int64,
        outOfOrdernessBound: Int64,
        tableBytes: Int64? = nil,
        kernelsEnabled: Bool = true,
        limits: MachineLimits
    ) throws(CompilationError) {
        precondition((1...Self.keyGroupCount).contains(parallelism), "every subtask owns a key group")
        var compiler = ProgramCompiler()
        self.plan = plan
        self.parallelism = parallelism
        self.memoryBytes = memoryBytes
        self.tableBytes = tableBytes
        self.limits = limits
        self.outOfOrdernessBound = plan.definition.settings.outOfOrdernessBound ?? outOfOrdernessBound
        self.windows = StreamWindows(plan)
        let whole = try compiler.add(plan.map.whole.closure.discardingResult)
        let map: MapCall
        if plan.map.fields != nil {
            let projected = try compiler.add(plan.map.closure.discardingResult)
            map = .fields(projected, whole: whole, takesKey: plan.map.takesKey)
        } else {
            map = plan.map.takesKey ? .keyAndRecord(whole) : .record(whole)
        }
        let time = try plan.time.map { time throws(CompilationError) in
            StreamTimeCall(
                overFields: try time.overFields.map { closure throws(CompilationError) in
                    (try compiler.add(closure), time.fieldCount)
                },
                whole: try compiler.add(time.whole),
                isField: kernelsEnabled && time.overFields?.isFirstParameter == true
            )
        }
        self.functions = StreamFunctions(
            usesSurroundings: plan.usesSurroundings,
            map: map,
            mapFieldCount: plan.map.fields?.count ?? 0,
            emission: kernelsEnabled ? FieldEmission(plan.map, columnCount: plan.columnCount) : nil,
            time: time
        )
        let lateness = plan.definition.settings.allowedLateness
        self.stages = try plan.stages.map { stage throws(CompilationError) in
            try CompiledStage(stage, allowedLateness: lateness, &compiler)
        }
        switch plan.reduce {
        case nil:
            (self.call, self.template) = (nil, nil)
        case .general(let closure):
            self.call = .general(try compiler.add(closure.discardingResult))
            self.template = nil
        case .aggregates(_, let result):
            self.call = .aggregates(try compiler.add(result.discardingResult))
            self.template = kernelsEnabled ? RecordTemplate(result) : nil
        }
        self.program = compiler.finish()
        let groupCount = Self.keyGroupCount
        self.routing = Routing(keyGroupCount: groupCount, partitionCount: parallelism, subtaskCount: parallelism)
    }

    /// What its program calls it.
    package var name: String { self.plan.definition.name }

    /// How a source of files must cut what it delivers.
    package var framing: Framing {
        switch self.plan.decode.format {
        case .text, .json: .lines(lengthLimit: CompiledJob.lineBytesLimit)
        case .csv: .stream
        case .bytes: .whole(lengthLimit: self.limits.memoryBytes)
        }
    }

    /// What its sink is handed.
    package var sinkContent: SinkContent { PairFormatter(format: self.plan.definition.settings.sinkFormat).content }

    /// The tables that its functions look up, in the order of their numbers.
    package var tables: [ConnectorCall] { self.program.tables }

    /// What each of them may take where it doesn't say: a quarter of all.
    package var tableBytesLimit: Int64 { self.memoryBytes / 4 }

    /// How records are written to a side output.
    package func sideContent(_ side: SideOutput) -> SinkContent { PairFormatter(format: side.format).content }

    /// Milliseconds of silence after which a split no longer holds time back.
    package var idleAfter: Int64 { self.plan.definition.settings.idleAfter }

    /// Milliseconds by which a split may be ahead of the one that is furthest behind; nil: any.
    package var driftLimit: Int64? { self.plan.definition.settings.driftLimit }

    /// Milliseconds between two firings of windows before their end; nil: there are none.
    package var earlyMilliseconds: Int64? { self.plan.definition.settings.trigger.earlyMilliseconds }

    /// What the operator that keeps windows is called in checkpoints.
    package static let windowOperatorID = "window"

    /// For each operator with state what that state means: equal texts, and no others, can read each other's.
    package var operatorShapes: [String: String] {
        var shapes = self.stageShapes
        guard let windows = self.windows else { return shapes }
        var parts = ["by \(self.plan.definition.grouping)"]
        switch windows.kind {
        case .sliced(let grid): parts.append("window \(grid.size) every \(grid.slide) from \(grid.offset)")
        case .session(let gap): parts.append("session \(gap)")
        case .count(let count, let slide): parts.append("count \(count) every \(slide)")
        case .global: parts.append("global")
        }
        for column in windows.layout.columns {
            let place = column.aggregate.column.map { " of value \($0)" } ?? ""
            parts.append("\(column.aggregate.function)\(column.aggregate.input.map { " of \($0)" } ?? place)")
        }
        shapes[Self.windowOperatorID] = parts.joined(separator: ", ")
        return shapes
    }

    var policy: RecordPolicy {
        switch self.plan.definition.settings.onError {
        case .fail: .fail
        case .skip, .deadLetter: .skip
        }
    }

    /// Where a stage puts the lines of what it leaves out; nil where there is no dead-letter sink.
    func makeDeadLetters() -> OutputBlock? {
        if case .deadLetter = self.plan.definition.settings.onError { return OutputBlock() }
        return nil
    }

    /// A share of the memory limit, as a divisor, for the tables before the exchange of all subtasks.
    private static let mapShare: Int64 = 8

    /// What reads; `sideForms` says how the sink of each side output wants records.
    package func makeMapStage(tables: [LookupTable] = [], sideForms: [OutputForm] = []) -> StreamMapStage {
        let sides = zip(self.plan.definition.settings.sides, sideForms).map { SideStream($0, form: $1) }
        return self.makeMapStage(
            self.functions,
            columnCount: self.plan.columnCount,
            decode: self.plan.decode,
            feeding: 0,
            surroundings: RecordSurroundings(tables: tables, sides: sides),
            deadLetters: self.makeDeadLetters()
        )
    }

    func makeMapStage(
        _ functions: StreamFunctions,
        columnCount: Int,
        decode: DecodeStep,
        feeding stage: Int,
        surroundings: RecordSurroundings,
        deadLetters: OutputBlock?
    ) -> StreamMapStage {
        let feedsWindow = stage == self.stages.count
        let host = StreamMapHost(
            columnCount: columnCount,
            recordBytesLimit: self.limits.memoryBytes,
            surroundings: surroundings
        )
        return StreamMapStage(
            machine: Machine(program: self.program, limits: self.limits, host: host),
            functions: functions,
            decode: decode,
            policy: self.policy,
            windows: feedsWindow ? self.windows ?? .records : .records,
            routing: self.routing,
            limits: StreamLimits(
                outOfOrdernessBound: self.outOfOrdernessBound,
                tableBytes: Int(self.memoryBytes / Self.mapShare / Int64(self.parallelism)),
                batchBytes: CompiledJob.batchBytes
            ),
            deadLetters: deadLetters
        )
    }

    /// Bytes that each subtask of a stage with windows, or states of keys, keeps in memory, where they can go to disk: half
    /// of all is divided among them.
    var stateBytesLimit: Int {
        let stageCount = self.stages.count { $0.operation.keepsState } + (self.windows == nil ? 0 : 1)
        return Int(self.tableBytes ?? self.memoryBytes / 2 / Int64(self.parallelism * max(stageCount, 1)))
    }

    /// A stage that keeps windows; `form` is how its sink wants records, `spill` where windows go that don't fit in memory,
    /// and `cold` where those go that keys have for themselves: without it they stay there.
    package func makeWindowStage(
        subtask: Int,
        form: OutputForm,
        spill: (any SpillStore)? = nil,
        cold: (any ColdTier)? = nil
    ) -> WindowStage {
        let definition = self.plan.definition
        guard let windows = self.windows, let call = self.call else { preconditionFailure("the stream has no window") }
        let host = WindowHost(
            formatter: StreamFormatter(
                form: form,
                format: definition.settings.sinkFormat,
                content: definition.kind == .streamProcessor ? .groups : .pairs
            ),
            jobName: definition.name
        )
        let emitter = WindowEmitter(
            call: call,
            template: self.template,
            layout: windows.layout,
            policy: self.policy,
            machine: Machine(program: self.program, limits: self.limits, host: host),
            deadLetters: self.makeDeadLetters()
        )
        return WindowStage(
            emitter: emitter,
            windows: windows,
            spill: spill.map { StateSpill($0, bytesLimit: self.stateBytesLimit) },
            cold: cold.map { KeyedSpill($0, bytesLimit: self.stateBytesLimit) },
            routing: self.routing,
            subtask: subtask
        )
    }
}

extension Closure {
    /// Whether it only answers its first parameter.
    fileprivate var isFirstParameter: Bool {
        guard case .variable(let variable) = self.lambda.body.kind else { return false }
        return self.lambda.parameters.first == variable
    }
}
