/// What a walk through nested values may cost: shared values can make a small heap an enormous tree.
package struct ValueWalk: Sendable {
    /// Values nested deeper than this aren't compared, printed or encoded.
    package static let depthLimit = 512

    /// Values that may still be visited; zero or below stops the walk.
    package var stepsLeft: Int

    package init(stepsLeft: Int = .max) {
        self.stepsLeft = stepsLeft
    }

    @inline(__always)
    mutating func visit(_ count: Int, depth: Int) throws(ValueWalkError) {
        self.stepsLeft &-= count
        if self.stepsLeft <= 0 { throw .outOfSteps }
        if depth > Self.depthLimit { throw .tooDeep }
    }
}

/// Why a walk through a value stopped.
package enum ValueWalkError: Error, Hashable, Sendable {
    case tooDeep
    case outOfSteps
    /// The result would be longer than its limit.
    case tooLarge
    /// A function, regex, stream or handle where only what can be stored is allowed.
    case notStorable(Value.Tag)
}
