import FluentSyntax

extension Interpreter {
    /// Calls anything that can be called.
    func apply(
        _ function: ReferenceValue,
        _ arguments: [ReferenceValue],
        at range: SourceRange
    ) throws(EvaluationError) -> ReferenceValue {
        try self.countStep(at: range)
        switch function {
        case .function(let function): return try self.callLambda(function, arguments, at: range)
        case .builtin(let builtin): return try self.callBuiltin(builtin, arguments, at: range)
        case .keyword(let keyword): return try self.callKeyword(keyword, arguments, at: range)
        default:
            let code = EvaluationError.Code.typeMismatch(
                operation: "call",
                expected: TypeName.function,
                found: function.typeName
            )
            throw EvaluationError(code, at: range)
        }
    }

    private func callLambda(
        _ function: ReferenceFunction,
        _ arguments: [ReferenceValue],
        at range: SourceRange
    ) throws(EvaluationError) -> ReferenceValue {
        guard arguments.count == function.parameters.count else {
            throw Self.wrongCount(function.name, function.parameters.count, arguments.count, at: range)
        }
        self.callDepth += 1
        defer { self.callDepth -= 1 }
        guard self.callDepth <= self.limits.callDepthLimit else {
            throw EvaluationError(.callDepthLimit(self.limits.callDepthLimit), at: range)
        }
        switch function.body {
        case .native(let body): return try body(arguments)
        case .forms(let body, let scope): return try self.loop(function, body, in: scope, arguments)
        }
    }

    /// Evaluates a body, again for each tail call of the function itself.
    private func loop(
        _ function: ReferenceFunction,
        _ body: ArraySlice<SyntaxNode>,
        in outer: Scope,
        _ arguments: [ReferenceValue]
    ) throws(EvaluationError) -> ReferenceValue {
        var arguments = arguments
        while true {
            let scope = Scope(in: outer)
            for (name, value) in zip(function.parameters, arguments) { scope.bind(name, to: value) }
            let value = try self.evaluateBody(body, in: scope, tail: function)
            guard let next = self.tailArguments else { return value }
            self.tailArguments = nil
            arguments = next
        }
    }

    private func callBuiltin(
        _ builtin: Builtin,
        _ arguments: [ReferenceValue],
        at range: SourceRange
    ) throws(EvaluationError) -> ReferenceValue {
        let signature = builtin.signature
        if arguments.count < signature.minimumCount {
            throw Self.wrongCount(signature.name, signature.minimumCount, arguments.count, at: range)
        }
        if let maximum = signature.maximumCount, arguments.count > maximum {
            throw Self.wrongCount(signature.name, maximum, arguments.count, at: range)
        }
        return try self.perform(BuiltinCall(builtin: builtin, arguments: arguments, range: range))
    }

    private func callKeyword(
        _ keyword: Text,
        _ arguments: [ReferenceValue],
        at range: SourceRange
    ) throws(EvaluationError) -> ReferenceValue {
        guard (1...2).contains(arguments.count) else {
            throw Self.wrongCount(":" + keyword.string, arguments.isEmpty ? 1 : 2, arguments.count, at: range)
        }
        var arguments = arguments
        arguments.insert(.keyword(keyword), at: 1)
        return try self.perform(BuiltinCall(builtin: .get, arguments: arguments, range: range))
    }

    private static func wrongCount(
        _ function: String,
        _ expected: Int,
        _ found: Int,
        at range: SourceRange
    ) -> EvaluationError {
        EvaluationError(.argumentCount(function: function, expected: expected, found: found), at: range)
    }
}
