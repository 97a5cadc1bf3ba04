import FluentSyntax

extension Inliner {
    mutating func visitCall(
        _ function: Expression,
        _ arguments: [Expression],
        at range: SourceRange,
        isUsed: Bool
    ) -> Expression {
        let arguments = arguments.map { self.visit($0) }
        if let callee = self.callee(function, argumentCount: arguments.count, at: range) {
            return self.apply(callee, to: arguments, at: range, isUsed: isUsed)
        }
        return Expression(.call(function: self.visit(function), arguments: arguments), range: range)
    }

    /// `(for-each f xs)` whose value nobody uses is `(for (x xs) (f x))`, where `xs` is certainly a sequence.
    ///
    /// Elsewhere the two would name another operation in the error about it.
    mutating func visitLoop(_ arguments: [Expression], at range: SourceRange) -> Expression {
        let sequence = self.visit(arguments[1])
        guard self.isSequence(sequence), let callee = self.callee(arguments[0], argumentCount: 1, at: range) else {
            let function = self.visit(arguments[0])
            return Expression(.builtin(.forEachCall, arguments: [function, sequence]), range: range)
        }
        let element = self.renaming.fresh(callee.lambda.parameters[0].name)
        let use = Expression(.variable(element), range: callee.lambda.range)
        let body = self.apply(callee, to: [use], at: range, isUsed: false)
        return self.fusedLoop(element, sequence, body, at: range)
    }

    private func isSequence(_ expression: Expression) -> Bool {
        switch expression.kind {
        case .list, .constant(.list), .forEach: true
        case .variable(let variable): self.context.sequences.contains(variable)
        case .builtin(let builtin, _):
            [
                .split, .reFindAll, .keys, .vals, .list, .rest, .take, .drop, .concat, .reverse, .sort, .sortBy,
                .distinct, .range, .map, .filter, .flatMap, .zip,
            ].contains(builtin)
        default: false
        }
    }

    /// A function that may be built in, and where it comes from.
    struct Callee {
        let lambda: Lambda
        /// Nil: a function of the tree itself.
        let closure: Closure?
        let name: String
    }

    mutating func callee(_ function: Expression, argumentCount: Int, at range: SourceRange) -> Callee? {
        guard let callee = self.resolve(function), callee.lambda.parameters.count == argumentCount else { return nil }
        let name = callee.name.isEmpty ? "lambda" : callee.name
        if self.open.contains(callee.lambda.range) || callee.closure.map({ self.isRecursive($0) }) ?? false {
            return self.refuse("\(name) calls itself", at: range)
        }
        guard self.canGrow(by: callee.lambda) else {
            return self.refuse("\(name) is too large, or too deep inside of others, to be built in", at: range)
        }
        return callee
    }

    private mutating func refuse(_ reason: String, at range: SourceRange) -> Callee? {
        self.refusals.append(Rewrite(.inlining, isApplied: false, reason, at: range))
        return nil
    }

    private func resolve(_ function: Expression) -> Callee? {
        switch function.kind {
        case .lambda(let lambda):
            return Callee(lambda: lambda, closure: nil, name: lambda.name)
        case .variable(let variable):
            switch self.known[variable] {
            case .some(.lambda(let lambda)): return Callee(lambda: lambda, closure: nil, name: variable.name)
            case .some(.closure(let closure)):
                return Callee(lambda: closure.lambda, closure: closure, name: variable.name)
            case .some(.alias(let other)):
                return self.resolve(Expression(.variable(other), range: function.range))
            case .some(.constant), nil: return nil
            }
        case .global(let name):
            guard case .some(.function(let closure)) = self.global(name) else { return nil }
            return Callee(lambda: closure.lambda, closure: closure, name: name)
        case .constant(.function(let closure)):
            return Callee(lambda: closure.lambda, closure: closure, name: closure.lambda.name)
        default:
            return nil
        }
    }

    /// Whether a global function can reach itself.
    func isRecursive(_ closure: Closure) -> Bool {
        var seen: Set<String> = []
        var waiting = closure.reachableGlobalNames
        while let name = waiting.popLast() {
            guard seen.insert(name).inserted else { continue }
            for reached in (closure.globals[name] ?? self.global(name))?.closures ?? [] {
                if reached.lambda.range == closure.lambda.range { return true }
                waiting += reached.reachableGlobalNames
            }
        }
        return false
    }

    func canGrow(by lambda: Lambda) -> Bool {
        let size = lambda.body.nodeCount
        let hasRoom = size <= Self.functionSizeLimit && self.growth + size <= Self.growthLimit
        return hasRoom && self.open.count <= Self.depthLimit
    }

    /// The body of a function with its parameters bound to arguments, which were visited.
    mutating func apply(
        _ callee: Callee,
        to arguments: [Expression],
        at range: SourceRange,
        isUsed: Bool
    ) -> Expression {
        if callee.closure != nil || !callee.name.isEmpty { self.inlinedNames.noteOnce(callee.name) }
        let closure = callee.closure ?? Closure(lambda: callee.lambda, captured: [], globals: [:])
        return self.opened(closure) { inliner, copy in
            let bindings = zip(copy.parameters, arguments).map { Binding($0, $1) }
            let kept = bindings.filter { !inliner.learn($0) }
            let body = inliner.visit(copy.body, isUsed: isUsed)
            return Self.tidied(kept, body, at: range)
        }
    }

    /// One name means one thing in a whole program; where it doesn't, nothing may be built in.
    private mutating func noteGlobals(_ globals: [String: Constant]) {
        for (name, constant) in globals {
            if let previous = self.seenGlobals.updateValue(constant, forKey: name), previous != constant {
                self.hasGlobalConflict = true
            }
        }
    }

    /// Runs `body` with a fresh copy of a function and what it knows.
    mutating func opened<Result>(_ closure: Closure, _ body: (inout Inliner, Lambda) -> Result) -> Result {
        self.growth += closure.lambda.body.nodeCount
        self.learn(closure)
        self.noteGlobals(closure.globals)
        self.scopes.append(closure.globals)
        self.open.append(closure.lambda.range)
        defer {
            self.scopes.removeLast()
            self.open.removeLast()
        }
        let copy = self.renaming.copy(closure.lambda)
        return body(&self, copy)
    }
}

extension Array where Element == String {
    fileprivate mutating func noteOnce(_ name: String) {
        let text = name.isEmpty ? "lambda" : name
        if !self.contains(text) { self.append(text) }
    }
}
