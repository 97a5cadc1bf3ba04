import FluentSyntax
import OracleWorlds
import ReferenceInterpreter
import Testing

struct LoweringDifferentialTests {
    @Test func `lowered programs give the values, pairs and errors of the written ones`() {
        var run = ProgramComparison()
        let first = DailyRun.firstSeed
        let programCount = DailyRun.programCount / 4

        run.compare(first..<first + programCount, with: LoweredEvaluation.outcome)

        for mismatch in run.mismatches { Issue.record("\(mismatch)") }
        #expect(run.comparedCount > Int(programCount) * 9 / 10)
    }

    @Test func `a planted difference is found and shrunk`() {
        var run = ProgramComparison()

        run.compare(0..<300) { program in
            let changed = program.text.replacing("(inc ", with: "(dec ")
            return program.replacing(text: changed).interpret()
        }

        #expect(!run.mismatches.isEmpty)
    }
}
