internal import Environment

/// Whose state it is.
package struct StateOwner: Hashable, Sendable, Comparable {
    /// Stays the same as long as the operator means the same.
    package let operatorID: String
    package let subtask: Int

    package init(operatorID: String, subtask: Int) {
        self.operatorID = operatorID
        self.subtask = subtask
    }

    package static func < (left: StateOwner, right: StateOwner) -> Bool {
        (left.operatorID, left.subtask) < (right.operatorID, right.subtask)
    }
}

/// Writes what a subtask adds to a checkpoint: chunks of its pieces, in one file that is called by what is in it.
///
/// | bytes | field of a chunk                              |
/// | ----: | --------------------------------------------- |
/// |     4 | index of its piece, LE; not below the one before |
/// |     8 | length, LE                                    |
/// |     – | its content                                   |
package final class StateBlobWriter {
    private let writer: BlobWriter
    private let directory: String
    private let draft: String
    private let disk: any Disk

    static let headerBytes = 12

    init(directory: String, draft: String, on disk: any Disk) throws(CheckpointError) {
        self.directory = directory
        self.draft = "\(directory)/\(draft)"
        self.disk = disk
        // What a process left that was killed isn't anybody's.
        try? disk.remove(self.draft)
        self.writer = try BlobWriter(path: self.draft, on: disk)
    }

    package func append(_ chunk: [UInt8], ofPiece index: Int) throws(CheckpointError) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headerBytes + chunk.count)
        bytes += CheckpointBlob.bytes(of: UInt32(index))
        bytes += CheckpointBlob.bytes(of: UInt64(chunk.count))
        bytes += chunk
        try self.writer.append(bytes[...])
    }

    /// Ends the file, makes it durable, and gives it the name of its content.
    func finish() throws(CheckpointError) -> (file: String, byteCount: Int64, storedByteCount: Int64) {
        let stored = try self.writer.finish()
        let name = "\(self.writer.contentHash).blob"
        do {
            try self.disk.rename(self.draft, to: "\(self.directory)/\(name)")
        } catch {
            throw .disk(error)
        }
        return (name, self.writer.byteCount, stored)
    }
}

/// Reads the chunks of a blob back, in order.
package struct StateBlobReader {
    private let path: String
    private let expectedByteCount: Int64
    private let frames: BlobFrames

    /// Content that was read and isn't handed over.
    private var bytes: [UInt8] = []
    private var offset = 0

    init(_ path: String, byteCount: Int64, on disk: any Disk) throws(CheckpointError) {
        self.path = path
        self.expectedByteCount = byteCount
        self.frames = try BlobFrames(path, on: disk)
    }

    /// The next chunk, and the index of its piece; nil at the end.
    ///
    /// - Throws: ``CheckpointError/damaged(_:_:)`` where a byte isn't as it was written.
    package mutating func next() throws(CheckpointError) -> (piece: Int, chunk: [UInt8])? {
        while true {
            if let chunk = try self.takeChunk() { return chunk }
            guard let frame = try self.frames.next() else {
                guard self.bytes.count == self.offset else { throw .damaged(self.path, "a chunk is cut off") }
                try self.frames.end(byteCount: self.expectedByteCount)
                return nil
            }
            if self.offset == self.bytes.count {
                self.bytes = frame
            } else {
                self.bytes.removeFirst(self.offset)
                self.bytes += frame
            }
            self.offset = 0
        }
    }

    /// Reads it to its end without decoding it; nothing was read before.
    ///
    /// - Throws: As ``next()``.
    func check() throws(CheckpointError) {
        while try self.frames.skip() {}
        try self.frames.end(byteCount: self.expectedByteCount)
    }

    private mutating func takeChunk() throws(CheckpointError) -> (piece: Int, chunk: [UInt8])? {
        let start = self.offset + StateBlobWriter.headerBytes
        guard start <= self.bytes.count else { return nil }
        let count = self.number(at: self.offset + 4, size: 8)
        guard count <= UInt64(self.expectedByteCount) else {
            throw .damaged(self.path, "a chunk is longer than the file")
        }
        let end = start + Int(count)
        guard end <= self.bytes.count else { return nil }
        defer { self.offset = end }
        return (Int(self.number(at: self.offset, size: 4)), Array(self.bytes[start..<end]))
    }

    /// Little endian.
    private func number(at offset: Int, size: Int) -> UInt64 {
        self.bytes[offset..<offset + size].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// Reads the state of one owner from a checkpoint: its first piece, then the others in the order in which they were written.
package struct CheckpointReader {
    private struct Part {
        let blob: CheckpointManifest.Blob
        /// The pieces that are read from it, by index.
        var pieces: [Int: CheckpointManifest.Piece]
    }

    private let store: any CheckpointStore
    private let manifest: CheckpointManifest
    private var parts: [Part] = []
    private var reader: StateBlobReader?
    private var found: Set<Int> = []

    package init(of owner: StateOwner, in manifest: CheckpointManifest, of store: any CheckpointStore) {
        self.store = store
        self.manifest = manifest
        let pieces = manifest.pieces.filter { $0.owner == owner }
        let blobs = manifest.blobs.filter { $0.owner == owner }.sorted { $0.checkpoint < $1.checkpoint }
        for (rank, group) in [Array(pieces.prefix(1)), Array(pieces.dropFirst())].enumerated() {
            for blob in blobs {
                var part = Part(blob: blob, pieces: [:])
                for piece in group where piece.checkpoint == blob.checkpoint { part.pieces[piece.index] = piece }
                if !part.pieces.isEmpty || rank > 0 { self.parts.append(part) }
            }
        }
        self.parts.reverse()
    }

    private func current(_ blob: CheckpointManifest.Blob) throws(CheckpointError) -> StateBlobReader {
        if let reader = self.reader { return reader }
        return try self.store.reader(of: blob, in: self.manifest)
    }

    /// The next chunk, and the piece that it belongs to; nil at the end.
    ///
    /// - Throws: A blob is damaged, or a piece isn't in it.
    package mutating func next() throws(CheckpointError) -> (piece: CheckpointManifest.Piece, chunk: [UInt8])? {
        while let part = self.parts.last {
            var reader = try self.current(part.blob)
            let next = try reader.next()
            self.reader = reader
            guard let next else {
                guard part.pieces.keys.allSatisfy({ self.found.contains($0) }) else {
                    throw .damaged(part.blob.file, "a piece isn't in it that its manifest names")
                }
                self.parts.removeLast()
                self.reader = nil
                self.found = []
                continue
            }
            guard let piece = part.pieces[next.piece] else { continue }
            self.found.insert(next.piece)
            return (piece, next.chunk)
        }
        return nil
    }
}
