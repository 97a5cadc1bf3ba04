import CoreTypes
import Environment
import Foundation
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
        let states = TestState.series(2, &random)

        #expect(try store.list() == ([], 0))
        for state in states { try state.write(to: store) }

        #expect(try store.list() == ([1, 2], 2))
        #expect(try states[1].isWhole(in: store), "seed \(seed)")
        store.remove(1)
        #expect(try store.list() == ([2], 2))
        #expect(try states[1].isWhole(in: store), "seed \(seed)")
        store.remove(2)
        #expect(((try? LocalDisk().list(directory + "/a/job/blobs")) ?? []).isEmpty)
    }

    /// Every moment at which the process or the machine may end while a checkpoint is written.
    @Test(arguments: 0..<UInt64(12))
    func `a crash leaves the checkpoint or none, and those before it`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let states = TestState.series(3, &random)
        var operation = 1
        while true {
            let world = try StoreWorld(Array(states[..<2]))
            world.disk.arm(.crash(operation: operation))

            let hasReturned = (try? states[2].write(to: world.store)) != nil
            let isDone = world.disk.operationCount < operation
            if random.chance(percent: 30) { world.disk.restart() } else { world.disk.restart(losing: &random) }

            let (numbers, last) = try world.store.list()
            #expect(numbers == [1, 2] || numbers == [1, 2, 3], "operation \(operation), seed \(seed)")
            #expect(numbers.contains(3) || !hasReturned, "operation \(operation), seed \(seed)")
            #expect(last >= numbers.last ?? 0)
            for state in states.prefix(numbers.count) {
                #expect(try state.isWhole(in: world.store), "\(state.number) at \(operation), seed \(seed)")
            }
            if isDone { break }
            operation += 1
        }
        #expect(operation > 10)
    }

    /// The next attempt has another number, whatever the last one left.
    @Test func `behind any failure a later checkpoint can be written`() throws {
        var random = SplitMix64(seed: 4)
        let first = TestState.random(1, &random)
        let (second, third) = (TestState.random(2, &random), TestState.random(3, &random))
        for operation in 1...60 {
            let world = try StoreWorld([first])
            world.disk.arm(.failure(operation: operation))
            let isWritten = (try? second.write(to: world.store)) != nil
            world.disk.restart()
            if !isWritten { world.store.remove(2) }

            try third.write(to: world.store)

            #expect(try world.store.list() == (isWritten ? [1, 2, 3] : [1, 3], 3), "operation \(operation)")
            #expect(try third.isWhole(in: world.store))
        }
    }

    @Test func `chunks of several frames come back`() throws {
        let chunks = [2_500_000, 1, 1 << 20].map { count in (0..<count).map { UInt8(truncatingIfNeeded: $0 / 3) } }
        let state = TestState.single(chunks)

        #expect(try state.isWhole(in: try StoreWorld([state]).store))
    }

    @Test(arguments: 0..<UInt64(8))
    func `a crash while one is removed leaves no half of it, and takes nothing from others`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let states = TestState.series(4, &random)
        var isDone = false
        var operation = 1
        while !isDone {
            for fault in [CrashingDisk.Fault.crash(operation: operation), .failure(operation: operation)] {
                let world = try StoreWorld(states)
                world.disk.arm(fault)

                world.store.remove(2)
                isDone = world.disk.operationCount < operation
                world.disk.restart(losing: &random)

                let numbers = try world.store.list().numbers
                #expect(numbers == [1, 3, 4] || numbers == [1, 2, 3, 4], "\(fault), seed \(seed)")
                for number in numbers {
                    let state = states[Int(number) - 1]
                    #expect(try state.isWhole(in: world.store), "\(number) at \(fault), seed \(seed)")
                }
            }
            operation += 1
        }
    }

    @Test(arguments: 0..<UInt64(20))
    func `only what some checkpoint names stays when others are removed`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let states = TestState.series(8, &random)
        let world = try StoreWorld([])
        var kept: [TestState] = []

        for state in states {
            try state.write(to: world.store)
            kept.append(state)
            while kept.count > 3 { world.store.remove(kept.removeFirst().number) }
            for state in kept { #expect(try state.isWhole(in: world.store), "seed \(seed)") }
        }

        var named: Set<String> = []
        for state in kept where !state.isSavepoint {
            named.formUnion(try world.store.manifest(state.number).blobs.map(\.file))
        }
        let files = (try? world.disk.list("state/job/blobs")) ?? []
        #expect(Set(files) == named, "seed \(seed)")
    }

    @Test(arguments: 0..<UInt64(20))
    func `a savepoint needs nothing beside it`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var states = TestState.series(3, &random)
        for index in states.indices { states[index].isSavepoint = false }
        states[2] = .random(3, after: states[1], &random)
        states[2].isSavepoint = true
        let world = try StoreWorld(states)

        world.store.remove(1)
        world.store.remove(2)
        for name in try world.disk.list("state/job/blobs") { try world.disk.remove("state/job/blobs/\(name)") }

        #expect(try states[2].isWhole(in: world.store), "seed \(seed)")
    }

    @Test(arguments: 0..<UInt64(20))
    func `a checkpoint is copied as a savepoint, whatever becomes of it then`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let states = TestState.series(3, &random)
        let world = try StoreWorld(states)
        let copies = DiskCheckpointStore(disk: world.disk, directory: "state/kept")

        _ = try world.store.export(3, to: copies)
        for number: Int64 in 1...3 { world.store.remove(number) }
        var savepoint = states[2]
        savepoint.isSavepoint = true

        #expect(try copies.list().numbers == [3])
        #expect(try savepoint.isWhole(in: copies), "seed \(seed)")
        #expect(throws: CheckpointError.self) { try world.store.export(3, to: copies) }
    }

    @Test func `a second copy into the same place is refused, and the first stays whole`() throws {
        var random = SplitMix64(seed: 31)
        let states = TestState.series(2, &random)
        let world = try StoreWorld(states)
        let copies = DiskCheckpointStore(disk: world.disk, directory: "state/kept")
        let manifest = try world.store.export(2, to: copies)

        #expect(throws: CheckpointError.self) { try world.store.export(2, to: copies) }

        #expect(try copies.list().numbers == [2])
        try copies.verify(manifest)
    }

    @Test func `a copy that lacks a blob isn't a checkpoint, and another attempt is`() throws {
        var random = SplitMix64(seed: 12)
        let states = TestState.series(2, &random)
        let world = try StoreWorld(states)
        let copies = DiskCheckpointStore(disk: world.disk, directory: "state/kept")
        let blob = try #require(try world.disk.list("state/job/blobs").first)
        let path = "state/job/blobs/\(blob)"
        let content = try #require(world.disk.content(path))
        world.disk.change(path) { $0.removeLast() }

        #expect(throws: CheckpointError.self) {
            for number: Int64 in [2, 1] { _ = try world.store.export(number, to: copies) }
        }
        #expect(try copies.list().numbers.count < 2)
        for number in try copies.list().numbers { copies.remove(number) }
        world.disk.change(path) { $0 = content }

        let manifest = try world.store.export(2, to: copies)
        try copies.verify(manifest)
    }

    @Test func `a savepoint that shares blobs of equal content, also with its own, is whole`() throws {
        let chunks = [Array("what all subtasks keep, and keep on keeping".utf8)]
        let first = TestState.Piece(checkpoint: 1, index: 0, chunks: chunks)
        let second = TestState.Piece(checkpoint: 2, index: 0, chunks: chunks)
        let world = try StoreWorld([TestState(number: 1, parts: [[first], [first], [first]])])
        let savepoint = TestState(number: 2, isSavepoint: true, parts: [[second, first], [second, first], [second]])

        try savepoint.write(to: world.store)
        world.store.remove(1)

        #expect(try savepoint.isWhole(in: world.store))
    }

    @Test func `what is left of attempts is removed, but for those behind the newest checkpoint`() throws {
        var random = SplitMix64(seed: 21)
        let states = [Int64(2), 4].map { TestState.random($0, &random) }
        let world = try StoreWorld(states)
        for number in [1, 3, 5] {
            try world.disk.createDirectory("state/job/checkpoint-\(number)")
            _ = try world.disk.createFile("state/job/checkpoint-\(number)/manifest.new")
        }

        world.store.removeLeftovers()

        let names = try world.disk.list("state/job").filter { $0.hasPrefix("checkpoint-") }
        #expect(names.sorted() == ["checkpoint-2", "checkpoint-4", "checkpoint-5"])
        #expect(try world.store.list() == ([2, 4], 5))
        for state in states { #expect(try state.isWhole(in: world.store)) }
    }

    @Test func `nothing is removed while nobody knows what a checkpoint names`() throws {
        var random = SplitMix64(seed: 6)
        let world = try StoreWorld([.random(1, &random), .random(2, &random)])
        let manifest = try #require(world.disk.content("state/job/checkpoint-2/manifest"))
        world.disk.change("state/job/checkpoint-2/manifest") { $0[$0.count / 2] ^= 4 }

        world.store.remove(1)

        world.disk.change("state/job/checkpoint-2/manifest") { $0 = manifest }
        try world.store.verify(try world.store.manifest(2))
    }

    @Test func `a full disk is reported, harms nothing, and is used again when it has room`() throws {
        var random = SplitMix64(seed: 9)
        let first = TestState.random(1, &random)
        let (second, third) = (TestState.random(2, &random), TestState.random(3, &random))
        let world = try StoreWorld([first])
        let used = world.disk.usedBytes
        try second.write(to: world.store)
        let more = world.disk.usedBytes - used
        for room in stride(from: 0, to: more, by: max(more / 20, 1)) {
            let world = try StoreWorld([first])
            world.disk.limit(used + room)

            let error = #expect(throws: CheckpointError.self) { try second.write(to: world.store) }
            world.store.remove(2)
            world.disk.limit(.max)
            try third.write(to: world.store)

            #expect(error?.description.contains("free some space") == true)
            #expect(try world.store.list() == ([1, 3], 3))
            #expect(try first.isWhole(in: world.store) && third.isWhole(in: world.store))
        }
    }

    @Test func `a file that nobody here wrote is no checkpoint`() throws {
        var random = SplitMix64(seed: 2)
        let world = try StoreWorld([TestState.random(1, &random)])
        for name in ["-", "-x", "-+7", "-08", "--9", "-0", "s-5"] {
            try world.disk.createDirectory("state/job/checkpoint\(name)")
        }

        #expect(try world.store.list() == ([1], 1))
    }

    @Test func `the manifest of another checkpoint is refused`() throws {
        var random = SplitMix64(seed: 2)
        let world = try StoreWorld([TestState.random(1, &random), TestState.random(2, &random)])
        let other = try #require(world.disk.content("state/job/checkpoint-1/manifest"))
        world.disk.change("state/job/checkpoint-2/manifest") { $0 = other }

        let error = #expect(throws: CheckpointError.self) { try world.store.manifest(2) }

        #expect(error?.description.contains("it is that of another one") == true)
    }

    @Test func `a damaged manifest is refused and says what to do`() throws {
        var random = SplitMix64(seed: 2)
        let world = try StoreWorld([TestState.random(1, &random)])
        world.disk.change("state/job/checkpoint-1/manifest") { $0[$0.count / 2] ^= 4 }

        let error = #expect(throws: CheckpointError.self) { try world.store.manifest(1) }

        #expect(error?.description.contains("an older checkpoint may still be whole") == true)
    }

    @Test func `a blob that is cut or lengthened is refused`() throws {
        let chunk = Array("a state of some length, and of another one".utf8)
        let world = try StoreWorld([.single([chunk])])
        let path = try world.onlyBlob()
        let whole = try #require(world.disk.content(path))
        let manifest = try world.store.manifest(1)

        for count in 0..<whole.count {
            world.disk.change(path) { $0 = Array(whole[..<count]) }
            #expect(throws: CheckpointError.self, "cut to \(count)") { try world.store.verify(manifest) }
        }
        world.disk.change(path) { $0 = whole + [0] }
        #expect(throws: CheckpointError.self) { try world.store.verify(manifest) }
    }

    /// A bit of a frame's header that has no meaning may change.
    @Test func `a blob with another byte is refused, or gives the state all the same`() throws {
        let chunk = Array("a state of some length, and of another one, and of another one".utf8)
        let state = TestState.single([chunk, chunk])
        let world = try StoreWorld([state])
        let path = try world.onlyBlob()
        let whole = try #require(world.disk.content(path))
        var refusedCount = 0

        for index in whole.indices {
            for bit in 0..<8 {
                world.disk.change(path) { bytes in
                    bytes = whole
                    bytes[index] ^= 1 << bit
                }
                do {
                    #expect(try state.isWhole(in: world.store), "bit \(bit) of byte \(index)")
                } catch {
                    refusedCount += 1
                }
            }
        }

        #expect(refusedCount >= whole.count * 8 - 16)
    }

    @Test func `a blob of another length than its manifest says, or of other pieces, is refused`() throws {
        for other in [TestState.single([[1, 2, 3, 4]]), .single([[1, 2, 3]], index: 1)] {
            let world = try StoreWorld([.single([[1, 2, 3]])])
            let content = try #require(try StoreWorld([other]).content())
            world.disk.change(try world.onlyBlob()) { $0 = content }

            #expect(throws: CheckpointError.self) { try world.store.verify(try world.store.manifest(1)) }
        }
    }
}

