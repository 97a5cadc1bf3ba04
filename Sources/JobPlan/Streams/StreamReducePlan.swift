import FluentSyntax

/// What a stream keeps of a key and window, and what its map ships for that.
struct StreamReducePlan {
    let map: WholeMap
    let columnCount: Int
    let reduce: WindowReduce?
    let rewrites: [Rewrite]

    init(_ definition: StreamDefinition, _ inlining: StreamInlining, map: WholeMap) {
        switch inlining.reduce {
        case nil:
            self.map = map
            self.columnCount = definition.columnCount
            self.reduce = nil
            self.rewrites = []
        case .aggregates:
            self.map = map
            self.columnCount = definition.columnCount
            self.reduce = inlining.reduce
            self.rewrites = [
                Rewrite(.aggregates, isApplied: true, "aggregates are kept of a group, not its records")
            ]
        case .general(let closure):
            let placed = Self.placed(closure, definition, inlining, map: map)
            self.map = placed.map
            self.columnCount = placed.columnCount
            self.reduce = placed.reduce ?? .general(closure)
            var rewrites = placed.rewrites
            if definition.combiner != nil { rewrites.append(Self.combinerRewrite(placed.reduce != nil)) }
            self.rewrites = rewrites
        }
    }

    private struct Placed {
        let map: WholeMap
        let columnCount: Int
        /// Nil: the values themselves are needed.
        let reduce: WindowReduce?
        let rewrites: [Rewrite]
    }

    private static func placed(
        _ reduce: Closure,
        _ definition: StreamDefinition,
        _ inlining: StreamInlining,
        map: WholeMap
    ) -> Placed {
        if let counting = Self.counting(reduce) {
            let rewrite = Rewrite(.aggregates, isApplied: true, "reduce never reads its values: they are only counted")
            return Placed(map: map, columnCount: definition.columnCount, reduce: counting, rewrites: [rewrite])
        }
        switch AggregateRecognition.recognised(reduce) {
        case .failure(let obstacle):
            let rewrite = Rewrite(.aggregates, isApplied: false, obstacle.reason, at: obstacle.range)
            return Placed(map: map, columnCount: definition.columnCount, reduce: nil, rewrites: [rewrite])
        case .success(let found):
            var placement = ColumnPlacement(
                found.aggregates,
                map: map,
                format: definition.settings.format,
                context: inlining.mapContext
            )
            guard let columns = placement.placed() else {
                let reason = placement.obstacle?.reason ?? "the values aren't known where they are emitted"
                let rewrite = Rewrite(.aggregates, isApplied: false, reason, at: placement.obstacle?.range)
                return Placed(map: map, columnCount: definition.columnCount, reduce: nil, rewrites: [rewrite])
            }
            let names = found.aggregates.map(\.kind.rawValue).joined(separator: ", ")
            let rewrite = Rewrite(.aggregates, isApplied: true, "the values are only read through \(names)")
            return Placed(
                map: columns.map,
                columnCount: columns.columnCount,
                reduce: .aggregates(columns.aggregates, result: found.closure),
                rewrites: [rewrite, columns.rewrite]
            )
        }
    }

    /// A reduce that doesn't care what its values are, only that there are some.
    private static func counting(_ reduce: Closure) -> WindowReduce? {
        let lambda = reduce.lambda
        guard lambda.body.useCount(of: lambda.parameters[1]) == 0 else { return nil }
        let count = WindowAggregate(.count, column: nil, skipsNil: false, range: lambda.range)
        return .aggregates([count], result: reduce)
    }

    private static func combinerRewrite(_ hasAggregates: Bool) -> Rewrite {
        let reason =
            hasAggregates
            ? "the combiner isn't needed: the aggregates of reduce are kept as records come"
            : "the combiner isn't used: a window keeps its values as they are"
        return Rewrite(.combiner, isApplied: false, reason)
    }
}
