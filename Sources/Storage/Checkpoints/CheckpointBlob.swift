internal import Compression
package import Environment

/// The file of a subtask's state: zstd frames, each with a checksum of its content and one of its bytes, so that damage is
/// found without decompressing.
///
/// | bytes | field                                                                    |
/// | ----: | ------------------------------------------------------------------------ |
/// |     8 | magic "WEIRBLB2"                                                         |
/// |  4, 4 | of each frame: length of the frame, length of its content, LE            |
/// |     4 | ``CRC32`` of these two and of the frame, LE                              |
/// |     – | the frame                                                                |
/// | 4, 4, 4 | 0, 0, 0: the end                                                       |
/// |     8 | length of all content, LE                                                |
enum CheckpointBlob {
    fileprivate static let magic = Array("WEIRBLB2".utf8)

    /// Content of one frame.
    static let frameLimit = 1 << 20

    /// Before each frame.
    static let headerBytes = 12

    fileprivate static func frame(_ content: ArraySlice<UInt8>, _ codec: inout ZstdBlockCompressor) throws -> [UInt8] {
        let start = Self.headerBytes
        var frame = [UInt8](repeating: 0, count: start + ZstdBlockCompressor.bound(content.count))
        let length = try unsafe frame.withUnsafeMutableBytes { room in
            try unsafe content.withUnsafeBytes { bytes in
                try unsafe codec.compress(bytes, into: UnsafeMutableRawBufferPointer(rebasing: room[start...]))
            }
        }
        frame.removeLast(frame.count - start - length)
        frame.replaceSubrange(0..<4, with: Self.bytes(of: UInt32(length)))
        frame.replaceSubrange(4..<8, with: Self.bytes(of: UInt32(content.count)))
        let checksum = Self.checksum(frame[..<8], frame[start...])
        frame.replaceSubrange(8..<start, with: Self.bytes(of: checksum))
        return frame
    }

    fileprivate static func checksum(_ lengths: ArraySlice<UInt8>, _ frame: ArraySlice<UInt8>) -> UInt32 {
        let former = unsafe lengths.withUnsafeBytes { unsafe CRC32.checksum($0) }
        return unsafe frame.withUnsafeBytes { unsafe CRC32.checksum($0, behind: former) }
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
        let content = try unsafe [UInt8](unsafeUninitializedCapacity: count) { room, found in
            let target = unsafe UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(room)[..<count])
            found = try unsafe frame.withUnsafeBytes { bytes in try unsafe codec.decompress(bytes, into: target) }
        }
        guard content.count == count else { throw CompressionError.corrupt(offset: 0, reason: "a frame is too short") }
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
            let end =
                Array(repeating: 0, count: CheckpointBlob.headerBytes)
                + CheckpointBlob.bytes(of: UInt64(self.byteCount))
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
            guard let (frame, count) = try self.nextFrame() else { return nil }
            return try CheckpointBlob.content(of: frame, count: count, &self.codec)
        } catch {
            throw Self.failure(error, self.path)
        }
    }

    /// Passes over the next frame, whose bytes are as they were written.
    ///
    /// - Returns: False behind the last.
    func skip() throws(CheckpointError) -> Bool {
        do {
            return try self.nextFrame() != nil
        } catch {
            throw Self.failure(error, self.path)
        }
    }

    private func nextFrame() throws -> (frame: [UInt8], contentCount: Int)? {
        let header = try self.bytes(CheckpointBlob.headerBytes)
        let length = Int(Self.number(header[..<4]))
        let contentLength = Int(Self.number(header[4..<8]))
        if header.allSatisfy({ $0 == 0 }) { return nil }
        guard contentLength <= CheckpointBlob.frameLimit,
            length <= ZstdBlockCompressor.bound(CheckpointBlob.frameLimit)
        else {
            throw CheckpointError.damaged(self.path, "a frame is longer than any")
        }
        let frame = try self.bytes(length)
        guard UInt64(CheckpointBlob.checksum(header[..<8], frame[...])) == Self.number(header[8...]) else {
            throw CheckpointError.damaged(self.path, "a frame isn't as it was written")
        }
        self.byteCount += Int64(contentLength)
        return (frame, contentLength)
    }

    /// Checks that nothing is left, and that the content is as long as it should be.
    func end(byteCount: Int64) throws(CheckpointError) {
        do {
            guard Self.number(try self.bytes(8)[...]) == UInt64(self.byteCount), self.byteCount == byteCount else {
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
        let file = self.file
        let offset = self.offset
        let bytes = try unsafe [UInt8](unsafeUninitializedCapacity: count) { room, found in
            let target = unsafe UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(room)[..<count])
            found = try unsafe file.read(at: offset, into: target)
        }
        guard bytes.count == count else { throw CheckpointError.damaged(self.path, "it is cut off") }
        self.offset += Int64(count)
        return bytes
    }

    /// Little endian.
    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
