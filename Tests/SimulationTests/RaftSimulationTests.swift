import CoreTypes
import RaftCore
import Testing

@testable import Simulation

/// Whole groups in a world that a seed draws.
@Suite struct RaftSimulationTests {
    @Test(arguments: 0..<UInt64(24))
    func `safe while faults last, and going on when they end`(seed: UInt64) {
        let run = RaftRun.run(seed: seed)

        #expect(run.violation == nil, "replay with: make simulate SEED=\(seed)")
        #expect(run.coverage.operationsDone > 0)
    }

    @Test(arguments: [3, 11, 19] as [UInt64])
    func `a seed gives the same run twice`(seed: UInt64) {
        let first = RaftRun.run(seed: seed)
        let second = RaftRun.run(seed: seed)

        #expect(first.digest == second.digest)
        #expect(first.coverage == second.coverage)
        #expect(first.history == second.history)
    }

    @Test func `different seeds give different runs`() {
        let digests = Set((100..<106).map { RaftRun.run(seed: $0).digest })

        #expect(digests.count == 6)
    }

    /// A path that no seed reaches isn't tested by any of them.
    @Test func `the rare things happen`() {
        var counts: [String: Int] = [:]
        for seed in 200..<UInt64(260) {
            for (name, count) in RaftRun.run(seed: seed).coverage.all { counts[name, default: 0] += count }
        }

        for (name, count) in counts { #expect(count > 0, "\(name) never happened") }
    }

    /// Three bugs that fall to a few seeds: that the checkers bite is seen on every run of the tests, and for all bugs by
    /// the hunt.
    @Test(arguments: ["quorum-of-unsorted", "probe-counts-as-match", "fresh-leader-reads"])
    func `a planted bug is found by random simulation`(name: String) throws {
        let bug = try #require(PlantedBugs.catalogue.first { $0.name == name }?.bug)

        let hunt = MutantHunt.hunt(name, bug, seeds: 0..<60)

        #expect(hunt.violation != nil, "\(hunt)")
    }
}

@Suite struct FaultScheduleTests {
    @Test(arguments: 0..<UInt64(20))
    func `a schedule is what it was after it was written and read`(seed: UInt64) throws {
        let schedule = FaultSchedule(drawnFrom: seed, for: Swarm(seed: seed), bugs: ["quorum-of-unsorted"])

        #expect(try FaultSchedule(parsing: schedule.text) == schedule)
    }

    @Test(arguments: [
        ("", 1), ("weir fault schedule 1\n12 crash 1 5", 2), ("weir fault schedule 1\nseed 1\n12 explode 1", 3),
        ("weir fault schedule 1\nseed 1\n-3 ring", 3), ("weir fault schedule 1\nseed 1\nelection-x+3 ring", 3),
    ])
    func `what isn't a schedule is refused with its line`(text: String, line: Int) {
        let error = #expect(throws: FaultScheduleError.self) { try FaultSchedule(parsing: text) }

        #expect(error?.line == line)
    }

    @Test func `a schedule that is read replays the run`() throws {
        let run = RaftRun.run(seed: 5)

        let replayed = RaftRun.run(try FaultSchedule(parsing: run.schedule.text))

        #expect(replayed.digest == run.digest)
    }

    @Test func `a failing schedule is made smaller, and fails in the same way`() throws {
        let bug = try #require(PlantedBugs.catalogue.first { $0.name == "probe-counts-as-match" })
        let hunt = MutantHunt.hunt(bug.name, bug.bug, seeds: 0..<60)
        let failed = RaftRun.run(seed: try #require(hunt.seed), bugs: bug.bug)
        var shrinker = ScheduleShrinker()
        shrinker.runLimit = 40

        let smaller = shrinker.shrink(failed)

        #expect(smaller.faults.count < failed.schedule.faults.count)
        #expect(RaftRun.run(smaller).violation?.invariant == failed.violation?.invariant)
        #expect(shrinker.runCount <= 40)
    }
}
