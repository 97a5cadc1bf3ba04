import FluentSyntax

extension Inliner {
    mutating func visitForEach(
        _ element: Variable,
        _ sequence: Expression,
        _ body: Expression,
        isNested: Bool,
        at range: SourceRange,
        isUsed: Bool
    ) -> Expression {
        let source = self.visit(sequence)
        let inner = self.visit(body, isUsed: isUsed)
        guard isNested || isUsed else { return self.fusedLoop(element, source, inner, at: range) }
        return Expression(.forEach(element, sequence: source, body: inner, isNested: isNested), range: range)
    }

    /// A loop whose value nobody uses, with the steps of its sequence taken into its body.
    mutating func fusedLoop(
        _ element: Variable,
        _ sequence: Expression,
        _ body: Expression,
        at range: SourceRange
    ) -> Expression {
        var loop = Loop(element: element, sequence: sequence, body: body)
        // Each turn takes one step off the sequence.
        while let fused = self.trying({ $0.fused(loop) ?? $0.withCaseInside(loop) }) { loop = fused }
        return Expression(
            .forEach(loop.element, sequence: loop.sequence, body: loop.body, isNested: false),
            range: range
        )
    }

    /// What `attempt` makes; where that is nothing, it leaves no trace.
    private mutating func trying<Result>(_ attempt: (inout Inliner) -> Result?) -> Result? {
        let before = (self.growth, self.inlinedNames, self.refusals)
        let result = attempt(&self)
        if result == nil { (self.growth, self.inlinedNames, self.refusals) = before }
        return result
    }

    private struct Loop {
        let element: Variable
        let sequence: Expression
        let body: Expression
    }

    /// `(for (y (map f xs)) …)` as `(for (x xs) (let ((y (f x))) …))`, and the same for `filter`.
    ///
    /// Only where `f` certainly succeeds on every element: otherwise its failure at a later element would come after
    /// effects of the body at earlier ones.
    private mutating func fused(_ loop: Loop) -> Loop? {
        guard case .builtin(let builtin, let arguments) = loop.sequence.kind, [.map, .filter].contains(builtin),
            let element = self.elementType(of: arguments[1])
        else { return nil }
        let variable = builtin == .filter ? loop.element : self.renaming.fresh(loop.element.name)
        let use = Expression(.variable(variable), range: arguments[0].range)
        guard let applied = self.applied(arguments[0], to: use, at: loop.sequence.range),
            StaticTyping(types: self.types(adding: variable, element)).type(of: applied) != nil
        else { return nil }
        let body: Expression
        if builtin == .map {
            body = Self.tidied([Binding(loop.element, applied)], loop.body, at: loop.body.range)
        } else {
            let nothing = Expression(.constant(.nil), range: loop.body.range)
            body = Expression(.if(condition: applied, then: loop.body, else: nothing), range: loop.sequence.range)
        }
        return Loop(element: variable, sequence: arguments[1], body: body)
    }

    private func types(adding variable: Variable, _ type: StaticType) -> [Variable: StaticType] {
        self.context.types.merging([variable: type]) { _, new in new }
    }

    /// `(for (w (split (lower s) SEPARATOR)) …)` as `(for (w (split s SEPARATOR)) (let ((w (lower w))) …))`.
    ///
    /// Only where changing case moves no separator, and where `s` certainly is a string.
    private mutating func withCaseInside(_ loop: Loop) -> Loop? {
        guard case .builtin(.split, let arguments) = loop.sequence.kind,
            case .builtin(let change, let texts) = arguments[0].kind, [.lower, .upper].contains(change),
            StaticTyping(types: self.context.types).type(of: texts[0]) == .string,
            arguments[1].constant?.isCaseless == true
        else { return nil }
        let variable = self.renaming.fresh(loop.element.name)
        let use = Expression(.variable(variable), range: texts[0].range)
        let changed = Expression(.builtin(change, arguments: [use]), range: arguments[0].range)
        return Loop(
            element: variable,
            sequence: Expression(.builtin(.split, arguments: [texts[0], arguments[1]]), range: loop.sequence.range),
            body: Self.tidied([Binding(loop.element, changed)], loop.body, at: loop.body.range)
        )
    }

    /// The type of the elements of a sequence that certainly is one.
    private mutating func elementType(of sequence: Expression) -> StaticType? {
        guard case .builtin(let builtin, let arguments) = sequence.kind else { return nil }
        switch builtin {
        case .split:
            return .string
        case .filter:
            return self.elementType(of: arguments[1])
        case .map:
            guard let inner = self.elementType(of: arguments[1]) else { return nil }
            let variable = self.renaming.fresh("element")
            let use = Expression(.variable(variable), range: sequence.range)
            guard let applied = self.applied(arguments[0], to: use, at: sequence.range) else { return nil }
            return StaticTyping(types: self.types(adding: variable, inner)).type(of: applied)
        default:
            return nil
        }
    }

    /// A call of a function, built in, or of a builtin.
    private mutating func applied(
        _ function: Expression,
        to argument: Expression,
        at range: SourceRange
    ) -> Expression? {
        if case .constant(.builtin(let builtin)) = function.kind {
            let signature = builtin.signature
            guard signature.minimumCount <= 1, signature.maximumCount ?? 1 >= 1 else { return nil }
            return Expression(.builtin(builtin, arguments: [argument]), range: range)
        }
        guard case .lambda = function.kind, let callee = self.callee(function, argumentCount: 1, at: range) else {
            return nil
        }
        return self.apply(callee, to: [argument], at: range, isUsed: true)
    }
}

extension Constant {
    /// Whether a separator matches the same places before and after a change of case.
    ///
    /// Case changes letters into letters and leaves other ASCII alone; but `'`, `.`, `:`, `^` and the backquote don't end
    /// a word for those letters whose lower case depends on their place in it.
    fileprivate var isCaseless: Bool {
        switch self {
        case .string(let bytes):
            return !bytes.isEmpty && bytes.allSatisfy { Self.caselessBytes.contains($0) }
        case .regex(let source):
            // Blanks and few others, alone, in a class or repeated: what people separate words by.
            var rest = Substring(source)
            while let first = rest.utf8.first {
                if rest.hasPrefix("\\s") || rest.hasPrefix("\\t") {
                    rest = rest.dropFirst(2)
                } else if Self.caselessBytes.contains(first) || "[]+".utf8.contains(first) {
                    rest = rest.dropFirst()
                } else {
                    return false
                }
            }
            return !source.isEmpty
        default:
            return false
        }
    }

    private static let caselessBytes = Array(" \t,;/_=!#\"".utf8)
}
