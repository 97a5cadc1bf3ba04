extension Lowering {
    // MARK: Functions

    /// Lowers `(lambda (a b) body…)`.
    mutating func lowerLambda(_ items: [SyntaxNode], range: SourceRange, name: String) -> Expression {
        guard items.count >= 2, let parameters = items[1].elements else {
            let form = items[0].symbol ?? "lambda"
            return self.fail(
                "malformed-form",
                "\(form) needs its parameters in parentheses",
                help: self.usage(of: form),
                at: items.count >= 2 ? items[1].range : range
            )
        }
        let function = FunctionText(name: name, parameters: parameters[...], body: items[2...], range: range)
        let lambda = self.lowerFunction(function)
        // How many arguments were meant nobody knows.
        guard !function.hasRest else { return Expression(.constant(.nil), range: range) }
        return Expression(.lambda(lambda), range: range)
    }

    /// The parts of a function as written.
    struct FunctionText {
        let name: String
        let parameters: ArraySlice<SyntaxNode>
        let body: ArraySlice<SyntaxNode>
        let range: SourceRange
        /// Off for functions whose parameters are given by what calls them.
        var warnsWhenUnused = true

        /// Whether it is to take any number of arguments, as functions of other languages may.
        var hasRest: Bool { self.parameters.contains(where: \.isRestMarker) }
    }

    mutating func lowerFunction(_ function: FunctionText) -> Lambda {
        let mark = self.scope.mark
        self.scope.enterFunction()
        var parameters: [Variable] = []
        var seen: Set<String> = []
        for node in function.parameters {
            guard !node.isRestMarker else {
                self.refuseRest(function, at: node.range)
                continue
            }
            if let name = node.symbol, !name.hasPrefix("_"), !seen.insert(name).inserted {
                self.diagnostics.error(
                    "duplicate-name",
                    "two parameters are called \(name)",
                    help: "give each its own name; _ may be used several times",
                    at: node.range
                )
            }
            let bound = self.bind(node, what: "a parameter", warnsWhenUnused: function.warnsWhenUnused)
            parameters.append(bound ?? self.scope.bind("_", at: node.range))
        }
        let form = function.name.isEmpty ? "this function" : function.name
        let body = self.lowerBody(function.body, of: form, range: function.range)
        self.leaveScope(mark)
        return Lambda(
            name: function.name,
            parameters: parameters,
            body: body,
            captured: self.scope.leaveFunction(),
            range: function.range
        )
    }

    private mutating func refuseRest(_ function: FunctionText, at range: SourceRange) {
        let others = function.parameters.last?.symbol ?? "others"
        self.diagnostics.error(
            "rest-parameters",
            "functions take as many arguments as they have parameters: there are no rest parameters",
            help: "take a list in place of them, as in (lambda (first \(others)) …), and call it with [b c]",
            at: range
        )
    }

    // MARK: define

    mutating func lowerDefine(_ items: [SyntaxNode], range: SourceRange) -> Expression {
        guard items.count >= 3 else {
            return self.malformed(.define, "define needs a name and a value", at: range)
        }
        if case .list(let signature) = items[1].kind {
            guard let name = self.definedName(signature.first ?? items[1]) else {
                return Expression(.constant(.nil), range: range)
            }
            let function = FunctionText(
                name: name,
                parameters: signature.dropFirst(),
                body: items[2...],
                range: range
            )
            let lambda = self.lowerFunction(function)
            let value = function.hasRest ? Expression.Kind.constant(.nil) : .lambda(lambda)
            return Expression(.define(name, Expression(value, range: range)), range: range)
        }
        guard let name = self.definedName(items[1]) else { return Expression(.constant(.nil), range: range) }
        guard items.count == 3 else {
            return self.malformed(.define, "define takes one value, found \(items.count - 2)", at: items[3].range)
        }
        let value = self.lower(items[2], name: name)
        self.connectorCalls.noteDefinition(of: name, as: value)
        return Expression(.define(name, value), range: range)
    }

    /// The name that a definition gives, or nil after an error.
    mutating func definedName(_ node: SyntaxNode) -> String? {
        guard let name = node.symbol else {
            self.diagnostics.error(
                "malformed-form",
                "expected a name to define, found \(node.description)",
                help: "write \(SpecialForm.define.usage)",
                at: node.range
            )
            return nil
        }
        guard self.canBind(name, at: node.range) else { return nil }
        if Builtin(name: name) != nil {
            self.diagnostics.warning(
                "shadowed-builtin",
                "this definition hides the builtin \(name) in the whole file",
                help: "choose another name unless that is meant",
                at: node.range
            )
        }
        return name
    }

    mutating func refuseInnerDefinition(_ items: [SyntaxNode]) -> Expression {
        let head = items[0]
        let name = head.symbol ?? "define"
        if items.count > 1, let defined = items[1].symbol ?? items[1].headSymbol { self.refusedNames.insert(defined) }
        let advice =
            name == SpecialForm.define.rawValue
            ? "use let inside a body, or letrec for a function that calls itself" : "move it out of the form around it"
        return self.fail(
            "inner-definition",
            "\(name) stands at the top level of a file only",
            help: advice,
            at: head.range
        )
    }

    // MARK: let

    /// Name and value of each binding, in both shapes; nil after an error.
    private mutating func bindingPairs(
        _ node: SyntaxNode,
        of form: SpecialForm
    ) -> [(name: SyntaxNode, value: SyntaxNode)]? {
        switch node.kind {
        case .vector(let items) where items.first?.elements == nil: return self.flatPairs(items, in: node, of: form)
        case .list(let items), .vector(let items):
            var pairs: [(name: SyntaxNode, value: SyntaxNode)] = []
            for item in items {
                guard let pair = item.elements, pair.count == 2 else {
                    _ = self.malformed(
                        form,
                        "expected a binding (name value), found \(item.description)",
                        at: item.range
                    )
                    continue
                }
                pairs.append((pair[0], pair[1]))
            }
            return pairs
        default:
            _ = self.malformed(form, "\(form.rawValue) needs its bindings in parentheses or brackets", at: node.range)
            return nil
        }
    }

    mutating func flatPairs(
        _ items: [SyntaxNode],
        in node: SyntaxNode,
        of form: SpecialForm
    ) -> [(name: SyntaxNode, value: SyntaxNode)]? {
        guard items.count.isMultiple(of: 2) else {
            _ = self.malformed(form, "the last name has no value", at: items.last?.range ?? node.range)
            return nil
        }
        return stride(from: 0, to: items.count, by: 2).map { (items[$0], items[$0 + 1]) }
    }

    mutating func lowerLet(_ items: [SyntaxNode], range: SourceRange) -> Expression {
        guard items.count >= 2 else { return self.malformed(.let, "let needs bindings and a body", at: range) }
        guard let pairs = self.bindingPairs(items[1], of: .let) else {
            return Expression(.constant(.nil), range: range)
        }
        let mark = self.scope.mark
        var bindings: [Binding] = []
        for pair in pairs {
            let name = pair.name.symbol ?? ""
            self.namesBeingBound.append(name)
            let value = self.lower(pair.value, name: name)
            self.namesBeingBound.removeLast()
            let count = pair.value.lambdaParameters?.count
            guard let variable = self.bind(pair.name, what: "a binding", parameterCount: count) else { continue }
            bindings.append(Binding(variable, value))
        }
        let body = self.lowerBody(items[2...], of: "let", range: range)
        self.leaveScope(mark)
        return bindings.isEmpty ? body : Expression(.let(bindings, body: body), range: range)
    }

    mutating func lowerLetrec(_ items: [SyntaxNode], range: SourceRange) -> Expression {
        guard items.count >= 2 else { return self.malformed(.letrec, "letrec needs bindings and a body", at: range) }
        guard let pairs = self.bindingPairs(items[1], of: .letrec) else {
            return Expression(.constant(.nil), range: range)
        }
        let mark = self.scope.mark
        let variables = pairs.map { pair in
            self.bind(pair.name, what: "a binding", parameterCount: pair.value.lambdaParameters?.count)
        }
        var functions: [FunctionBinding] = []
        for (pair, variable) in zip(pairs, variables) {
            let value = self.lower(pair.value, name: pair.name.symbol ?? "")
            guard let variable else { continue }
            guard case .lambda(let lambda) = value.kind else {
                _ = self.malformed(.letrec, "letrec binds functions; \(variable.name) isn't one", at: pair.value.range)
                continue
            }
            functions.append(FunctionBinding(variable, lambda))
        }
        let body = self.lowerBody(items[2...], of: "letrec", range: range)
        self.leaveScope(mark)
        return functions.isEmpty ? body : Expression(.letrec(functions, body: body), range: range)
    }

    // MARK: for

    mutating func lowerFor(_ items: [SyntaxNode], range: SourceRange) -> Expression {
        guard items.count >= 2, let header = items[1].elements else {
            return self.malformed(.for, "for needs a name and a list in parentheses", at: range)
        }
        let isPaired = header.first?.elements != nil
        let found = isPaired ? self.bindingPairs(items[1], of: .for) : self.flatPairs(header, in: items[1], of: .for)
        guard let pairs = found, !pairs.isEmpty else {
            if header.isEmpty { return self.malformed(.for, "for needs a name and a list", at: items[1].range) }
            return Expression(.constant(.nil), range: range)
        }
        return self.lowerFor(pairs[...], body: items[2...], range: range)
    }

    private mutating func lowerFor(
        _ pairs: ArraySlice<(name: SyntaxNode, value: SyntaxNode)>,
        body: ArraySlice<SyntaxNode>,
        range: SourceRange
    ) -> Expression {
        self.nested(pairs.count, in: range) { lowering in
            let mark = lowering.scope.mark
            var levels: [(variable: Variable, sequence: Expression)] = []
            for pair in pairs {
                let sequence = lowering.lower(pair.value)
                let variable = lowering.bind(pair.name, what: "the element")
                levels.append((variable ?? lowering.scope.bind("_", at: pair.name.range), sequence))
            }
            var result = lowering.lowerBody(body, of: "for", range: range)
            lowering.leaveScope(mark)
            for (index, level) in levels.enumerated().reversed() {
                let isNested = index < levels.count - 1
                let kind = Expression.Kind.forEach(
                    level.variable,
                    sequence: level.sequence,
                    body: result,
                    isNested: isNested
                )
                result = Expression(kind, range: range)
            }
            return result
        }
    }
}
