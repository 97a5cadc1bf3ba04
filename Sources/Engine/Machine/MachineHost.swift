package import FluentSyntax

/// What a machine asks of whoever runs it: the only way from a lambda to the world.
///
/// A machine is generic over its host, so that `emit` in a job's lambda compiles to a direct call. Values passed in live
/// until the call returns; the host copies what it keeps.
package protocol MachineHost: ~Copyable {
    /// Where the machine may add pairs of short text and scalars by itself; nil where ``emit(key:value:)`` takes all.
    ///
    /// Asked once, and valid as long as the host lives.
    var pairCursor: PairCursorReference? { get }

    /// Takes one emitted pair.
    mutating func emit(key: Value, value: Value) throws(EvaluationError)

    /// The next value of a stream that the host handed out as a `.stream` value, or nil at its end. Text and elements
    /// are built in `arena`.
    mutating func next(of stream: Int, in arena: inout Arena) throws(EvaluationError) -> Value?

    /// Goes back to a stream's first value: a lambda may traverse `values` more than once.
    mutating func rewind(_ stream: Int) throws(EvaluationError)

    /// Takes distinct keys of a stream that shall not be held in memory any longer; `isFirst` begins a new count.
    ///
    /// - Returns: False where the host has no place for them.
    mutating func spill(distinct keys: borrowing EncodedKeySet, isFirst: Bool) throws(EvaluationError) -> Bool

    /// How many different keys ``spill(distinct:isFirst:)`` took since the count began.
    mutating func countSpilledKeys() throws(EvaluationError) -> Int64

    /// Performs a builtin that touches the world: `println`, logs, `alert`, `now`, `uuid`, `param` and those of jobs.
    mutating func perform(
        _ builtin: Builtin,
        _ arguments: UnsafeBufferPointer<Value>,
        at range: SourceRange,
        in arena: inout Arena
    ) throws(EvaluationError) -> Value

    /// Makes a `.handle` for a source or sink that an expression describes.
    mutating func makeConnector(
        _ call: ConnectorEvaluation,
        at range: SourceRange,
        in arena: inout Arena
    ) throws(EvaluationError) -> Value

    /// What travels to workers when a lambda captured this handle; nil where it can't.
    func constant(ofHandle handle: Int) -> Constant?
}

/// A source or sink constructor whose arguments have been evaluated.
package struct ConnectorEvaluation {
    package let name: String
    package let optionNames: [String]
    /// The arguments, then one value for each option.
    package let values: Elements

    package var arguments: [Value] {
        (0..<(self.values.count - self.optionNames.count)).map { self.values[$0] }
    }

    package var options: [(name: String, value: Value)] {
        let first = self.values.count - self.optionNames.count
        return self.optionNames.enumerated().map { ($0.element, self.values[first + $0.offset]) }
    }
}

/// The address of a host's ``PairCursor``.
@unsafe
package struct PairCursorReference {
    let cursor: UnsafeMutablePointer<PairCursor>

    init(_ cursor: UnsafeMutablePointer<PairCursor>) {
        unsafe self.cursor = cursor
    }
}

extension MachineHost where Self: ~Copyable {
    package var pairCursor: PairCursorReference? { nil }

    package mutating func spill(
        distinct keys: borrowing EncodedKeySet,
        isFirst: Bool
    ) throws(EvaluationError) -> Bool { false }

    package mutating func countSpilledKeys() throws(EvaluationError) -> Int64 { 0 }

    /// Refuses: what touches the world is for the program, not for its jobs' functions.
    package mutating func perform(
        _ builtin: Builtin,
        _ arguments: UnsafeBufferPointer<Value>,
        at range: SourceRange,
        in arena: inout Arena
    ) throws(EvaluationError) -> Value {
        guard builtin == .param, let name = unsafe arguments.first, name.isText else {
            throw EvaluationError(.host(message: "\(builtin.name) can't be used inside a job's function"), at: range)
        }
        // The planner puts in those whose names and defaults are constants.
        guard arguments.count == 1 else {
            let message = "the default of param must be a constant inside a job's function; define it at the top level"
            throw EvaluationError(.host(message: message), at: range)
        }
        throw EvaluationError(.unsetParameter(name: name.text.string), at: range)
    }

    package mutating func makeConnector(
        _ call: ConnectorEvaluation,
        at range: SourceRange,
        in arena: inout Arena
    ) throws(EvaluationError) -> Value {
        throw EvaluationError(.host(message: "\(call.name) can't be used inside a job's function"), at: range)
    }

    package func constant(ofHandle handle: Int) -> Constant? { nil }
}
