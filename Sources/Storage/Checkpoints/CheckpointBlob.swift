internal import Compression
package import Environment

/// The file of a subtask's state: zstd frames, each with a checksum of its content.
///
/// | bytes | field                                                                    |
/// | ----: | ------------------------------------------------------------------------ |
/// |     8 | magic "WEIRBLB1"                                                         |
/// |  4, 4 | of each frame: length of the frame, length of its content, LE            |
/// |     – | the frame                                                                |
/// |  4, 4 | 0, 0: the end                                                            |
/// |     8 | length of all content, LE                                                |
enum CheckpointBlob {
    fileprivate static let magic = Array("WEIRBLB1".utf8)

    /// Content of one frame.
    static let frameLimit = 1 << 20

    fileprivate static func frame(_ content: ArraySlice<UInt8>, _ codec: inout ZstdBlockCompressor) throws -> [UInt8] {
        var frame = [UInt8](repeating: 0, count: 8 + ZstdBlockCompressor.bound(content.count))
        let length = try unsafe frame.withUnsafeMutableBytes { room in
            try unsafe content.withUnsafeBytes { bytes in
                try unsafe codec.compress(bytes, into: UnsafeMutableRawBufferPointer(rebasing: room[8...]))
            }
        }
        frame.removeLast(frame.count - 8 - length)
        frame.replaceSubrange(0..<4, with: Self.bytes(of: UInt32(length)))
        frame.replaceSubrange(4..<8, with: Self.bytes(of: UInt32(content.count)))
        return frame
    }

    fileprivate static func append(_ bytes: [UInt8], to file: any DiskFile) throws(EnvironmentError) {
        // A typed error can't pass through the closure's rethrow.
        let result = unsafe bytes.withUnsafeBytes { buffer in
            Result { () throws(EnvironmentError) in try unsafe file.append(buffer) }
        }
        try result.get()
    }

    static func bytes<Number: FixedWidthInteger>(of number: Number) -> [UInt8] {
        (0..<MemoryLayout<Number>.size).map { UInt8(truncatingIfNeeded: number >> Number($0 * 8)) }
    }

    /// Reads the content of a blob as a whole.
    ///
    /// - Throws: ``CheckpointError/damaged(_:_:)`` where a byte isn't as it was written.
    static func read(_ path: String, on disk: any Disk) throws(CheckpointError) -> [UInt8] {
        let frames = try BlobFrames(path, on: disk)
        var content: [UInt8] = []
        while let frame = try frames.next() { content += frame }
        try frames.end(byteCount: Int64(content.count))
        return content
    }

    fileprivate static func content(
        of frame: [UInt8],
        count: Int,
        _ codec: inout ZstdBlockDecompressor
    ) throws -> [UInt8] {
        var content = [UInt8](repeating: 0, count: count)
        let found = try unsafe content.withUnsafeMutableBytes { room in
            try unsafe frame.withUnsafeBytes { bytes in try unsafe codec.decompress(bytes, into: room) }
        }
        guard found == count else { throw CompressionError.corrupt(offset: 0, reason: "a frame is too short") }
        return content
    }
}

/// Writes a blob piece by piece.
package final class BlobWriter {
    private let file: any DiskFile
    private let path: String
    private var codec: ZstdBlockCompressor
    private var hash = SHA256()
    package private(set) var byteCount: Int64 = 0

    package init(path: String, on disk: any Disk) throws(CheckpointError) {
        self.path = path
        do {
            self.codec = try ZstdBlockCompressor()
            self.file = try disk.createFile(path)
            try self.write(CheckpointBlob.magic)
        } catch let error as EnvironmentError {
            throw .disk(error)
        } catch {
            throw .damaged(path, "\(error)")
        }
    }

    private func write(_ bytes: [UInt8]) throws(EnvironmentError) {
        try CheckpointBlob.append(bytes, to: self.file)
        self.hash.update(bytes)
    }

    /// What everything that was written comes to.
    var contentHash: String { self.hash.finish() }

    package func append(_ piece: ArraySlice<UInt8>) throws(CheckpointError) {
        do {
            var start = piece.startIndex
            while start < piece.endIndex {
                let end = min(start + CheckpointBlob.frameLimit, piece.endIndex)
                try self.write(try CheckpointBlob.frame(piece[start..<end], &self.codec))
                start = end
            }
            self.byteCount += Int64(piece.count)
        } catch let error as EnvironmentError {
            throw .disk(error)
        } catch {
            throw .damaged(self.path, "\(error)")
        }
    }

    /// Ends the blob and makes it durable.
    ///
    /// - Returns: Bytes on disk.
    package func finish() throws(CheckpointError) -> Int64 {
        do {
            let end = Array(repeating: 0, count: 8) + CheckpointBlob.bytes(of: UInt64(self.byteCount))
            try self.write(end)
            try self.file.synchronize()
            return try self.file.size
        } catch {
            throw .disk(error)
        }
    }
}

/// Reads a blob from its beginning to its end, a frame at a time.
final class BlobFrames {
    private let file: any DiskFile
    private let path: String
    private var offset: Int64 = 0
    private var codec: ZstdBlockDecompressor
    private var byteCount: Int64 = 0

    init(_ path: String, on disk: any Disk) throws(CheckpointError) {
        self.path = path
        do {
            self.file = try disk.openFile(path)
            self.codec = try ZstdBlockDecompressor()
        } catch {
            throw Self.failure(error, path)
        }
        do {
            guard try self.bytes(8) == CheckpointBlob.magic else {
                throw CheckpointError.damaged(path, "it begins wrongly")
            }
        } catch {
            throw Self.failure(error, path)
        }
    }

    /// The content of the next frame; nil behind the last.
    func next() throws(CheckpointError) -> [UInt8]? {
        do {
            let length = Int(try self.number(4))
            let contentLength = Int(try self.number(4))
            if length == 0, contentLength == 0 { return nil }
            guard contentLength <= CheckpointBlob.frameLimit,
                length <= ZstdBlockCompressor.bound(CheckpointBlob.frameLimit)
            else {
                throw CheckpointError.damaged(self.path, "a frame is longer than any")
            }
            let frame = try self.bytes(length)
            self.byteCount += Int64(contentLength)
            return try CheckpointBlob.content(of: frame, count: contentLength, &self.codec)
        } catch {
            throw Self.failure(error, self.path)
        }
    }

    /// Checks that nothing is left, and that the content is as long as it should be.
    func end(byteCount: Int64) throws(CheckpointError) {
        do {
            guard try self.number(8) == UInt64(self.byteCount), self.byteCount == byteCount else {
                throw CheckpointError.damaged(self.path, "it isn't as long as it should be")
            }
            guard try self.file.size == self.offset else {
                throw CheckpointError.damaged(self.path, "something follows its end")
            }
        } catch {
            throw Self.failure(error, self.path)
        }
    }

    private static func failure(_ error: any Error, _ path: String) -> CheckpointError {
        switch error {
        case let error as CheckpointError: error
        case let error as EnvironmentError: .disk(error)
        default: .damaged(path, "\(error)")
        }
    }

    private func bytes(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let file = self.file
        let offset = self.offset
        let found = try unsafe bytes.withUnsafeMutableBytes { try unsafe file.read(at: offset, into: $0) }
        guard found == count else { throw CheckpointError.damaged(self.path, "it is cut off") }
        self.offset += Int64(count)
        return bytes
    }

    /// Little endian.
    private func number(_ count: Int) throws -> UInt64 {
        try self.bytes(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
