import ConnectorKit
import CoreTypes
import EngineTestKit
import Testing

@testable import Engine

@Suite struct GroupSpoolLengthTests {
    @Test(arguments: Seeds.first(2))
    func `values come back in order, as often as asked`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let values = (0..<random.next(in: 0..<60)).map { _ in
            let length = random.next(in: 0..<(random.chance(percent: 20) ? 3_000_000 : 30_000))
            return [UInt8](repeating: UInt8(random.next(in: 0..<256)), count: length)
        }
        let spool = GroupSpool(store: InMemorySpillStore())
        for value in values { try spool.append(value) }

        for _ in 0..<2 {
            try spool.rewind()
            for value in values { #expect(try spool.next()?.array == value, "replay with seed \(seed)") }
            #expect(try spool.next() == nil)
        }
    }

    @Test func `putting long values together copies each byte a few times, however long they are`() throws {
        let spool = GroupSpool(store: InMemorySpillStore())
        let length = 4 << 20
        for byte in UInt8(0)..<3 { try spool.append([UInt8](repeating: byte, count: length)) }

        try spool.rewind()
        while try spool.next() != nil {}

        #expect(spool.joinedBytes < 3 * 3 * length)
    }

    @Test(arguments: [UInt64.max, 1 << 62, 600_001])
    func `a length that no value had is refused before room is made for it`(length: UInt64) throws {
        var block = [UInt8](repeating: 0, count: 100)
        unsafe block.withUnsafeMutableBytes { unsafe $0.storeBytes(of: length, as: UInt64.self) }
        let spool = GroupSpool(store: DamagingStore(first: block))
        try spool.append([UInt8](repeating: 1, count: 600_000))
        try spool.rewind()

        let error = #expect(throws: SpillError.self) { try spool.next() }

        #expect(error?.reason == .corrupt)
    }

    @Test func `an end inside a value is refused`() throws {
        var block = [UInt8](repeating: 0, count: 100)
        unsafe block.withUnsafeMutableBytes { unsafe $0.storeBytes(of: 600_000, as: UInt64.self) }
        let spool = GroupSpool(store: DamagingStore(first: block))
        try spool.append([UInt8](repeating: 1, count: 600_000))
        try spool.rewind()

        let error = #expect(throws: SpillError.self) { try spool.next() }

        #expect(error?.reason == .corrupt)
    }
}

/// Whatever is written, one block comes back.
private final class DamagingStore: SpillStore {
    private let first: [UInt8]

    init(first: [UInt8]) {
        self.first = first
    }

    func makeRun() throws(SpillError) -> any SpillRunWriter { DamagingWriter(self.first) }
}

private final class DamagingWriter: SpillRunWriter {
    private let first: [UInt8]

    init(_ first: [UInt8]) {
        self.first = first
    }

    func append(_ block: UnsafeRawBufferPointer) throws(SpillError) {}

    func finish() throws(SpillError) -> any SpillRun { InMemorySpillRun([self.first]) }
}

extension GroupSpool {
    fileprivate func append(_ value: [UInt8]) throws(SpillError) {
        var buffer = ByteBuffer(capacity: value.count)
        for byte in value { buffer.append(byte) }
        try self.append(buffer.bytes)
    }
}
