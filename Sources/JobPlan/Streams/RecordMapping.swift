import FluentSyntax

/// Some steps of a processor, and what becomes of a record behind them.
struct RecordMapping {
    let steps: ArraySlice<(step: ProcessorForm.Step, function: RecordFunction)>

    /// What is emitted as the key: nil where there are no keys.
    let group: RecordGroup

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
            mapping.steps.map(\.function) + mapping.group.keys.map(\.function) + (mapping.columns ?? [])
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
        _ steps: ArraySlice<(step: ProcessorForm.Step, function: RecordFunction)>,
        on record: Variable
    ) -> Expression {
        guard let (step, function) = steps.first else { return self.emission(of: record) }
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
        let range = self.mapping.range
        let keys = self.mapping.group.keys.map { self.call($0.function, on: record) }
        let key =
            self.mapping.group.isList && !keys.isEmpty
            ? Expression(.list(keys), range: range) : keys.first ?? Expression(.constant(.nil), range: range)
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
