import CoreTypes
import Testing

@Suite struct SplitMix64Tests {
    /// Reference values of the published C code for seed 1234567.
    @Test func `the sequence is the published one`() {
        var random = SplitMix64(seed: 1_234_567)

        let drawn = (0..<3).map { _ in random.next() }

        #expect(drawn == [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423])
    }

    @Test func `numbers stay in their range and reach both ends`() {
        var random = SplitMix64(seed: 7)

        let drawn = Set((0..<1_000).map { _ in random.next(in: -2..<3) })

        #expect(drawn == [-2, -1, 0, 1, 2])
    }
}
