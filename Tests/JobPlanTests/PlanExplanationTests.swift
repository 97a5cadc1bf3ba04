import FluentSyntax
import Testing

@testable import JobPlan

struct PlanExplanationTests {
    private static func make() -> PlanExplanation {
        let job = PlannedJob(WordCount.makeDefinition(), options: PlanOptions(parallelism: 2))
        return PlanExplanation(job, source: SourceFile(name: "job.fl", text: "(define-mapreduce word-count)"))
    }

    @Test func `all three plans appear in the text`() {
        let text = Self.make().text

        #expect(text.contains("logical plan\n  source (distributed-files \"books/*.txt\")"))
        #expect(text.contains("  + elide-lines: the map only walks over the pieces of its line"))
        #expect(text.contains("    word-count/combine-0 partial states of sum"))
        #expect(text.contains("stage 0: 2 subtasks, reads splits, feeds stage 1, at most 384 MiB"))
    }

    @Test func `what wasn't applied names its place`() throws {
        let job = try JobText(
            """
            (define-mapreduce job :input (distributed-files "in") :output (stdout)
              :map (lambda (line) (emit line 1))
              :reduce (lambda (k vs) (emit k (sort vs))))
            """
        )
        let plan = PlannedJob(try job.definition(), options: PlanOptions(parallelism: 2))

        let text = PlanExplanation(plan, source: job.source).text

        #expect(
            text.contains(
                "  - place-combiner: no combiner: values are shipped whole because vs is read other than through "
                    + "sum, count, min, max, mean and count-distinct at 3:40"
            )
        )
    }

    @Test func `secrets appear nowhere`() throws {
        let job = try JobText(
            """
            (define-mapreduce job
              :input (distributed-files "http://me:hunter2@host/in" :token "hunter2" :properties {:sasl.mechanism "hunter2" :a 1})
              :output (distributed-path "out" :secret-key "hunter2" :db-password "hunter2")
              :on-error (dead-letter (distributed-path "bad" :api-key "hunter2"))
              :map (lambda (line) (emit line 1)))
            """
        )
        let plan = PlannedJob(try job.definition(), options: PlanOptions(parallelism: 2))

        let explanation = PlanExplanation(plan, source: job.source)

        for text in [explanation.text, explanation.json.text(), explanation.dot] {
            #expect(!text.contains("hunter2"))
            #expect(text.contains("http://********@host/in"))
        }
    }

    @Test func `the JSON form has the plans, the rewrites with places, and the stages`() {
        guard case .object(let members) = Self.make().json else {
            Issue.record("the explanation is an object")
            return
        }

        #expect(
            members.map(\.name) == [
                "job", "place", "logical", "optimised", "rewrites", "stages", "partitions", "key-groups", "kernels",
                "memory",
            ]
        )
    }

    @Test func `JSON escapes what it must`() {
        let node = JSONNode.object([
            .init("a\"b", .array([.string("\\\n\u{1}é"), .null, .boolean(true), .integer(-1)]))
        ])

        #expect(node.text() == "{\n  \"a\\\"b\": [\n    \"\\\\\\n\\u0001é\",\n    null,\n    true,\n    -1\n  ]\n}")
    }

    @Test func `control characters are escaped in every form`() throws {
        let job = try JobText(
            """
            (define-mapreduce job
              :input (distributed-files "in\u{1B}[2J") :output (stdout) :format 'json
              :map (lambda (event) (when (re-match #"\u{1B}\u{9B}\u{7F}" (get event "a\u{1B}b")) (emit "\u{9B}" 1)))
              :reduce (lambda (k vs) (emit k (sort vs))))
            """
        )
        let plan = PlannedJob(try job.definition(), options: PlanOptions(parallelism: 2))

        let explanation = PlanExplanation(plan, source: job.source)

        for text in [explanation.text, explanation.json.text(), explanation.dot] {
            #expect(!text.unicodeScalars.contains { $0.isControl && $0 != "\n" })
        }
        #expect(explanation.text.contains(#"(distributed-files "in\u{1b}[2J")"#))
        #expect(explanation.text.contains(##"#"\x{1b}\x{9b}\x{7f}""##))
        #expect(explanation.text.contains("fields a\\u{1b}b"))
    }

    @Test func `the DOT form has a cluster for each stage and an edge for each step`() {
        let dot = Self.make().dot

        #expect(dot.contains("subgraph cluster_1 {"))
        #expect(dot.contains("\"word-count/shuffle-0\" -> \"word-count/merge-0\" [style=bold, label=\"hash\"];"))
        #expect(dot.hasSuffix("}\n"))
    }

    @Test(arguments: [
        (":combiner max", "the combiner max runs in the combine tables before the shuffle", true),
        ("", "no combiner: values are shipped whole because vs is read other than through", false),
    ])
    func `every form says where the combiner runs, or why none does`(
        option: String,
        reason: String,
        hasOperator: Bool
    ) throws {
        let job = try JobText(
            """
            (define-mapreduce job :input (distributed-files "in") :output (stdout)
              :map (lambda (line) (emit line 1)) \(option)
              :reduce (lambda (k vs) (for (v vs) (emit k v))))
            """
        )
        let plan = PlannedJob(try job.definition(), options: PlanOptions(parallelism: 2))

        let explanation = PlanExplanation(plan, source: job.source)

        for text in [explanation.text, explanation.json.text(), explanation.dot] {
            #expect(text.contains(reason))
            #expect(text.contains("job/combine-0") == hasOperator)
        }
    }

    @Test func `plans are the same every time`() {
        let texts = (0..<20).map { _ in Self.make().text }

        #expect(Set(texts).count == 1)
    }
}
