import FluentSyntax

/// Some steps of a processor, and what becomes of a record behind them.
struct RecordMapping {
    let steps: ArraySlice<ProcessingStep>

    /// What is emitted as the key: nil where there are no keys.
    let group: RecordGroup

    /// Where a join follows: ``group`` is the key of left records, and what is emitted is whether it is a right one, and the
    /// record.
    let sides: JoinSides?

    /// What is emitted of the record; nil: the record itself.
    let columns: [RecordFunction]?
    let range: SourceRange

    /// A function of a record that emits.
    var map: Closure {
        var builder = MapBuilder(self)
        return builder.map()
    }
}

/// Writes the map of a processor.
private struct MapBuilder {
    private let mapping: RecordMapping
    private var captured: [(variable: Variable, closure: Closure)] = []
    private var nextID: Int

    init(_ mapping: RecordMapping) {
        self.mapping = mapping
        let functions =
            mapping.steps.compactMap(\.function) + mapping.group.keys.map(\.function) + (mapping.columns ?? [])
            + (mapping.sides?.rightGroup.keys.map(\.function) ?? [])
        let largest = functions.map { $0.closure(named: "record").largestVariableID }.max() ?? 0
        self.nextID = largest + 1
    }

    mutating func map() -> Closure {
        let record = self.fresh("record")
        let body = self.body(self.mapping.steps, on: record)
        let lambda = Lambda(
            name: "",
            parameters: [record],
            body: body,
            captured: self.captured.map(\.variable),
            range: self.mapping.range
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

    private mutating func key(_ group: RecordGroup, of record: Variable) -> Expression {
        let range = self.mapping.range
        let keys = group.keys.map { self.call($0.function, on: record) }
        return group.isList && !keys.isEmpty
            ? Expression(.list(keys), range: range) : keys.first ?? Expression(.constant(.nil), range: range)
    }

    /// What each side emits, chosen by the name of the source.
    private mutating func emission(of record: Variable, _ sides: JoinSides) -> Expression {
        let range = self.mapping.range
        let isLeft = sides.leftSources.map { name in
            let source = Expression(.builtin(.sourceName, arguments: []), range: range)
            let known = Expression(.constant(.string(Array(name.utf8))), range: range)
            return Expression(.builtin(.equal, arguments: [source, known]), range: range)
        }
        let emissions = [(self.mapping.group, false), (sides.rightGroup, true)].map { group, isRight in
            let side = Expression(.constant(.boolean(isRight)), range: range)
            let value = Expression(.list([side, Expression(.variable(record), range: range)]), range: range)
            return Expression(.builtin(.emit, arguments: [self.key(group, of: record), value]), range: range)
        }
        let condition = isLeft.count == 1 ? isLeft[0] : Expression(.or(isLeft), range: range)
        return Expression(.if(condition: condition, then: emissions[0], else: emissions[1]), range: range)
    }

    private mutating func emission(of record: Variable) -> Expression {
        if let sides = self.mapping.sides { return self.emission(of: record, sides) }
        let range = self.mapping.range
        let key = self.key(self.mapping.group, of: record)
        guard let columns = self.mapping.columns else {
            let value = Expression(.variable(record), range: range)
            return Expression(.builtin(.emit, arguments: [key, value]), range: range)
        }
        let values = columns.map { self.call($0, on: record) }
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
