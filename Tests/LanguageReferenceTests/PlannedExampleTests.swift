import ConnectorKit
import FluentSyntax
import JobPlan
import JobService
import ProgramService
import Testing

/// The jobs of `docs/language.md`, planned: that they check is seen elsewhere.
struct PlannedExampleTests {
    @Test func `every job of the reference can be planned`() throws {
        var jobCount = 0
        var streamCount = 0
        for block in try ReferenceDocument().blocks("fluent-job") {
            for plan in try Self.plans(of: block) {
                switch plan {
                case .job: jobCount += 1
                case .stream: streamCount += 1
                }
            }
        }

        #expect(jobCount >= 3)
        #expect(streamCount >= 4)
    }

    @Test func `the streaming jobs of the reference keep aggregates and decode fields only`() throws {
        for block in try ReferenceDocument().blocks("fluent-job") {
            for case .stream(let plan) in try Self.plans(of: block) where plan.stages.isEmpty {
                let isAggregated = if case .aggregates = plan.reduce { true } else { false }
                #expect(isAggregated, "in the block at line \(block.firstLine): \(plan.rewrites)")
                // What is enriched or handed on is a whole record.
                let isProjected = plan.decode.fields != nil || plan.usesSurroundings
                #expect(isProjected, "in the block at line \(block.firstLine)")
            }
        }
    }

    private static func plans(of block: ReferenceDocument.Block) throws -> [ProgramPlan] {
        let program = try #require(Frontend.check(block.source).program)
        let local = LocalProgram(
            program,
            connectors: NoConnectors(),
            options: RunOptions(),
            observer: DeafObserver()
        )
        return try local.plans().get()
    }
}

/// Planning looks up no source and no sink.
private struct NoConnectors: ConnectorResolver {
    func makeSource(_ call: ConnectorSettings) throws(ConnectorError) -> any Source {
        preconditionFailure("planning makes no source")
    }

    func makeSink(_ call: ConnectorSettings) throws(ConnectorError) -> any Sink {
        preconditionFailure("planning makes no sink")
    }

    func makeStreamSink(_ call: ConnectorSettings) throws(ConnectorError) -> any StreamSink {
        preconditionFailure("planning makes no sink")
    }
}

private final class DeafObserver: RunObserver {
    func jobStarted(_ name: String, snapshot: @escaping @Sendable () -> JobSnapshot) {}
    func jobEnded(_ summary: JobSummary) {}
    func printLine(_ line: [UInt8]) {}
    func log(_ level: LogLevel, _ message: String) {}
}
