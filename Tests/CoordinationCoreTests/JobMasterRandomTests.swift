import Testing

@testable import CoordinationCore

struct JobMasterRandomTests {
    @Test(arguments: [UInt64(0), 1000, 2000, 3000])
    func `no order of reports and faults breaks the rules`(firstSeed: UInt64) {
        var outcomes: [JobState: Int] = [:]
        var restartCount = 0

        for seed in firstSeed..<firstSeed + 500 {
            var world = RandomWorld(seed: seed)
            world.run()
            outcomes[world.master.state, default: 0] += 1
            restartCount += world.restartCount
        }

        // A world in which something never happens tests nothing about it.
        #expect(outcomes[.finished, default: 0] > 20)
        #expect(outcomes[.failed, default: 0] > 20)
        #expect(outcomes[.cancelled, default: 0] > 20)
        #expect(restartCount > 50)
    }
}
