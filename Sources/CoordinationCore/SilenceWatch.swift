package import CoreTypes

/// Tells when nothing has come for a while, from a count that grows; times in milliseconds of a clock that never goes back.
package struct SilenceWatch: Sendable {
    package enum Verdict: Hashable, Sendable {
        case ongoing
        /// Nothing came for long enough, and nothing is there to be read.
        case silent
        /// Nobody knows whether anything is there: the source gives no answer.
        case unanswered
    }

    /// How long a source may give no answer.
    package static let answerLimit: Int64 = 60_000

    private let limit: Int64
    private var since: Int64?
    private var count: Int64 = -1
    private var advance = SplitAdvance.unanswered

    /// `limit`: The silence that is long enough, more than 0.
    package init(limit: Int64) {
        precondition(limit > 0, "silence takes time")
        self.limit = limit
    }

    /// Takes the count as it is now, and how far the source has come that is counted; one that is hindered while there is
    /// something to read gives no answer either.
    package mutating func verdict(
        count: Int64,
        advance: SplitAdvance,
        isHindered: Bool = false,
        now: Int64
    ) -> Verdict {
        let advance = advance == .reading && isHindered ? .unanswered : advance
        guard count == self.count, advance == self.advance, let since = self.since else {
            self.count = count
            self.advance = advance
            self.since = now
            return .ongoing
        }
        switch advance {
        case .unanswered: return now - since >= Self.answerLimit ? .unanswered : .ongoing
        // What is there is still to be read, however slowly.
        case .reading: return .ongoing
        case .caughtUp: return now - since >= self.limit ? .silent : .ongoing
        }
    }
}
