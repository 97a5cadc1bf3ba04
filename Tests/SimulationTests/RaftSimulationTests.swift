import RaftCore
import Simulation
import Testing

@Suite struct RaftSimulationTests {
    @Test(arguments: 0..<UInt64(40))
    func `safe while faults last, and going on when they end`(seed: UInt64) {
        let run = RaftRun.run(seed: seed)

        #expect(run.violation == nil, "replay with seed \(seed)")
    }
}
