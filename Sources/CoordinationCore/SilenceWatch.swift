/// Tells when nothing has come for a while, from a count that grows; times in milliseconds of a clock that never goes back.
package struct SilenceWatch: Sendable {
    private let limit: Int64
    private var since: Int64?
    private var count: Int64 = -1

    /// `limit`: The silence that is long enough, more than 0.
    package init(limit: Int64) {
        precondition(limit > 0, "silence takes time")
        self.limit = limit
    }

    /// Takes the count as it is now, and answers whether it has stood still for long enough.
    package mutating func isSilent(count: Int64, now: Int64) -> Bool {
        guard count == self.count, let since = self.since else {
            self.count = count
            self.since = now
            return false
        }
        return now - since >= self.limit
    }
}
