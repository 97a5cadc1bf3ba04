import Testing

@testable import JobService

@Suite struct StreamMonitorTests {
    private static func sample(
        _ now: Int64,
        input: Int64 = 0,
        output: Int64 = 0,
        watermark: Int64? = nil
    )
        -> StreamMonitor.Sample
    {
        StreamMonitor.Sample(
            now: now,
            inputRecords: input,
            outputRecords: output,
            watermark: watermark,
            blockedSources: 0.5,
            blockedWriters: 0
        )
    }

    @Test func `rates are means of the last five seconds`() {
        var monitor = StreamMonitor()
        for step in Int64(0)...20 {
            monitor.add(Self.sample(step * 500, input: max(0, step - 10) * 100, output: step))
        }

        #expect(monitor.inputPerSecond == 200)
        #expect(monitor.outputPerSecond == 2)
    }

    @Test func `silence and stillness are counted from the last change`() {
        var monitor = StreamMonitor()
        monitor.add(Self.sample(0, input: 1, watermark: 5))
        monitor.add(Self.sample(1_000, input: 2, watermark: 5))
        monitor.add(Self.sample(4_000, input: 2, watermark: 5))

        #expect(monitor.silence == 3_000)
        #expect(monitor.watermarkStill == 4_000)
    }

    @Test func `pressure is the share of the time for which subtasks waited`() {
        var monitor = StreamMonitor()
        for step in Int64(0)..<10 { monitor.add(Self.sample(step * 100)) }

        #expect(monitor.sourcePressure == 50)
        #expect(monitor.windowPressure == 0)
    }

    @Test func `one that has seen nothing knows nothing`() {
        let monitor = StreamMonitor()

        #expect(monitor.inputPerSecond == 0 && monitor.silence == 0 && monitor.sourcePressure == 0)
    }
}