/// A disk with some checkpoints that are there for good, numbered from 1.
private struct StoreWorld {
    let disk = CrashingDisk(["state", "state/job"])
    let store: DiskCheckpointStore

    init(_ states: [TestState]) throws {
        self.store = DiskCheckpointStore(disk: self.disk, directory: "state/job")
        for state in states { try state.write(to: self.store) }
    }

    /// Where the only blob of a checkpoint without others lies, of which there is one alone.
    func onlyBlob() throws -> String {
        let names = try self.disk.list("state/job/blobs")
        #expect(names.count == 1)
        return "state/job/blobs/\(names[0])"
    }

    func content() throws -> [UInt8]? { self.disk.content(try self.onlyBlob()) }
}

/// A checkpoint: the pieces of some subtasks, each of some chunks, which it wrote itself or those before it did.
private struct TestState {
    struct Piece {
        let checkpoint: Int64
        let index: Int
        let chunks: [[UInt8]]
    }

    let number: Int64
    var isSavepoint = false
    var parts: [[Piece]]

    /// One piece of these chunks.
    static func single(_ chunks: [[UInt8]], index: Int = 0) -> TestState {
        TestState(number: 1, parts: [[Piece(checkpoint: 1, index: index, chunks: chunks)]])
    }

    static func random(_ number: Int64, after base: TestState? = nil, _ random: inout SplitMix64) -> TestState {
        var state = TestState(number: number, parts: [])
        let isSharing = base?.isSavepoint == false
        for subtask in 0..<(base?.parts.count ?? random.next(in: 1..<4)) {
            let kept = isSharing ? base?.parts[subtask].filter { _ in random.chance(percent: 60) } ?? [] : []
            let new = (0..<random.next(in: 1..<4)).map { index in
                let chunks = (0..<random.next(in: 1..<3)).map { _ in Self.chunk(&random) }
                return Piece(checkpoint: number, index: index, chunks: chunks)
            }
            // The first is always new, and those of one checkpoint stay in their order.
            state.parts.append([new[0]] + kept + new.dropFirst())
        }
        return state
    }

