import CoreTypes
package import Linearizability
package import RaftCore

/// What came of one run.
package struct RaftRun: Sendable {
    package var schedule: FaultSchedule
    package var violation: Violation?

    /// Equal for equal seeds and schedules: two runs that differ in anything differ here.
    package var digest: UInt64
    package var virtualMicroseconds: Int64
    package var coverage: Coverage
    package var linearizability: LinearizabilityVerdict
    package var history: [HistoryOperation]
    package var eventLog: [String]

    /// Runs what a seed draws.
    package static func run(seed: UInt64, bugs: PlantedBugs = [], keepsLog: Bool = false) -> RaftRun {
        let swarm = Swarm(seed: seed, plantedBugs: bugs)
        let names = PlantedBugs.catalogue.filter { bugs.contains($0.bug) }.map(\.name)
        return self.run(
            FaultSchedule(drawnFrom: seed, for: swarm, bugs: names),
            keepsLog: keepsLog
        )
    }

    /// Runs a schedule in the world that its seed draws.
    package static func run(_ schedule: FaultSchedule, keepsLog: Bool = false) -> RaftRun {
        var bugs: PlantedBugs = []
        for (name, bug) in PlantedBugs.catalogue where schedule.bugs.contains(name) { bugs.insert(bug) }
        let swarm = Swarm(seed: schedule.seed, plantedBugs: bugs)
        let cluster = RaftCluster(swarm: swarm, schedule: schedule)
        if keepsLog { cluster.eventLog = [] }
        cluster.run()
        return cluster.finish()
    }
}

extension RaftCluster {
    /// Judges the clients' history and sums up.
    package func finish() -> RaftRun {
        var verdict = LinearizabilityVerdict.unknown
        if self.checker.violation == nil {
            verdict = LinearizabilityChecker(stepLimit: 400_000).check(self.history)
            if case .notLinearizable(let part) = verdict {
                let lines = part.map(\.description).joined(separator: "\n")
                self.checker.report(.linearizable, "no order explains\n\(lines)")
            }
        }
        for node in self.nodes {
            guard let replica = node.replica else { continue }
            self.mix(replica.term.rawValue)
            self.mix(replica.commitIndex.rawValue)
            for value in node.machine.values { self.mix(UInt64(value)) }
        }
        self.mix(UInt64(self.history.count))
        self.coverage.committedEntries = Int(self.checker.committedIndex.rawValue)
        return RaftRun(
            schedule: self.schedule,
            violation: self.checker.violation,
            digest: self.digest,
            virtualMicroseconds: self.queue.now,
            coverage: self.coverage,
            linearizability: verdict,
            history: self.history,
            eventLog: self.eventLog ?? []
        )
    }
}
