/// Runs generated jobs on the reference interpreter, on the machine and on kernels, and reports what differs.
package struct MapComparison {
    private static let reportedLimit = 10

    /// Jobs that all worlds ran.
    package private(set) var comparedCount = 0

    /// Those of them whose map had kernels.
    package private(set) var kernelCount = 0
    package private(set) var mismatches: [String] = []

    /// - Parameter changingInput: Plants a difference: what the engine reads instead, so that a test can tell that one
    ///   is found.
    package init(changingInput: @escaping (GeneratedMap) -> GeneratedMap = { $0 }) {
        self.changingInput = changingInput
    }

    private let changingInput: (GeneratedMap) -> GeneratedMap

    package mutating func compare(_ seeds: Range<UInt64>) {
        for seed in seeds where self.mismatches.count < Self.reportedLimit {
            let map = MapGenerator.map(seed: seed)
            let changing = self.changingInput
            guard let found = Self.result(of: map, changing) else { continue }
            self.comparedCount += 1
            self.kernelCount += found.hasKernels ? 1 : 0
            guard let difference = found.difference else { continue }
            var shrinker = MapShrinker { Self.result(of: $0, changing)?.difference != nil }
            let smallest = shrinker.shrink(map)
            let left = Self.result(of: smallest, changing)?.difference ?? "nothing any more"
            self.mismatches.append(Self.report(smallest, left, before: difference))
        }
    }

    /// What differs when a job runs; nil if nothing does, or somebody refuses the job.
    package static func difference(of map: GeneratedMap) -> String? {
        Self.result(of: map) { $0 }?.difference
    }

    private struct Found {
        let hasKernels: Bool
        let difference: String?
    }

    /// Nil where the checker or the compiler refuses the job.
    private static func result(
        of map: GeneratedMap,
        _ changingInput: (GeneratedMap) -> GeneratedMap
    ) -> Found? {
        let engineInput = changingInput(map)
        guard let definition = StaticProgram(map.source)?.definition,
            let machine = StagedMap(engineInput, definition, kernelsEnabled: false),
            let kernels = StagedMap(engineInput, definition, kernelsEnabled: true),
            let reference = InterpretedMap.outcome(of: map)
        else { return nil }
        let difference =
            reference.difference(from: machine.outcome()).map { "interpreter against machine: \($0)" }
            ?? reference.difference(from: kernels.outcome()).map { "interpreter against kernels: \($0)" }
        return Found(hasKernels: kernels.hasKernels, difference: difference)
    }

    private static func report(_ map: GeneratedMap, _ difference: String, before: String) -> String {
        let files = map.files.enumerated().map { index, file in
            let blocks = file.blocks.map { "    block: \(String(decoding: $0, as: UTF8.self).debugDescription) \($0)" }
            return "  \(GeneratedMap.name(ofFile: index)):\n\(blocks.joined(separator: "\n"))"
        }
        return """
            make oracle KIND=maps SEED=\(map.seed) PROGRAMS=1
            \(map.text)
            \(files.joined(separator: "\n"))
              subtasks: \(map.parallelism)
              before shrinking: \(before)
              \(difference)
            """
    }
}
