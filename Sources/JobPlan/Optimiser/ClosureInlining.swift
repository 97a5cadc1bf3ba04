import FluentSyntax

/// The functions of a job with everything they know at planning time built in.
struct ClosureInlining {
    let map: Closure
    let reduce: Closure?
    let combiner: Constant?
    let rewrites: [Rewrite]

    init(_ definition: JobDefinition) {
        self.map = definition.map
        self.reduce = definition.reduce
        self.combiner = definition.combiner
        self.rewrites = []
    }
}
