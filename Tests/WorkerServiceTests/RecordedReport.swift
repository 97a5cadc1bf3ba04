import ConnectorKit
import CoordinationCore
import CoreTypes
import Engine
import EngineTestKit
import JobPlan
import Synchronization

@testable import WorkerService

/// Keeps what subtasks report, and may answer it.
final class RecordedReport: WorkerReport {
    private struct State {
        var inputs: [JobMaster.Input] = []
        var outputs: [SubtaskAttempt: SubtaskOutput] = [:]
        var answer: (@Sendable (JobMaster.Input) -> Void)?
    }

    private let state = Mutex(State())
    private let splits: [Split]

    init(splits: [Split] = []) {
        self.splits = splits
    }

    var inputs: [JobMaster.Input] { self.state.withLock { $0.inputs } }
    var outputs: [SubtaskAttempt: SubtaskOutput] { self.state.withLock { $0.outputs } }

    /// Calls `answer` with each report from now on, on the thread that reports.
    func onReport(_ answer: @escaping @Sendable (JobMaster.Input) -> Void) {
        self.state.withLock { $0.answer = answer }
    }

    func report(_ input: JobMaster.Input) {
        let answer = self.state.withLock { state in
            state.inputs.append(input)
            return state.answer
        }
        answer?(input)
    }

    func deliver(_ output: SubtaskOutput, of attempt: SubtaskAttempt) {
        self.state.withLock { $0.outputs[attempt] = output }
    }

    func failure(_ error: EngineError) -> JobFailure {
        switch error {
        case .connector(let error): JobFailure(.permanent, message: error.message)
        case .spill(let error): JobFailure(.permanent, message: error.message)
        case .cancelled: JobFailure(.permanent, message: "cancelled")
        case .evaluation, .undecodable, .unreadable, .corrupt: JobFailure(.userError, message: "\(error)")
        }
    }

    func split(_ id: SplitID) -> Split { self.splits[id.rawValue] }
}

extension SubtaskAttempt {
    /// The first attempt at a subtask.
    static func first(stage: Int, index: Int) -> SubtaskAttempt {
        SubtaskAttempt(subtask: SubtaskID(stage: StageIndex(rawValue: stage), index: index), attempt: .first)
    }
}

extension JobProgram {
    /// Counts the words of lines.
    static func makeWordCount() throws -> JobProgram {
        try .make(
            map: #"(lambda (line) (for (word (split line " ")) (emit word 1)))"#,
            reduce: "(lambda (word counts) (emit word (sum counts)))",
            options: ":partitions 2"
        )
    }
}
