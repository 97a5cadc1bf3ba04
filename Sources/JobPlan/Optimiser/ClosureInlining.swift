import FluentSyntax

/// The functions of a job with everything they know at planning time built in.
struct ClosureInlining {
    let map: Closure
    let reduce: Closure?
    let combiner: Constant?
    let rewrites: [Rewrite]

    init(_ definition: JobDefinition, parameters: [String: String]?) {
        var rewrites: [Rewrite] = []
        let inlined: (Closure, String, [Variable], Bool) -> Closure = { closure, role, sequences, isValueUsed in
            let context = Inliner.Context(sequences: Set(sequences), parameters: parameters, isValueUsed: isValueUsed)
            let result = Inliner.inlined(closure, role: role, in: context)
            rewrites += result.rewrites
            return result.closure
        }
        self.map = inlined(definition.map, "map", [], false)
        self.reduce = definition.reduce.map { inlined($0, "reduce", [$0.lambda.parameters[1]], false) }
        if case .function(let closure) = definition.combiner {
            self.combiner = .function(inlined(closure, "combiner", closure.lambda.parameters, true))
        } else {
            self.combiner = definition.combiner
        }
        self.rewrites = rewrites
    }
}
