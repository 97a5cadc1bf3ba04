import Testing

@testable import CommandLineTool

@Suite struct RateEstimateTests {
    @Test func `one sample says nothing`() {
        var rate = RateEstimate()

        rate.add(1_000, at: .seconds(1))

        #expect(rate.perSecond == 0)
    }

    @Test func `a steady flow has its rate`() {
        var rate = RateEstimate()

        for step in 0...100 { rate.add(Int64(step) * 50, at: .milliseconds(100 * step)) }

        #expect(abs(rate.perSecond - 500) < 0.001)
    }

    @Test func `what was long ago is forgotten`() {
        var rate = RateEstimate()

        for step in 0...50 { rate.add(Int64(step) * 1_000, at: .milliseconds(100 * step)) }
        for step in 51...100 { rate.add(50_000, at: .milliseconds(100 * step)) }

        #expect(rate.perSecond == 0)
    }

    @Test func `input that is read again doesn't make it negative`() {
        var rate = RateEstimate()

        rate.add(1_000, at: .seconds(1))
        rate.add(0, at: .seconds(2))

        #expect(rate.perSecond == 0)
    }

    @Test func `two samples at one time say nothing`() {
        var rate = RateEstimate()

        rate.add(1_000, at: .seconds(1))
        rate.add(2_000, at: .seconds(1))

        #expect(rate.perSecond == 0)
    }
}
