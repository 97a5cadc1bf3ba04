import CoreTypes
import Engine
import Foundation
import Platform
import Storage
import Testing

@Suite struct RocksTierTests {
    private let scratch = RocksFolder()
    private let tier: RocksTier

    init() {
        self.tier = RocksTier(scratch: LocalScratchSpace(), directory: self.scratch.path)
    }

    @Test(arguments: 0..<UInt64(6))
    func `a table holds what was committed, in the order of keys`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let table = try self.tier.makeTable(memoryBytes: 1)
        var model: [[UInt8]: [UInt8]] = [:]
        for _ in 0..<40 {
            for _ in 0..<random.next(in: 0..<300) {
                let key = Self.makeBytes(random.next(in: 1..<4), 4, &random)
                if random.chance(percent: 30) {
                    Self.withBytes(key) { table.remove($0) }
                    model[key] = nil
                } else {
                    let value = Self.makeBytes(random.next(in: 0..<900), 256, &random)
                    Self.withBytes(key) { key in Self.withBytes(value) { table.put(key, $0) } }
                    model[key] = value
                }
            }
            try table.commit()
            #expect(table.gatheredBytes == 0)
            let key = Self.makeBytes(random.next(in: 1..<4), 4, &random)
            #expect(try Self.read(key, of: table) == model[key], "seed \(seed)")
        }

        let range = ColdRange(first: [1], end: [3])
        let expected = model.filter { $0.key[0] == 1 || $0.key[0] == 2 }
            .map { [$0.key, $0.value] }
            .sorted { $0[0].lexicographicallyPrecedes($1[0]) }
        #expect(try Self.content(try table.makeCursor(range)) == expected, "seed \(seed)")
    }

    @Test func `what isn't committed yet isn't there`() throws {
        let table = try self.tier.makeTable(memoryBytes: 1 << 20)
        Self.withBytes([1]) { table.put($0, $0) }

        #expect(table.gatheredBytes == 2)
        #expect(try Self.read([1], of: table) == nil)
        try table.commit()
        #expect(try Self.read([1], of: table) == [1])
    }

    @Test func `a snapshot stays as it was, and keeps the database when the table is gone`() throws {
        var table: (any ColdTable)? = try self.tier.makeTable(memoryBytes: 1 << 20)
        for number in 0..<100 as Range<UInt8> { Self.withBytes([number]) { table?.put($0, $0) } }
        try table?.commit()
        let snapshot = try #require(try table?.makeSnapshot())
        for number in 0..<100 as Range<UInt8> { Self.withBytes([number]) { table?.remove($0) } }
        try table?.commit()

        table = nil

        let content = try Self.content(try snapshot.makeCursor(ColdRange(first: [0], end: [255])))
        #expect(content == (0..<100 as Range<UInt8>).map { [[$0], [$0]] })
    }

    @Test func `nothing is left when a table goes away`() throws {
        var table: (any ColdTable)? = try self.tier.makeTable(memoryBytes: 1 << 20)
        Self.withBytes([1]) { table?.put($0, $0) }
        try table?.commit()
        #expect(try LocalDisk().list(self.scratch.path).count == 2)

        table = nil

        #expect(try LocalDisk().list(self.scratch.path) == [])
    }

    @Test func `a directory that can't be made is named, with what to do`() throws {
        let tier = RocksTier(scratch: LocalScratchSpace(), directory: "/proc/no-such-directory")

        let error = #expect(throws: SpillError.self) { try tier.makeTable(memoryBytes: 1 << 20) }

        #expect(error?.message.contains("/proc/no-such-directory") == true)
        #expect(error?.message.contains("check") == true)
    }

    @Test func `files that were damaged are reported, and never read`() throws {
        let table = try self.tier.makeTable(memoryBytes: 1)
        try Self.fill(table, count: 6_000)
        let directory = try #require(try self.databases().first)
        for file in try LocalDisk().list(directory) where file.hasSuffix(".sst") {
            try Self.damage("\(directory)/\(file)")
        }
        var found: SpillError?
        do throws(SpillError) {
            for number in 0..<6_000 { _ = try Self.read(Self.key(number), of: table) }
        } catch {
            found = error
        }

        #expect(found?.reason == .corrupt)
        #expect(found?.message.contains("can't read the states of keys in '\(directory)'") == true)
        #expect(found?.message.contains("check the disk") == true)
    }

    @Test func `a disk that refuses is reported by a later write`() throws {
        let table = try self.tier.makeTable(memoryBytes: 1)
        try Self.fill(table, count: 100)
        let directory = try #require(try self.databases().first)
        // No file can be made in it any more.
        try LocalDisk().rename(directory, to: self.scratch.path + "/elsewhere")

        let error = #expect(throws: SpillError.self) {
            for _ in 0..<100 { try Self.fill(table, count: 6_000) }
        }

        #expect(error?.message.contains("can't write the states of keys in '\(directory)'") == true)
    }

    private func databases() throws -> [String] {
        try LocalDisk().list(self.scratch.path).filter { !$0.hasSuffix(".lock") }.map { self.scratch.path + "/" + $0 }
    }

    // MARK: Bytes

    private static func key(_ number: Int) -> [UInt8] { Array("key \(number)".utf8) }

    private static func fill(_ table: any ColdTable, count: Int) throws(SpillError) {
        let value = [UInt8](repeating: 7, count: 200)
        for number in 0..<count {
            Self.withBytes(Self.key(number)) { key in Self.withBytes(value) { table.put(key, $0) } }
            if number.isMultiple(of: 500) { try table.commit() }
        }
        try table.commit()
    }

    /// Writes zeros over a file, which stays the same one.
    private static func damage(_ path: String) throws {
        let file = try #require(FileHandle(forWritingAtPath: path))
        let size = try file.seekToEnd()
        try file.seek(toOffset: 0)
        try file.write(contentsOf: Data(count: Int(size)))
    }

    private static func makeBytes(_ count: Int, _ limit: Int, _ random: inout SplitMix64) -> [UInt8] {
        (0..<count).map { _ in UInt8(random.next(in: 0..<limit)) }
    }

    private static func withBytes(_ array: [UInt8], _ body: (Bytes) -> Void) {
        unsafe array.withUnsafeBufferPointer { buffer in
            // An empty array may have no address.
            let start = unsafe buffer.baseAddress ?? UnsafePointer(bitPattern: 16).unsafelyUnwrapped
            body(unsafe Bytes(start: start, count: array.count))
        }
    }

    private static func read(_ key: [UInt8], of table: any ColdTable) throws(SpillError) -> [UInt8]? {
        var value = ByteBuffer()
        var result: Result<Bool, SpillError> = .success(false)
        Self.withBytes(key) { key in
            do throws(SpillError) {
                result = .success(try table.read(key, into: &value))
            } catch {
                result = .failure(error)
            }
        }
        return try result.get() ? value.bytes.array : nil
    }

    private static func content(_ cursor: any ColdCursor) throws -> [[[UInt8]]] {
        var content: [[[UInt8]]] = []
        while !cursor.isAtEnd {
            content.append([cursor.key.array, cursor.value.array])
            try cursor.advance()
        }
        return content
    }
}

/// A directory of its own for one test, removed when the test ends.
private final class RocksFolder: Sendable {
    let path = FileManager.default.temporaryDirectory.path + "/weir-rocks-\(UUID().uuidString)"

    deinit {
        // What stays behind lies among temporary files anyway.
        try? FileManager.default.removeItem(atPath: self.path)
    }
}
