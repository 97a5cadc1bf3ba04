import FluentSyntax

extension Interpreter {
    func evaluateMatch(
        _ node: SyntaxNode,
        _ parts: [SyntaxNode],
        in scope: Scope,
        tail: ReferenceFunction?
    ) throws(EvaluationError) -> ReferenceValue {
        let subject = try self.evaluate(parts[0], in: scope)
        for clause in parts.dropFirst() {
            guard let elements = clause.sequence, let pattern = elements.first else { continue }
            let inner = Scope(in: scope)
            guard try self.matches(pattern, subject, binding: inner) else { continue }
            return try self.evaluateBody(elements[1...], in: inner, tail: tail)
        }
        throw EvaluationError(.noMatch, at: node.range)
    }

    private func matches(
        _ pattern: SyntaxNode,
        _ value: ReferenceValue,
        binding scope: Scope
    ) throws(EvaluationError) -> Bool {
        switch pattern.kind {
        case .symbol("_"), .symbol("else"): return true
        case .symbol(let name):
            scope.bind(name, to: value)
            return true
        case .vector(let patterns):
            guard case .list(let elements) = value else { return false }
            return try self.allMatch(patterns, elements, binding: scope)
        case .map(let entries):
            guard case .map(let found) = value else { return false }
            return try self.matchesEntries(entries, found, binding: scope)
        case .list(let parts):
            return try self.matchesList(parts, value, binding: scope)
        case .quote(let quoted):
            return Self.constant(quoted).isSame(as: value, .value)
        case .nil, .boolean, .integer, .float, .string, .regex, .keyword:
            return Self.constant(pattern).isSame(as: value, .value)
        }
    }

    private func matchesList(
        _ parts: [SyntaxNode],
        _ value: ReferenceValue,
        binding scope: Scope
    ) throws(EvaluationError) -> Bool {
        if parts.first?.symbol == "when", parts.count == 3 {
            guard try self.matches(parts[1], value, binding: scope) else { return false }
            return try self.evaluate(parts[2], in: scope).isTrue
        }
        guard case .list(let elements) = value else { return false }
        guard let first = elements.first, let head = parts.first?.symbol,
            first.isMessageHead(head)
        else { return parts.isEmpty && elements.isEmpty }
        return try self.allMatch(Array(parts.dropFirst()), Array(elements.dropFirst()), binding: scope)
    }

    private func allMatch(
        _ patterns: [SyntaxNode],
        _ values: [ReferenceValue],
        binding scope: Scope
    ) throws(EvaluationError) -> Bool {
        guard patterns.count == values.count else { return false }
        for (pattern, value) in zip(patterns, values) {
            guard try self.matches(pattern, value, binding: scope) else { return false }
        }
        return true
    }

    private static func patternKey(_ node: SyntaxNode) -> ReferenceValue {
        if case .quote(let quoted) = node.kind { return Self.constant(quoted) }
        return Self.constant(node)
    }

    private func matchesEntries(
        _ entries: [SyntaxNode],
        _ found: [ReferenceEntry],
        binding scope: Scope
    ) throws(EvaluationError) -> Bool {
        for index in stride(from: 0, to: entries.count, by: 2) {
            guard let value = found[Self.patternKey(entries[index])] else { return false }
            guard try self.matches(entries[index + 1], value, binding: scope) else { return false }
        }
        return true
    }
}

extension ReferenceValue {
    /// A message begins with a symbol, for which a keyword of the same text may stand.
    fileprivate func isMessageHead(_ head: String) -> Bool {
        switch self {
        case .symbol(let text), .keyword(let text): text == Text(head)
        default: false
        }
    }
}
