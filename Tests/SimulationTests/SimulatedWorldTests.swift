import CoreTypes
import RaftCore
import Testing

@testable import Simulation

@Suite struct EventQueueTests {
    @Test func `events come in the order of time, and of planning at the same time`() {
        var queue = EventQueue<Int>()
        for (event, time) in [(1, 30), (2, 10), (3, 20), (4, 10), (5, 10)] as [(Int, Int64)] {
            queue.schedule(event, at: time)
        }

        var order: [Int] = []
        while let event = queue.next() { order.append(event) }

        #expect(order == [2, 4, 5, 3, 1])
        #expect(queue.now == 30)
    }

    @Test func `an event of the past happens now`() {
        var queue = EventQueue<Int>()
        queue.schedule(1, at: 50)
        _ = queue.next()
        queue.schedule(2, at: 7)

        _ = queue.next()

        #expect(queue.now == 50)
    }

    @Test func `thousands of events come sorted`() {
        var queue = EventQueue<Int64>()
        var random = SplitMix64(seed: 1)
        for _ in 0..<5_000 {
            let time = Int64(random.next(in: 0..<1_000))
            queue.schedule(time, at: time)
        }

        var last: Int64 = 0
        var count = 0
        while let time = queue.next() {
            #expect(time >= last)
            last = time
            count += 1
        }
        #expect(count == 5_000)
    }
}

@Suite struct SimulatedLogDiskTests {
    private static func write(_ id: UInt64, term: UInt64? = nil, entries: [(UInt64, UInt64)] = []) -> LogWrite {
        LogWrite(
            id: WriteID(rawValue: id),
            hardState: term.map { HardState(term: Term(rawValue: $0)) },
            entries: entries.map {
                LogEntry(index: LogIndex(rawValue: $0.1), term: Term(rawValue: $0.0), payload: .empty)
            }
        )
    }

    private static func makeDisk() -> SimulatedLogDisk {
        var disk = SimulatedLogDisk(founding: nil, segmentBytes: 10_000)
        _ = disk.recover()
        return disk
    }

    @Test func `what is durable survives, and what isn't may`() {
        var counts: [Int: Int] = [:]
        for seed in 0..<400 as Range<UInt64> {
            var random = SplitMix64(seed: seed)
            var disk = Self.makeDisk()
            _ = disk.submit(Self.write(1, entries: [(1, 1), (1, 2)]), now: 0, syncTime: 10)
            disk.complete(through: WriteID(rawValue: 1))
            let more = (3..<40).map { (UInt64(1), UInt64($0)) }
            _ = disk.submit(Self.write(2, entries: more), now: 20, syncTime: 10)
            disk.crash(&random)
            let state = disk.recover()
            #expect(state.damagedEnd == nil)
            counts[state.entries.count, default: 0] += 1
        }

        // All of the second write, none of it, or a torn part.
        #expect(counts.keys.allSatisfy { 2...39 ~= $0 })
        #expect(counts[2] ?? 0 > 20 && counts[39] ?? 0 > 0 && counts.count > 4, "\(counts)")
    }

    @Test func `a hard state is durable before the entries that were written behind it`() {
        for seed in 0..<200 as Range<UInt64> {
            var random = SplitMix64(seed: seed)
            var disk = Self.makeDisk()
            _ = disk.submit(Self.write(1, term: 4), now: 0, syncTime: 10)
            _ = disk.submit(Self.write(2, entries: [(4, 1)]), now: 0, syncTime: 10)
            disk.crash(&random)
            let state = disk.recover()
            #expect(state.entries.isEmpty || state.hardState.term == Term(rawValue: 4))
        }
    }

    @Test(arguments: 0..<UInt64(40))
    func `damage cuts the log off, and its end is remembered`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var disk = Self.makeDisk()
        _ = disk.submit(Self.write(1, entries: [(1, 1), (1, 2), (2, 3)]), now: 0, syncTime: 10)
        disk.complete(through: WriteID(rawValue: 1))
        let isDamaged = disk.damageLog(&random)

        let state = disk.recover()

        let end = LogPosition(term: Term(rawValue: 2), index: LogIndex(rawValue: 3))
        #expect(isDamaged)
        // The bit may be one that nothing depends on.
        #expect(state.entries.count == 3 || state.damagedEnd == end)
        #expect(state.entries.count == 3 || disk.hardState.repairFloor == end)
    }

    @Test func `writes that come during a sync share the next one`() {
        var disk = Self.makeDisk()

        let ends = (1...3).map { disk.submit(Self.write(UInt64($0)), now: Int64($0), syncTime: 100) }

        #expect(ends == [101, 201, 201])
    }
}

@Suite struct KeyValueMachineTests {
    @Test func `a command that comes twice takes effect once`() {
        var machine = KeyValueMachine(keyCount: 1, clientCount: 2)
        let first = KeyValueCommand(client: 0, sequence: 1, key: 0, operation: .write(5))
        let other = KeyValueCommand(client: 1, sequence: 1, key: 0, operation: .write(6))

        machine.apply(first, at: LogIndex(rawValue: 1))
        machine.apply(other, at: LogIndex(rawValue: 2))
        machine.apply(first, at: LogIndex(rawValue: 3))

        #expect(machine.values == [6])
    }

    @Test func `a snapshot restores what it was taken of`() {
        var machine = KeyValueMachine(keyCount: 2, clientCount: 2)
        let command = KeyValueCommand(client: 1, sequence: 3, key: 1, operation: .compareAndSet(expected: 0, new: 9))
        machine.apply(command, at: LogIndex(rawValue: 1))
        var other = KeyValueMachine(keyCount: 2, clientCount: 2)

        let isRestored = other.restore(machine.encoded, at: LogIndex(rawValue: 1))
        let isRubbishRestored = other.restore([1, 2, 3], at: LogIndex(rawValue: 2))

        #expect(isRestored && !isRubbishRestored)
        #expect(other == machine)
    }

    @Test func `a command is what it was after it was encoded`() {
        let command = KeyValueCommand(client: 3, sequence: 70_000, key: 2, operation: .write(4_000_000_000))

        #expect(KeyValueCommand(command.encoded) == command)
        #expect(KeyValueCommand([1, 2]) == nil)
    }
}
