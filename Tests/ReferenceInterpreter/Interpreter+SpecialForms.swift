import FluentSyntax

extension Interpreter {
    /// The value of a form with a head of its own; `parts` is what follows the head.
    func evaluate(
        _ form: SpecialForm,
        _ node: SyntaxNode,
        _ parts: ArraySlice<SyntaxNode>,
        in scope: Scope,
        tail: ReferenceFunction?
    ) throws(EvaluationError) -> ReferenceValue {
        let parts = Array(parts)
        switch form {
        case .lambda, .fn: return Self.lambda(parts, name: "", in: scope)
        case .let: return try self.evaluateLet(parts, in: scope, tail: tail)
        case .letrec: return try self.evaluateLetrec(parts, in: scope, tail: tail)
        case .define: return try self.evaluateDefine(parts, in: scope)
        case .if:
            let isTrue = try self.evaluate(parts[0], in: scope).isTrue
            return try self.evaluateBody(isTrue ? parts[1...1] : parts[2...], in: scope, tail: tail)
        case .when:
            guard try self.evaluate(parts[0], in: scope).isTrue else { return .nil }
            return try self.evaluateBody(parts[1...], in: scope, tail: tail)
        case .unless:
            guard try !self.evaluate(parts[0], in: scope).isTrue else { return .nil }
            return try self.evaluateBody(parts[1...], in: scope, tail: tail)
        case .cond: return try self.evaluateCond(parts, in: scope, tail: tail)
        case .and: return try self.evaluateAnd(parts, in: scope, tail: tail)
        case .or: return try self.evaluateOr(parts, in: scope, tail: tail)
        case .do, .begin: return try self.evaluateBody(parts[...], in: scope, tail: tail)
        case .for: return try self.evaluateFor(node, parts, in: scope)
        case .quote: return Self.constant(parts[0])
        case .match: return try self.evaluateMatch(node, parts, in: scope, tail: tail)
        case .try: return try self.evaluateTry(parts, in: scope)
        case .threadFirst, .pipe: return try self.evaluateThread(parts, asLast: false, in: scope, tail: tail)
        case .threadLast: return try self.evaluateThread(parts, asLast: true, in: scope, tail: tail)
        }
    }

    private static func lambda(_ parts: [SyntaxNode], name: String, in scope: Scope) -> ReferenceValue {
        let parameters = (parts[0].sequence ?? []).compactMap(\.symbol)
        return .function(ReferenceFunction(name: name, parameters: parameters, body: parts[1...], scope: scope))
    }

    /// The value of a binding: a lambda takes the name it is bound to.
    private func evaluateNamed(
        _ node: SyntaxNode,
        name: String,
        in scope: Scope
    ) throws(EvaluationError) -> ReferenceValue {
        if let elements = node.elements, let head = elements.first?.symbol, head == "lambda" || head == "fn" {
            return Self.lambda(Array(elements.dropFirst()), name: name, in: scope)
        }
        return try self.evaluate(node, in: scope)
    }

    private func evaluateLet(
        _ parts: [SyntaxNode],
        in scope: Scope,
        tail: ReferenceFunction?
    ) throws(EvaluationError) -> ReferenceValue {
        var inner = scope
        for binding in Self.bindings(parts[0]) {
            let value = try self.evaluateNamed(binding.value, name: binding.name, in: inner)
            // A new scope for each, so that a closure over an earlier binding doesn't see a later one.
            inner = Scope(in: inner)
            inner.bind(binding.name, to: value)
        }
        return try self.evaluateBody(parts[1...], in: inner, tail: tail)
    }

    private func evaluateLetrec(
        _ parts: [SyntaxNode],
        in scope: Scope,
        tail: ReferenceFunction?
    ) throws(EvaluationError) -> ReferenceValue {
        let inner = Scope(in: scope)
        for binding in Self.bindings(parts[0]) {
            inner.bind(binding.name, to: try self.evaluateNamed(binding.value, name: binding.name, in: inner))
        }
        return try self.evaluateBody(parts[1...], in: inner, tail: tail)
    }

    private func evaluateDefine(_ parts: [SyntaxNode], in scope: Scope) throws(EvaluationError) -> ReferenceValue {
        if let name = parts[0].symbol {
            let value = try self.evaluateNamed(parts[1], name: name, in: scope)
            self.globals[name] = value
            return value
        }
        guard let header = parts[0].elements, let name = header.first?.symbol else { return .nil }
        let parameters = header.dropFirst().compactMap(\.symbol)
        let function = ReferenceFunction(name: name, parameters: parameters, body: parts[1...], scope: scope)
        self.globals[name] = .function(function)
        return .function(function)
    }

    private func evaluateCond(
        _ clauses: [SyntaxNode],
        in scope: Scope,
        tail: ReferenceFunction?
    ) throws(EvaluationError) -> ReferenceValue {
        for clause in clauses {
            guard let parts = clause.sequence, let test = parts.first else { continue }
            if test.symbol == "else" { return try self.evaluateBody(parts[1...], in: scope, tail: tail) }
            let value = try self.evaluate(test, in: scope)
            guard value.isTrue else { continue }
            return parts.count == 1 ? value : try self.evaluateBody(parts[1...], in: scope, tail: tail)
        }
        return .nil
    }

    private func evaluateAnd(
        _ parts: [SyntaxNode],
        in scope: Scope,
        tail: ReferenceFunction?
    ) throws(EvaluationError) -> ReferenceValue {
        guard let last = parts.last else { return .boolean(true) }
        for part in parts.dropLast() {
            let value = try self.evaluate(part, in: scope)
            if !value.isTrue { return value }
        }
        return try self.evaluate(last, in: scope, tail: tail)
    }

    private func evaluateOr(
        _ parts: [SyntaxNode],
        in scope: Scope,
        tail: ReferenceFunction?
    ) throws(EvaluationError) -> ReferenceValue {
        guard let last = parts.last else { return .nil }
        for part in parts.dropLast() {
            let value = try self.evaluate(part, in: scope)
            if value.isTrue { return value }
        }
        return try self.evaluate(last, in: scope, tail: tail)
    }

    /// `(-> x (f a) g)` is `(g (f x a))`; the last step may be a self tail call.
    private func evaluateThread(
        _ parts: [SyntaxNode],
        asLast: Bool,
        in scope: Scope,
        tail: ReferenceFunction?
    ) throws(EvaluationError) -> ReferenceValue {
        guard let first = parts.first else { return .nil }
        var nested = first
        for step in parts.dropFirst() {
            var elements = step.elements ?? [step]
            elements.insert(nested, at: asLast ? elements.endIndex : 1)
            let range = SourceRange(start: first.range.start, end: step.range.end)
            nested = SyntaxNode(.list(elements), range: range)
        }
        return try self.evaluate(nested, in: scope, tail: tail)
    }
}

/// A name and what it is bound to, as written.
struct WrittenBinding {
    let name: String
    let value: SyntaxNode
}

extension Interpreter {
    /// `((a 1) (b 2))`, `(a 1)`, `[a 1 b 2]`: all the ways to write bindings.
    static func bindings(_ node: SyntaxNode) -> [WrittenBinding] {
        let elements = node.sequence ?? []
        if elements.first?.symbol == nil {
            return elements.compactMap { pair in
                guard let pair = pair.sequence, pair.count == 2, let name = pair[0].symbol else { return nil }
                return WrittenBinding(name: name, value: pair[1])
            }
        }
        return stride(from: 0, to: elements.count - 1, by: 2).compactMap { index in
            elements[index].symbol.map { WrittenBinding(name: $0, value: elements[index + 1]) }
        }
    }
}
