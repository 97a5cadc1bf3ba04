/// How long an operation may wait for a cluster.
struct TimeLimit: Sendable {
    let duration: Duration
    private let deadline: ContinuousClock.Instant

    init(_ duration: Duration) {
        self.duration = duration
        self.deadline = .now + duration
    }

    var isOver: Bool { self.milliseconds() == 0 }

    /// What is left, at most `limit`, as librdkafka takes it.
    func milliseconds(atMost limit: Int32 = .max) -> Int32 {
        let left = max(.zero, self.deadline - .now)
        let (seconds, attoseconds) = left.components
        return min(limit, Int32(clamping: seconds * 1_000 + attoseconds / 1_000_000_000_000_000))
    }
}
