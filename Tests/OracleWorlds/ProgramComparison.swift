package import ReferenceInterpreter

/// Runs generated programs on the reference interpreter and on something else, and reports what differs.
package struct ProgramComparison {
    /// What the other side said; nil if it can't run the program.
    package typealias Subject = (GeneratedProgram) -> ProgramOutcome?

    private static let reportedLimit = 10

    package private(set) var comparedCount = 0
    package private(set) var mismatches: [String] = []

    package init() {}

    /// Compares the programs of all seeds in turn, and shrinks those that differ.
    package mutating func compare(_ seeds: Range<UInt64>, with subject: @escaping Subject) {
        for seed in seeds where self.mismatches.count < Self.reportedLimit {
            let program = ProgramGenerator.program(seed: seed)
            guard let outcome = subject(program), let reference = program.interpret() else { continue }
            self.comparedCount += 1
            guard reference.difference(from: outcome) != nil else { continue }
            var shrinker = ProgramShrinker { Self.difference($0, subject) != nil }
            let smallest = shrinker.shrink(program)
            let found = Self.difference(program, subject) ?? "nothing any more"
            let left = Self.difference(smallest, subject) ?? "nothing any more"
            self.mismatches.append(Self.report(smallest, left, before: found))
        }
    }

    private static func difference(_ program: GeneratedProgram, _ subject: Subject) -> String? {
        // Shrinking must not drift to what each side may answer differently: hashes, and calls from outside.
        let hashCount = program.text.split(separator: "(hash ").count - 1
        let comparedCount = program.text.split(separator: "(= (hash ").count - 1
        guard hashCount == comparedCount * 2 else { return nil }
        guard program.kind == .expression || program.text.contains(":map (lambda (key line)") else { return nil }
        guard let outcome = subject(program), let reference = program.interpret() else { return nil }
        return reference.difference(from: outcome)
    }

    private static func report(_ program: GeneratedProgram, _ difference: String, before: String) -> String {
        let lines = program.lines.map { "  line: \(String(decoding: $0, as: UTF8.self)) \($0)" }
        return """
            make oracle KIND=programs SEED=\(program.seed) PROGRAMS=1
            \(program.text)
            \(lines.joined(separator: "\n"))
              before shrinking: \(before)
              interpreter against the other: \(difference)
            """
    }
}
