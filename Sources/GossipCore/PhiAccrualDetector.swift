import Glibc

/// How unusual a silence is, given how long silences were: phi is the negative logarithm, to base ten, of the chance that a
/// sign of life still comes.
///
/// Source: Hayashibara et al., "The φ Accrual Failure Detector", SRDS 2004; the logistic approximation of the normal
/// distribution is that of Akka.
package struct PhiAccrualDetector: Hashable, Sendable {
    /// Intervals that are remembered.
    private static let sampleLimit = 1_000

    /// Milliseconds: no network is so regular that less would be unusual.
    private static let deviationMinimum = 100.0

    /// Milliseconds that are forgiven: a collection of garbage elsewhere, a busy processor.
    private let toleratedPause: Double
    private var samples: [Int64] = []
    private var oldest = 0
    private var sum: Int64 = 0
    private var squares: Int64 = 0
    private var last: Int64?

    /// Begins as if signs of life had come about every `expectedInterval` milliseconds.
    package init(expectedInterval: Int64, toleratedPause: Int64 = 3_000) {
        self.toleratedPause = Double(toleratedPause)
        let deviation = expectedInterval / 4
        self.add(expectedInterval - deviation)
        self.add(expectedInterval + deviation)
    }

    /// A sign of life came.
    package mutating func heard(at now: Int64) {
        if let last = self.last, now > last { self.add(now - last) }
        self.last = max(now, self.last ?? now)
    }

    private mutating func add(_ interval: Int64) {
        if self.samples.count < Self.sampleLimit {
            self.samples.append(interval)
        } else {
            let replaced = self.samples[self.oldest]
            self.sum -= replaced
            self.squares -= replaced * replaced
            self.samples[self.oldest] = interval
            self.oldest = (self.oldest + 1) % Self.sampleLimit
        }
        self.sum += interval
        self.squares += interval * interval
    }

    /// 0 before the first sign of life.
    package func phi(at now: Int64) -> Double {
        guard let last = self.last else { return 0 }
        let count = Double(self.samples.count)
        let mean = Double(self.sum) / count
        let variance = max(0, Double(self.squares) / count - mean * mean)
        let deviation = max(variance.squareRoot(), Self.deviationMinimum)
        return Self.phi(silence: Double(now - last), mean: mean + self.toleratedPause, deviation: deviation)
    }

    static func phi(silence: Double, mean: Double, deviation: Double) -> Double {
        let y = (silence - mean) / deviation
        let e = exp(-y * (1.5976 + 0.070566 * y * y))
        return silence > mean ? -log10(e / (1 + e)) : -log10(1 - 1 / (1 + e))
    }
}
