import FluentSyntax

extension Inliner {
    /// The expression with what is known built in.
    ///
    /// - Parameters:
    ///   - expression: Its variables are those of the result's tree.
    ///   - isUsed: Whether anybody looks at its value.
    /// - Returns: An expression with the same effects in the same order, and the same value where it is used.
    mutating func visit(_ expression: Expression, isUsed: Bool = true) -> Expression {
        switch expression.kind {
        case .variable(let variable):
            return self.value(of: variable, at: expression)
        case .global(let name):
            return self.value(ofGlobal: name, at: expression)
        case .call(let function, let arguments):
            return self.visitCall(function, arguments, at: expression.range, isUsed: isUsed)
        case .builtin(.forEachCall, let arguments) where !isUsed:
            return self.visitLoop(arguments, at: expression.range)
        case .builtin(.param, let arguments):
            return self.visitParameter(arguments, at: expression.range)
        case .builtin(let builtin, let arguments):
            let arguments = arguments.map { self.visit($0) }
            let folded = ConstantFolding.value(of: builtin, arguments)
            return Expression(
                folded.map { .constant($0) } ?? .builtin(builtin, arguments: arguments),
                range: expression.range
            )
        case .let(let bindings, let body):
            return self.visitLet(bindings, body, at: expression.range, isUsed: isUsed)
        case .if, .and, .or, .sequence, .list:
            return self.visitControl(expression, isUsed: isUsed)
        case .forEach(let variable, let sequence, let body, let isNested):
            return self.visitForEach(
                variable,
                sequence,
                body,
                isNested: isNested,
                at: expression.range,
                isUsed: isUsed
            )
        case .match(let subject, let clauses):
            let subject = self.visit(subject)
            let visited = clauses.map { clause in
                MatchClause(
                    clause.pattern.mapGuards { self.visit($0) },
                    self.visit(clause.body, isUsed: isUsed)
                )
            }
            return Expression(.match(subject, visited), range: expression.range)
        default:
            return expression.mapChildren { self.visit($0) }
        }
    }

    private mutating func visitControl(_ expression: Expression, isUsed: Bool) -> Expression {
        let kind: Expression.Kind
        switch expression.kind {
        case .if(let condition, let then, let otherwise):
            let condition = self.visit(condition)
            if case .constant(let constant) = condition.kind {
                return self.visit(constant.isTrue ? then : otherwise, isUsed: isUsed)
            }
            kind = .if(
                condition: condition,
                then: self.visit(then, isUsed: isUsed),
                else: self.visit(otherwise, isUsed: isUsed)
            )
        case .and(let terms):
            return ConstantFolding.junction(terms.map { self.visit($0) }, stopsAt: false, range: expression.range)
        case .or(let terms):
            return ConstantFolding.junction(terms.map { self.visit($0) }, stopsAt: true, range: expression.range)
        case .list(let elements):
            let elements = elements.map { self.visit($0) }
            kind = ConstantFolding.list(elements).map { .constant($0) } ?? .list(elements)
        case .sequence(let forms):
            return self.visitSequence(forms, at: expression.range, isUsed: isUsed)
        default:
            preconditionFailure("only called for control forms")
        }
        return Expression(kind, range: expression.range)
    }

    private mutating func visitSequence(_ forms: [Expression], at range: SourceRange, isUsed: Bool) -> Expression {
        var results: [Expression] = []
        for (position, form) in forms.enumerated() {
            let isLast = position == forms.count - 1
            let result = self.visit(form, isUsed: isLast && isUsed)
            let isNeeded = isLast && (isUsed || results.isEmpty)
            if isNeeded || !result.isMovable { results.append(result) }
        }
        return results.count == 1 ? results[0] : Expression(.sequence(results), range: range)
    }

    /// `(param "name" default)` is what was given for it, or its default.
    private mutating func visitParameter(_ arguments: [Expression], at range: SourceRange) -> Expression {
        let arguments = arguments.map { self.visit($0) }
        let unchanged = Expression(.builtin(.param, arguments: arguments), range: range)
        guard let parameters = self.context.parameters, let name = arguments[0].constant?.optionText else {
            return unchanged
        }
        let given = parameters[name].map { Constant.string(Array($0.utf8)) }
        guard let value = given ?? arguments.dropFirst().first?.constant else { return unchanged }
        self.constantCount += 1
        return Expression(.constant(value), range: range)
    }

    private mutating func value(of variable: Variable, at use: Expression) -> Expression {
        switch self.known[variable] {
        case .some(.constant(let constant)):
            self.constantCount += 1
            return Expression(.constant(constant), range: use.range)
        case .some(.alias(let other)):
            return Expression(.variable(other), range: use.range)
        case .some(.closure(let closure)):
            return self.functionValue(closure, at: use.range, otherwise: self.captured.contains(variable) ? use : nil)
        case .some(.lambda), nil:
            return use
        }
    }

    private mutating func value(ofGlobal name: String, at use: Expression) -> Expression {
        guard let constant = self.global(name) else { return use }
        if constant.closures.isEmpty {
            self.constantCount += 1
            return Expression(.constant(constant), range: use.range)
        }
        guard case .function(let closure) = constant, !self.isRecursive(closure) else {
            self.keep(name, constant)
            return use
        }
        let value = self.functionValue(closure, at: use.range, otherwise: use)
        if case .global = value.kind { self.keep(name, constant) }
        return value
    }

    /// What a global means to the function being visited.
    func global(_ name: String) -> Constant? {
        for scope in self.scopes.reversed() {
            if let constant = scope[name] { return constant }
        }
        return nil
    }

    /// Notes that the result still refers to a global.
    private mutating func keep(_ name: String, _ constant: Constant) {
        if let previous = self.keptGlobals[name], previous != constant { self.hasGlobalConflict = true }
        self.keptGlobals[name] = constant
    }

    /// A function from outside as a value: a lambda where it may be built in.
    private mutating func functionValue(
        _ closure: Closure,
        at range: SourceRange,
        otherwise: Expression?
    ) -> Expression {
        guard !self.open.contains(closure.lambda.range), self.canGrow(by: closure.lambda) else {
            return otherwise ?? Expression(.constant(.function(closure)), range: range)
        }
        let lambda = self.opened(closure) { inliner, copy in
            copy.with(body: inliner.visit(copy.body))
        }
        return Expression(.lambda(lambda), range: range)
    }
}

extension Expression {
    /// Whether evaluating it can neither fail nor be noticed, so that it may be moved, doubled or dropped.
    var isMovable: Bool {
        switch self.kind {
        case .constant, .variable, .lambda: true
        default: false
        }
    }
}

extension Constant {
    /// Only nil and false are false.
    var isTrue: Bool {
        self != .nil && self != .boolean(false)
    }
}
