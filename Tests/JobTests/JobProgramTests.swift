import ConnectorCatalog
import FluentSyntax
import Foundation
import ProgramService
import Testing

/// The programs that come with Weir.
@Suite struct JobProgramTests {
    @Test(arguments: programs)
    func `a program of the repository checks without a complaint`(path: String) throws {
        let bytes = try Data(contentsOf: Self.root.appending(path: path))

        let connectors = ConnectorCheck(ConnectorCatalog.standard.declarations)

        let checked = Frontend.check(SourceFile(name: path, bytes: Array(bytes)), connectors: connectors)

        let complaints = checked.diagnostics.map { "\(path) at \($0.range.start): \($0.message)" }
        #expect(complaints.isEmpty)
    }

    @Test(arguments: programs)
    func `a program of the repository is formatted`(path: String) throws {
        let bytes = try Data(contentsOf: Self.root.appending(path: path))

        let formatted = Formatter.format(SourceFile(name: path, bytes: Array(bytes)))

        #expect(formatted == .formatted(String(decoding: bytes, as: UTF8.self)))
    }

    static let programs: [String] = {
        let jobs = Self.names(in: "jobs").map { "jobs/\($0)/job.fl" }
        let benchmarks = Self.names(in: "Benchmarks/jobs").map { "Benchmarks/jobs/\($0)" }
        return jobs + benchmarks
    }()

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func names(in folder: String) -> [String] {
        // A folder that can't be listed has no programs; that the folders are there is for TidyTests.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: self.root.appending(path: folder).path)) ?? []
        return names.filter { !$0.hasPrefix(".") }.sorted()
    }
}
