/// Time that only grows, for measuring and deadlines.
package protocol MonotonicClock: Sendable {
    /// The time since an arbitrary moment.
    var now: Duration { get }
}

/// The time of day, which may jump.
package protocol WallClock: Sendable {
    /// Milliseconds since 1970, UTC.
    var millisecondsSince1970: Int64 { get }
}

/// Numbers that nobody can guess, for names and seeds.
package protocol Entropy: Sendable {
    func next() -> UInt64
}
