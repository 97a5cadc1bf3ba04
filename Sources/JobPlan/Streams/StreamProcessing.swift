import FluentSyntax

/// A function of a record, as a processor's clauses and `:time` take it.
struct RecordFunction {
    enum Kind: Hashable {
        /// Reads this field.
        case field(String)
        /// One parameter.
        case closure(Closure)
    }

    let kind: Kind

    /// Where it was written.
    let range: SourceRange

    init(_ kind: Kind, range: SourceRange) {
        self.kind = kind
        self.range = range
    }

    /// As a function of its own.
    func closure(named name: String) -> Closure {
        guard case .field(let field) = self.kind else {
            guard case .closure(let closure) = self.kind else { preconditionFailure("there are two kinds") }
            return closure
        }
        let record = Variable(id: 0, name: name)
        let body = Expression.field(field, of: Expression(.variable(record), range: self.range), at: self.range)
        let lambda = Lambda(name: "", parameters: [record], body: body, captured: [], range: self.range)
        return Closure(lambda: lambda, captured: [], globals: [:])
    }
}

/// What records are grouped by.
struct RecordGroup {
    /// Each with what an output record calls it; none: all records are one group.
    let keys: [(name: String, function: RecordFunction)]

    /// Whether the group is a list of them, also where it is only one.
    let isList: Bool

    static let none = RecordGroup(keys: [], isList: false)
}

/// The clauses of a `define-stream-processor`, evaluated.
struct StreamProcessing {
    struct Aggregate {
        let name: String
        let function: WindowAggregate.Function
        /// Nil: it only counts.
        let input: RecordFunction?
        let range: SourceRange
    }

    /// A keyed stage among the steps.
    struct Stage {
        let operation: StreamStage.Operation
        /// How many of the steps stand before it.
        let stepCount: Int
        let group: RecordGroup
        /// Of a join.
        let sides: JoinSides?
        let operatorID: String?
        let range: SourceRange
    }

    let steps: [ProcessingStep]
    let stages: [Stage]

    /// What the records of a window are grouped by.
    let group: RecordGroup

    /// None: there is no window.
    let aggregates: [Aggregate]
    let range: SourceRange

    /// The inputs of the aggregates, each once.
    private var columns: [RecordFunction] {
        var columns: [RecordFunction] = []
        for input in self.aggregates.compactMap(\.input) where !columns.contains(where: { $0.kind == input.kind }) {
            columns.append(input)
        }
        return columns
    }

    /// A map that feeds the first stage, what feeds those behind it, and at last either the group and the columns of a
    /// window, whose reduce emits the group and a map of everything, or nil and the record.
    var functions: StreamFunctions {
        let stages = self.stages.isEmpty && self.aggregates.isEmpty ? [self.passing] : self.stages
        let starts = [0] + stages.map(\.stepCount)
        let ends = stages.map(\.stepCount) + [self.steps.count]
        var maps = zip(zip(starts, ends), stages).map { bounds, stage in
            let steps = self.steps[bounds.0..<bounds.1]
            let mapping = RecordMapping(
                steps: steps,
                group: stage.group,
                sides: stage.sides,
                columns: nil,
                range: self.range
            )
            return (mapping.map, 1)
        }
        let columns = self.aggregates.isEmpty ? nil : self.columns
        let last = self.steps[(starts.last ?? 0)...]
        let mapping = RecordMapping(steps: last, group: self.group, sides: nil, columns: columns, range: self.range)
        maps.append((mapping.map, columns?.count ?? 1))
        return StreamFunctions(
            map: maps[0].0,
            columnCount: maps[0].1,
            combiner: nil,
            stages: zip(stages, maps.dropFirst()).map { stage, map in stage.planned(before: map) },
            reduce: columns.map { .aggregates(self.windowAggregates(over: $0), result: self.result) },
            grouping: self.group.text
        )
    }

    /// What stands between the steps and the sink where nothing else does.
    private var passing: Stage {
        Stage(
            operation: .pass,
            stepCount: self.steps.count,
            group: .none,
            sides: nil,
            operatorID: nil,
            range: self.range
        )
    }

