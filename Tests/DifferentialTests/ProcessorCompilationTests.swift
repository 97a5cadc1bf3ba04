import Engine
import FluentSyntax
import JobPlan
import OracleWorlds
import Testing

struct ProcessorCompilationTests {
    @Test func `a processor at its limits compiles`() throws {
        let steps = String(repeating: "(filter (lambda (r) (get r :a))) ", count: ProcessorForm.stepLimit)
        let keys = (0..<ProcessorForm.keyLimit).map { ":k\($0)" }.joined(separator: " ")
        let aggregates = (0..<ProcessorForm.aggregateLimit).map { ":a\($0) (sum (lambda (r) (get r :f\($0))))" }
        let text = """
            (define-stream-processor wide :source (generate) \(steps)
              (window (global-window) (group-by [\(keys)] (aggregate \(aggregates.joined(separator: " "))))))
            """
        let definition = try #require(StaticProgram(SourceFile(name: "wide.fl", text: text))?.stream)

        let plan = StreamPlan(definition, options: PlanOptions(parallelism: 1))

        var compiler = ProgramCompiler()
        _ = try compiler.add(plan.map.closure)
        _ = try compiler.add(plan.map.whole.closure)
        guard case .aggregates(_, let result) = plan.reduce else {
            Issue.record("a processor has aggregates")
            return
        }
        _ = try compiler.add(result)
        #expect(plan.columnCount == ProcessorForm.aggregateLimit)
    }
}
