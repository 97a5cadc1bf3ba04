import CoreTypes
import Testing

@testable import CoordinationCore

struct JobMasterTests {
    @Test func `a job that is planned prepares its sinks`() {
        var master = JobMaster.make()

        let effects = master.step(.splitsEnumerated([]))

        #expect(effects == [.stateChanged(.planned), .prepareSinks])
    }

    @Test func `consumers start before producers`() {
        var master = JobMaster.make(stages: [(2, true), (1, false)])
        _ = master.step(.splitsEnumerated([]))

        let effects = master.step(.sinksPrepared)

        #expect(
            effects == [.stateChanged(.running), .start(.make(1, 0)), .start(.make(0, 0)), .start(.make(0, 1))]
        )
    }
}

extension JobMaster {
    static func make(
        stages: [(parallelism: Int, readsSplits: Bool)] = [(1, true)],
        configuration: CoordinationConfiguration = CoordinationConfiguration()
    ) -> JobMaster {
        JobMaster(
            job: JobID(rawValue: "job-1"),
            stages: stages.map { StageShape(parallelism: $0.parallelism, readsSplits: $0.readsSplits) },
            configuration: configuration
        )
    }
}

extension SubtaskAttempt {
    static func make(_ stage: Int, _ index: Int, attempt: Int = 1) -> SubtaskAttempt {
        SubtaskAttempt(
            subtask: SubtaskID(stage: StageIndex(rawValue: stage), index: index),
            attempt: AttemptNumber(rawValue: attempt)
        )
    }
}
