extension Lowering {
    mutating func lowerIf(_ items: [SyntaxNode], range: SourceRange) -> Expression {
        guard (3...4).contains(items.count) else {
            let found = items.count - 1
            let help = found > 3 ? "put several forms into (do …)" : "write \(SpecialForm.if.usage)"
            return self.fail(
                "malformed-form",
                "if takes a condition, a result and perhaps another one, found \(found) form\(found == 1 ? "" : "s")",
                help: help,
                at: range
            )
        }
        let condition = self.lower(items[1])
        let then = self.lower(items[2])
        let otherwise = items.count == 4 ? self.lower(items[3]) : Expression(.constant(.nil), range: range)
        return Expression(.if(condition: condition, then: then, else: otherwise), range: range)
    }

    mutating func lowerWhen(_ form: SpecialForm, _ items: [SyntaxNode], range: SourceRange) -> Expression {
        guard items.count >= 2 else { return self.malformed(form, "\(form.rawValue) needs a condition", at: range) }
        let condition = self.lower(items[1])
        let body = self.lowerBody(items[2...], of: form.rawValue, range: range)
        let nothing = Expression(.constant(.nil), range: range)
        let isWhen = form == .when
        return Expression(
            .if(condition: condition, then: isWhen ? body : nothing, else: isWhen ? nothing : body),
            range: range
        )
    }

    mutating func lowerShortCircuit(
        _ items: [SyntaxNode],
        range: SourceRange,
        empty: Constant,
        _ kind: ([Expression]) -> Expression.Kind
    ) -> Expression {
        let operands = items.dropFirst().map { self.lower($0) }
        guard let first = operands.first else { return Expression(.constant(empty), range: range) }
        return operands.count == 1 ? first : Expression(kind(operands), range: range)
    }

    // MARK: cond

    mutating func lowerCond(_ items: [SyntaxNode], range: SourceRange) -> Expression {
        self.nested(items.count - 1, in: range) { lowering in
            var clauses: [(condition: Expression?, body: Expression?, range: SourceRange)] = []
            var decidedAt: SourceRange?
            for item in items.dropFirst() {
                if let decidedAt {
                    lowering.reportUnreachableClause(item.range, after: decidedAt)
                }
                guard let clause = lowering.lowerCondClause(item) else { continue }
                if decidedAt == nil, clause.condition == nil { decidedAt = item.range }
                clauses.append(clause)
            }
            var result = Expression(.constant(.nil), range: range)
            for clause in clauses.reversed() {
                let clauseRange = SourceRange(start: clause.range.start, end: range.end)
                switch (clause.condition, clause.body) {
                case (nil, let body): result = body ?? result
                case (let condition?, nil): result = Expression(.or([condition, result]), range: clauseRange)
                case (let condition?, let body?):
                    result = Expression(.if(condition: condition, then: body, else: result), range: clauseRange)
                }
            }
            return result
        }
    }

    /// One clause; its condition is nil when it always holds, its body is nil when the condition is the result.
    private mutating func lowerCondClause(
        _ item: SyntaxNode
    ) -> (condition: Expression?, body: Expression?, range: SourceRange)? {
        guard let parts = item.elements, let test = parts.first else {
            _ = self.malformed(.cond, "expected a clause (condition result), found \(item.description)", at: item.range)
            return nil
        }
        if Self.alwaysHolds(test) {
            return (nil, self.lowerBody(parts[1...], of: "else", range: item.range), item.range)
        }
        let condition = self.lower(test)
        guard parts.count > 1 else { return (condition, nil, item.range) }
        return (condition, self.lowerBody(parts[1...], of: "cond", range: item.range), item.range)
    }

    private static func alwaysHolds(_ test: SyntaxNode) -> Bool {
        switch test.kind {
        case .symbol("else"), .keyword("else"), .boolean(true): true
        default: false
        }
    }

    private mutating func reportUnreachableClause(_ range: SourceRange, after decided: SourceRange) {
        self.diagnostics.error(
            "unreachable-clause",
            "this clause is never reached",
            help: "the clause at \(self.place(decided)) always holds: put it last",
            at: range
        )
    }

    // MARK: try

    mutating func lowerTry(_ items: [SyntaxNode], range: SourceRange) -> Expression {
        var body: [SyntaxNode] = []
        var catchForm: SyntaxNode?
        var finallyForm: SyntaxNode?
        for item in items.dropFirst() {
            switch item.headSymbol {
            case "catch" where catchForm == nil && finallyForm == nil: catchForm = item
            case "finally" where finallyForm == nil: finallyForm = item
            case "catch", "finally":
                _ = self.malformed(.attempt, "try takes one catch, then one finally", at: item.range)
            default:
                guard catchForm == nil, finallyForm == nil else {
                    _ = self.malformed(.attempt, "the body of try stands before catch and finally", at: item.range)
                    continue
                }
                body.append(item)
            }
        }
        let attempted = self.lowerBody(body[...], of: "try", range: range)
        let handler = catchForm.flatMap { self.lowerCatch($0) }
        let cleanup = finallyForm.flatMap { form in
            form.elements.map { self.lowerBody($0[1...], of: "finally", range: form.range) }
        }
        guard handler != nil || cleanup != nil else {
            guard catchForm == nil, finallyForm == nil else { return attempted }
            return self.malformed(.attempt, "try needs a catch or a finally", at: range)
        }
        return Expression(.attempt(body: attempted, handler: handler, cleanup: cleanup), range: range)
    }

    private mutating func lowerCatch(_ form: SyntaxNode) -> CatchClause? {
        guard let parts = form.elements, parts.count >= 2 else {
            _ = self.malformed(.attempt, "catch needs a name for the error", at: form.range)
            return nil
        }
        let mark = self.scope.mark
        let variable = self.bind(parts[1], what: "the error", warnsWhenUnused: false)
        let body = self.lowerBody(parts[2...], of: "catch", range: form.range)
        self.leaveScope(mark)
        return variable.map { CatchClause($0, body) }
    }

    // MARK: Threading

    /// `(-> x (f a) g)`: `(g (f x a))`; `->>` puts the value last.
    mutating func lowerThread(_ form: SpecialForm, _ items: [SyntaxNode], range: SourceRange) -> Expression {
        guard items.count >= 2 else {
            return self.malformed(form, "\(form.rawValue) needs a value to begin with", at: range)
        }
        var value = items[1]
        for (index, step) in items.dropFirst(2).enumerated() {
            // Checked before the nested tree is built: walking one that is too deep would exhaust the stack.
            guard self.canNest(index + 1) else { return self.failNesting(in: range) }
            let whole = SourceRange(start: items[1].range.start, end: step.range.end)
            guard step.lambdaParameters == nil else {
                return self.fail(
                    "malformed-form",
                    "a function as a step of \(form.rawValue) would get the value among its parameters",
                    help: "put it into parentheses of its own: ((lambda (x) …))",
                    at: step.range
                )
            }
            switch step.kind {
            case .symbol, .keyword: value = SyntaxNode(.list([step, value]), range: whole)
            case .list(let parts) where !parts.isEmpty:
                let isLast = form == .threadLast
                let parts = isLast ? parts + [value] : [parts[0], value] + parts[1...]
                value = SyntaxNode(.list(parts), range: whole)
            default:
                return self.malformed(
                    form,
                    "a step of \(form.rawValue) is a function or a call, found \(step.description)",
                    at: step.range
                )
            }
        }
        return self.lower(value)
    }
}

extension SyntaxNode {
    /// The symbol that a list begins with.
    var headSymbol: String? {
        guard case .list(let items) = self.kind else { return nil }
        return items.first?.symbol
    }
}
