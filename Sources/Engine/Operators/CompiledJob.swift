package import ConnectorKit
internal import CoreTypes
package import FluentSyntax
package import JobPlan

/// A job graph whose lambdas are compiled: makes the stages that subtasks run.
///
/// Isolation: immutable; any thread may make stages.
package final class CompiledJob: Sendable {
    package let graph: JobGraph
    private let program: CompiledProgram
    private let map: MapCall
    private let combine: CombineStep.Method?
    private let reduce: ReduceCall?
    private let decode: DecodeStep
    private let output: RecordFormat
    private let isSorted: Bool
    private let limits: MachineLimits
    private let columns: [IntegerColumn]?
    private let kernel: KernelPlan?
    private let routing: Routing?
    private let source: SourceFile?

    /// The longest line, in bytes; one that is longer is an error.
    package static let lineBytesLimit = 16 << 20

    /// Whether the map runs as kernels; otherwise the machine runs all of it.
    package var hasKernels: Bool { self.kernel != nil }

    /// Bytes of the batches that cross the exchange.
    package static var batchBytes: Int { MapOutput.batchBytes }

    /// Compiles the lambdas of a graph; `source` is the program that they come from, so that dead letters can say where
    /// one failed.
    package init(_ graph: JobGraph, limits: MachineLimits, source: SourceFile? = nil) throws(CompilationError) {
        let parts = GraphParts(graph)
        self.source = source
        var compiler = ProgramCompiler()
        self.graph = graph
        self.limits = limits
        self.decode = parts.projects ? parts.decode : DecodeStep(format: parts.decode.format, lines: parts.decode.lines)
        self.output = parts.output
        self.isSorted = parts.isSorted
        let whole = try compiler.add(parts.map.whole.closure.discardingResult)
        if parts.projects {
            let projected = try compiler.add(parts.map.closure.discardingResult)
            self.map = .fields(projected, whole: whole, takesKey: parts.map.takesKey)
        } else {
            self.map = parts.map.takesKey ? .keyAndRecord(whole) : .record(whole)
        }
        self.columns = parts.aggregateColumns
        self.combine = try parts.combine.flatMap { combine throws(CompilationError) in
            try Self.compile(combine, with: &compiler)
        }
        self.reduce = try parts.reduce.map { reduce throws(CompilationError) in
            try Self.compile(reduce, keepsStates: parts.aggregateColumns != nil, with: &compiler)
        }
        self.routing = parts.exchange.map { exchange in
            Routing(
                keyGroupCount: exchange.keyGroupCount,
                partitionCount: exchange.partitionCount,
                subtaskCount: graph.stages[graph.stages.count - 1].parallelism
            )
        }
        self.kernel = graph.kernelsEnabled ? Self.kernelPlan(parts, policy: graph.onError) : nil
        self.program = compiler.finish()
    }

    /// The kernels that run the map, if they can without changing what people see.
    ///
    /// A record that the machine must run has emitted pairs before, perhaps, which a policy that leaves records out
    /// would have to take back; and it comes behind the others of its batch, as the pairs of a second `emit` come behind
    /// those of the first, which shows where pairs are written as they come.
    private static func kernelPlan(_ parts: GraphParts, policy: ErrorPolicy) -> KernelPlan? {
        guard let plan = KernelPlan(parts.map, decode: parts.decode) else { return nil }
        let isWritten = parts.exchange == nil
        if isWritten, plan.canBail || plan.emitCount != 1 { return nil }
        guard case .fail = policy else { return plan.canBail ? nil : plan }
        return plan
    }

    private static func compile(
        _ reduce: ReduceFunction,
        keepsStates: Bool,
        with compiler: inout ProgramCompiler
    ) throws(CompilationError) -> ReduceCall {
        switch reduce {
        case .general(let closure):
            return .general(try compiler.add(closure.discardingResult))
        case .aggregates(let aggregates) where keepsStates:
            if let passed = aggregates.passedThrough { return .passThrough(passed) }
            return .aggregates(aggregates.aggregates, try compiler.add(aggregates.closure.discardingResult))
        case .aggregates(let aggregates):
            return .general(try compiler.add(aggregates.overValues.discardingResult))
        }
    }

    /// Nil where partial states are shipped instead of values.
    private static func compile(
        _ combine: CombineFunction,
        with compiler: inout ProgramCompiler
    ) throws(CompilationError) -> CombineStep.Method? {
        switch combine {
        case .partialStates: return nil
        case .builtin(.sum): return .aggregate(.sum)
        case .builtin(.min): return .aggregate(.min)
        case .builtin(.max): return .aggregate(.max)
        case .builtin(let builtin):
            let nowhere = SourceRange(start: 0, end: 0)
            return .function(try compiler.add(function: .builtin(builtin), argumentCount: 1, at: nowhere))
        case .closure(let closure): return .function(try compiler.add(closure))
        }
    }

    private var combineStep: CombineStep? {
        self.combine.map { method in
            CombineStep(
                method: method,
                program: self.program,
                limits: self.limits,
                policy: self.policy,
                tableBytes: Int(self.graph.memory.combineTableBytes)
            )
        }
    }

    /// How the source must cut what it delivers.
    package var framing: Framing {
        switch self.decode.format {
        case .text, .json: .lines(lengthLimit: Self.lineBytesLimit)
        case .csv: .stream
        case .bytes: .whole(lengthLimit: self.limits.memoryBytes)
        }
    }

    private var policy: RecordPolicy {
        switch self.graph.onError {
        case .fail: .fail
        case .skip, .deadLetter: .skip
        }
    }

    /// A stage that reads splits: with `sink` where there is no shuffle, and `deadLetters` where the policy has them.
    package func makeMapStage(
        subtask: Int,
        attempt: Int,
        sink: any Sink,
        deadLetters: (any Sink)?
    ) throws(EngineError) -> MapStage {
        do throws(ConnectorError) {
            let route = try self.route(subtask: subtask, attempt: attempt, sink: sink)
            let output = MapOutput(
                route,
                policy: self.policy,
                batchBytes: self.batchBytes,
                recordBytesLimit: self.limits.memoryBytes
            )
            let rejected = try self.rejectedWriter(subtask: subtask, attempt: attempt, sink: deadLetters, beside: route)
            let kernel = MapKernel(self.kernel, output: output)
            return MapStage(
                machine: Machine(program: self.program, limits: self.limits, host: output),
                function: self.map,
                kernel: kernel,
                decoder: RecordDecoder(self.decode),
                policy: self.policy,
                deadLetters: rejected
            )
        } catch {
            throw .connector(error)
        }
    }

    /// The writer of records that are left out; where there can be none, that of the output is given up.
    private func rejectedWriter(
        subtask: Int,
        attempt: Int,
        sink: (any Sink)?,
        beside route: MapOutput.Route
    ) throws(ConnectorError) -> (any SinkWriter)? {
        do {
            return try sink?.makeWriter(partition: subtask, attempt: attempt, contentType: .json)
        } catch {
            route.discard()
            throw error
        }
    }

    /// Bytes of a batch: a table that must stay small isn't sent more than it may take at once.
    private var batchBytes: Int {
        Int(min(Int64(MapOutput.batchBytes), self.graph.memory.tableLimitBytes ?? .max))
    }

    private func route(subtask: Int, attempt: Int, sink: any Sink) throws(ConnectorError) -> MapOutput.Route {
        guard let routing = self.routing else {
            let content = PairFormatter(format: self.output).content
            return .write(
                self.output,
                try sink.makeWriter(partition: subtask, attempt: attempt, contentType: content)
            )
        }
        guard let columns = self.columns else {
            return self.combineStep.map { .combine($0, routing) } ?? .ship(routing)
        }
        return .aggregate(columns, tableBytes: Int(self.graph.memory.combineTableBytes), routing)
    }

    /// Less isn't worth a file.
    private static let distinctBytesMinimum = 4 << 20

    private func groupCombiner() -> GroupCombiner? {
        guard let step = self.combineStep else { return nil }
        return GroupCombiner(step)
    }

    /// A stage behind the shuffle, with `deadLetters` where the policy has them.
    package func makeReduceStage(
        subtask: Int,
        attempt: Int,
        sink: any Sink,
        deadLetters: (any Sink)?,
        store: any SpillStore
    ) -> ReduceStage {
        guard let routing = self.routing, let reduce = self.reduce else {
            preconditionFailure("only a job with a shuffle has a reduce stage")
        }
        let tables = ReduceTables(
            kind: self.columns.map { .aggregates($0) } ?? .groups,
            combiner: self.groupCombiner(),
            routing: routing,
            bytesLimit: Int(self.graph.memory.reduceTableBytes),
            store: store
        )
        let writer = PartitionWriter(
            sink: sink,
            attempt: attempt,
            partitions: self.graph.partitions(ofSubtask: subtask),
            format: self.output
        )
        let host = ReduceHost(
            output: writer,
            store: store,
            isStaging: self.policy != .fail,
            distinctBytesLimit: max(Int(self.graph.memory.reduceTableBytes) / 4, Self.distinctBytesMinimum)
        )
        let emitter = ReduceEmitter(
            call: reduce,
            machine: Machine(program: self.program, limits: self.limits, host: host),
            policy: self.policy,
            deadLetters: deadLetters.map { sink in
                // Parts of a number below are the map's.
                DeadLetterWriter(
                    sink: sink,
                    partition: self.graph.stages[0].parallelism + subtask,
                    attempt: attempt,
                    job: self.graph.name,
                    source: self.source
                )
            },
            knowsValueCounts: self.columns?.contains(.count) ?? true
        )
        return ReduceStage(tables: tables, emitter: emitter, isSorted: self.isSorted)
    }
}

