import Testing

@testable import CoordinationCore

@Suite struct CheckpointCoordinatorTests {
    @Test func `the first checkpoint begins an interval behind the first tick`() {
        var coordinator = CheckpointCoordinator.make()

        #expect(coordinator.step(.tick(now: 5_000)) == [])
        #expect(coordinator.step(.tick(now: 14_999)) == [])
        #expect(coordinator.step(.tick(now: 15_000)) == [.trigger(1)])
        #expect(coordinator.pendingNumber == 1)
    }

    @Test func `it is written when every part has come, and exists when it is written`() {
        var coordinator = CheckpointCoordinator.make(pendingAt: 10_000)

        #expect(coordinator.step(.acknowledged(1, subtask: 1)) == [])
        #expect(coordinator.step(.acknowledged(1, subtask: 1)) == [])
        #expect(coordinator.step(.acknowledged(1, subtask: 0)) == [.store(1)])
        #expect(coordinator.newest == nil)
        #expect(coordinator.step(.stored(1, now: 10_500)) == [.complete(1)])
        #expect(coordinator.newest == 1)
        #expect(coordinator.pendingNumber == nil)
    }

    @Test func `nothing is stored before every part has come`() {
        var coordinator = CheckpointCoordinator.make(pendingAt: 10_000)
        _ = coordinator.step(.acknowledged(1, subtask: 0))

        #expect(coordinator.step(.stored(1, now: 10_500)) == [])
        #expect(coordinator.newest == nil)
        #expect(coordinator.pendingNumber == 1)
    }

    @Test func `the interval counts from start to start`() {
        var coordinator = CheckpointCoordinator.make(pendingAt: 10_000)
        coordinator.complete(1, now: 13_000)

        #expect(coordinator.step(.tick(now: 19_999)) == [])
        #expect(coordinator.step(.tick(now: 20_000)) == [.trigger(2)])
    }

    @Test func `a pause is kept behind one that took long`() {
        var coordinator = CheckpointCoordinator.make(pendingAt: 10_000) { $0.minimumPause = 3_000 }
        coordinator.complete(1, now: 19_000)

        #expect(coordinator.step(.tick(now: 21_999)) == [])
        #expect(coordinator.step(.tick(now: 22_000)) == [.trigger(2)])
    }

    @Test func `one that isn't complete in time is given up, and the next one is taken`() {
        var coordinator = CheckpointCoordinator.make(pendingAt: 10_000) { $0.timeout = 4_000 }
        _ = coordinator.step(.acknowledged(1, subtask: 0))

        #expect(coordinator.step(.tick(now: 13_999)) == [])
        #expect(coordinator.step(.tick(now: 14_000)) == [.abandon(1, .timeout)])
        #expect(coordinator.step(.acknowledged(1, subtask: 1)) == [])
        #expect(coordinator.step(.stored(1, now: 14_500)) == [])
        #expect(coordinator.step(.tick(now: 20_000)) == [.trigger(2)])
    }

    @Test func `one that waits too long for what is on its way overtakes it, once`() {
        var coordinator = CheckpointCoordinator.make(pendingAt: 10_000) { $0.alignmentTimeout = 4_000 }
        _ = coordinator.step(.acknowledged(1, subtask: 0))

        #expect(coordinator.step(.tick(now: 13_999)) == [])
        #expect(coordinator.step(.tick(now: 14_000)) == [.overtake(1)])
        #expect(coordinator.step(.tick(now: 14_100)) == [])
        #expect(coordinator.step(.acknowledged(1, subtask: 1)) == [.store(1)])
        #expect(coordinator.step(.stored(1, now: 15_000)) == [.complete(1)])
        #expect(coordinator.step(.tick(now: 20_000)) == [.trigger(2)])
        #expect(coordinator.step(.tick(now: 24_000)) == [.overtake(2)])
    }

    @Test func `one that somebody asked for, or that is the last, waits for what is on its way`() {
        var asked = CheckpointCoordinator.make { $0.alignmentTimeout = 1_000 }
        var stopped = asked

        #expect(asked.step(.requested(now: 0)) == [.trigger(1)])
        #expect(asked.step(.tick(now: 50_000)) == [])
        #expect(stopped.step(.stopRequested(now: 0)) == [.triggerLast(1)])
        #expect(stopped.step(.tick(now: 50_000)) == [])
    }

    @Test func `one that is being written isn't given up`() {
        var coordinator = CheckpointCoordinator.make(pendingAt: 10_000) { $0.timeout = 4_000 }
        coordinator.acknowledgeAll(1)

        #expect(coordinator.step(.tick(now: 50_000)) == [])
        #expect(coordinator.step(.stored(1, now: 51_000)) == [.complete(1)])
    }

    @Test func `one that can't be written is given up, and the one before stays`() {
        var coordinator = CheckpointCoordinator.make(pendingAt: 10_000)
        coordinator.complete(1, now: 11_000)
        _ = coordinator.step(.tick(now: 20_000))
        coordinator.acknowledgeAll(2)

        #expect(coordinator.step(.storeFailed(2, now: 20_100)) == [.abandon(2, .storeFailed)])
        #expect(coordinator.newest == 1)
        #expect(coordinator.step(.tick(now: 30_000)) == [.trigger(3)])
    }

