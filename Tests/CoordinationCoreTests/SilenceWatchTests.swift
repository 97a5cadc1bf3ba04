import CoordinationCore
import CoreTypes
import Testing

@Suite struct SilenceWatchTests {
    private var watch = SilenceWatch(limit: 2_000)

    @Test mutating func `silence is counted from the last record`() {
        let verdicts = [(1, 0), (1, 1_999), (2, 2_000), (2, 3_999), (2, 4_000)].map { count, now in
            self.watch.verdict(count: count, advance: .caughtUp, now: now)
        }

        #expect(verdicts == [.ongoing, .ongoing, .ongoing, .ongoing, .silent])
    }

    @Test mutating func `a source that hasn't answered isn't silent, and is counted from its answer`() {
        let before = [0, 2_000, 50_000].map { self.watch.verdict(count: 0, advance: .unanswered, now: $0) }
        let after = [50_100, 52_099, 52_100].map { self.watch.verdict(count: 0, advance: .caughtUp, now: $0) }

        #expect(before == [.ongoing, .ongoing, .ongoing])
        #expect(after == [.ongoing, .ongoing, .silent])
    }

    @Test mutating func `a source that never answers isn't waited for without end`() {
        let times = [0, SilenceWatch.answerLimit - 1, SilenceWatch.answerLimit]

        let verdicts = times.map { self.watch.verdict(count: 0, advance: .unanswered, now: $0) }

        #expect(verdicts == [.ongoing, .ongoing, .unanswered])
    }

    @Test mutating func `as long as some splits have records nobody misses the answer of others`() {
        let verdicts = (0..<20).map { turn in
            self.watch.verdict(count: turn, advance: .unanswered, now: turn * SilenceWatch.answerLimit / 2)
        }

        #expect(verdicts.allSatisfy { $0 == .ongoing })
    }

    @Test mutating func `what is still to be read is no silence, however slowly it is read`() {
        let verdicts = [0, 2_000, 10 * SilenceWatch.answerLimit].map {
            self.watch.verdict(count: 7, advance: .reading, now: $0)
        }

        #expect(verdicts == [.ongoing, .ongoing, .ongoing])
    }

    @Test mutating func `a source that is lost while there is something to read isn't waited for without end`() {
        let verdicts = [0, SilenceWatch.answerLimit - 1, SilenceWatch.answerLimit].map {
            self.watch.verdict(count: 7, advance: .reading, isHindered: true, now: $0)
        }

        #expect(verdicts == [.ongoing, .ongoing, .unanswered])
    }

    @Test mutating func `a split that appears later begins anew`() {
        _ = self.watch.verdict(count: 7, advance: .caughtUp, now: 0)
        let verdicts = [(SplitAdvance.unanswered, 1_900), (.caughtUp, 2_000), (.caughtUp, 4_000)].map { advance, now in
            self.watch.verdict(count: 7, advance: advance, now: now)
        }

        #expect(verdicts == [.ongoing, .ongoing, .silent])
    }
}
