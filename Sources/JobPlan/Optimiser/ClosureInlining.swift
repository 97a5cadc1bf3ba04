import FluentSyntax

/// The functions of a job with everything they know at planning time built in.
struct ClosureInlining {
    let map: Closure
    let reduce: Closure?
    let combiner: Constant?
    let rewrites: [Rewrite]

    init(_ definition: JobDefinition, parameters: [String: String]?) {
        var rewrites: [Rewrite] = []
        let inlined: (Closure, String, Inliner.Context) -> Closure = { closure, role, context in
            let result = Inliner.inlined(closure, role: role, in: context)
            rewrites += result.rewrites
            return result.closure
        }
        var context = Inliner.Context(parameters: parameters, isValueUsed: false)
        if definition.format == .text, let record = definition.map.lambda.parameters.last {
            context.types = [record: .string]
        }
        self.map = inlined(definition.map, "map", context)
        context.types = [:]
        self.reduce = definition.reduce.map { reduce in
            context.sequences = [reduce.lambda.parameters[1]]
            return inlined(reduce, "reduce", context)
        }
        if case .function(let closure) = definition.combiner {
            let sequences = Set(closure.lambda.parameters)
            let used = Inliner.Context(sequences: sequences, parameters: parameters, isValueUsed: true)
            self.combiner = .function(inlined(closure, "combiner", used))
        } else {
            self.combiner = definition.combiner
        }
        self.rewrites = rewrites
    }
}
