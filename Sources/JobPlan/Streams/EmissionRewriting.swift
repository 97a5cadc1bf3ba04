import FluentSyntax

/// Replaces the value of every `emit` of a map by columns that are computed of it.
struct EmissionRewriting {
    /// Lambdas of one parameter, without effects and captures; nil: the value itself.
    private let columns: [Closure?]

    /// Lambdas of which nothing is shipped, but which mustn't fail either.
    private let checked: [Closure]
    private let map: WholeMap
    private let types: [Variable: StaticType]
    private let mapsAtStart: Set<Variable>
    private var renaming: VariableRenaming

    /// The first reason why it can't be done.
    private(set) var obstacle: RewriteObstacle?

    init(
        columns: [Closure?],
        checked: [Closure],
        map: WholeMap,
        isMap: Bool,
        types: [Variable: StaticType]
    ) {
        self.columns = columns
        self.checked = checked
        self.map = map
        self.types = types
        self.mapsAtStart = isMap ? [map.record] : []
        self.renaming = VariableRenaming(nextID: map.closure.largestVariableID + 1)
    }

    /// The map with its emissions replaced, inlined again; nil where there is an ``obstacle``.
    mutating func rewritten(in context: Inliner.Context) -> WholeMap? {
        let closure = self.map.closure
        if (closure.captured + Array(closure.globals.values)).contains(where: { $0.emits([]) }) {
            self.obstacle = RewriteObstacle("the map emits through a function that isn't built into it")
            return nil
        }
        let body = self.rewritten(closure.lambda.body, self.mapsAtStart)
        guard self.obstacle == nil else { return nil }
        let changed = closure.with(lambda: closure.lambda.with(body: body).recaptured(keeping: closure.lambda.captured))
        let inlined = Inliner.inlined(changed, role: "map", in: context).closure
        return WholeMap(closure: inlined, takesKey: self.map.takesKey)
    }

    private mutating func refuse(_ reason: String, at range: SourceRange) {
        self.obstacle = self.obstacle ?? RewriteObstacle(reason, at: range)
    }

    // MARK: Walking

    /// Of `known` variables a field was read before, so that reading another can't fail.
    private mutating func rewritten(_ expression: Expression, _ known: Set<Variable>) -> Expression {
        guard self.obstacle == nil else { return expression }
        switch expression.kind {
        case .builtin(.emit, let arguments):
            return self.emission(key: arguments[0], value: arguments[1], at: expression.range, known)
        case .constant(let constant) where constant.emits([]):
            self.refuse("the map hands on a function that emits as a value", at: expression.range)
            return expression
        case .if(let condition, _, _), .match(let condition, _), .forEach(_, let condition, _, _):
            let inner = known.union(condition.fieldOwners)
            return expression.mapChildren { self.rewritten($0, inner) }
        case .let(let bindings, let body):
            var inner = known
            var rewritten: [Binding] = []
            for binding in bindings {
                rewritten.append(Binding(binding.variable, self.rewritten(binding.value, inner)))
                inner.formUnion(binding.value.fieldOwners)
            }
            return Expression(.let(rewritten, body: self.rewritten(body, inner)), range: expression.range)
        case .sequence, .and, .or:
            var inner = known
            return expression.mapChildren { child in
                defer { inner.formUnion(child.fieldOwners) }
                return self.rewritten(child, inner)
            }
        default:
            return expression.mapChildren { self.rewritten($0, known) }
        }
    }

    // MARK: Emissions

    private mutating func emission(
        key: Expression,
        value: Expression,
        at range: SourceRange,
        _ known: Set<Variable>
    ) -> Expression {
        var owners = known.union(key.fieldOwners)
        let key = self.rewritten(key, known)
        let value = self.rewritten(value, owners)
        owners.formUnion(value.fieldOwners)
        var prelude: [Binding] = []
        let typing = StaticTyping(types: self.types, collections: owners)
        let parts = self.parts(of: value, typing, &prelude)
        if case .whole(let whole) = parts, value.isCollection, case .variable(let variable) = whole.kind {
            owners.insert(variable)
        }
        let columns = self.columns.map { column in
            column.map { self.applied($0, to: parts, owners) } ?? self.whole(parts, value)
        }
        for closure in self.checked { _ = self.applied(closure, to: parts, owners) }
        if !prelude.isEmpty, !key.isMovable {
            let variable = self.renaming.fresh("key")
            prelude.insert(Binding(variable, key), at: 0)
            return self.bound(prelude, Expression(.variable(variable), range: key.range), columns, at: range)
        }
        return self.bound(prelude, key, columns, at: range)
    }