/// The steps of a graph by what they are.
private struct GraphParts {
    let decode: DecodeStep
    let map: MapFunction
    let output: RecordFormat
    let isSorted: Bool
    private(set) var combine: CombineFunction?
    private(set) var exchange: Exchange?
    private(set) var reduce: ReduceFunction?

    init(_ graph: JobGraph) {
        var decode: DecodeStep?
        var map: MapFunction?
        var output = (format: RecordFormat.text, isSorted: false)
        for step in graph.stages.flatMap(\.operators) {
            switch step.kind {
            case .decode(let found): decode = found
            case .map(let found): map = found
            case .combine(let found): self.combine = found
            case .shuffle(let found): self.exchange = found
            case .reduce(let found): self.reduce = found
            case .format(let format, let isSorted): output = (format, isSorted)
            case .source, .merge, .sink: break
            }
        }
        guard let decode, let map else { preconditionFailure("every job decodes and maps") }
        self.decode = decode
        self.map = map
        self.output = output.format
        self.isSorted = output.isSorted
    }

    /// Whether records are decoded field by field: an absent field's value must then be simple.
    var projects: Bool {
        guard let fields = self.map.fields else { return false }
        var arena = Arena(limitBytes: 16 << 20)
        return fields.allSatisfy { $0.absentValue.simpleValue(in: &arena) != nil }
    }

