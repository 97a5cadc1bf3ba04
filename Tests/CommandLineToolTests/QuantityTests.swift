import Testing

@testable import CommandLineTool

@Suite struct QuantityTests {
    @Test(arguments: [
        (0, "0"), (999, "999"), (1_000, "1 k"), (1_250, "1.25 k"), (12_340, "12.3 k"), (120_000, "120 k"),
        (999_499, "999 k"), (999_999, "1 M"), (7_100_000, "7.1 M"), (5_000_000_000_000_000, "5000 T"),
    ])
    func `a count has three digits and a letter`(value: Int64, text: String) {
        #expect(Quantity.count(value) == text)
    }

    @Test(arguments: [(12, "12 B"), (1_500, "1.5 kB"), (412_000_000, "412 MB"), (1_073_741_824, "1.07 GB")])
    func `bytes of files are counted by thousands`(value: Int64, text: String) {
        #expect(Quantity.bytes(value) == text)
    }

    @Test(arguments: [(512, "512 B"), (32_925_286, "31.4 MiB"), (1 << 30, "1 GiB")])
    func `bytes of memory are counted as limits are written`(value: Int64, text: String) {
        #expect(Quantity.memory(value) == text)
    }

    @Test(arguments: [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567"), (-12_345, "-12,345")])
    func `an exact number is grouped`(value: Int64, text: String) {
        #expect(Quantity.exact(value) == text)
    }

    @Test(arguments: [
        (0, "0 ms"), (410, "0.41 ms"), (12_500, "12.5 ms"), (999_900, "1 s"), (2_410_000, "2.41 s"),
        (59_990_000, "1 min 0 s"), (200_000_000, "3 min 20 s"), (7_500_000_000, "2 h 5 min"),
    ])
    func `a duration is given in the unit that fits`(microseconds: Int64, text: String) {
        #expect(Quantity.duration(.microseconds(microseconds)) == text)
    }

    @Test(arguments: [(1, "1 s"), (2_100, "3 s"), (59_000, "59 s"), (61_000, "1 min 1 s")])
    func `an estimate has no fractions`(milliseconds: Int64, text: String) {
        #expect(Quantity.estimate(.milliseconds(milliseconds)) == text)
    }
}
