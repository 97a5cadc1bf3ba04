import CoreTypes
import Testing

@testable import CoordinationCore

struct JobMasterCancelTests {
    @Test func `a job that was only submitted is cancelled at once`() {
        var master = JobMaster.make()

        let effects = master.step(.cancelRequested)

        #expect(effects == [.stateChanged(.cancelled)])
    }

    @Test func `a cancel while sinks are prepared waits for that and aborts them`() {
        var master = JobMaster.make()
        _ = master.step(.splitsEnumerated([]))

        let cancelled = master.step(.cancelRequested)
        let prepared = master.step(.sinksPrepared)

        #expect(cancelled == [.stateChanged(.cancelling)])
        #expect(prepared == [.abortSinks])
        #expect(master.step(.sinksAborted) == [.stateChanged(.cancelled)])
    }

    @Test func `a cancel stops what runs, waits for all of it, then aborts the sinks`() {
        var master = JobMaster.makeRunning(stages: [(1, true), (1, false)], weights: [1])

        let cancelled = master.step(.cancelRequested)
        let first = master.step(.subtaskCancelled(.make(0, 0)))
        let second = master.step(.subtaskFinished(.make(1, 0)))

        #expect(cancelled == [.stateChanged(.cancelling), .cancel(.make(0, 0)), .cancel(.make(1, 0))])
        #expect(first == [])
        #expect(second == [.abortSinks])
    }

    @Test func `a second cancel changes nothing`() {
        var master = JobMaster.makeRunning(stages: [(1, true)], weights: [1])
        _ = master.step(.cancelRequested)

        let effects = master.step(.cancelRequested)

        #expect(effects == [])
    }

    @Test func `a commit that has begun is carried through in spite of a cancel`() {
        var master = JobMaster.makeRunning(stages: [(1, true)], weights: [])
        _ = master.step(.splitsRequested(.make(0, 0)))
        _ = master.step(.subtaskFinished(.make(0, 0)))

        let effects = master.step(.cancelRequested)

        #expect(effects == [])
        #expect(master.step(.sinksCommitted) == [.stateChanged(.finished)])
    }

    @Test func `a cancel while the job restarts doesn't start it again`() {
        var master = JobMaster.makeRunning(stages: [(1, true), (1, false)], weights: [1], restartLimit: 1)
        _ = master.step(.subtaskFailed(.make(0, 0), .transient))

        let cancelled = master.step(.cancelRequested)
        let stopped = master.step(.subtaskCancelled(.make(1, 0)))

        #expect(cancelled == [.stateChanged(.cancelling)])
        #expect(stopped == [.abortSinks])
    }

    @Test func `what was told to stop gets no more splits`() {
        var master = JobMaster.makeRunning(stages: [(1, true)], weights: [1, 1])
        _ = master.step(.cancelRequested)

        let effects = master.step(.splitsRequested(.make(0, 0)))

        #expect(effects == [])
    }
}
