package import FluentSyntax

extension Interpreter {
    func evaluateFor(
        _ node: SyntaxNode,
        _ parts: [SyntaxNode],
        in scope: Scope
    ) throws(EvaluationError) -> ReferenceValue {
        let values = try self.traverse(Self.bindings(parts[0])[...], parts[1...], in: scope, at: node.range)
        return .list(values)
    }

    private func traverse(
        _ bindings: ArraySlice<WrittenBinding>,
        _ body: ArraySlice<SyntaxNode>,
        in scope: Scope,
        at range: SourceRange
    ) throws(EvaluationError) -> [ReferenceValue] {
        guard let binding = bindings.first else { return [try self.evaluateBody(body, in: scope, tail: nil)] }
        let sequence = try self.evaluate(binding.value, in: scope)
        guard let elements = sequence.elements else {
            let code = EvaluationError.Code.typeMismatch(
                operation: "for",
                expected: TypeName.sequence,
                found: sequence.typeName
            )
            throw EvaluationError(code, at: range)
        }
        var values: [ReferenceValue] = []
        for element in elements {
            try self.countStep(at: range)
            let inner = Scope(in: scope)
            inner.bind(binding.name, to: element)
            values += try self.traverse(bindings.dropFirst(), body, in: inner, at: range)
        }
        return values
    }

    func evaluateTry(_ parts: [SyntaxNode], in scope: Scope) throws(EvaluationError) -> ReferenceValue {
        let body = parts.filter { Self.clause($0, "catch") == nil && Self.clause($0, "finally") == nil }
        let handler = parts.compactMap { Self.clause($0, "catch") }.first
        let cleanup = parts.compactMap { Self.clause($0, "finally") }.first
        let outcome: Result<ReferenceValue, EvaluationError>
        do throws(EvaluationError) {
            outcome = .success(try self.evaluateGuarded(body[...], handler, in: scope))
        } catch {
            outcome = .failure(error)
        }
        if case .failure(let error) = outcome, !error.isCatchable { throw error }
        if let cleanup {
            let thrownBefore = self.thrownValue
            _ = try self.evaluateBody(cleanup, in: scope, tail: nil)
            self.thrownValue = thrownBefore
        }
        return try outcome.get()
    }

    private func evaluateGuarded(
        _ body: ArraySlice<SyntaxNode>,
        _ handler: ArraySlice<SyntaxNode>?,
        in scope: Scope
    ) throws(EvaluationError) -> ReferenceValue {
        let depth = self.callDepth
        do throws(EvaluationError) {
            return try self.evaluateBody(body, in: scope, tail: nil)
        } catch {
            guard let handler, error.isCatchable, let name = handler.first?.symbol else { throw error }
            self.callDepth = depth
            let inner = Scope(in: scope)
            inner.bind(name, to: self.caught(error))
            return try self.evaluateBody(handler.dropFirst(), in: inner, tail: nil)
        }
    }

    /// What a `catch` clause binds.
    package func caught(_ error: EvaluationError) -> ReferenceValue {
        if case .thrown = error.code { return self.thrownValue }
        return .map([
            ReferenceEntry(.keyword(Text("error")), .string(error.code.name)),
            ReferenceEntry(.keyword(Text("message")), .string(error.code.message)),
        ])
    }

    /// What follows the head of a `(catch …)` or `(finally …)`.
    private static func clause(_ node: SyntaxNode, _ head: String) -> ArraySlice<SyntaxNode>? {
        guard let elements = node.elements, elements.first?.symbol == head else { return nil }
        return elements.dropFirst()
    }
}

extension EvaluationError {
    /// Limits stop the record, whatever the program says.
    package var isCatchable: Bool {
        switch self.code {
        case .stepLimit, .memoryLimit, .callDepthLimit: false
        default: true
        }
    }
}
