import FluentSyntax

extension Inliner {
    mutating func visitLet(
        _ bindings: [Binding],
        _ body: Expression,
        at range: SourceRange,
        isUsed: Bool
    ) -> Expression {
        var kept: [Binding] = []
        for binding in bindings {
            let visited = Binding(binding.variable, self.visit(binding.value))
            if !self.learn(visited) { kept.append(visited) }
        }
        return Self.tidied(kept, self.visit(body, isUsed: isUsed), at: range)
    }

    /// Remembers what a binding says.
    ///
    /// - Returns: Whether that makes the binding itself unnecessary.
    mutating func learn(_ binding: Binding) -> Bool {
        switch binding.value.kind {
        case .constant(let constant):
            self.known[binding.variable] = Known(constant)
            return true
        case .variable(let other):
            self.known[binding.variable] = self.known[other] ?? .alias(other)
            if case .some(.lambda) = self.known[other] { return false }
            return true
        case .lambda(let lambda):
            self.known[binding.variable] = .lambda(lambda)
            return false
        default:
            return false
        }
    }

    /// A `let` without bindings that nobody uses and nobody would miss.
    static func tidied(_ bindings: [Binding], _ body: Expression, at range: SourceRange) -> Expression {
        var kept: [Binding] = []
        var inner = body
        for binding in bindings.reversed() {
            let useCount =
                inner.useCount(of: binding.variable)
                + kept.reduce(0) { $0 + $1.value.useCount(of: binding.variable) }
            if useCount == 0, binding.value.isMovable { continue }
            if kept.isEmpty, useCount == 1, let loop = inner.replacingSequence(binding) {
                inner = loop
                continue
            }
            kept.insert(binding, at: 0)
        }
        guard !kept.isEmpty else { return inner }
        if case .let(let further, let body) = inner.kind { (kept, inner) = (kept + further, body) }
        return Expression(.let(kept, body: inner), range: range)
    }
}

extension Expression {
    /// `(let ((xs E)) (for (x xs) …))` is `(for (x E) …)` where nothing else uses `xs`.
    fileprivate func replacingSequence(_ binding: Binding) -> Expression? {
        guard case .forEach(let element, let sequence, let body, let isNested) = self.kind,
            case .variable(binding.variable) = sequence.kind
        else { return nil }
        return Expression(
            .forEach(element, sequence: binding.value, body: body, isNested: isNested),
            range: self.range
        )
    }
}
