import OracleWorlds
import ReferenceInterpreter
import Testing

struct MachineDifferentialTests {
    @Test func `the machine gives the values, pairs and errors of the interpreter`() {
        var run = ProgramComparison()
        let first = DailyRun.firstSeed

        run.compare(first..<first + DailyRun.programCount, with: MachineSubject.outcome)

        for mismatch in run.mismatches { Issue.record("\(mismatch)") }
        #expect(run.comparedCount > Int(DailyRun.programCount) * 9 / 10)
    }
}
