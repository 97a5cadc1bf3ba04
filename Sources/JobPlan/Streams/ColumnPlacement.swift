import FluentSyntax

/// Makes the map of a stream emit what the aggregates of its reduce are over, instead of a value of which they take parts.
///
/// What is moved into the map runs for records that a window may never see, late ones, so it moves only where it can't
/// fail.
struct ColumnPlacement {
    struct Columns {
        let map: WholeMap
        let columnCount: Int
        let aggregates: [WindowAggregate]
        let rewrite: Rewrite
    }

    private let calls: [AggregateCall]
    private let map: WholeMap
    private let format: RecordFormat
    private let context: Inliner.Context

    /// Why the columns can't be placed.
    private(set) var obstacle: RewriteObstacle?

    init(_ calls: [AggregateCall], map: WholeMap, format: RecordFormat, context: Inliner.Context) {
        self.calls = calls
        self.map = map
        self.format = format
        self.context = context
    }

    /// - Returns: Nil where there is an ``obstacle``.
    mutating func placed() -> Columns? {
        let inputs = self.distinctInputs
        let counted = self.calls.filter { $0.kind == .count }.compactMap(\.input)
        let readsOnlyValues = !inputs.isEmpty && inputs.allSatisfy { $0 == nil }
        guard !readsOnlyValues || !counted.isEmpty else { return self.unchanged(inputs) }
        var emissions = EmissionRewriting(
            columns: inputs,
            checked: counted,
            map: self.map,
            isMap: self.format.hasMaps,
            types: self.context.types
        )
        guard let map = emissions.rewritten(in: self.context) else {
            // Nothing is read of the values that are emitted: shipping them does no harm.
            if self.calls.allSatisfy({ $0.input == nil }) { return self.unchanged(inputs) }
            self.obstacle = emissions.obstacle
            return nil
        }
        let printer = ExpressionPrinter()
        let texts = inputs.map { $0.map { printer.text($0.lambda) } ?? "the value" }
        let reason =
            texts.isEmpty
            ? "no value is shipped: records are only counted"
            : "instead of a value these are shipped: \(texts.joined(separator: ", "))"
        return Columns(
            map: map,
            columnCount: inputs.count,
            aggregates: self.aggregates(over: inputs),
            rewrite: Rewrite(.columns, isApplied: true, reason)
        )
    }

    private func unchanged(_ inputs: [Closure?]) -> Columns {
        Columns(
            map: self.map,
            columnCount: 1,
            aggregates: self.aggregates(over: inputs),
            rewrite: Rewrite(.columns, isApplied: false, "the values are shipped as they are emitted")
        )
    }

    /// What the aggregates that read values are over, each once; nil: the value as it is.
    private var distinctInputs: [Closure?] {
        var inputs: [Closure?] = []
        for call in self.calls where call.kind != .count {
            if !inputs.contains(where: { Self.isSame($0, call.input) }) { inputs.append(call.input) }
        }
        return inputs
    }

    private static func isSame(_ left: Closure?, _ right: Closure?) -> Bool {
        left?.canonicalText == right?.canonicalText
    }

    private func aggregates(over inputs: [Closure?]) -> [WindowAggregate] {
        self.calls.map { call in
            let column = call.kind == .count ? nil : inputs.firstIndex { Self.isSame($0, call.input) }
            return WindowAggregate(
                WindowAggregate.Function(call.kind),
                column: column,
                input: call.input?.canonicalText,
                skipsNil: false,
                range: call.range
            )
        }
    }
}

extension WindowAggregate.Function {
    fileprivate init(_ kind: AggregateKind) {
        switch kind {
        case .sum: self = .sum
        case .count: self = .count
        case .min: self = .min
        case .max: self = .max
        case .mean: self = .mean
        case .countDistinct: self = .countDistinct
        }
    }
}

extension RecordFormat {
    /// Whether every record is a map.
    fileprivate var hasMaps: Bool {
        guard case .csv(let dialect) = self else { return false }
        return dialect.hasHeader
    }
}
