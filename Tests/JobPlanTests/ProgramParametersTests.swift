import FluentSyntax
import Testing

@testable import JobPlan

@Suite struct ProgramParametersTests {
    private static func parameters(_ text: String) throws -> ProgramParameters {
        let checked = Frontend.check(SourceFile(name: "job.fl", text: text))
        return try #require(checked.program, "\(checked.diagnostics)").parameters
    }

    @Test func `names are found in every form, whichever branch is taken`() throws {
        let found = try Self.parameters(
            """
            (define a (if (param "a") (param :b) (try (param 'c) (catch e (param "d")))))
            (define (helper x) (match x ((when n (param "e")) 1) (_ (let ((y (param "f"))) y))))
            (define-mapreduce job
              :input (distributed-files (param "g" (param "h")) :recursive (param "i"))
              :output (distributed-path "out")
              :map (lambda (line) (for (x (split line (param "j"))) (emit x (param "k" "1")))))
            (println [(param "l") {:m (param "m")}])
            """
        )

        #expect(found.names == ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m"])
        #expect(found.isComplete)
    }

    @Test(arguments: [
        #"(println (param (str "a" 1)))"#, #"(println (map param ["a"]))"#, "(define (p name) (param name))",
    ])
    func `a program that computes names may read any`(text: String) throws {
        #expect(try !Self.parameters(text).isComplete)
    }

    @Test(arguments: [
        (#"(when (param "x") (emit line 1))"#, ["x"]),
        (#"(emit (str (param "x") (param "y" "z") (param "x")) 1)"#, ["x"]),
        (#"(when (= line "a") (emit (param "x") 1))"#, []),
        (#"(try (emit (param "x") 1) (catch e nil))"#, []),
        (#"(emit line (param "given"))"#, []),
    ])
    func `what a job's function reads for every record must be set`(body: String, expected: [String]) throws {
        let job = try JobText(
            """
            (define-mapreduce job :input (distributed-files "in") :output (stdout)
              :map (lambda (line) \(body)))
            """
        )
        let plan = PlannedJob(
            try job.definition(),
            options: PlanOptions(parallelism: 2, parameters: ["given": "1"])
        )

        #expect(plan.unsetParameters.map(\.name) == expected)
    }
}
