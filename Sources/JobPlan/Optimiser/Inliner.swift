import FluentSyntax

/// Builds captured values, constant globals and small helper functions into a function, so that whoever compiles it
/// sees through them.
///
/// The result does the same in the same order: an argument that could fail or have effects is bound with `let` where it
/// was evaluated, and only what can do neither is moved, doubled or dropped.
struct Inliner {
    /// The largest function that is built in, in expressions.
    static let functionSizeLimit = 200

    /// How much all of them together may add to one function.
    static let growthLimit = 4_000

    /// How deep functions may be built into functions: trees stay shallow enough to be walked.
    static let depthLimit = 32

    /// What is known about a variable.
    enum Known {
        case constant(Constant)
        /// Another name of a variable.
        case alias(Variable)
        /// A function of the same tree, bound to the variable.
        case lambda(Lambda)
        /// A function from outside.
        case closure(Closure)
    }

    /// What is known about a function from how it is used.
    struct Context {
        /// Those of its parameters that certainly are sequences.
        var sequences: Set<Variable> = []

        /// What is known of its parameters, and holds for every record.
        var types: [Variable: StaticType] = [:]

        /// What `param` gives, where that is known.
        var parameters: [String: String]?

        /// Whether anybody looks at what it returns.
        var isValueUsed = true
    }

    struct Result {
        let closure: Closure
        let rewrites: [Rewrite]
    }

    var renaming: VariableRenaming
    var known: [Variable: Known] = [:]

    /// Globals of the functions being built in, the innermost last.
    var scopes: [[String: Constant]]

    /// What the function itself captured.
    let captured: Set<Variable>

    let context: Context
    var growth = 0

    /// Functions being built in, by their place in the program.
    var open: [SourceRange] = []

    /// What a call of a global that stayed refers to.
    var keptGlobals: [String: Constant] = [:]

    /// Everything that names were seen to mean.
    var seenGlobals: [String: Constant]

    /// Whether two functions mean different things by one global's name.
    var hasGlobalConflict = false
    var constantCount = 0
    var inlinedNames: [String] = []
    var refusals: [Rewrite] = []

    /// - Parameters:
    ///   - closure: The function to rewrite.
    ///   - role: What the rewrites call it: `map`.
    ///   - context: How it is used.
    /// - Returns: The function, with no more captures and globals than it still needs, and what was done.
    static func inlined(_ closure: Closure, role: String, in context: Context) -> Result {
        var inliner = Inliner(closure, context)
        let lambda = closure.lambda
        let body = inliner.visit(lambda.body, isUsed: context.isValueUsed)
        guard !inliner.hasGlobalConflict else {
            let reason = "\(role): two of its functions mean different things by one global name"
            return Result(closure: closure, rewrites: [Rewrite(.inlining, isApplied: false, reason, at: lambda.range)])
        }
        let captures = zip(lambda.captured, closure.captured).filter { body.useCount(of: $0.0) > 0 }
        let rewritten = Lambda(
            name: lambda.name,
            parameters: lambda.parameters,
            body: body,
            captured: captures.map(\.0),
            range: lambda.range
        )
        let result = Closure(
            lambda: rewritten.recaptured(keeping: captures.map(\.0)),
            captured: captures.map(\.1),
            globals: inliner.neededGlobals(of: body)
        )
        return Result(closure: result, rewrites: inliner.rewrites(role: role))
    }

    private init(_ closure: Closure, _ context: Context) {
        self.renaming = VariableRenaming(nextID: closure.largestVariableID + 1)
        self.scopes = [closure.globals]
        self.seenGlobals = closure.globals
        self.captured = Set(closure.lambda.captured)
        self.context = context
        self.open = [closure.lambda.range]
        self.learn(closure)
    }

    /// Remembers what a function captured.
    mutating func learn(_ closure: Closure) {
        for (variable, value) in zip(closure.lambda.captured, closure.captured) {
            self.known[variable] = Known(value)
        }
    }

    private func rewrites(role: String) -> [Rewrite] {
        var parts: [String] = []
        if !self.inlinedNames.isEmpty {
            parts.append("functions built in: \(self.inlinedNames.joined(separator: ", "))")
        }
        if self.constantCount > 0 { parts.append("constants built in: \(self.constantCount)") }
        let refusals = self.refusals.map { Rewrite($0.name, isApplied: false, "\(role): \($0.reason)", at: $0.range) }
        if parts.isEmpty, !refusals.isEmpty { return refusals }
        let text = parts.isEmpty ? "there is nothing to build in" : parts.joined(separator: "; ")
        return [Rewrite(.inlining, isApplied: !parts.isEmpty, "\(role): \(text)")] + refusals
    }

    /// The globals that the body, or a function it reaches, still names.
    private func neededGlobals(of body: Expression) -> [String: Constant] {
        var needed: [String: Constant] = [:]
        var waiting = body.globalNames
        while let name = waiting.popLast() {
            // What a function that stayed reaches may be known from one that was built in alone.
            let known = self.keptGlobals[name] ?? self.scopes[0][name] ?? self.seenGlobals[name]
            guard needed[name] == nil, let value = known else { continue }
            needed[name] = value
            for closure in value.closures { waiting += closure.reachableGlobalNames }
        }
        return needed
    }
}

extension Inliner.Known {
    init(_ constant: Constant) {
        if case .function(let closure) = constant { self = .closure(closure) } else { self = .constant(constant) }
    }
}
