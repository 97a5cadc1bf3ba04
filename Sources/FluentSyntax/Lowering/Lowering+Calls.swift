extension Lowering {
    /// A call of a function value.
    mutating func lowerCall(_ items: [SyntaxNode], range: SourceRange) -> Expression {
        let function = self.lower(items[0])
        let arguments = items.dropFirst().map { self.lower($0) }
        if let expected = self.parameterCount(of: items[0]), expected != arguments.count {
            return self.fail(
                "argument-count",
                "\(items[0].symbol ?? "this function") takes \(Self.counted(expected)), got \(arguments.count)",
                help: self.adviceOnCount(items[0]),
                at: range
            )
        }
        if case .global(let name) = function.kind, case .job = self.globals[name]?.role {
            return self.fail(
                "not-a-function",
                "\(name) is a job and can't be called",
                help: "submit it: (submit-job \(name))",
                at: items[0].range
            )
        }
        return Expression(.call(function: function, arguments: arguments), range: range)
    }

    /// How many arguments a callee takes, if the text says.
    func parameterCount(of callee: SyntaxNode) -> Int? {
        if let parameters = callee.lambdaParameters { return parameters.count }
        guard let name = callee.symbol else { return nil }
        if let local = self.scope.local(name) { return local.parameterCount }
        guard case .function(let count) = self.globals[name]?.role else { return nil }
        return count
    }

    private func adviceOnCount(_ callee: SyntaxNode) -> String {
        guard let name = callee.symbol else { return "" }
        guard let range = self.scope.local(name)?.range ?? self.globals[name]?.range else { return "" }
        return "\(name) is defined at \(self.place(range))"
    }

    mutating func lowerBuiltin(_ builtin: Builtin, _ items: [SyntaxNode], range: SourceRange) -> Expression {
        if builtin == .forEachCall, items.count >= 2, case .vector = items[1].kind {
            let loop = self.lowerFor(items, range: range)
            return Expression(
                .sequence([loop, Expression(.constant(.nil), range: range)]),
                range: range
            )
        }
        let arguments = items.dropFirst().map { self.lower($0) }
        if builtin == .emit, self.isStateful { return self.passing(arguments, range: range) }
        let signature = builtin.signature
        let isTooMany = signature.maximumCount.map { arguments.count > $0 } ?? false
        guard arguments.count >= signature.minimumCount, !isTooMany else {
            return self.fail(
                "argument-count",
                "\(items[0].symbol ?? signature.name) takes \(signature.countText), got \(arguments.count)",
                help: "write \(builtin.usage)",
                at: range
            )
        }
        self.checkFunctionArgument(of: builtin, items)
        if let definition = arguments.first, builtin.takesSubmittedJob {
            self.checkIsSubmitted(definition, for: builtin)
        }
        return Expression(.builtin(builtin, arguments: arguments), range: range)
    }

    /// Reports the name of a job where what `submit-job` gives is needed.
    private mutating func checkIsSubmitted(_ value: Expression, for builtin: Builtin) {
        guard case .global(let name) = value.kind, case .job = self.globals[name]?.role else { return }
        self.diagnostics.error(
            "not-submitted",
            "\(builtin.name) needs a submitted job, and \(name) is the definition of one",
            help: "submit it, and keep what that gives: (let ((job (submit-job \(name)))) … (\(builtin.name) job))",
            at: value.range
        )
    }

    /// Checks the parameters of a lambda that is written as an argument of a builtin that calls it.
    private mutating func checkFunctionArgument(of builtin: Builtin, _ items: [SyntaxNode]) {
        guard let expected = builtin.calledArgumentCount, items.count >= 2 else { return }
        guard let count = self.parameterCount(of: items[1]), count != expected else { return }
        self.diagnostics.error(
            "argument-count",
            "\(builtin.name) calls its function with \(Self.counted(expected)), but this one takes \(count)",
            help: "write \(builtin.usage)",
            at: items[1].range
        )
    }

    static func counted(_ count: Int) -> String { "\(count) argument\(count == 1 ? "" : "s")" }
}

extension Builtin {
    fileprivate var takesSubmittedJob: Bool {
        switch self {
        case .await, .jobWaitCompletion, .jobGetResults, .jobStatus, .jobCancel, .jobID: true
        default: false
        }
    }

    /// With how many arguments it calls the function that is its first argument.
    var calledArgumentCount: Int? {
        switch self {
        case .map, .filter, .flatMap, .groupBy, .sortBy, .any, .all, .forEachCall: 1
        case .reduce, .fold: 2
        default: nil
        }
    }
}

extension Builtin.Signature {
    /// `2 arguments`, `1 to 3 arguments`, `at least 1 argument`.
    var countText: String {
        guard let maximumCount = self.maximumCount else { return "at least \(Lowering.counted(self.minimumCount))" }
        if maximumCount == self.minimumCount {
            return maximumCount == 0 ? "no arguments" : Lowering.counted(maximumCount)
        }
        let joint = maximumCount == self.minimumCount + 1 ? "or" : "to"
        return "\(self.minimumCount) \(joint) \(Lowering.counted(maximumCount))"
    }
}
