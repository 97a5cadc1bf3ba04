package import FluentSyntax

/// What a machine asks of whoever runs it: the only way from a lambda to the world.
///
/// A machine is generic over its host, so that `emit` in a job's lambda compiles to a direct call. Values passed in live
/// until the call returns; the host copies what it keeps.
package protocol MachineHost: ~Copyable {
    /// Takes one emitted pair.
    mutating func emit(key: Value, value: Value) throws(EvaluationError)

    /// The next value of a stream that the host handed out as a `.stream` value, or nil at its end. Text and elements
    /// are built in `arena`.
    mutating func next(of stream: Int, in arena: inout Arena) throws(EvaluationError) -> Value?

    /// Goes back to a stream's first value: a lambda may traverse `values` more than once.
    mutating func rewind(_ stream: Int) throws(EvaluationError)

    /// Performs a builtin that touches the world: `println`, logs, `alert`, `now`, `uuid`, `param` and those of jobs.
    mutating func perform(
        _ builtin: Builtin,
        _ arguments: UnsafeBufferPointer<Value>,
        at range: SourceRange,
        in arena: inout Arena
    ) throws(EvaluationError) -> Value
}
