package import RaftCore

/// How many seeds it takes until a planted bug is seen by random simulation alone.
package struct MutantHunt: Sendable {
    package let name: String

    /// Seeds that were run, the detecting one included.
    package let seedCount: Int

    /// Nil: not found.
    package let seed: UInt64?
    package let violation: Violation?

    /// Runs seed after seed until one violates an invariant.
    package static func hunt(_ name: String, _ bug: PlantedBugs, seeds: Range<UInt64>) -> MutantHunt {
        var count = 0
        for seed in seeds {
            count += 1
            guard let violation = RaftRun.run(seed: seed, bugs: bug).violation else { continue }
            return MutantHunt(name: name, seedCount: count, seed: seed, violation: violation)
        }
        return MutantHunt(name: name, seedCount: count, seed: nil, violation: nil)
    }
}

extension MutantHunt: CustomStringConvertible {
    package var description: String {
        guard let seed = self.seed, let violation = self.violation else {
            return "\(self.name): not found in \(self.seedCount) seeds"
        }
        return "\(self.name): found by seed \(seed), the \(self.seedCount). \(violation)"
    }
}
