import Foundation
import Testing

/// Rules about folders that are one thing each.
@Suite struct FolderTests {
    @Test(arguments: SourceFile.names(in: "connectors"))
    func `a connector has its page, its settings, its sources and its tests`(name: String) throws {
        let folder = "connectors/\(name)"

        #expect(SourceFile.exists("\(folder)/README.md"))
        #expect(try SourceFile.swift(in: ["\(folder)/Sources"]).isEmpty == false)
        #expect(try SourceFile.swift(in: ["\(folder)/Tests"]).isEmpty == false)
        let settings = try #require(try SourceFile.text(of: "\(folder)/settings.json"))
        #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(settings.utf8)) }
    }

    @Test(arguments: SourceFile.names(in: "jobs"))
    func `a job has its page, its program, its input and what is expected`(name: String) throws {
        let folder = "jobs/\(name)"

        #expect(SourceFile.exists("\(folder)/README.md"))
        #expect(SourceFile.exists("\(folder)/job.fl"))
        #expect(try SourceFile.paths(in: ["\(folder)/input"]).isEmpty == false)
        #expect(try SourceFile.paths(in: ["\(folder)/expected"]).isEmpty == false)
    }

    @Test(arguments: SourceFile.names(in: "docs/decisions"))
    func `a decision is numbered and complete`(name: String) throws {
        let text = try #require(try SourceFile.text(of: "docs/decisions/\(name)"))

        #expect(name.contains(/^[0-9]{4}-[a-z0-9-]+\.md$/))
        for part in [
            "Status", "Objective", "Requirements", "Decision", "Alternatives", "Testing", "What would make us",
        ] {
            #expect(text.contains("## \(part)") || text.contains("*\(part)"), "\(name) lacks '\(part)'")
        }
    }
}
