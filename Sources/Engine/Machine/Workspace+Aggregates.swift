internal import FluentSyntax

/// An aggregate of values that come one by one.
struct Aggregate: ~Copyable {
    let builtin: Builtin
    var count: Int64 = 0
    var sum = NumberSum()
    /// The smallest or largest value so far: the caller keeps it alive.
    var kept = Value.nil
    var distinct = EncodedKeySet()
    /// Whether the host has taken keys before those in `distinct`; nil where it takes none.
    var hasSpilled: Bool? = false

    init(_ builtin: Builtin) {
        self.builtin = builtin
    }
}

/// A sum that doesn't depend on the order of its numbers, as far as digits show: integers in 128 bits, floats in
/// double-double.
package struct NumberSum: Hashable, Sendable {
    package private(set) var integers: Int128 = 0
    package private(set) var high = 0.0
    package private(set) var low = 0.0
    /// The floats added naively: what the sum is when it isn't finite.
    package private(set) var plain = 0.0
    package private(set) var hasFloats = false

    package init() {}

    package init(integers: Int128, high: Double, low: Double, plain: Double, hasFloats: Bool) {
        self.integers = integers
        self.high = high
        self.low = low
        self.plain = plain
        self.hasFloats = hasFloats
    }

    @inline(__always)
    package mutating func add(_ integer: Int64) {
        self.integers &+= Int128(integer)
    }

    package mutating func add(_ float: Double) {
        self.hasFloats = true
        self.plain += float
        self.addToPair(float)
    }

    package mutating func add(_ other: NumberSum) {
        self.integers &+= other.integers
        guard other.hasFloats else { return }
        self.hasFloats = true
        self.plain += other.plain
        self.addToPair(other.high)
        self.addToPair(other.low)
    }

    /// Knuth's two-sum, then the pair is made canonical again.
    private mutating func addToPair(_ float: Double) {
        let sum = self.high + float
        let part = sum - self.high
        let error = (self.high - (sum - part)) + (float - part) + self.low
        self.high = sum + error
        self.low = error - (self.high - sum)
    }

    /// Nil where the sum of integers doesn't fit 64 bits.
    package var value: Value? {
        if self.hasFloats { return Value(self.float) }
        return Int64(exactly: self.integers).map { Value($0) }
    }

    package var float: Double {
        var total = self
        // Never parts that are larger than the whole: they would cancel, and take the floats' last digits with them.
        let whole = Double(self.integers)
        total.addToPair(whole)
        if let exact = Int128(exactly: whole), exact != self.integers {
            total.addToPair(Double(self.integers - exact))
        }
        let result = total.high + total.low
        return result.isFinite ? result : self.plain + Double(self.integers)
    }
}

/// Aggregates of sequences.
extension Workspace {
    mutating func performAggregate(_ builtin: Builtin, _ arguments: Elements) throws(Code) -> Value {
        if builtin == .quantile { return try self.quantile(arguments[0], arguments[1]) }
        let isExtreme = builtin == .min || builtin == .max
        var elements = arguments
        if !isExtreme || (arguments.count == 1 && Self.isSequence(arguments[0])) {
            elements = try self.elements(arguments[0], builtin)
        }
        var aggregate = Aggregate(builtin)
        if isExtreme {
            for index in 0..<elements.count { try self.checkComparable(elements[0], elements[index], builtin) }
        }
        for index in 0..<elements.count { try self.add(elements[index], to: &aggregate) }
        return try self.result(of: aggregate)
    }

    mutating func add(_ value: Value, to aggregate: inout Aggregate) throws(Code) {
        let builtin = aggregate.builtin
        aggregate.count &+= 1
        switch builtin {
        case .sum, .mean:
            if value.has(.integer) {
                aggregate.sum.add(value.integer)
            } else {
                aggregate.sum.add(try self.number(value, builtin))
            }
        case .min, .max:
            guard aggregate.count > 1 else {
                try self.checkComparable(value, value, builtin)
                aggregate.kept = value
                return
            }
            try self.checkComparable(aggregate.kept, value, builtin)
            let isBetter = Self.holds(builtin == .min ? .less : .greater, value, aggregate.kept)
            let wins = isBetter || Value.winsTie(value, against: aggregate.kept, asMaximum: builtin == .max)
            if wins || (value.isNaN && !aggregate.kept.isNaN) { aggregate.kept = value }
        case .countDistinct:
            _ = try self.insert(value, into: &aggregate.distinct, builtin)
        default: break
        }
    }

    func result(of aggregate: borrowing Aggregate) throws(Code) -> Value {
        switch aggregate.builtin {
        case .sum:
            guard let value = aggregate.sum.value else {
                throw .integerOverflow(operation: Builtin.sum.name)
            }
            return value
        case .mean: return aggregate.count == 0 ? .nil : Value(aggregate.sum.float / Double(aggregate.count))
        case .min, .max: return aggregate.kept
        case .countDistinct: return Value(Int64(aggregate.distinct.count))
        default: return Value(aggregate.count)
        }
    }

    /// The nearest-rank quantile.
    private mutating func quantile(_ first: Value, _ second: Value) throws(Code) -> Value {
        // The first argument decides which order it is.
        let isShareFirst = first.isNumber
        let sequence = isShareFirst ? second : first
        let elements = try self.elements(sequence, .quantile)
        let share = try self.number(isShareFirst ? first : second, .quantile)
        for index in 0..<elements.count { _ = try self.number(elements[index], .quantile) }
        guard share >= 0, share <= 1 else {
            throw .invalidArgument(operation: Builtin.quantile.name, reason: "the share is a number from 0 to 1")
        }
        guard elements.count > 0 else { return .nil }
        let list = try self.makeElements(1)
        list[0] = Value(.list, of: elements)
        let sorted = try self.performOrdering(.sort, list).elements
        let rank = Int((share * Double(sorted.count)).rounded(.up))
        return sorted[min(max(rank, 1), sorted.count) - 1]
    }
}
