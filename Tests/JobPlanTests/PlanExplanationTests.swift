import FluentSyntax
import Testing

@testable import JobPlan

struct PlanExplanationTests {
    @Test func `all three plans appear in the text`() {
        let explanation = PlanExplanation.make()

        let text = explanation.text

        #expect(text.contains("logical plan\n  source (distributed-files \"books/*.txt\")"))
        #expect(text.contains("  + elide-lines: the map only walks over the pieces of its line"))
        #expect(text.contains("    word-count/combine-0 partial states of sum"))
    }
}

extension PlanExplanation {
    static func make() -> PlanExplanation {
        let job = PlannedJob(WordCount.makeDefinition(), options: PlanOptions(parallelism: 2))
        return PlanExplanation(job, source: SourceFile(name: "job.fl", text: "(define-mapreduce word-count)"))
    }
}
