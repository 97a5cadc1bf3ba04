import FluentSyntax

extension Expression {
    /// The names of globals that it refers to, also inside of lambdas, in the order of evaluation.
    var globalNames: [String] {
        if case .global(let name) = self.kind { return [name] }
        var names: [String] = []
        if case .constant(let constant) = self.kind { names = constant.closures.flatMap(\.reachableGlobalNames) }
        self.forEachChild { names += $0.globalNames }
        return names
    }
}

extension Constant {
    /// The functions in it.
    var closures: [Closure] {
        switch self {
        case .function(let closure): [closure]
        case .list(let elements), .set(let elements): elements.flatMap(\.closures)
        case .map(let entries): entries.flatMap { $0.key.closures + $0.value.closures }
        case .nil, .boolean, .integer, .float, .string, .symbol, .keyword, .regex, .builtin, .connector: []
        }
    }
}

extension Closure {
    /// The globals that it names itself, or that its captured functions do.
    var reachableGlobalNames: [String] {
        self.lambda.body.globalNames + self.captured.flatMap(\.closures).flatMap(\.reachableGlobalNames)
    }

    /// The largest id of all its variables and those of the functions it knows.
    var largestVariableID: Int {
        let inner = (self.captured + Array(self.globals.values)).flatMap(\.closures).map(\.largestVariableID)
        return max(self.lambda.largestVariableID, inner.max() ?? 0)
    }
}
