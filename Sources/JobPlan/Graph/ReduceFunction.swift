package import FluentSyntax

/// An aggregate whose partial states can be merged in any order.
package enum AggregateKind: String, CaseIterable, Hashable, Sendable {
    case sum
    case count
    case min
    case max
    case mean
    case countDistinct = "count-distinct"

    init?(_ builtin: Builtin) {
        switch builtin {
        case .sum: self = .sum
        case .count: self = .count
        case .min: self = .min
        case .max: self = .max
        case .mean: self = .mean
        case .countDistinct: self = .countDistinct
        default: return nil
        }
    }

    /// Whether it takes any value: the others fail on values of the wrong type.
    var neverFails: Bool {
        switch self {
        case .count, .countDistinct: true
        case .sum, .min, .max, .mean: false
        }
    }
}

/// One aggregate over the values of a key.
package struct AggregateCall: Sendable {
    package let kind: AggregateKind

    /// Applied to each value first; nil: the value itself.
    ///
    /// A lambda of one parameter, without effects. Where it fails, or the aggregate does, the failure is the state from
    /// then on: the reduce of that key fails with it, as it would have over the values.
    package let input: Closure?

    /// The call: where its errors happened.
    package let range: SourceRange

    /// Whether the engine keeps a partial state for it; otherwise it is computed from the values themselves.
    package var hasPartialState: Bool { self.input == nil && self.kind != .countDistinct }

    package init(kind: AggregateKind, input: Closure?, range: SourceRange) {
        self.kind = kind
        self.input = input
        self.range = range
    }
}

/// The reduce of a job, ready to be compiled.
package enum ReduceFunction: Sendable {
    /// Two parameters: the key and the sequence of its values.
    case general(Closure)
    case aggregates(AggregateReduce)
}

/// A reduce that reads its values only through aggregates.
package struct AggregateReduce: Sendable {
    /// At least one, distinct, in order of first use.
    package let aggregates: [AggregateCall]

    /// The key, then one parameter for each aggregate's result.
    package let closure: Closure

    /// The same reduce over the key and the sequence of its values, for an engine that has those.
    package let whole: Closure

    package init(aggregates: [AggregateCall], closure: Closure, whole: Closure) {
        precondition(closure.lambda.parameters.count == aggregates.count + 1, "one parameter for each aggregate")
        self.aggregates = aggregates
        self.closure = closure
        self.whole = whole
    }
}

/// What runs before the shuffle, key by key.
package enum CombineFunction: Sendable {
    /// Keeps partial states and ships them.
    case partialStates([AggregateCall])
    /// Makes one value of several: `sum`, `min`, `max`, `first`, `last`.
    case builtin(Builtin)
    /// Makes one value of the list of several.
    case closure(Closure)
}

/// What travels beside a key through a shuffle.
package enum ShufflePayload: Sendable {
    /// The values that the map emitted, or those that a combiner made of them.
    case values
    /// One state for each aggregate of the reduce, in its order.
    case partialStates([AggregateCall])
}
