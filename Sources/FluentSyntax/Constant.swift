/// A value outside any machine: literals of a program, captured values that travel with a lambda, results.
package indirect enum Constant: Hashable, Sendable {
    case `nil`
    case boolean(Bool)
    case integer(Int64)
    case float(Double)
    case string([UInt8])
    case symbol(String)
    case keyword(String)
    case regex(String)
    case list([Constant])
    /// Insertion order; keys are distinct.
    case map([ConstantEntry])
    /// Insertion order; distinct.
    case set([Constant])
    /// A builtin as a value: `sum` in `:combiner sum`.
    case builtin(Builtin)
    case function(Closure)
    /// A source or sink: `(distributed-files "…" :format 'csv)`.
    case connector(ConnectorCall)
}

package struct ConstantEntry: Hashable, Sendable {
    package let key: Constant
    package let value: Constant

    package init(_ key: Constant, _ value: Constant) {
        self.key = key
        self.value = value
    }
}

/// A lambda with everything it needs to run elsewhere.
package struct Closure: Hashable, Sendable {
    package let lambda: Lambda
    /// One for each of `lambda.captured`, in that order.
    package let captured: [Constant]
    /// Every global that the lambda, or what it calls, refers to.
    package let globals: [String: Constant]

    package init(lambda: Lambda, captured: [Constant], globals: [String: Constant]) {
        self.lambda = lambda
        self.captured = captured
        self.globals = globals
    }

    /// Closures are equal when they stem from the same place and captured the same.
    package static func == (left: Closure, right: Closure) -> Bool {
        left.lambda.range == right.lambda.range && left.captured == right.captured
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(self.lambda.range)
        hasher.combine(self.captured)
    }
}

/// A call of a source or sink constructor, its arguments evaluated.
package struct ConnectorCall: Hashable, Sendable {
    /// As written: `distributed-files`, `stdout`.
    package let name: String
    package let arguments: [Constant]
    package let options: [ConnectorOption]
    package let range: SourceRange

    package init(name: String, arguments: [Constant], options: [ConnectorOption], range: SourceRange) {
        self.name = name
        self.arguments = arguments
        self.options = options
        self.range = range
    }
}

package struct ConnectorOption: Hashable, Sendable {
    package let name: String
    package let value: Constant

    package init(name: String, value: Constant) {
        self.name = name
        self.value = value
    }
}
