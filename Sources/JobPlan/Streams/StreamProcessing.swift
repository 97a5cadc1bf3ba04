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

/// The clauses of a `define-stream-processor`, evaluated.
struct StreamProcessing {
    struct Aggregate {
        let name: String
        let function: WindowAggregate.Function
        /// Nil: it only counts.
        let input: RecordFunction?
        let range: SourceRange
    }

    let steps: [ProcessingStep]
    let keys: [(name: String, function: RecordFunction)]
    let hasKeyList: Bool
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

    /// A map that emits the group and the columns, and a reduce that emits the group and a map of everything.
    var functions: StreamFunctions {
        let columns = self.columns
        var builder = MapBuilder(self, columns: columns)
        let map = builder.map(at: self.range)
        let aggregates = self.aggregates.map { aggregate in
            WindowAggregate(
                aggregate.function,
                column: aggregate.input.flatMap { input in columns.firstIndex { $0.kind == input.kind } },
                skipsNil: aggregate.input != nil,
                range: aggregate.range
            )
        }
        return StreamFunctions(
            map: map,
            columnCount: columns.count,
            combiner: nil,
            reduce: .aggregates(aggregates, result: self.result)
        )
    }

    /// Emits the group, and a map of its fields, the aggregates and the window.
    private var result: Closure {
        let key = Variable(id: 0, name: "group")
        let results = self.aggregates.enumerated().map { Variable(id: $0 + 1, name: $1.name) }
        let group = Expression(.variable(key), range: self.range)
        var entries: [MapEntry] = []
        for (index, field) in self.keys.enumerated() {
            let position = Expression(.constant(.integer(Int64(index))), range: field.function.range)
            let element = Expression(.builtin(.nth, arguments: [group, position]), range: field.function.range)
            entries.append(.named(field.name, self.hasKeyList ? element : group))
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

/// Writes the map of a processor.
private struct MapBuilder {
    private let processing: StreamProcessing
    private let columns: [RecordFunction]
    private var captured: [(variable: Variable, closure: Closure)] = []
    private var nextID: Int

    init(_ processing: StreamProcessing, columns: [RecordFunction]) {
        self.processing = processing
        self.columns = columns
        let functions = processing.steps.compactMap(\.function) + processing.keys.map(\.function) + columns
        let largest = functions.map { $0.closure(named: "record").largestVariableID }.max() ?? 0
        self.nextID = largest + 1
    }

    mutating func map(at range: SourceRange) -> Closure {
        let record = self.fresh("record")
        let body = self.body(self.processing.steps[...], on: record)
        let lambda = Lambda(
            name: "",
            parameters: [record],
            body: body,
            captured: self.captured.map(\.variable),
            range: range
        )
        return Closure(
            lambda: lambda.recaptured(keeping: self.captured.map(\.variable)),
            captured: self.captured.map { .function($0.closure) },
            globals: [:]
        )
    }

    private mutating func fresh(_ name: String) -> Variable {
        defer { self.nextID += 1 }
        return Variable(id: self.nextID, name: name)
    }

    private mutating func body(
        _ steps: ArraySlice<ProcessingStep>,
        on record: Variable
    ) -> Expression {
        guard let step = steps.first else { return self.emission(of: record) }
        switch step {
        case .function(let kind, let function): return self.body(kind, function, steps, on: record)
        case .enrich(let enrichment): return self.body(enrichment, steps, on: record)
        case .side(let name, let function, let range):
            let known = Expression(.variable(record), range: range)
            let target = Expression(.constant(.keyword(name)), range: range)
            let emission = Expression(.builtin(.emitTo, arguments: [target, known]), range: range)
            let nothing = Expression(.constant(.nil), range: range)
            let chosen = function.map { function in
                let condition = self.call(function, on: record)
                return Expression(.if(condition: condition, then: emission, else: nothing), range: range)
            }
            return Expression(.sequence([chosen ?? emission, self.body(steps.dropFirst(), on: record)]), range: range)
        }
    }

    /// Looks the record's value up in a table, and goes on with the record and what was found.
    private mutating func body(
        _ enrichment: ProcessingStep.Enrichment,
        _ steps: ArraySlice<ProcessingStep>,
        on record: Variable
    ) -> Expression {
        let range = enrichment.range
        let table = Expression(.constant(.connector(enrichment.table)), range: range)
        let key = self.call(enrichment.key, on: record)
        let row = self.fresh("row")
        let next = self.fresh("record")
        let (known, found) = (Expression(.variable(record), range: range), Expression(.variable(row), range: range))
        let joined: Expression
        if let name = enrichment.name {
            let field = Expression(.constant(.keyword(name)), range: range)
            joined = Expression(.builtin(.assoc, arguments: [known, field, found]), range: range)
        } else {
            // What the record has itself stays.
            let merged = Expression(.builtin(.merge, arguments: [found, known]), range: range)
            joined = Expression(.if(condition: found, then: merged, else: known), range: range)
        }
        let rest = Expression(
            .let([Binding(next, joined)], body: self.body(steps.dropFirst(), on: next)),
            range: range
        )
        let nothing = Expression(.constant(.nil), range: range)
        let body =
            enrichment.dropsMissing
            ? Expression(.if(condition: found, then: rest, else: nothing), range: range) : rest
        let lookup = Expression(.builtin(.lookup, arguments: [table, key]), range: range)
        return Expression(.let([Binding(row, lookup)], body: body), range: range)
    }

    private mutating func body(
        _ step: ProcessingStep.FunctionKind,
        _ function: RecordFunction,
        _ steps: ArraySlice<ProcessingStep>,
        on record: Variable
    ) -> Expression {
        let value = self.call(function, on: record)
        let kind: Expression.Kind
        switch step {
        case .filter:
            let nothing = Expression(.constant(.nil), range: function.range)
            kind = .if(condition: value, then: self.body(steps.dropFirst(), on: record), else: nothing)
        case .map:
            let next = self.fresh("record")
            kind = .let([Binding(next, value)], body: self.body(steps.dropFirst(), on: next))
        case .flatMap:
            let next = self.fresh("record")
            kind = .forEach(
                next,
                sequence: value,
                body: self.body(steps.dropFirst(), on: next),
                isNested: false
            )
        }
        return Expression(kind, range: function.range)
    }

    private mutating func emission(of record: Variable) -> Expression {
        let range = self.processing.range
        let keys = self.processing.keys.map { self.call($0.function, on: record) }
        let key =
            self.processing.hasKeyList && !keys.isEmpty
            ? Expression(.list(keys), range: range) : keys.first ?? Expression(.constant(.nil), range: range)
        let values = self.columns.map { self.call($0, on: record) }
        return Expression(.builtin(.emit, arguments: [key, .columns(values, at: range)]), range: range)
    }

    private mutating func call(_ function: RecordFunction, on record: Variable) -> Expression {
        let argument = Expression(.variable(record), range: function.range)
        switch function.kind {
        case .field(let name): return .field(name, of: argument, at: function.range)
        case .closure(let closure):
            let known = self.captured.first { $0.closure == closure }?.variable
            let callee = known ?? self.fresh(closure.lambda.name.isEmpty ? "function" : closure.lambda.name)
            if known == nil { self.captured.append((callee, closure)) }
            let target = Expression(.variable(callee), range: function.range)
            return Expression(.call(function: target, arguments: [argument]), range: function.range)
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
    fileprivate static func named(_ name: String, _ value: Expression) -> MapEntry {
        MapEntry(Expression(.constant(.keyword(name)), range: value.range), value)
    }
}
