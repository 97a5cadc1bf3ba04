import ConnectorKit
import CoreTypes
import Testing

@testable import FilesConnector

@Suite struct SplitTests {
    /// Any text, cut anywhere, read through blocks of any size.
    @Test(arguments: 0..<UInt64(200))
    func `the splits of a file deliver each of its lines exactly once`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let directory = TemporaryDirectory()
        let text = Self.makeText(&random)
        let path = try directory.write(text, to: "text")
        let source = FilesSource(patterns: [path], isRecursive: nil)
        let target = Int64(random.next(in: 1..<max(2, text.count * 2)))
        let capacity = random.next(in: 1..<5_000)
        let framing = Framing.lines(lengthLimit: 100_000)

        let splits = try source.enumerateSplits(framing: framing, targetBytes: max(target, Int64(text.count) / 50 + 1))
        let blocks = try splits.flatMap { try source.blocks(of: $0, framing: framing, capacity: capacity) }

        let replay: Comment = "seed \(seed), target \(target), capacity \(capacity)"
        #expect(blocks.flatMap(\.bytes) == text, replay)
        #expect(blocks.dropLast().allSatisfy { $0.bytes.last == UInt8(ascii: "\n") }, replay)
        for block in blocks {
            #expect(Array(text[Int(block.position)...].prefix(block.bytes.count)) == block.bytes, replay)
        }
    }

    @Test(arguments: [1, 100, 3_000, 1_000_000] as [Int64])
    func `bytes count once, however lines lie across splits`(target: Int64) throws {
        let directory = TemporaryDirectory()
        let long = String(repeating: "x", count: 20_000)
        let path = try directory.write("a\n\(long)\nb\n\(long)", to: "text")
        let source = FilesSource(patterns: [path], isRecursive: nil)
        let framing = Framing.lines(lengthLimit: 100_000)
        let block = SourceBlock(capacity: 5_000)
        var bytes: Int64 = 0

        for split in try source.enumerateSplits(framing: framing, targetBytes: max(target, 50)) {
            let reader = try source.makeReader(for: split, framing: framing)
            repeat {} while try reader.poll(into: block, adding: &bytes) == .block
            reader.close()
        }

        #expect(bytes == 40_005)
    }

    /// Lines of most lengths, empty ones, some with `\r\n`, sometimes no final line end.
    static func makeText(_ random: inout SplitMix64) -> [UInt8] {
        var text: [UInt8] = []
        for _ in 0..<random.next(in: 0..<200) {
            let longest = random.chance(percent: 2) ? 20_000 : random.chance(percent: 30) ? 1 : 120
            for _ in 0..<random.next(in: 0..<longest + 1) {
                text.append(UInt8(random.next(in: 32..<127)))
            }
            if random.chance(percent: 20) { text.append(UInt8(ascii: "\r")) }
            text.append(UInt8(ascii: "\n"))
        }
        if random.chance(percent: 50) { text.append(contentsOf: "the last line".utf8) }
        return text
    }
}

/// What one poll delivered.
struct ReadBlock: Equatable {
    let position: Int64
    let bytes: [UInt8]
    let consumedBytes: Int64
}

extension SourceReader {
    fileprivate func poll(into block: SourceBlock, adding bytes: inout Int64) throws -> SourcePoll {
        defer { bytes += block.consumedBytes }
        return try self.poll(into: block)
    }
}

extension FilesSource {
    func blocks(of split: Split, framing: Framing, capacity: Int = 256 * 1_024) throws -> [ReadBlock] {
        let reader = try self.makeReader(for: split, framing: framing)
        defer { reader.close() }
        let block = SourceBlock(capacity: capacity)
        var blocks: [ReadBlock] = []
        while try reader.poll(into: block) == .block {
            let bytes = unsafe Array(UnsafeRawBufferPointer(start: block.base, count: block.count))
            blocks.append(ReadBlock(position: block.position, bytes: bytes, consumedBytes: block.consumedBytes))
        }
        return blocks
    }

    func lines(targetBytes: Int64 = 1 << 30, limit: Int = 16 << 20) throws -> String {
        let framing = Framing.lines(lengthLimit: limit)
        let splits = try self.enumerateSplits(framing: framing, targetBytes: targetBytes)
        let bytes = try splits.flatMap { try self.blocks(of: $0, framing: framing) }.flatMap(\.bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
