import CoreTypes
import FluentSyntax
import JobPlan

@testable import Engine

extension TableWorld {
    /// What an aggregate over some records may be shown as: one text, but for estimates.
    func expected(_ aggregate: WindowAggregate, _ records: [TestRecord]) -> [String] {
        let column = aggregate.column ?? 0
        let isCounted = aggregate.function == .count && aggregate.column == nil
        let kept = records.filter { isCounted || !aggregate.skipsNil || $0.values[column].tag != .nil }
        let values = kept.map { $0.values[column] }
        switch aggregate.function {
        case .count: return ["\(kept.count)"]
        case .countDistinct: return ["\(Self.distinctCount(values))"]
        case .countDistinctApproximate: return (-2...2).map { "\(Self.distinctCount(values) + $0)" }
        case .sum: return [Self.shown(Self.state(values).sum())]
        case .mean: return [Self.shown(Self.state(values).mean())]
        case .min: return [Self.shown(Self.state(values).minimumValue())]
        case .max: return [Self.shown(Self.state(values).maximumValue())]
        case .first:
            let least = kept.map(\.time).min()
            return [Self.shown(kept.first { $0.time == least }?.values[column] ?? .nil)]
        case .last:
            let greatest = kept.map(\.time).max()
            return [Self.shown(kept.last { $0.time == greatest }?.values[column] ?? .nil)]
        case .collect: return [Self.shown(values)]
        case .top(let limit): return [Self.shown(Array(Self.sorted(values).reversed().prefix(limit)))]
        case .quantile(let share): return [Self.quantile(share, of: values)]
        }
    }

    private static func state(_ values: [Value]) -> AggregateState {
        var state = AggregateState()
        for value in values { state.add(value) }
        return state
    }

    private static func distinctCount(_ values: [Value]) -> Int {
        Set(
            values.map { value in
                var buffer = ByteBuffer()
                // These values can be encoded.
                try? ValueCodec.encodeKey(value, into: &buffer)
                return buffer.bytes.array
            }
        ).count
    }

    /// Smallest first; of equal ones the one that came later is the smaller, so that reversed they are in their order.
    private static func sorted(_ values: [Value]) -> [Value] {
        values.enumerated().sorted { left, right in
            var walk = ValueWalk()
            // These values can be compared.
            let order = (try? Value.compare(left.element, right.element, walk: &walk)) ?? 0
            return order != 0 ? order < 0 : left.offset > right.offset
        }
        .map(\.element)
    }

    /// The nearest rank: the smallest value that so many of a hundred don't exceed.
    private static func quantile(_ share: Double, of values: [Value]) -> String {
        if let wrong = values.first(where: { !$0.isNumber }) { return "not a \(wrong.tag.typeName)" }
        guard !values.isEmpty else { return Self.shown(.nil) }
        let ascending = values.enumerated().sorted { left, right in
            var walk = ValueWalk()
            // Numbers can be compared.
            let order = (try? Value.compare(left.element, right.element, walk: &walk)) ?? 0
            return order != 0 ? order < 0 : left.offset < right.offset
        }
        let needed = share * Double(values.count)
        let rank = (1...values.count).first { Double($0) >= needed } ?? values.count
        return Self.shown(ascending[rank - 1].element)
    }

    // MARK: Text

    static func shown(_ value: Value) -> String {
        var buffer = ByteBuffer()
        // Not how programs see it: types are told apart, and text is escaped by its bytes.
        try? ValueCodec.encode(value, into: &buffer)
        if value.tag == .float, value.float.isNaN { return "NaN" }
        if value.tag == .integer { return "\(value.integer)" }
        if value.tag == .float { return "\(value.float) as a float" }
        return buffer.bytes.array.map { String($0, radix: 16) }.joined(separator: " ")
    }

    private static func shown(_ values: [Value]) -> String {
        var arena = Arena(limitBytes: 1 << 22)
        guard let elements = arena.makeElements(values.count) else { return "too many" }
        for index in values.indices { elements[index] = values[index] }
        return self.shown(Value(.list, of: elements))
    }

    private static func shown(_ result: AggregateResult) -> String {
        switch result {
        case .value(let value): self.shown(value)
        case .overflow: "overflow"
        case .wrongType(_, let found): "not a \(found.typeName)"
        }
    }

    static func shown(_ code: EvaluationError.Code) -> String {
        switch code {
        case .integerOverflow: "overflow"
        case .typeMismatch(_, _, let found): "not a \(found)"
        default: "\(code)"
        }
    }
}
