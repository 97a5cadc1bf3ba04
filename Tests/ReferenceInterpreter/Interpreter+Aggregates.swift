import FluentSyntax

extension Interpreter {
    func performAggregate(_ call: BuiltinCall) throws(EvaluationError) -> ReferenceValue {
        switch call.builtin {
        case .sum: return try Self.sum(call, try call.elements(0))
        case .mean: return try Self.mean(call, try call.elements(0))
        case .min: return try Self.extreme(call, .less)
        case .max: return try Self.extreme(call, .greater)
        case .quantile: return try Self.quantile(call)
        default: return .integer(Int64(try Self.distinct(call, try call.elements(0)).count))
        }
    }

    private static func sum(_ call: BuiltinCall, _ values: [ReferenceValue]) throws(EvaluationError) -> ReferenceValue {
        let total = Total(try call.numbers(values))
        if total.hasFloat { return .float(total.double) }
        guard let integer = Int64(exactly: total.integers) else { throw call.overflow() }
        return .integer(integer)
    }

    private static func mean(_ call: BuiltinCall, _ values: [ReferenceValue]) throws(EvaluationError) -> ReferenceValue
    {
        let total = Total(try call.numbers(values))
        return values.isEmpty ? .nil : .float(total.double / Double(values.count))
    }

    private static func extreme(_ call: BuiltinCall, _ wanted: Ordering) throws(EvaluationError) -> ReferenceValue {
        let values = call.count == 1 ? call[0].elements ?? [call[0]] : call.arguments
        guard var best = try call.comparables(values).first else { return .nil }
        for value in values.dropFirst() where !best.isNaN {
            let order = Self.compare(value, best)
            if value.isNaN || order == wanted { best = value }
            if order == .equal, Self.isPreferred(value, to: best, wanted) { best = value }
        }
        return best
    }

    /// Of equal numbers an integer is answered before a float, and of zeros the one whose sign is wanted.
    private static func isPreferred(_ value: ReferenceValue, to best: ReferenceValue, _ wanted: Ordering) -> Bool {
        switch (value, best) {
        case (.integer, .float): true
        case (.float(let value), .float(let best)):
            value.sign != best.sign && (value.sign == .minus) == (wanted == .less)
        default: false
        }
    }

    /// The element of nearest rank: as many as `q` of the whole aren't greater.
    private static func quantile(_ call: BuiltinCall) throws(EvaluationError) -> ReferenceValue {
        // The first argument decides which of the two comes first.
        let isShareFirst = [TypeName.integer, TypeName.float].contains(call[0].typeName)
        let values = isShareFirst ? [] : try call.elements(0)
        let share = try call.number(call[isShareFirst ? 0 : 1]).double
        return try Self.quantile(call, share, of: isShareFirst ? try call.elements(1) : values)
    }

    private static func quantile(
        _ call: BuiltinCall,
        _ share: Double,
        of values: [ReferenceValue]
    ) throws(EvaluationError) -> ReferenceValue {
        _ = try call.numbers(values)
        guard (0...1).contains(share) else { throw call.invalid("the share is a number from 0 to 1") }
        guard !values.isEmpty else { return .nil }
        let sorted = ReferenceValue.sorted(values) { $0 }
        let rank = max(1, Int((share * Double(sorted.count)).rounded(.up)))
        return sorted[rank - 1]
    }

    static func distinct(_ call: BuiltinCall, _ values: [ReferenceValue]) throws(EvaluationError) -> [ReferenceValue] {
        var distinct: [ReferenceValue] = []
        for value in values {
            let key = try call.key(value)
            if !distinct.contains(where: { $0.isSame(as: key, .key) }) { distinct.append(value) }
        }
        return distinct
    }
}

/// A sum that doesn't depend on the order of its terms as far as printed digits show.
struct Total {
    private(set) var integers: Int128 = 0
    private(set) var hasFloat = false
    /// The floats' sum is `high + low`, of which `low` is below `high`'s precision.
    private var high = 0.0
    private var low = 0.0
    private var plain = 0.0

    init(_ numbers: [Number]) {
        for number in numbers {
            switch number {
            case .integer(let integer): self.integers += Int128(integer)
            case .float(let float):
                self.hasFloat = true
                self.add(float)
            }
        }
    }

    /// Everything together.
    var double: Double {
        var total = self
        let rounded = Double(self.integers)
        total.add(rounded)
        // What rounding the integers to a float lost: up to 2^75, which a float holds well enough.
        if rounded.isFinite, let exact = Int128(exactly: rounded) { total.add(Double(self.integers - exact)) }
        let sum = total.high + total.low
        return sum.isFinite ? sum : total.plain
    }

    /// Source: Knuth, The Art of Computer Programming, volume 2, 4.2.2, theorem B.
    private mutating func add(_ float: Double) {
        self.plain += float
        let sum = self.high + float
        let rest = sum - self.high
        let error = (self.high - (sum - rest)) + (float - rest)
        let lower = self.low + error
        self.high = sum + lower
        self.low = lower - (self.high - sum)
    }
}