    /// The columns in which the shuffle aggregates; nil where it ships values.
    var aggregateColumns: [IntegerColumn]? {
        guard case .partialStates(let calls) = self.exchange?.payload else { return nil }
        let isPlain = calls.allSatisfy { $0.input == nil && $0.kind != .countDistinct }
        return isPlain ? Aggregation.columns(for: calls.map(\.kind)) : nil
    }
}

extension Closure {
    /// The same but for its result, which is nil: a job's function is called for what it emits, and the list that its
    /// loop would make needn't be.
    var discardingResult: Closure {
        let range = self.lambda.body.range
        let nothing = Expression(.constant(.nil), range: range)
        return Closure(
            lambda: Lambda(
                name: self.lambda.name,
                parameters: self.lambda.parameters,
                body: Expression(.sequence([self.lambda.body, nothing]), range: range),
                captured: self.lambda.captured,
                range: self.lambda.range
            ),
            captured: self.captured,
            globals: self.globals
        )
    }
}

extension AggregateReduce {
    /// The only aggregate, where the reduce does nothing but emit it under its key.
    fileprivate var passedThrough: AggregateCall? {
        let parameters = self.closure.lambda.parameters
        guard self.aggregates.count == 1,
            case .builtin(.emit, let arguments) = self.closure.lambda.body.kind,
            case .variable(parameters[0]) = arguments[0].kind,
            case .variable(parameters[1]) = arguments[1].kind
        else { return nil }
        return self.aggregates[0]
    }

    /// The same reduce over a sequence of values: for aggregates whose states aren't shipped.
    fileprivate var overValues: Closure {
        let lambda = self.closure.lambda
        // Ids below zero are never those of a program's own variables.
        let values = Variable(id: -1_000, name: "values")
        let bindings = zip(lambda.parameters.dropFirst(), self.aggregates).map { parameter, call in
            var argument = Expression(.variable(values), range: call.range)
            if let input = call.input {
                let function = Expression(.constant(.function(input)), range: call.range)
                argument = Expression(.builtin(.map, arguments: [function, argument]), range: call.range)
            }
            return Binding(parameter, Expression(.builtin(call.kind.builtin, arguments: [argument]), range: call.range))
        }
        let body = Expression(.let(bindings, body: lambda.body), range: lambda.body.range)
        return Closure(
            lambda: Lambda(
                name: lambda.name,
                parameters: [lambda.parameters[0], values],
                body: body,
                captured: lambda.captured,
                range: lambda.range
            ),
            captured: self.closure.captured,
            globals: self.closure.globals
        )
    }
}

extension AggregateKind {
    fileprivate var builtin: Builtin {
        switch self {
        case .sum: .sum
        case .count: .count
        case .min: .min
        case .max: .max
        case .mean: .mean
        case .countDistinct: .countDistinct
        }
    }
}
