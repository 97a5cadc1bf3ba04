import CoreTypes
import Testing

@testable import Compression

@Suite struct ZstdTests {
    @Test(arguments: 0..<UInt64(20))
    func `a compressed stream gives back what went in`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let text = Self.makeText(&random, length: random.next(in: 0..<400_000))
        let step = random.next(in: 1..<100_000)

        let bytes = try Self.compressed(text, step: step)

        #expect(try Samples.decompressed(bytes, .zstd, step: 10_000) == text, "seed \(seed)")
    }

    @Test(arguments: 0..<UInt64(20))
    func `a compressed block gives back what went in`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let text = Self.makeText(&random, length: random.next(in: 1..<200_000))
        var compressor = try ZstdBlockCompressor()
        var decompressor = try ZstdBlockDecompressor()
        let frame = Room(ZstdBlockCompressor.bound(text.count))
        let content = Room(text.count)

        let frameLength = try unsafe text.withUnsafeBufferPointer { text throws(CompressionError) in
            try unsafe compressor.compress(UnsafeRawBufferPointer(text), into: frame.bytes)
        }
        let count = try unsafe decompressor.decompress(frame.prefix(frameLength), into: content.bytes)

        #expect(count == text.count)
        #expect(unsafe Array(content.prefix(count)) == text, "seed \(seed)")
    }

    @Test func `a block with a flipped bit isn't decompressed`() throws {
        var random = SplitMix64(seed: 3)
        let text = Self.makeText(&random, length: 5_000)
        var compressor = try ZstdBlockCompressor()
        let frame = Room(ZstdBlockCompressor.bound(text.count))
        let content = Room(text.count)
        let frameLength = try unsafe text.withUnsafeBufferPointer { text throws(CompressionError) in
            try unsafe compressor.compress(UnsafeRawBufferPointer(text), into: frame.bytes)
        }

        for position in stride(from: 0, to: frameLength, by: 7) {
            unsafe frame.bytes[position] ^= 0x10
            var decompressor = try ZstdBlockDecompressor()
            let count = try? unsafe decompressor.decompress(frame.prefix(frameLength), into: content.bytes)
            let delivered = count.map { unsafe Array(content.prefix($0)) }
            #expect(delivered == nil || delivered == text, "byte \(position)")
            unsafe frame.bytes[position] ^= 0x10
        }
    }

    @Test func `a block that doesn't fit says so`() throws {
        let text = [UInt8]("incompressible".utf8)
        var compressor = try ZstdBlockCompressor()
        let frame = Room(4)

        #expect(throws: CompressionError.self) {
            try unsafe text.withUnsafeBytes { try unsafe compressor.compress($0, into: frame.bytes) }
        }
    }

    static func makeText(_ random: inout SplitMix64, length: Int) -> [UInt8] {
        let isRandom = random.chance(percent: 30)
        return (0..<length).map { _ in UInt8(random.next(in: isRandom ? 0..<256 : 97..<101)) }
    }

    static func compressed(_ text: [UInt8], step: Int) throws(CompressionError) -> [UInt8] {
        var compressor = try ZstdStreamCompressor()
        let room = Room(step)
        var result: [UInt8] = []
        var position = 0
        while position < text.count {
            let input = Array(text[position..<min(text.count, position + step)])
            let progress = try unsafe input.withUnsafeBufferPointer { input throws(CompressionError) in
                try unsafe compressor.compress(UnsafeRawBufferPointer(input), into: room.bytes)
            }
            position += progress.consumedCount
            unsafe result.append(contentsOf: room.prefix(progress.producedCount))
        }
        var isComplete = false
        while !isComplete {
            let last = try unsafe compressor.finish(into: room.bytes)
            unsafe result.append(contentsOf: room.prefix(last.producedCount))
            isComplete = last.isComplete
        }
        return result
    }
}

/// Memory for one test.
@safe
final class Room {
    let bytes: UnsafeMutableRawBufferPointer

    init(_ count: Int) {
        unsafe self.bytes = .allocate(byteCount: count, alignment: 16)
    }

    deinit {
        unsafe self.bytes.deallocate()
    }

    func prefix(_ count: Int) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(rebasing: self.bytes[0..<count])
    }
}