    @Test func `one that is asked for begins at once`() {
        var coordinator = CheckpointCoordinator.make { $0.interval = nil }

        #expect(coordinator.step(.tick(now: 1_000_000)) == [])
        #expect(coordinator.step(.requested(now: 1_000_001)) == [.trigger(1)])
    }

    @Test func `one that is asked for while another is taken comes behind it`() {
        var coordinator = CheckpointCoordinator.make(pendingAt: 10_000)

        #expect(coordinator.step(.requested(now: 10_001)) == [])
        coordinator.complete(1, now: 10_002)

        #expect(coordinator.step(.tick(now: 10_003)) == [.trigger(2)])
        coordinator.complete(2, now: 10_004)
        #expect(coordinator.step(.tick(now: 10_005)) == [])
    }

    @Test func `only the newest are kept, and the oldest goes first`() {
        var coordinator = CheckpointCoordinator.make(retained: [3, 5, 8]) { $0.retainedCount = 2 }
        _ = coordinator.step(.tick(now: 0))
        _ = coordinator.step(.tick(now: 10_000))
        coordinator.acknowledgeAll(9)

        #expect(coordinator.step(.stored(9, now: 10_001)) == [.complete(9), .remove(3), .remove(5)])
        #expect(coordinator.newest == 9)
    }

    @Test func `a stop comes behind a last checkpoint, once`() {
        var coordinator = CheckpointCoordinator.make()

        #expect(coordinator.step(.stopRequested(now: 100)) == [.triggerLast(1)])
        #expect(coordinator.isLast(1))
        coordinator.acknowledgeAll(1)
        #expect(coordinator.step(.stored(1, now: 200)) == [.complete(1), .stop])
        #expect(coordinator.step(.stopRequested(now: 300)) == [])
        #expect(coordinator.step(.tick(now: 1_000_000)) == [])
    }

    @Test func `a checkpoint that was under way when a stop was asked for isn't the last`() {
        var coordinator = CheckpointCoordinator.make(pendingAt: 10_000)

        #expect(coordinator.step(.stopRequested(now: 10_001)) == [])
        coordinator.acknowledgeAll(1)
        #expect(coordinator.step(.stored(1, now: 10_002)) == [.complete(1)])
        #expect(coordinator.step(.tick(now: 10_003)) == [.triggerLast(2)])
        coordinator.acknowledgeAll(2)
        #expect(coordinator.step(.stored(2, now: 10_004)) == [.complete(2), .stop])
    }

    @Test func `a last checkpoint that is given up is taken again`() {
        var coordinator = CheckpointCoordinator.make()
        _ = coordinator.step(.stopRequested(now: 100))
        coordinator.acknowledgeAll(1)

        #expect(coordinator.step(.storeFailed(1, now: 200)) == [.abandon(1, .storeFailed)])
        #expect(coordinator.step(.tick(now: 300)) == [.triggerLast(2)])
        #expect(!coordinator.isLast(1) && coordinator.isLast(2))
    }

    @Test func `numbers go on behind those that were given up before a restart`() {
        var coordinator = CheckpointCoordinator.make(retained: [3], lastNumber: 7)

        #expect(coordinator.newest == 3)
        #expect(coordinator.takeNumber() == 8)
        #expect(coordinator.step(.requested(now: 0)) == [.trigger(9)])
    }

    @Test func `the checkpoint at the end of the input counts among those that are kept`() {
        var coordinator = CheckpointCoordinator.make(retained: [3, 5, 8]) { $0.retainedCount = 3 }

        let number = coordinator.takeNumber()

        #expect(coordinator.ended(number) == [3])
        #expect(coordinator.newest == number)
    }
}

extension CheckpointCoordinator {
    /// With two subtasks; `pendingAt`: when its first checkpoint has just begun.
    static func make(
        retained: [Int64] = [],
        lastNumber: Int64 = 0,
        pendingAt: Int64? = nil,
        _ change: (inout Configuration) -> Void = { _ in }
    ) -> CheckpointCoordinator {
        var configuration = Configuration()
        change(&configuration)
        var coordinator = CheckpointCoordinator(
            configuration: configuration,
            subtaskCount: 2,
            retained: retained,
            lastNumber: lastNumber
        )
        if let pendingAt {
            _ = coordinator.step(.tick(now: pendingAt - 10_000))
            _ = coordinator.step(.tick(now: pendingAt))
        }
        return coordinator
    }

    mutating func acknowledgeAll(_ number: Int64) {
        for subtask in 0..<2 { _ = self.step(.acknowledged(number, subtask: subtask)) }
    }

    mutating func complete(_ number: Int64, now: Int64) {
        self.acknowledgeAll(number)
        _ = self.step(.stored(number, now: now))
    }
}
