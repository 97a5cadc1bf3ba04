import FluentSyntax

extension Interpreter {
    /// The value of a form.
    ///
    /// `tail` is the function whose value this form's value is: a call of it here becomes a turn of its loop.
    func evaluate(
        _ node: SyntaxNode,
        in scope: Scope,
        tail: ReferenceFunction? = nil
    ) throws(EvaluationError) -> ReferenceValue {
        switch node.kind {
        case .symbol(let name): try self.lookUp(name, in: scope, at: node.range)
        case .list(let elements): try self.evaluateList(node, elements, in: scope, tail: tail)
        case .vector(let elements): try self.evaluateVector(node, elements, in: scope)
        case .map(let elements): try self.evaluateMap(node, elements, in: scope)
        case .quote(let quoted): Self.constant(quoted)
        case .nil, .boolean, .integer, .float, .string, .regex, .keyword: Self.constant(node)
        }
    }

    /// A literal, or what a quote stands for.
    static func constant(_ node: SyntaxNode) -> ReferenceValue {
        switch node.kind {
        case .nil: .nil
        case .boolean(let boolean): .boolean(boolean)
        case .integer(let integer): .integer(integer)
        case .float(let float): .float(float)
        case .string(let string): .string(string)
        case .regex(let pattern): .regex(pattern)
        case .keyword(let keyword): .keyword(Text(keyword))
        case .symbol(let symbol): .symbol(Text(symbol))
        case .list(let elements), .vector(let elements): .list(elements.map(Self.constant))
        case .map(let elements): .map(Self.constantEntries(elements))
        case .quote(let quoted): .list([.symbol(Text("quote")), Self.constant(quoted)])
        }
    }

    private static func constantEntries(_ elements: [SyntaxNode]) -> [ReferenceEntry] {
        var entries: [ReferenceEntry] = []
        for index in stride(from: 0, to: elements.count, by: 2) {
            entries.store(Self.constant(elements[index + 1]), at: Self.constant(elements[index]))
        }
        return entries
    }

    func evaluateAll(_ nodes: ArraySlice<SyntaxNode>, in scope: Scope) throws(EvaluationError) -> [ReferenceValue] {
        var values: [ReferenceValue] = []
        for node in nodes { values.append(try self.evaluate(node, in: scope)) }
        return values
    }

    /// Several forms in turn; the value of the last, nil for none.
    func evaluateBody(
        _ nodes: ArraySlice<SyntaxNode>,
        in scope: Scope,
        tail: ReferenceFunction?
    ) throws(EvaluationError) -> ReferenceValue {
        guard let last = nodes.last else { return .nil }
        for node in nodes.dropLast() { _ = try self.evaluate(node, in: scope) }
        return try self.evaluate(last, in: scope, tail: tail)
    }

    private func lookUp(
        _ name: String,
        in scope: Scope,
        at range: SourceRange
    ) throws(EvaluationError) -> ReferenceValue {
        if let value = scope[name] ?? self.globals[name] { return value }
        if !self.isGlobal(name), let builtin = Builtin(name: name) { return .builtin(builtin) }
        throw EvaluationError(.undefined(name: name), at: range)
    }

    private func evaluateVector(
        _ node: SyntaxNode,
        _ elements: [SyntaxNode],
        in scope: Scope
    ) throws(EvaluationError) -> ReferenceValue {
        let list = ReferenceValue.list(try self.evaluateAll(elements[...], in: scope))
        try self.countSize(of: list, at: node.range)
        return list
    }

    private func evaluateMap(
        _ node: SyntaxNode,
        _ elements: [SyntaxNode],
        in scope: Scope
    ) throws(EvaluationError) -> ReferenceValue {
        let values = try self.evaluateAll(elements[...], in: scope)
        return try self.perform(BuiltinCall(builtin: .assoc, arguments: [.map([])] + values, range: node.range))
    }

    private func evaluateList(
        _ node: SyntaxNode,
        _ elements: [SyntaxNode],
        in scope: Scope,
        tail: ReferenceFunction?
    ) throws(EvaluationError) -> ReferenceValue {
        guard let head = elements.first else { return .list([]) }
        if let name = head.symbol, scope[name] == nil, let form = SpecialForm(rawValue: name) {
            return try self.evaluate(form, node, elements.dropFirst(), in: scope, tail: tail)
        }
        let function = try self.evaluate(head, in: scope)
        if case .builtin(.forEachCall) = function, elements.count > 1, case .vector = elements[1].kind {
            _ = try self.evaluateFor(node, Array(elements.dropFirst()), in: scope)
            return .nil
        }
        let arguments = try self.evaluateAll(elements.dropFirst(), in: scope)
        return try self.finishCall(function, arguments, at: node.range, tail: tail)
    }

    /// Calls, or leaves the arguments for the loop of the function that calls itself in its tail.
    func finishCall(
        _ function: ReferenceValue,
        _ arguments: [ReferenceValue],
        at range: SourceRange,
        tail: ReferenceFunction?
    ) throws(EvaluationError) -> ReferenceValue {
        guard let tail, case .function(let called) = function, called === tail,
            called.parameters.count == arguments.count
        else { return try self.apply(function, arguments, at: range) }
        try self.countStep(at: range)
        self.tailArguments = arguments
        return .nil
    }
}

extension [ReferenceEntry] {
    /// Puts a value at a key; an entry that is there keeps its place and the spelling of its key.
    mutating func store(_ value: ReferenceValue, at key: ReferenceValue) {
        if let index = self.firstIndex(where: { $0.key.isSame(as: key, .key) }) {
            self[index] = ReferenceEntry(self[index].key, value)
        } else {
            self.append(ReferenceEntry(key.normalisedAsKey, value))
        }
    }

    package subscript(_ key: ReferenceValue) -> ReferenceValue? {
        self.first { $0.key.isSame(as: key, .key) }?.value
    }
}
