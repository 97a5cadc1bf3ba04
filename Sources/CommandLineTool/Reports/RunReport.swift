import CoordinationCore
import CoreTypes
import FluentSyntax
import JobService

/// What a run did, for programs: the object that `--json` prints.
struct RunReport: Sendable {
    enum State: String, Sendable {
        case finished
        case failed
        case refused
        case cancelled
    }

    let state: State
    let jobs: [JobSummary]

    /// Nil unless something failed.
    let failure: String?
    let diagnostics: [JSONValue]
    let elapsed: Duration
    let usage: RunUsage

    var json: JSONValue {
        .object([
            .init("state", .string(self.state.rawValue)),
            .init("jobs", .array(self.jobs.map(Self.object))),
            .init("seconds", .seconds(self.elapsed)),
            .init("cpuSeconds", .seconds(self.usage.processorTime)),
            .init("peakResidentBytes", .integer(self.usage.residentBytesPeak)),
            .init("peakAnonymousBytes", .integer(self.usage.anonymousBytesPeak)),
            .init("failure", .text(self.failure)),
            .init("diagnostics", .array(self.diagnostics)),
        ])
    }

    private static func object(_ job: JobSummary) -> JSONValue {
        .object(
            [
                .init("name", .string(job.name)),
                .init("id", .string(job.id.rawValue)),
                .init("state", .string(job.state.rawValue)),
                .init("input", .string(job.input)),
                .init("output", .string(job.output)),
                .init("inputBytes", .integer(job.inputBytes)),
                .init("inputRecords", .integer(job.inputRecords)),
                .init("mappedPairs", .integer(job.mappedPairs)),
                .init("shuffledRows", .integer(job.shuffledRows)),
                .init("shuffledBytes", .integer(job.shuffledBytes)),
                .init("reducedKeys", .integer(job.reducedKeys)),
                .init("outputRecords", .integer(job.outputRecords)),
                .init("outputBytes", .integer(job.outputBytes)),
                .init("spilledBytes", .integer(job.spilledBytes)),
                .init("spilledRuns", .integer(job.spilledRuns)),
                .init("rejectedRecords", .integer(job.rejectedRecords)),
                .init("rejectedExamples", .array(job.rejectedExamples.map { .string($0) })),
                .init("seconds", .seconds(job.elapsed)),
                .init("failure", .text(job.failure.isEmpty ? nil : job.failure)),
            ] + (job.stream.map(Self.members) ?? [])
        )
    }

    /// What a stream has beside what any job has.
    private static func members(_ stream: StreamFigures) -> [JSONValue.Member] {
        [
            .init("watermark", stream.status.watermark.map { .integer($0) } ?? .null),
            .init("lateRecords", .integer(stream.status.lateRecords ?? 0)),
            .init("firings", .integer(stream.firings)),
            .init("stateBytes", .integer(stream.stateBytes)),
            .init("stateDiskBytes", .integer(stream.stateDiskBytes)),
            .init("stateKeys", .integer(stream.stateKeys)),
            .init("completedCheckpoints", .integer(stream.completedCheckpoints)),
            .init("abandonedCheckpoints", .integer(stream.abandonedCheckpoints)),
            .init("newestCheckpoint", stream.status.checkpoint.map { .integer($0) } ?? .null),
            .init("warning", .text(stream.status.warning)),
            .init("checkpointProblem", .text(stream.checkpointProblem ?? stream.note)),
        ]
    }
}