    private func bound(
        _ prelude: [Binding],
        _ key: Expression,
        _ columns: [Expression],
        at range: SourceRange
    ) -> Expression {
        let emission = Expression(.builtin(.emit, arguments: [key, .columns(columns, at: range)]), range: range)
        return prelude.isEmpty ? emission : Expression(.let(prelude, body: emission), range: range)
    }

    /// A value as its readers find it.
    private enum Parts {
        /// An expression that may be evaluated any number of times.
        case whole(Expression)
        /// A map or a list as it is written, of such expressions.
        case elements([(key: ElementKey, value: Expression)])
    }

    private mutating func parts(
        of value: Expression,
        _ typing: StaticTyping,
        _ prelude: inout [Binding]
    ) -> Parts {
        guard let elements = value.elements, self.readsElements else {
            let isFree = value.isMovable || typing.type(of: value) != nil
            return .whole(isFree ? value : self.bind(value, "value", &prelude))
        }
        return .elements(
            elements.map { element in
                let isFree = element.value.isMovable || typing.type(of: element.value) != nil
                return (element.key, isFree ? element.value : self.bind(element.value, "part", &prelude))
            }
        )
    }

    private mutating func bind(_ value: Expression, _ name: String, _ prelude: inout [Binding]) -> Expression {
        let variable = self.renaming.fresh(name)
        prelude.append(Binding(variable, value))
        return Expression(.variable(variable), range: value.range)
    }

    /// Whether every column only takes elements out of the value.
    private var readsElements: Bool {
        (self.columns.compactMap { $0 } + self.checked).allSatisfy { column in
            let lambda = column.lambda
            return lambda.body.replacingElements(of: lambda.parameters[0], [])
                .useCount(of: lambda.parameters[0]) == 0
        } && !self.columns.contains { $0 == nil }
    }

    private func whole(_ parts: Parts, _ value: Expression) -> Expression {
        guard case .whole(let whole) = parts else { return value }
        return whole
    }

    private mutating func applied(_ column: Closure, to parts: Parts, _ owners: Set<Variable>) -> Expression {
        let lambda = self.renaming.copy(column.lambda)
        let parameter = lambda.parameters[0]
        let body =
            switch parts {
            case .whole(let value): lambda.body.replacing(parameter, with: value)
            case .elements(let elements): lambda.body.replacingElements(of: parameter, elements)
            }
        if StaticTyping(types: self.types, collections: owners).type(of: body) == nil {
            let text = ExpressionPrinter().text(column.lambda)
            self.refuse("\(text) could fail, and would then for records that no window sees", at: column.lambda.range)
        }
        return body
    }
}

extension Constant {
    /// Whether a function in it emits.
    fileprivate func emits(_ seen: Set<SourceRange>) -> Bool {
        switch self {
        case .builtin(let builtin): builtin == .emit
        case .function(let closure): closure.emits(seen)
        case .list(let elements), .set(let elements): elements.contains { $0.emits(seen) }
        case .map(let entries): entries.contains { $0.key.emits(seen) || $0.value.emits(seen) }
        case .nil, .boolean, .integer, .float, .string, .symbol, .keyword, .regex, .connector: false
        }
    }
}

extension Closure {
    /// Whether it, or a function that it knows, emits; `seen` are functions that are being looked into.
    fileprivate func emits(_ seen: Set<SourceRange>) -> Bool {
        guard !seen.contains(self.lambda.range) else { return false }
        let isEmitting = self.lambda.body.containsAny { expression in
            switch expression.kind {
            case .builtin(.emit, _): true
            case .constant(let constant): constant.emits(seen.union([self.lambda.range]))
            default: false
            }
        }
        if isEmitting { return true }
        return (self.captured + Array(self.globals.values)).contains { $0.emits(seen.union([self.lambda.range])) }
    }
}
