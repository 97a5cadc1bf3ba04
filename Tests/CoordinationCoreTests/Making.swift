import CoreTypes

@testable import CoordinationCore

extension JobMaster {
    static func make(
        stages: [(parallelism: Int, readsSplits: Bool)] = [(1, true)],
        restartLimit: Int = 0
    ) -> JobMaster {
        var configuration = CoordinationConfiguration()
        configuration.restartLimit = restartLimit
        return JobMaster(
            job: JobID(rawValue: "job-1"),
            stages: stages.map { StageShape(parallelism: $0.parallelism, readsSplits: $0.readsSplits) },
            configuration: configuration
        )
    }

    static func makeRunning(
        stages: [(parallelism: Int, readsSplits: Bool)],
        weights: [Int64],
        restartLimit: Int = 0
    ) -> JobMaster {
        var master = JobMaster.make(stages: stages, restartLimit: restartLimit)
        _ = master.step(.splitsEnumerated(SplitDescriptor.make(weights: weights)))
        _ = master.step(.sinksPrepared)
        return master
    }
}

extension SplitDescriptor {
    static func make(weights: [Int64]) -> [SplitDescriptor] {
        weights.enumerated().map { SplitDescriptor(id: .make($0.offset), weightBytes: $0.element) }
    }
}

extension SplitID {
    static func make(_ number: Int) -> SplitID {
        SplitID(rawValue: number)
    }
}

extension JobFailure {
    static let transient = JobFailure(.transient, message: "can't read: the disk went away")
}

extension SubtaskAttempt {
    static func make(_ stage: Int, _ index: Int, attempt: Int = 1) -> SubtaskAttempt {
        SubtaskAttempt(
            subtask: SubtaskID(stage: StageIndex(rawValue: stage), index: index),
            attempt: AttemptNumber(rawValue: attempt)
        )
    }
}
