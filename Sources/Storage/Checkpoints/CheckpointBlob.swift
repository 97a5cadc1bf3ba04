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

    /// Writes pieces of state to a new file and makes it durable.
    ///
    /// - Returns: Bytes on disk.
    static func write(_ pieces: [[UInt8]], to path: String, on disk: any Disk) throws(CheckpointError) -> Int64 {
        let writer = try BlobWriter(path: path, on: disk)
        for piece in pieces { try writer.append(piece[...]) }
        return try writer.finish()
    }

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

    fileprivate static func bytes<Number: FixedWidthInteger>(of number: Number) -> [UInt8] {
        (0..<MemoryLayout<Number>.size).map { UInt8(truncatingIfNeeded: number >> Number($0 * 8)) }
    }

    /// Reads the state back; `byteCount` is what it should be, where that is known.
    ///
    /// - Throws: ``CheckpointError/damaged(_:_:)`` where a byte isn't as it was written.
    static func read(_ path: String, byteCount: Int64?, on disk: any Disk) throws(CheckpointError) -> [UInt8] {
        do {
            let file = try disk.openFile(path)
            var reader = BlobReader(file: file, path: path)
            guard try reader.bytes(8) == Self.magic else { throw CheckpointError.damaged(path, "it begins wrongly") }
            var content: [UInt8] = []
            content.reserveCapacity(Int(min(byteCount ?? 0, 1 << 30)))
            var codec = try ZstdBlockDecompressor()
            while true {
                let length = Int(try reader.number(4))
                let contentLength = Int(try reader.number(4))
                if length == 0, contentLength == 0 { break }
                guard contentLength <= Self.frameLimit, length <= ZstdBlockCompressor.bound(Self.frameLimit) else {
                    throw CheckpointError.damaged(path, "a frame is longer than any")
                }
                content += try Self.content(of: try reader.bytes(length), count: contentLength, &codec)
            }
            guard try reader.number(8) == UInt64(content.count),
                Int64(content.count) == byteCount ?? Int64(content.count)
            else {
                throw CheckpointError.damaged(path, "it isn't as long as it should be")
            }
            guard try file.size == reader.offset else {
                throw CheckpointError.damaged(path, "something follows its end")
            }
            return content
        } catch let error as CheckpointError {
            throw error
        } catch let error as EnvironmentError {
            throw .disk(error)
        } catch {
            throw .damaged(path, "\(error)")
        }
    }

    private static func content(
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
    package private(set) var byteCount: Int64 = 0

    package init(path: String, on disk: any Disk) throws(CheckpointError) {
        self.path = path
        do {
            self.codec = try ZstdBlockCompressor()
            self.file = try disk.createFile(path)
            try CheckpointBlob.append(CheckpointBlob.magic, to: self.file)
        } catch let error as EnvironmentError {
            throw .disk(error)
        } catch {
            throw .damaged(path, "\(error)")
        }
    }

    package func append(_ piece: ArraySlice<UInt8>) throws(CheckpointError) {
        do {
            var start = piece.startIndex
            while start < piece.endIndex {
                let end = min(start + CheckpointBlob.frameLimit, piece.endIndex)
                try CheckpointBlob.append(try CheckpointBlob.frame(piece[start..<end], &self.codec), to: self.file)
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
            try CheckpointBlob.append(end, to: self.file)
            try self.file.synchronize()
            return try self.file.size
        } catch {
            throw .disk(error)
        }
    }
}

/// Reads a blob from its beginning to its end.
private struct BlobReader {
    let file: any DiskFile
    let path: String
    private(set) var offset: Int64 = 0

    init(file: any DiskFile, path: String) {
        self.file = file
        self.path = path
    }

    mutating func bytes(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let file = self.file
        let offset = self.offset
        let found = try unsafe bytes.withUnsafeMutableBytes { try unsafe file.read(at: offset, into: $0) }
        guard found == count else { throw CheckpointError.damaged(self.path, "it is cut off") }
        self.offset += Int64(count)
        return bytes
    }

    /// Little endian.
    mutating func number(_ count: Int) throws -> UInt64 {
        try self.bytes(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