    private func windowAggregates(over columns: [RecordFunction]) -> [WindowAggregate] {
        self.aggregates.map { aggregate in
            WindowAggregate(
                aggregate.function,
                column: aggregate.input.flatMap { input in columns.firstIndex { $0.kind == input.kind } },
                input: aggregate.input?.text,
                skipsNil: aggregate.input != nil,
                range: aggregate.range
            )
        }
    }

    /// Emits the group, and a map of its fields, the aggregates and the window.
    private var result: Closure {
        let key = Variable(id: 0, name: "group")
        let results = self.aggregates.enumerated().map { Variable(id: $0 + 1, name: $1.name) }
        let group = Expression(.variable(key), range: self.range)
        var entries: [MapEntry] = []
        for (index, field) in self.group.keys.enumerated() {
            let position = Expression(.constant(.integer(Int64(index))), range: field.function.range)
            let element = Expression(.builtin(.nth, arguments: [group, position]), range: field.function.range)
            entries.append(.named(field.name, self.group.isList ? element : group))
        }
        for (aggregate, variable) in zip(self.aggregates, results) {
            entries.append(.named(aggregate.name, Expression(.variable(variable), range: aggregate.range)))
        }
        for (name, builtin) in zip(ProcessorForm.windowFields, [Builtin.windowStart, .windowEnd]) {
            entries.append(.named(name, Expression(.builtin(builtin, arguments: []), range: self.range)))
        }
        let record = Expression(.map(entries), range: self.range)
        let body = Expression(.builtin(.emit, arguments: [group, record]), range: self.range)
        let lambda = Lambda(name: "", parameters: [key] + results, body: body, captured: [], range: self.range)
        return Closure(lambda: lambda, captured: [], globals: [:])
    }
}

extension StreamProcessing.Stage {
    /// As the planner has it: `map` is what its records come to next.
    fileprivate func planned(before map: (Closure, Int)) -> StreamStage {
        StreamStage(
            self.operation,
            isKeyed: !self.group.keys.isEmpty || self.group.isList,
            operatorID: self.operatorID,
            shape: self.shape,
            map: map,
            range: self.range
        )
    }

    private var shape: String {
        let key = self.group.text
        switch self.operation {
        case .pass: return "pass by \(key)"
        case .deduplicate: return "deduplicate by \(key)"
        case .process: return "process by \(key)"
        case .join(let join):
            guard let sides = self.sides else { preconditionFailure("a join has sides") }
            let (from, to) = (TimeSpan.text(of: join.from), TimeSpan.text(of: join.to))
            return ":\(sides.left) by \(key) with :\(sides.right) by \(sides.rightGroup.text), "
                + "\(from) to \(to) later"
        }
    }
}

extension RecordGroup {
    /// A text that is equal for groups that are the same in the same words.
    fileprivate var text: String {
        let keys = self.keys.map { $0.function.text }.joined(separator: " ")
        return self.isList ? "[\(keys)]" : keys
    }
}

extension RecordFunction {
    /// A text that is equal for functions that do the same in the same words.
    var text: String {
        switch self.kind {
        case .field(let name): ":\(name)"
        case .closure(let closure): closure.canonicalText
        }
    }
}

extension Expression {
    static func field(_ name: String, of record: Expression, at range: SourceRange) -> Expression {
        let field = Expression(.constant(.keyword(name)), range: range)
        return Expression(.builtin(.get, arguments: [record, field]), range: range)
    }

    /// What a map emits beside the key: the one value, a list of several, or nil for none.
    static func columns(_ values: [Expression], at range: SourceRange) -> Expression {
        switch values.count {
        case 0: Expression(.constant(.nil), range: range)
        case 1: values[0]
        default: Expression(.list(values), range: range)
        }
    }
}

extension MapEntry {
    static func named(_ name: String, _ value: Expression) -> MapEntry {
        MapEntry(Expression(.constant(.keyword(name)), range: value.range), value)
    }
}
