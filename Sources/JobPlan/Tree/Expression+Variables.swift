import FluentSyntax

extension Expression {
    /// The variables that the expression uses and doesn't bind itself, in order of first use.
    var freeVariables: [Variable] {
        var collector = FreeVariableCollector()
        collector.visit(self)
        return collector.found
    }

    /// How often the variable is used.
    ///
    /// Ids are unique, so that no binding can shadow it.
    func useCount(of variable: Variable) -> Int {
        if case .variable(let used) = self.kind { return used == variable ? 1 : 0 }
        var count = 0
        self.forEachChild { count += $0.useCount(of: variable) }
        return count
    }

    /// The place of the first use of the variable.
    func firstUse(of variable: Variable) -> SourceRange? {
        if case .variable(variable) = self.kind { return self.range }
        var found: SourceRange?
        self.forEachChild { child in
            if found == nil { found = child.firstUse(of: variable) }
        }
        return found
    }

    /// The largest id that a variable of the tree has, bound or used.
    var largestVariableID: Int {
        var largest = self.boundVariables.map(\.id).max() ?? 0
        if case .variable(let variable) = self.kind { largest = max(largest, variable.id) }
        self.forEachChild { largest = max(largest, $0.largestVariableID) }
        return largest
    }

    /// The variables that this expression itself binds, not those bound inside of its subexpressions.
    var boundVariables: [Variable] {
        switch self.kind {
        case .let(let bindings, _): bindings.map(\.variable)
        case .letrec(let bindings, _): bindings.map(\.variable) + bindings.flatMap(\.lambda.parameters)
        case .lambda(let lambda): lambda.parameters
        case .forEach(let variable, _, _, _): [variable]
        case .match(_, let clauses): clauses.flatMap(\.pattern.variables)
        case .attempt(_, let handler, _): handler.map { [$0.variable] } ?? []
        case .constant, .variable, .global, .if, .and, .or, .sequence, .call, .builtin, .list, .map, .connector,
            .define, .defineJob:
            []
        }
    }
}

/// Walks a tree in the order of evaluation.
///
/// Ids are unique within a program, so that scopes needn't be tracked: what is bound anywhere in the tree is free
/// nowhere in it.
private struct FreeVariableCollector {
    private(set) var found: [Variable] = []
    private var seen: Set<Variable> = []
    private var bound: Set<Variable> = []

    mutating func visit(_ expression: Expression) {
        if case .variable(let variable) = expression.kind {
            guard !self.bound.contains(variable), self.seen.insert(variable).inserted else { return }
            self.found.append(variable)
            return
        }
        self.bound.formUnion(expression.boundVariables)
        var children: [Expression] = []
        expression.forEachChild { children.append($0) }
        for child in children { self.visit(child) }
    }
}

extension Lambda {
    /// The same lambda with the captures of all lambdas inside of it computed anew.
    ///
    /// Its own captures are `captured` where given, since they belong to the values of its closure, and computed too
    /// otherwise.
    func recaptured(keeping captured: [Variable]? = nil) -> Lambda {
        let body = self.body.recaptured()
        let parameters = Set(self.parameters)
        return Lambda(
            name: self.name,
            parameters: self.parameters,
            body: body,
            captured: captured ?? body.freeVariables.filter { !parameters.contains($0) },
            range: self.range
        )
    }

    /// The largest id of all its variables.
    var largestVariableID: Int {
        let own = (self.parameters + self.captured).map(\.id).max() ?? 0
        return max(own, self.body.largestVariableID)
    }
}

extension Expression {
    fileprivate func recaptured() -> Expression {
        switch self.kind {
        case .lambda(let lambda):
            return Expression(.lambda(lambda.recaptured()), range: self.range)
        case .letrec(let bindings, let body):
            let bindings = bindings.map { FunctionBinding($0.variable, $0.lambda.recaptured()) }
            return Expression(.letrec(bindings, body: body.recaptured()), range: self.range)
        default:
            return self.mapChildren { $0.recaptured() }
        }
    }
}
