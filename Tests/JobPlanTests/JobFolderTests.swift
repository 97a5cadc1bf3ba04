import FluentSyntax
import Foundation
import Testing

@testable import JobPlan

/// The jobs of the repository plan as their authors mean them to.
struct JobFolderTests {
    private static func plan(_ folder: String) throws -> PlannedJob {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = root.appending(path: "jobs/\(folder)/job.fl")
        let job = try JobText(try String(contentsOf: file, encoding: .utf8))
        return PlannedJob(try job.definition(), options: PlanOptions(parallelism: 2, parameters: [:]))
    }

    @Test(arguments: ["word-count", "word-count-normalised"])
    func `counting words needs no lines and ships sums`(folder: String) throws {
        let plan = try Self.plan(folder)

        #expect(plan.optimised.rewrite(.lineElision)?.isApplied == true)
        #expect(plan.aggregateTexts == ["sum"])
        #expect(plan.optimised.isShippingPartialStates)
    }

    @Test func `json-events decodes two fields and ships three states`() throws {
        let plan = try Self.plan("json-events")

        #expect(plan.optimised.decode?.fields?.map(\.name) == ["user_id", "amount"])
        #expect(plan.aggregateTexts == ["count", "sum", "mean"])
    }

    @Test func `distributed-grep knows its parameter and has one stage`() throws {
        let plan = try Self.plan("distributed-grep")

        #expect(plan.mapText?.contains(#"(contains? (lower line) "error")"#) == true)
        #expect(plan.graph.stages.count == 1)
    }

    @Test(arguments: ["access-log", "inverted-index", "join", "secondary-sort"])
    func `a reduce that looks at values itself gets all of them`(folder: String) throws {
        let plan = try Self.plan(folder)

        #expect(plan.optimised.rewrite(.aggregates)?.isApplied == false)
        #expect(plan.optimised.combine == nil)
    }
}
