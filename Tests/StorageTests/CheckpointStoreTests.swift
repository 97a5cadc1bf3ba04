import CoreTypes
import Environment
import Platform
import Testing

@testable import Storage

@Suite struct CheckpointStoreTests {
    @Test(arguments: 0..<UInt64(20))
    func `state comes back from a disk of this machine as it was`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let directory = "/tmp/weir-checkpoints-\(SystemEntropy().next())"
        let store = DiskCheckpointStore(disk: LocalDisk(), directory: directory + "/a/job")
        defer { Self.removeAll(directory) }
        let state = TestState.random(&random)

        #expect(try store.list() == ([], 0))
        try state.write(to: store, as: 1)
        try state.write(to: store, as: 2)

        #expect(try store.list() == ([1, 2], 2))
        #expect(try state.isWhole(2, in: store), "seed \(seed)")
        store.remove(1)
        #expect(try store.list() == ([2], 2))
        #expect(try state.isWhole(2, in: store), "seed \(seed)")
        store.remove(2)
    }

    /// Every moment at which the process or the machine may end while a checkpoint is written.
    @Test(arguments: 0..<UInt64(60))
    func `a crash leaves the checkpoint or none, and those before it`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let (first, second, third) = (TestState.random(&random), TestState.random(&random), TestState.random(&random))
        var operation = 1
        while true {
            let world = try StoreWorld([first, second])
            world.disk.arm(.crash(operation: operation))

            let hasReturned = (try? third.write(to: world.store, as: 3)) != nil
            let isDone = world.disk.operationCount < operation
            if random.chance(percent: 30) { world.disk.restart() } else { world.disk.restart(losing: &random) }

            let (numbers, last) = try world.store.list()
            #expect(numbers == [1, 2] || numbers == [1, 2, 3], "operation \(operation), seed \(seed)")
            #expect(numbers.contains(3) || !hasReturned, "operation \(operation), seed \(seed)")
            #expect(last >= numbers.last ?? 0)
            for (number, state) in zip(numbers, [first, second, third]) {
                #expect(try state.isWhole(number, in: world.store), "\(number) at \(operation), seed \(seed)")
            }
            if isDone { break }
            operation += 1
        }
        #expect(operation > 10)
    }

    /// The next attempt has another number, whatever the last one left.
    @Test func `behind any failure a later checkpoint can be written`() throws {
        var random = SplitMix64(seed: 4)
        let state = TestState.random(&random)
        for operation in 1...40 {
            let world = try StoreWorld([state])
            world.disk.arm(.failure(operation: operation))
            let isWritten = (try? state.write(to: world.store, as: 2)) != nil
            world.disk.restart()
            if !isWritten { world.store.remove(2) }

            try state.write(to: world.store, as: 3)

            #expect(try world.store.list() == (isWritten ? [1, 2, 3] : [1, 3], 3), "operation \(operation)")
            #expect(try state.isWhole(3, in: world.store))
        }
    }

    @Test(arguments: 0..<UInt64(60))
    func `a crash while one is removed leaves no half of it`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let states = (0..<3).map { _ in TestState.random(&random) }
        for operation in 1...12 {
            for fault in [CrashingDisk.Fault.crash(operation: operation), .failure(operation: operation)] {
                let world = try StoreWorld(states)
                world.disk.arm(fault)

                world.store.remove(1)
                world.disk.restart(losing: &random)

                let numbers = try world.store.list().numbers
                #expect(numbers == [2, 3] || numbers == [1, 2, 3], "\(fault), seed \(seed)")
                for number in numbers {
                    let state = states[Int(number) - 1]
                    #expect(try state.isWhole(number, in: world.store), "\(number) at \(fault), seed \(seed)")
                }
            }
        }
    }

    @Test func `a full disk is reported, harms nothing, and is used again when it has room`() throws {
        var random = SplitMix64(seed: 9)
        let state = TestState.random(&random)
        let world = try StoreWorld([state])
        let used = world.disk.usedBytes
        for room in stride(from: 0, to: used, by: max(used / 20, 1)) {
            let world = try StoreWorld([state])
            world.disk.limit(used + room)

            let error = #expect(throws: CheckpointError.self) { try state.write(to: world.store, as: 2) }
            world.store.remove(2)
            world.disk.limit(.max)
            try state.write(to: world.store, as: 3)

            #expect(error?.description.contains("free some space") == true)
            #expect(try world.store.list() == ([1, 3], 3))
            #expect(try state.isWhole(1, in: world.store) && state.isWhole(3, in: world.store))
        }
    }

    @Test func `a file that nobody here wrote is no checkpoint`() throws {
        var random = SplitMix64(seed: 2)
        let world = try StoreWorld([TestState.random(&random)])
        for name in ["-", "-x", "-+7", "-08", "--9", "-0", "s-5"] {
            try world.disk.createDirectory("state/job/checkpoint\(name)")
        }

        #expect(try world.store.list() == ([1], 1))
    }

    @Test func `the manifest of another checkpoint is refused`() throws {
        var random = SplitMix64(seed: 2)
        let world = try StoreWorld([TestState.random(&random), TestState.random(&random)])
        let other = try #require(world.disk.content("state/job/checkpoint-1/manifest"))
        world.disk.change("state/job/checkpoint-2/manifest") { $0 = other }

        let error = #expect(throws: CheckpointError.self) { try world.store.manifest(2) }

        #expect(error?.description.contains("it is that of another one") == true)
    }

    @Test func `a damaged manifest is refused and says what to do`() throws {
        var random = SplitMix64(seed: 2)
        let world = try StoreWorld([TestState.random(&random)])
        world.disk.change("state/job/checkpoint-1/manifest") { $0[$0.count / 2] ^= 4 }

        let error = #expect(throws: CheckpointError.self) { try world.store.manifest(1) }

        #expect(error?.description.contains("an older checkpoint may still be whole") == true)
    }

    @Test func `a blob that is cut or lengthened is refused`() throws {
        let state = TestState(parts: [[Array("a state of some length, and of another one".utf8)]])
        let world = try StoreWorld([state])
        let path = "state/job/checkpoint-1/window-0.blob"
        let whole = try #require(world.disk.content(path))
        let blob = try world.store.manifest(1).blobs[0]

        for count in 0..<whole.count {
            world.disk.change(path) { $0 = Array(whole[..<count]) }
            #expect(throws: CheckpointError.self, "cut to \(count)") { try world.store.blob(blob, of: 1) }
        }
        world.disk.change(path) { $0 = whole + [0] }
        #expect(throws: CheckpointError.self) { try world.store.blob(blob, of: 1) }
    }

    /// A bit of a frame's header that has no meaning may change.
    @Test func `a blob with another byte is refused, or gives the state all the same`() throws {
        let content = Array("a state of some length, and of another one, and of another one".utf8)
        let world = try StoreWorld([TestState(parts: [[content, content]])])
        let path = "state/job/checkpoint-1/window-0.blob"
        let whole = try #require(world.disk.content(path))
        let blob = try world.store.manifest(1).blobs[0]
        var refusedCount = 0

        for index in whole.indices {
            for bit in 0..<8 {
                world.disk.change(path) { bytes in
                    bytes = whole
                    bytes[index] ^= 1 << bit
                }
                do {
                    #expect(try world.store.blob(blob, of: 1) == content + content, "bit \(bit) of byte \(index)")
                } catch {
                    refusedCount += 1
                }
            }
        }

        #expect(refusedCount >= whole.count * 8 - 8)
    }

    @Test func `a blob of another length than its manifest says is refused`() throws {
        let world = try StoreWorld([TestState(parts: [[[1, 2, 3]], [[1, 2, 3, 4]]])])
        let other = try #require(world.disk.content("state/job/checkpoint-1/window-1.blob"))
        world.disk.change("state/job/checkpoint-1/window-0.blob") { $0 = other }

        #expect(throws: CheckpointError.self) {
            try world.store.blob(try world.store.manifest(1).blobs[0], of: 1)
        }
    }
}

