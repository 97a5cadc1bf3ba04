/// How a stream has been doing in the last few seconds, from samples of its counters: a pure value, times in milliseconds of a
/// clock that never goes back.
struct StreamMonitor {
    struct Sample {
        var now: Int64
        var inputRecords: Int64
        var outputRecords: Int64
        var watermark: Int64?

        /// Which share of the subtasks of each stage waits at the moment, 0…1.
        var blockedSources: Double
        var blockedWriters: Double
    }

    /// How far back means reach, and samples kept at most.
    private static let span: Int64 = 5_000
    private static let sampleLimit = 128

    private var samples: [Sample] = []
    private var inputAt: Int64?
    private var movedAt: Int64?

    mutating func add(_ sample: Sample) {
        if self.samples.last?.inputRecords != sample.inputRecords || self.inputAt == nil { self.inputAt = sample.now }
        if self.samples.last?.watermark != sample.watermark || self.movedAt == nil { self.movedAt = sample.now }
        self.samples.append(sample)
        while self.samples.count > 2, self.isOld(self.samples[1]) { self.samples.removeFirst() }
    }

    /// Whether one before this sample isn't needed.
    private func isOld(_ sample: Sample) -> Bool {
        guard let last = self.samples.last else { return false }
        return last.now - sample.now >= Self.span || self.samples.count > Self.sampleLimit
    }

    var inputPerSecond: Int64 { self.perSecond(\.inputRecords) }
    var outputPerSecond: Int64 { self.perSecond(\.outputRecords) }

    /// Milliseconds since records came, and since event time moved, at the last sample.
    var silence: Int64 { self.since(self.inputAt) }
    var watermarkStill: Int64 { self.since(self.movedAt) }

    /// Percent.
    var sourcePressure: Int { self.percent(\.blockedSources) }
    var windowPressure: Int { self.percent(\.blockedWriters) }

    private func perSecond(_ count: KeyPath<Sample, Int64>) -> Int64 {
        guard let first = self.samples.first, let last = self.samples.last, last.now > first.now else { return 0 }
        return max(0, last[keyPath: count] - first[keyPath: count]) * 1_000 / (last.now - first.now)
    }

    private func since(_ moment: Int64?) -> Int64 {
        guard let last = self.samples.last, let moment else { return 0 }
        return last.now - moment
    }

    private func percent(_ share: KeyPath<Sample, Double>) -> Int {
        guard !self.samples.isEmpty else { return 0 }
        let sum = self.samples.reduce(0) { $0 + $1[keyPath: share] }
        return Int((100 * sum / Double(self.samples.count)).rounded())
    }
}
