/// How fast something grows: the mean of the last few seconds, so that neither its start nor a hiccup shows for long.
struct RateEstimate: Hashable, Sendable {
    /// How far back the mean reaches.
    private static let span = Duration.seconds(3)

    /// Samples kept at most: those of ``span`` at ten a second, and some more.
    private static let sampleLimit = 64

    private struct Sample: Hashable {
        let amount: Int64
        let at: Duration
    }

    private var samples: [Sample] = []

    /// Notes how much there is at a time, which never goes back.
    mutating func add(_ amount: Int64, at time: Duration) {
        self.samples.append(Sample(amount: amount, at: time))
        // One sample older than the span stays: the mean begins there.
        while self.samples.count > 2, time - self.samples[1].at >= Self.span || self.samples.count > Self.sampleLimit {
            self.samples.removeFirst()
        }
    }

    /// Zero until two samples are there.
    var perSecond: Double {
        guard let first = self.samples.first, let last = self.samples.last, last.at > first.at else { return 0 }
        return Double(max(0, last.amount - first.amount)) / ((last.at - first.at) / .seconds(1))
    }
}
