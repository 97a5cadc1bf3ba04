import ReferenceInterpreter
import Testing

struct MachineDifferentialTests {
    @Test func `the machine gives the values, pairs and errors of the interpreter`() {
        var run = DifferentialRun()
        let first = DifferentialRun.firstSeed

        run.compare(first..<first + DifferentialRun.programCount, with: MachineSubject.outcome)

        for mismatch in run.mismatches { Issue.record("\(mismatch)") }
        #expect(run.comparedCount > Int(DifferentialRun.programCount) * 9 / 10)
    }
}
