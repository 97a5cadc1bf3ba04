/// What one record may cost before it is stopped.
package struct MachineLimits: Hashable, Sendable {
    /// Loop rounds, calls, and elements that builtins touch.
    package var steps: Int
    /// Bytes of values that are alive at once, and some garbage.
    package var memoryBytes: Int
    package var callDepth: Int

    package init(steps: Int = 100_000_000, memoryBytes: Int = 256 << 20, callDepth: Int = 10_000) {
        self.steps = steps
        self.memoryBytes = memoryBytes
        self.callDepth = callDepth
    }
}
