import FluentSyntax

/// What runs before the shuffle, what travels through it, and what runs behind it.
struct ReducePlan {
    let combine: CombineFunction?
    let payload: ShufflePayload
    let function: ReduceFunction
    let rewrites: [Rewrite]

    init(_ reduce: Closure, combiner: CombineFunction?) {
        let recognition: Rewrite
        let aggregated: AggregateReduce?
        let obstacle: RewriteObstacle?
        switch AggregateRecognition.recognised(reduce) {
        case .success(let found):
            let names = found.aggregates.map(\.kind.rawValue).joined(separator: ", ")
            recognition = Rewrite(.aggregates, isApplied: true, "the values are only read through \(names)")
            (aggregated, obstacle) = (found, nil)
        case .failure(let found):
            recognition = Rewrite(.aggregates, isApplied: false, found.reason, at: found.range)
            (aggregated, obstacle) = (nil, found)
        }
        let placement = Self.placement(aggregated, combiner: combiner, obstacle: obstacle)
        self.combine = placement.combine
        self.payload = placement.payload
        self.function = aggregated.map { .aggregates($0) } ?? .general(reduce)
        self.rewrites = [recognition, placement.rewrite]
    }

    private struct Placement {
        let combine: CombineFunction?
        let payload: ShufflePayload
        let rewrite: Rewrite
    }

    private static func placement(
        _ aggregated: AggregateReduce?,
        combiner: CombineFunction?,
        obstacle: RewriteObstacle?
    ) -> Placement {
        if let aggregated, combiner.map({ $0.isSame(as: aggregated.aggregates) }) ?? true {
            let text = "partial states of the aggregates are built before the shuffle"
            return Placement(
                combine: .partialStates(aggregated.aggregates),
                payload: .partialStates(aggregated.aggregates),
                rewrite: Rewrite(.combiner, isApplied: true, text)
            )
        }
        if let combiner {
            let text = "the combiner \(combiner.name) runs before the shuffle; reduce gets its results"
            return Placement(combine: combiner, payload: .values, rewrite: Rewrite(.combiner, isApplied: true, text))
        }
        let reason = obstacle?.reason ?? "there is nothing to combine"
        let text = "no combiner: values are shipped whole because \(reason)"
        return Placement(
            combine: nil,
            payload: .values,
            rewrite: Rewrite(.combiner, isApplied: false, text, at: obstacle?.range)
        )
    }
}

extension CombineFunction {
    /// Whether combining first and then aggregating is the same as aggregating: `sum` of `sum`s.
    fileprivate func isSame(as aggregates: [AggregateCall]) -> Bool {
        guard case .builtin(let builtin) = self, let kind = AggregateKind(builtin) else { return false }
        return aggregates.allSatisfy { $0.kind == kind && $0.input == nil }
    }

    var name: String {
        switch self {
        case .partialStates(let calls): calls.map(\.kind.rawValue).joined(separator: ", ")
        case .builtin(let builtin): builtin.name
        case .closure(let closure): closure.lambda.name.isEmpty ? "lambda" : closure.lambda.name
        }
    }
}
