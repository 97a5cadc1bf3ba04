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

    @Test func `sinks are committed only when every subtask of every stage has finished`() {
        var master = JobMaster.makeRunning(stages: [(1, true), (1, false)], weights: [])
        _ = master.step(.splitsRequested(.make(0, 0)))

        let early = master.step(.subtaskFinished(.make(0, 0)))
        let late = master.step(.subtaskFinished(.make(1, 0)))

        #expect(early == [])
        #expect(late == [.stateChanged(.finishing), .commitSinks([.make(1, 0)])])
        #expect(master.step(.sinksCommitted) == [.stateChanged(.finished)])
    }

    @Test func `a user's error fails the job at once even where restarts are allowed`() {
        var master = JobMaster.makeRunning(stages: [(2, true)], weights: [1, 1], restartLimit: 3)
        let failure = JobFailure(.userError, message: "division by zero")

        let effects = master.step(.subtaskFailed(.make(0, 0), failure))

        #expect(effects == [.failed(failure), .stateChanged(.failing), .cancel(.make(0, 1))])
        #expect(master.failure == failure)
    }

    @Test func `sinks are aborted only when nothing runs any more`() {
        var master = JobMaster.makeRunning(stages: [(2, true)], weights: [1, 1])
        _ = master.step(.subtaskFailed(.make(0, 0), .transient))

        let effects = master.step(.subtaskCancelled(.make(0, 1)))

        #expect(effects == [.abortSinks])
        #expect(master.step(.sinksAborted) == [.stateChanged(.failed)])
    }

    @Test func `an attempt that breaks while it is stopped has only stopped`() {
        var master = JobMaster.makeRunning(stages: [(2, true)], weights: [1, 1])
        _ = master.step(.subtaskFailed(.make(0, 0), .transient))

        let effects = master.step(.subtaskFailed(.make(0, 1), JobFailure(.userError, message: "another")))

        #expect(effects == [.abortSinks])
        #expect(master.failure == .transient)
    }

    @Test func `a failed subtask without exchange starts again alone and reads its splits anew`() {
        var master = JobMaster.makeRunning(stages: [(2, true)], weights: [5, 4], restartLimit: 1)
        _ = master.step(.splitsRequested(.make(0, 0)))
        _ = master.step(.splitFinished(.make(0), by: .make(0, 0)))
        _ = master.step(.splitsRequested(.make(0, 1)))

        let effects = master.step(.subtaskFailed(.make(0, 0), .transient))

        let second = SubtaskAttempt.make(0, 0, attempt: 2)
        #expect(
            effects == [
                .failed(.transient), .stateChanged(.restarting), .stateChanged(.running), .start(second),
            ]
        )
        #expect(master.step(.splitsRequested(second)) == [.assign([.make(0)], to: second)])
        #expect(master.progress.finishedSplitCount == 0)
    }

    @Test func `with an exchange every subtask starts again once all have stopped`() {
        var master = JobMaster.makeRunning(stages: [(1, true), (1, false)], weights: [5], restartLimit: 1)
        _ = master.step(.splitsRequested(.make(0, 0)))

        let failing = master.step(.subtaskFailed(.make(0, 0), .transient))
        let stopped = master.step(.subtaskCancelled(.make(1, 0)))

        #expect(failing == [.failed(.transient), .stateChanged(.restarting), .cancel(.make(1, 0))])
        #expect(
            stopped == [.stateChanged(.running), .start(.make(1, 0, attempt: 2)), .start(.make(0, 0, attempt: 2))]
        )
    }

    @Test func `the second failure ends a job that may restart once`() {
        var master = JobMaster.makeRunning(stages: [(1, true)], weights: [5], restartLimit: 1)
        _ = master.step(.subtaskFailed(.make(0, 0), .transient))

        let effects = master.step(.subtaskFailed(.make(0, 0, attempt: 2), .transient))

        #expect(effects == [.failed(.transient), .stateChanged(.failing), .abortSinks])
    }

    @Test func `reports of an attempt that has been replaced are ignored`() {
        var master = JobMaster.makeRunning(stages: [(1, true)], weights: [5], restartLimit: 1)
        _ = master.step(.splitsRequested(.make(0, 0)))
        _ = master.step(.subtaskFailed(.make(0, 0), .transient))
        let before = master.progress

        let effects = [
            JobMaster.Input.subtaskStarted(.make(0, 0)), .splitsRequested(.make(0, 0)),
            .splitFinished(.make(0), by: .make(0, 0)), .subtaskFinished(.make(0, 0)),
            .subtaskFailed(.make(0, 0), .transient), .subtaskCancelled(.make(0, 0)),
        ].flatMap { master.step($0) }

        #expect(effects == [])
        #expect(master.progress == before)
    }

    @Test func `a commit that fails aborts the sinks and fails the job`() {
        var master = JobMaster.makeRunning(stages: [(1, true)], weights: [])
        _ = master.step(.splitsRequested(.make(0, 0)))
        _ = master.step(.subtaskFinished(.make(0, 0)))

        let effects = master.step(.commitFailed(.transient))

        #expect(effects == [.failed(.transient), .stateChanged(.failing), .abortSinks])
        #expect(master.step(.sinksAborted) == [.stateChanged(.failed)])
    }

    @Test func `what fails before sinks are touched aborts nothing`() {
        var master = JobMaster.make()

        let effects = master.step(.preparationFailed(.transient))

        #expect(effects == [.failed(.transient), .stateChanged(.failed)])
    }

    @Test func `progress counts splits, their weights and subtasks`() {
        var master = JobMaster.makeRunning(stages: [(2, true), (1, false)], weights: [5, 4])
        _ = master.step(.subtaskStarted(.make(0, 0)))
        _ = master.step(.splitsRequested(.make(0, 0)))
        _ = master.step(.splitFinished(.make(0), by: .make(0, 0)))

        let progress = master.progress

        #expect(progress.splitCount == 2)
        #expect(progress.finishedSplitCount == 1)
        #expect(progress.weightBytes == 9)
        #expect(progress.finishedWeightBytes == 5)
        #expect(progress.stages.map(\.subtaskCount) == [2, 1])
        #expect(progress.stages.map(\.runningCount) == [1, 0])
    }

    @Test func `a reader that calls itself finished before its splits are read is a fault of the caller`() async {
        await #expect(processExitsWith: .failure) {
            var master = JobMaster.makeRunning(stages: [(1, true)], weights: [5])
            _ = master.step(.splitsRequested(.make(0, 0)))
            _ = master.step(.subtaskFinished(.make(0, 0)))
        }
    }
}
