import FluentSyntax

extension Expression {
    /// The same expression with every direct subexpression replaced, in the order of evaluation.
    ///
    /// Bodies of lambdas and guards of patterns count as subexpressions. Captures of lambdas are left as they were:
    /// ``Lambda/recaptured()`` repairs them once a rewrite is done.
    func mapChildren(_ transform: (Expression) -> Expression) -> Expression {
        Expression(self.kind.mapChildren(transform), range: self.range)
    }

    /// Calls `visit` with every direct subexpression in the order of evaluation.
    func forEachChild(_ visit: (Expression) -> Void) {
        _ = self.mapChildren { child in
            visit(child)
            return child
        }
    }

    /// Whether some expression of the tree, this one included, satisfies `predicate`.
    func containsAny(_ predicate: (Expression) -> Bool) -> Bool {
        if predicate(self) { return true }
        var isFound = false
        self.forEachChild { child in
            if !isFound { isFound = child.containsAny(predicate) }
        }
        return isFound
    }

    /// How many expressions the tree has.
    var nodeCount: Int {
        var count = 1
        self.forEachChild { count += $0.nodeCount }
        return count
    }
}

extension Expression.Kind {
    fileprivate func mapChildren(_ transform: (Expression) -> Expression) -> Self {
        switch self {
        case .constant, .variable, .global: self
        case .let(let bindings, let body):
            .let(bindings.map { Binding($0.variable, transform($0.value)) }, body: transform(body))
        case .letrec(let bindings, let body):
            .letrec(
                bindings.map { FunctionBinding($0.variable, $0.lambda.with(body: transform($0.lambda.body))) },
                body: transform(body)
            )
        case .if(let condition, let then, let otherwise):
            .if(condition: transform(condition), then: transform(then), else: transform(otherwise))
        case .and(let terms): .and(terms.map(transform))
        case .or(let terms): .or(terms.map(transform))
        case .sequence(let forms): .sequence(forms.map(transform))
        case .lambda(let lambda): .lambda(lambda.with(body: transform(lambda.body)))
        case .call(let function, let arguments):
            .call(function: transform(function), arguments: arguments.map(transform))
        case .builtin(let builtin, let arguments): .builtin(builtin, arguments: arguments.map(transform))
        case .list(let elements): .list(elements.map(transform))
        case .map(let entries): .map(entries.map { MapEntry(transform($0.key), transform($0.value)) })
        case .forEach(let variable, let sequence, let body, let isNested):
            .forEach(variable, sequence: transform(sequence), body: transform(body), isNested: isNested)
        case .match(let subject, let clauses):
            .match(
                transform(subject),
                clauses.map { MatchClause($0.pattern.mapGuards(transform), transform($0.body)) }
            )
        case .attempt(let body, let handler, let cleanup):
            .attempt(
                body: transform(body),
                handler: handler.map { CatchClause($0.variable, transform($0.body)) },
                cleanup: cleanup.map(transform)
            )
        case .connector(let name, let arguments, let options):
            .connector(
                name: name,
                arguments: arguments.map(transform),
                options: options.map { JobForm.Option(name: $0.name, value: transform($0.value)) }
            )
        case .define(let name, let value): .define(name, transform(value))
        case .defineJob: self
        }
    }
}

extension Pattern {
    func mapGuards(_ transform: (Expression) -> Expression) -> Pattern {
        switch self {
        case .any, .binding, .constant: self
        case .list(let patterns): .list(patterns.map { $0.mapGuards(transform) })
        case .message(let head, let patterns): .message(head: head, patterns.map { $0.mapGuards(transform) })
        case .map(let entries): .map(entries.map { MapPatternEntry($0.key, $0.pattern.mapGuards(transform)) })
        case .guarded(let pattern, let condition): .guarded(pattern.mapGuards(transform), transform(condition))
        }
    }

    /// The names it binds, from left to right.
    var variables: [Variable] {
        switch self {
        case .any, .constant: []
        case .binding(let variable): [variable]
        case .list(let patterns), .message(_, let patterns): patterns.flatMap(\.variables)
        case .map(let entries): entries.flatMap(\.pattern.variables)
        case .guarded(let pattern, _): pattern.variables
        }
    }
}

extension Lambda {
    func with(body: Expression) -> Lambda {
        Lambda(
            name: self.name,
            parameters: self.parameters,
            body: body,
            captured: self.captured,
            range: self.range
        )
    }

    func with(parameters: [Variable], body: Expression) -> Lambda {
        Lambda(name: self.name, parameters: parameters, body: body, captured: self.captured, range: self.range)
    }
}