    /// Some checkpoints, each of which shares with the one before.
    static func series(_ count: Int, _ random: inout SplitMix64) -> [TestState] {
        var states: [TestState] = []
        for number in 1...Int64(count) {
            var state = Self.random(number, after: states.last, &random)
            state.isSavepoint = random.chance(percent: 25)
            states.append(state)
        }
        return states
    }

    private static func chunk(_ random: inout SplitMix64) -> [UInt8] {
        let length = random.next(in: 0..<300)
        let step = UInt8(random.next(in: 0..<4))
        return (0..<length).map { UInt8(truncatingIfNeeded: $0) &* step }
    }

    private static func owner(_ subtask: Int) -> StateOwner { StateOwner(operatorID: "window", subtask: subtask) }

    func write(to store: DiskCheckpointStore) throws {
        var manifest = CheckpointManifest(number: self.number, job: "job", parallelism: 1, createdAt: 0, watermark: 0)
        manifest.isSavepoint = self.isSavepoint
        for (subtask, pieces) in self.parts.enumerated() {
            let owner = Self.owner(subtask)
            let blob = try store.writeBlob(of: owner, checkpoint: self.number, isSavepoint: self.isSavepoint) {
                (writer) throws(CheckpointError) in
                for piece in pieces where piece.checkpoint == self.number {
                    for chunk in piece.chunks { try writer.append(chunk, ofPiece: piece.index) }
                }
            }
            manifest.blobs.append(blob)
            for piece in pieces {
                manifest.pieces.append(
                    .init(owner: owner, checkpoint: piece.checkpoint, index: piece.index, name: "piece", keyCount: 0)
                )
            }
            for number in Set(pieces.map(\.checkpoint)).subtracting([self.number]).sorted() {
                let known = try store.manifest(self.number - 1).blobs
                manifest.blobs += known.filter { $0.owner == owner && $0.checkpoint == number }
            }
        }
        try store.commit(manifest)
    }

    /// Whether the checkpoint is this state and nothing else.
    func isWhole(in store: DiskCheckpointStore) throws -> Bool {
        let manifest = try store.manifest(self.number)
        for (subtask, pieces) in self.parts.enumerated() {
            var reader = CheckpointReader(of: Self.owner(subtask), in: manifest, of: store)
            var found: [[UInt8]] = []
            while let next = try reader.next() { found.append(next.chunk) }
            let rest = pieces.dropFirst().sorted { ($0.checkpoint, $0.index) < ($1.checkpoint, $1.index) }
            guard found == (pieces.prefix(1) + rest).flatMap(\.chunks) else { return false }
        }
        return manifest.isSavepoint == self.isSavepoint
    }
}

extension CheckpointStoreTests {
    private static func removeAll(_ directory: String) {
        // What stays behind lies among temporary files anyway.
        try? FileManager.default.removeItem(atPath: directory)
    }
}
