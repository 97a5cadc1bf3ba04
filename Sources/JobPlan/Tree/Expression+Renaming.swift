import FluentSyntax

/// Makes copies of trees whose variables are new, so that ids stay unique when one function is built in twice.
struct VariableRenaming {
    private(set) var nextID: Int
    private var renamed: [Variable: Variable] = [:]

    init(nextID: Int) {
        self.nextID = nextID
    }

    mutating func fresh(_ name: String) -> Variable {
        defer { self.nextID += 1 }
        return Variable(id: self.nextID, name: name)
    }

    /// A copy of the lambda; what it captures keeps its name.
    mutating func copy(_ lambda: Lambda) -> Lambda {
        let parameters = lambda.parameters.map { self.rename($0) }
        let body = self.copy(lambda.body)
        return Lambda(
            name: lambda.name,
            parameters: parameters,
            body: body,
            captured: lambda.captured.map { self.renamed[$0] ?? $0 },
            range: lambda.range
        )
    }

    private mutating func rename(_ variable: Variable) -> Variable {
        let copy = self.fresh(variable.name)
        self.renamed[variable] = copy
        return copy
    }

    private mutating func copy(_ expression: Expression) -> Expression {
        Expression(self.copy(expression.kind), range: expression.range)
    }

    private mutating func copy(_ kind: Expression.Kind) -> Expression.Kind {
        switch kind {
        case .variable(let variable):
            return .variable(self.renamed[variable] ?? variable)
        case .lambda(let lambda):
            return .lambda(self.copy(lambda))
        case .let(let bindings, let body):
            let copies = bindings.map { binding in
                let value = self.copy(binding.value)
                return Binding(self.rename(binding.variable), value)
            }
            return .let(copies, body: self.copy(body))
        case .letrec(let bindings, let body):
            let names = bindings.map { self.rename($0.variable) }
            let copies = zip(names, bindings).map { FunctionBinding($0, self.copy($1.lambda)) }
            return .letrec(copies, body: self.copy(body))
        case .forEach(let variable, let sequence, let body, let isNested):
            let source = self.copy(sequence)
            let element = self.rename(variable)
            return .forEach(element, sequence: source, body: self.copy(body), isNested: isNested)
        case .match(let subject, let clauses):
            let copy = self.copy(subject)
            return .match(copy, clauses.map { MatchClause(self.copy($0.pattern), self.copy($0.body)) })
        case .attempt(let body, let handler, let cleanup):
            let copy = self.copy(body)
            let clause = handler.map { CatchClause(self.rename($0.variable), self.copy($0.body)) }
            return .attempt(body: copy, handler: clause, cleanup: cleanup.map { self.copy($0) })
        default:
            return Expression(kind, range: SourceRange(start: 0, end: 0)).mapChildren { self.copy($0) }.kind
        }
    }

    private mutating func copy(_ pattern: Pattern) -> Pattern {
        switch pattern {
        case .any, .constant: pattern
        case .binding(let variable): .binding(self.rename(variable))
        case .list(let patterns): .list(patterns.map { self.copy($0) })
        case .message(let head, let patterns): .message(head: head, patterns.map { self.copy($0) })
        case .map(let entries): .map(entries.map { MapPatternEntry($0.key, self.copy($0.pattern)) })
        case .guarded(let inner, let condition): .guarded(self.copy(inner), self.copy(condition))
        }
    }
}