/// A disk with some checkpoints that are there for good, numbered from 1.
private struct StoreWorld {
    let disk = CrashingDisk(["state", "state/job"])
    let store: DiskCheckpointStore

    init(_ states: [TestState]) throws {
        self.store = DiskCheckpointStore(disk: self.disk, directory: "state/job")
        for (index, state) in states.enumerated() { try state.write(to: self.store, as: Int64(index) + 1) }
    }
}

/// What some subtasks hand over: each its pieces.
private struct TestState {
    let parts: [[[UInt8]]]

    static func random(_ random: inout SplitMix64) -> TestState {
        TestState(
            parts: (0..<random.next(in: 1..<4)).map { _ in
                (0..<random.next(in: 0..<4)).map { _ in
                    let isLarge = random.chance(percent: 1)
                    let length = random.next(in: 0..<(isLarge ? 1_300_000 : 300))
                    let step = UInt8(random.next(in: 0..<4))
                    return (0..<length).map { UInt8(truncatingIfNeeded: $0) &* step }
                }
            }
        )
    }

    func write(to store: DiskCheckpointStore, as number: Int64) throws {
        var manifest = CheckpointManifest(number: number, job: "job", parallelism: 1, createdAt: 0, watermark: 0)
        for (subtask, pieces) in self.parts.enumerated() {
            manifest.blobs.append(
                try store.writeBlob(pieces, operatorID: "window", subtask: subtask, checkpoint: number, keyCount: 0)
            )
        }
        try store.commit(manifest)
    }

    /// Whether a checkpoint is this state and nothing else.
    func isWhole(_ number: Int64, in store: DiskCheckpointStore) throws -> Bool {
        let blobs = try store.manifest(number).blobs
        guard blobs.map(\.subtask) == Array(self.parts.indices) else { return false }
        return try zip(blobs, self.parts).allSatisfy { blob, pieces in
            try store.blob(blob, of: number) == pieces.reduce(into: []) { $0 += $1 }
        }
    }
}

extension CheckpointStoreTests {
    private static func removeAll(_ directory: String) {
        let disk = LocalDisk()
        // What stays behind lies among temporary files anyway.
        for path in ["/a/job", "/a", ""] { try? disk.remove(directory + path) }
    }
}
