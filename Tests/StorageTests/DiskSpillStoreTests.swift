import ConnectorKit
import CoreTypes
import Engine
import EngineTestKit
import Environment
import Platform
import Synchronization
import Testing

@testable import Storage

@Suite struct DiskSpillStoreTests {
    /// Runs written and read in turn, so that their blocks lie mixed in the file.
    @Test(arguments: 0..<UInt64(12))
    func `every run gives back its blocks in order`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let store = DiskSpillStore(disk: LocalDisk(), directory: "/tmp")
        let blocks = (0..<random.next(in: 1..<12)).map { _ in
            (0..<random.next(in: 0..<12)).map { _ in Self.makeBlock(&random) }
        }

        let runs = try Self.write(blocks, to: store)
        let readers = try runs.map { try $0.makeReader() }

        let block = SourceBlock(capacity: 16)
        for round in 0...12 {
            for (run, reader) in readers.enumerated() {
                let isBlock = try reader.next(into: block)
                let expected = round < blocks[run].count ? blocks[run][round] : []
                #expect(isBlock == (round < blocks[run].count))
                #expect(Self.content(block) == expected, "seed \(seed), run \(run), block \(round)")
            }
        }
    }

    @Test func `a run is read twice at once`() throws {
        let store = DiskSpillStore(disk: LocalDisk(), directory: "/tmp")
        let run = try Self.write([[[1, 2, 3], [4]]], to: store)[0]

        let readers = try [run.makeReader(), run.makeReader()]
        let block = SourceBlock(capacity: 16)

        for reader in readers {
            #expect(try reader.next(into: block))
            #expect(Self.content(block) == [1, 2, 3])
        }
        #expect(run.storedBytes > 0)
    }

    @Test func `nothing is visible while runs lie on disk`() throws {
        let disk = LocalDisk()
        let directory = "/tmp/weir-spill-test-\(SystemEntropy().next())"
        defer { try? disk.remove(directory) }
        let store = DiskSpillStore(disk: disk, directory: directory)

        let runs = try Self.write([[[1, 2, 3]]], to: store)

        #expect(runs.count == 1)
        #expect(try disk.list(directory) == [])
    }

    @Test func `the space of a run that is gone is used again`() throws {
        let disk = MemoryDisk()
        let store = DiskSpillStore(disk: disk, directory: "spill")
        var random = SplitMix64(seed: 1)
        let incompressible = (0..<1_000_000).map { _ in UInt8(truncatingIfNeeded: random.next()) }

        for _ in 0..<20 {
            _ = try Self.write([[incompressible]], to: store)
        }

        #expect(try disk.file.size < 4 * 1_024 * 1_024)
    }

    @Test func `a writer that is given up gives its space back`() throws {
        let disk = MemoryDisk()
        let store = DiskSpillStore(disk: disk, directory: "spill")

        for _ in 0..<20 {
            let writer = try store.makeRun()
            try Self.append([7], to: writer)
        }

        #expect(try disk.file.size < 100)
    }

    @Test func `a full disk is reported as such`() throws {
        let disk = MemoryDisk(limit: 1_000)
        let store = DiskSpillStore(disk: disk, directory: "spill")
        var random = SplitMix64(seed: 1)
        let block = (0..<5_000).map { _ in UInt8(truncatingIfNeeded: random.next()) }

        let error = #expect(throws: SpillError.self) { try Self.write([[block]], to: store) }

        #expect(error?.reason == .noSpace)
        #expect(error?.message.contains("free some space") == true)
    }

    @Test(arguments: [0, 5, 9, 13, 17, 21, 30, 60])
    func `a damaged block is reported and never delivered`(position: Int) throws {
        let disk = MemoryDisk()
        let store = DiskSpillStore(disk: disk, directory: "spill")
        let text = Array("some words, and some more words, and a few that aren't repeated: xyz".utf8)
        let reader = try Self.write([[text]], to: store)[0].makeReader()
        disk.file.damage(at: position, with: 0x24)

        let block = SourceBlock(capacity: 16)
        let error = #expect(throws: SpillError.self) { try reader.next(into: block) }

        #expect(error?.reason == .corrupt)
        #expect(block.count == 0)
    }

    @Test func `a file that ends too early is reported`() throws {
        let disk = MemoryDisk()
        let store = DiskSpillStore(disk: disk, directory: "spill")
        let reader = try Self.write([[[1, 2, 3]]], to: store)[0].makeReader()
        disk.file.truncate(to: 10)

        let error = #expect(throws: SpillError.self) { try reader.next(into: SourceBlock(capacity: 16)) }

        #expect(error?.reason == .corrupt)
    }
}

extension DiskSpillStoreTests {
    static func makeBlock(_ random: inout SplitMix64) -> [UInt8] {
        let length = random.chance(percent: 10) ? SpillLimits.blockBytes : random.next(in: 1..<70_000)
        let isRandom = random.chance(percent: 20)
        var block = [UInt8](repeating: UInt8(random.next(in: 0..<256)), count: length)
        for index in stride(from: 0, to: length, by: isRandom ? 1 : 50) {
            block[index] = UInt8(truncatingIfNeeded: random.next())
        }
        return block
    }

    /// Writes a block of each run in turn.
    static func write(_ blocks: [[[UInt8]]], to store: DiskSpillStore) throws -> [any SpillRun] {
        let writers = try blocks.map { _ in try store.makeRun() }
        for round in 0..<(blocks.map(\.count).max() ?? 0) {
            for (run, writer) in writers.enumerated() where round < blocks[run].count {
                try self.append(blocks[run][round], to: writer)
            }
        }
        return try writers.map { try $0.finish() }
    }

    static func append(_ block: [UInt8], to writer: any SpillRunWriter) throws {
        try unsafe block.withUnsafeBytes { try unsafe writer.append($0) }
    }

    static func content(_ block: SourceBlock) -> [UInt8] {
        unsafe Array(UnsafeRawBufferPointer(start: block.base, count: block.count))
    }
}
