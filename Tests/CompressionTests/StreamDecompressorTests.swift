import CoreTypes
import Testing

@testable import Compression

@Suite struct StreamDecompressorTests {
    @Test(arguments: [CompressionFormat.gzip, .zstd])
    func `one member gives its content`(format: CompressionFormat) throws {
        let bytes = Samples.alpha(format)

        let text = try Samples.decompressed(bytes, format)

        #expect(text == Array("alpha\n".utf8))
    }

    @Test(arguments: [CompressionFormat.gzip, .zstd])
    func `a format is recognised by its first bytes`(format: CompressionFormat) {
        let bytes = Samples.alpha(format)

        let sniffed = unsafe bytes.withUnsafeBytes { unsafe CompressionFormat(sniffing: $0) }
        let unknown = unsafe Array("plain text".utf8).withUnsafeBytes { unsafe CompressionFormat(sniffing: $0) }
        let short = unsafe bytes.prefix(2).withUnsafeBytes { unsafe CompressionFormat(sniffing: $0) }

        #expect(sniffed == format)
        #expect(unknown == nil)
        #expect(short == nil)
    }

    @Test(arguments: [
        (CompressionFormat.gzip, [0x1F], true), (.gzip, [0x1F, 0x8B], true), (.gzip, [0x1F, 0x61], false),
        (.zstd, [0x28], true), (.zstd, [0x28, 0xB5, 0x2F], true), (.zstd, [0x28, 0xB5, 0x61], false),
        (.zstd, [0x5F, 0x2A, 0x4D], true), (.zstd, [0x1F], false), (.gzip, [], false),
    ])
    func `the beginning of a signature is known`(format: CompressionFormat, bytes: [UInt8], isBegun: Bool) {
        #expect(unsafe bytes.withUnsafeBytes { unsafe format.isBegun(by: $0) } == isBegun)
    }

    @Test func `a name speaks of a format by its ending`() {
        let found = ["a.gz", "b/c.zst", "d.zstd", "e.txt", "gz"].map { CompressionFormat(fileName: $0) }

        #expect(found == [.gzip, .zstd, .zstd, nil, nil])
    }

    @Test(arguments: [CompressionFormat.gzip, .zstd], [1, 2, 7, 1_000])
    func `members behind each other are one stream`(format: CompressionFormat, step: Int) throws {
        let bytes = Samples.alpha(format) + Samples.beta(format) + Samples.alpha(format)

        let text = try Samples.decompressed(bytes, format, step: step)

        #expect(text == Array("alpha\nbeta\nalpha\n".utf8))
    }

    @Test func `zeros behind a gzip member are padding`() throws {
        let bytes = Samples.alpha(.gzip) + [0, 0, 0] + Samples.beta(.gzip) + [0]

        let text = try Samples.decompressed(bytes, .gzip)

        #expect(text == Array("alpha\nbeta\n".utf8))
    }

    @Test(arguments: [CompressionFormat.gzip, .zstd])
    func `a stream that ends anywhere but behind a member is truncated`(format: CompressionFormat) {
        let bytes = Samples.alpha(format) + Samples.beta(format)
        let complete = [0, Samples.alpha(format).count, bytes.count]

        for length in 0...bytes.count {
            let failure = Samples.failure(Array(bytes[0..<length]), format)
            #expect(failure == (complete.contains(length) ? nil : .truncated(offset: Int64(length))))
        }
    }

    @Test(arguments: [CompressionFormat.gzip, .zstd])
    func `damage never changes the content unnoticed`(format: CompressionFormat) {
        let original = Samples.alpha(format)

        for position in original.indices {
            var bytes = original
            bytes[position] ^= 0x55
            switch Samples.failure(bytes, format) {
            case nil: #expect((try? Samples.decompressed(bytes, format)) == Array("alpha\n".utf8))
            case .corrupt(let offset, _)?: #expect((0...Int64(bytes.count)).contains(offset))
            case .truncated?: continue
            case .tooLarge?, .outOfMemory?: Issue.record("byte \(position) gave a wrong kind of error")
            }
        }
    }

    @Test(arguments: [CompressionFormat.gzip, .zstd])
    func `text behind the last member is damage`(format: CompressionFormat) {
        let bytes = Samples.alpha(format) + Array("and something else".utf8)

        let failure = Samples.failure(bytes, format)

        guard case .corrupt? = failure else {
            Issue.record("expected damage, got \(String(describing: failure))")
            return
        }
    }
}

/// What `gzip -1` and `zstd -1` make of two lines.
enum Samples {
    static func alpha(_ format: CompressionFormat) -> [UInt8] {
        switch format {
        case .gzip: self.bytes("1f8b08000000000004034bcc29c848e40200ec6e609f06000000")
        case .zstd: self.bytes("28b52ffd0448310000616c7068610a52c07740")
        }
    }

    static func beta(_ format: CompressionFormat) -> [UInt8] {
        switch format {
        case .gzip: self.bytes("1f8b08000000000004034b4a2d49e4020075a7e3e605000000")
        case .zstd: self.bytes("28b52ffd0448290000626574610a508d18dd")
        }
    }

    static func failure(_ bytes: [UInt8], _ format: CompressionFormat) -> CompressionError? {
        do throws(CompressionError) {
            _ = try self.decompressed(bytes, format)
            return nil
        } catch {
            return error
        }
    }

    /// Decompresses a whole stream, `step` bytes of input and of output at a time.
    static func decompressed(
        _ bytes: [UInt8],
        _ format: CompressionFormat,
        step: Int = 1_000
    ) throws(CompressionError) -> [UInt8] {
        var decompressor = try StreamDecompressor(format)
        var result: [UInt8] = []
        var position = 0
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: step, alignment: 1)
        defer { unsafe room.deallocate() }
        while true {
            let input = Array(bytes[position..<min(bytes.count, position + step)])
            let progress = try unsafe input.withUnsafeBufferPointer { input throws(CompressionError) in
                try unsafe decompressor.decompress(UnsafeRawBufferPointer(input), into: room)
            }
            position += progress.consumedCount
            unsafe result.append(contentsOf: room[0..<progress.producedCount])
            if position == bytes.count && progress.producedCount == 0 { break }
        }
        try decompressor.finish()
        return result
    }

    private static func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = hexadecimal.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
    }
}
