/// A small seeded generator of uniform 64-bit numbers: the only randomness below the platform layer.
///
/// The sequence depends on the seed alone, on every machine and toolchain.
///
/// Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
public struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) {
        self.state = seed
    }

    public mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number of `range`, which must not be empty.
    ///
    /// The mapping is ours and not the standard library's, so that a seed replays on any toolchain.
    /// Bias is below 2⁻³² for ranges shorter than 2³².
    public mutating func next(in range: Range<Int>) -> Int {
        precondition(!range.isEmpty, "no number lies in an empty range")
        let width = UInt64(range.upperBound - range.lowerBound)
        return range.lowerBound + Int(self.next().multipliedFullWidth(by: width).high)
    }

    /// True with a probability of `percent` in a hundred.
    public mutating func chance(percent: Int) -> Bool {
        self.next(in: 0..<100) < percent
    }
}
