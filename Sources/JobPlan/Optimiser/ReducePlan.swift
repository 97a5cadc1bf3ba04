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
        if let combiner, !combiner.isSame(as: aggregated?.aggregates ?? []) {
            let rewrite = Rewrite(.combiner, isApplied: true, combiner.placementText)
            return Placement(combine: combiner, payload: .values, rewrite: rewrite)
        }
        let obstacle = obstacle ?? aggregated.flatMap { Self.missingState(among: $0.aggregates) }
        guard let aggregated, obstacle == nil else {
            let reason = obstacle?.reason ?? "there is nothing to combine"
            let text = "no combiner: values are shipped whole because \(reason)"
            return Placement(
                combine: nil,
                payload: .values,
                rewrite: Rewrite(.combiner, isApplied: false, text, at: obstacle?.range)
            )
        }
        let text = "partial states of the aggregates are built before the shuffle"
        let reason = combiner.map { "the combiner \($0.name) is the aggregate of reduce itself: " } ?? ""
        return Placement(
            combine: .partialStates(aggregated.aggregates),
            payload: .partialStates(aggregated.aggregates),
            rewrite: Rewrite(.combiner, isApplied: true, reason + text)
        )
    }

    /// The first aggregate whose partial states aren't kept.
    private static func missingState(among aggregates: [AggregateCall]) -> RewriteObstacle? {
        guard let call = aggregates.first(where: { !$0.hasPartialState }) else { return nil }
        let what = call.input == nil ? call.kind.rawValue : "\(call.kind.rawValue) of a part of each value"
        return RewriteObstacle("no partial states are kept of \(what)", at: call.range)
    }
}

extension CombineFunction {
    /// Whether combining first and then aggregating is the same as aggregating: `sum` of `sum`s.
    fileprivate func isSame(as aggregates: [AggregateCall]) -> Bool {
        guard case .builtin(let builtin) = self, let kind = AggregateKind(builtin) else { return false }
        return !aggregates.isEmpty && aggregates.allSatisfy { $0.kind == kind && $0.input == nil }
    }

    /// Where it runs, for people.
    fileprivate var placementText: String {
        let place =
            switch self {
            case .builtin(.sum), .builtin(.min), .builtin(.max): "in the combine tables before the shuffle"
            case .builtin, .closure, .partialStates:
                "over the values that the combine tables collect before the shuffle, key by key"
            }
        return "the combiner \(self.name) runs \(place), and again where a reduce table is spilled; "
            + "reduce gets its results"
    }

    var name: String {
        switch self {
        case .partialStates(let calls): calls.map(\.kind.rawValue).joined(separator: ", ")
        case .builtin(let builtin): builtin.name
        case .closure(let closure): closure.lambda.name.isEmpty ? "lambda" : closure.lambda.name
        }
    }
}
