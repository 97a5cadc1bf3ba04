internal import ConnectorKit

/// Keeps the values of one merged group for a second look: in memory while they are few, on disk beyond that.
///
/// Memory: ``bufferBytes``, and while it is read back from disk the largest value and a block. Every byte is copied a
/// bounded number of times, however long a value is.
final class GroupSpool {
    private let store: any SpillStore
    private var buffer = ByteBuffer(capacity: 4_096)
    private var writer: (any SpillRunWriter)?
    private var run: (any SpillRun)?
    private var reader: (any SpillRunReader)?

    /// What was read and not yet passed, from ``offset`` on; nil until something is read from disk.
    private var block: SourceBlock?
    private var piece: SourceBlock?
    private var offset = 0
    private var isReadingBuffer = false

    /// The most bytes that a value here has: what is read back can't have more.
    private var valueBytesMaximum = 0

    /// Bytes that were copied to put values together, for tests.
    private(set) var joinedBytes = 0

    /// Bytes held in memory; a value that is larger alone is never held.
    static let bufferBytes = 512 << 10
    private static let lengthBytes = 8

    init(store: any SpillStore) {
        self.store = store
    }

    func append(_ value: Bytes) throws(SpillError) {
        let size = Self.lengthBytes + value.count
        if self.buffer.count > 0, self.buffer.count + size > Self.bufferBytes { try self.flush() }
        self.valueBytesMaximum = max(self.valueBytesMaximum, value.count)
        self.buffer.append(littleEndian: UInt64(value.count))
        guard size > Self.bufferBytes else { return self.buffer.append(value) }
        try self.flush()
        try self.write(value)
    }

    private func flush() throws(SpillError) {
        try self.write(self.buffer.bytes)
        self.buffer.removeAll()
    }

    private func write(_ bytes: Bytes) throws(SpillError) {
        let writer: any SpillRunWriter
        if let open = self.writer {
            writer = open
        } else {
            writer = try self.store.makeRun()
            self.writer = writer
        }
        try unsafe writer.append(pieces: UnsafeRawPointer(bytes.start), count: bytes.count)
    }

    /// Ends writing, and goes back to the first value.
    func rewind() throws(SpillError) {
        if self.writer != nil {
            try self.flush()
            self.run = try self.writer?.finish()
            self.writer = nil
        }
        self.reader = try self.run?.makeReader()
        self.isReadingBuffer = self.run == nil
        self.block?.count = 0
        self.offset = 0
    }

    /// The next value: valid until the next call.
    func next() throws(SpillError) -> Bytes? {
        if self.isReadingBuffer { return self.nextInBuffer() }
        guard let header = unsafe try self.fill(Self.lengthBytes) else { return nil }
        let stored = unsafe header.loadUnaligned(as: UInt64.self)
        guard stored <= UInt64(self.valueBytesMaximum) else { throw Self.corrupt("a value is longer than any was") }
        let count = Int(stored)
        guard let start = unsafe try self.fill(Self.lengthBytes + count) else {
            throw Self.corrupt("it ends inside a value")
        }
        self.offset += Self.lengthBytes + count
        return unsafe Bytes(start: (start + Self.lengthBytes).assumingMemoryBound(to: UInt8.self), count: count)
    }

    private func nextInBuffer() -> Bytes? {
        let bytes = self.buffer.bytes
        guard self.offset < bytes.count else { return nil }
        let start = self.offset + Self.lengthBytes
        let count = Int(bytes.littleEndian(UInt64.self, at: self.offset))
        self.offset = start + count
        return bytes.slice(start, start + count)
    }

    /// Makes sure that so many bytes follow in the block.
    ///
    /// - Returns: Where they begin; nil where not one is left.
    private func fill(_ count: Int) throws(SpillError) -> UnsafeRawPointer? {
        if let block = self.block, block.count - self.offset >= count {
            return unsafe UnsafeRawPointer(block.base + self.offset)
        }
        let block = self.moveRest(into: count + SpillLimits.blockBytes)
        let piece = self.piece ?? SourceBlock(capacity: 4_096)
        self.piece = piece
        while block.count < count {
            guard try self.reader?.next(into: piece) == true else {
                guard block.count == 0 else { throw Self.corrupt("it ends inside a value") }
                return nil
            }
            unsafe (block.base + block.count).copyMemory(from: piece.base, byteCount: piece.count)
            block.count += piece.count
            self.joinedBytes += piece.count
        }
        return unsafe UnsafeRawPointer(block.base)
    }

    /// A block with that capacity, which begins with what wasn't passed yet.
    private func moveRest(into capacity: Int) -> SourceBlock {
        let old = self.block ?? SourceBlock(capacity: capacity)
        let left = old.count - self.offset
        let isLargeEnough = old.capacity >= capacity
        let block = isLargeEnough ? old : SourceBlock(capacity: capacity)
        // Within one block the two may overlap, which this copy allows.
        unsafe block.base.copyMemory(from: old.base + self.offset, byteCount: left)
        self.joinedBytes += left
        block.count = left
        self.offset = 0
        self.block = block
        return block
    }

    private static func corrupt(_ detail: String) -> SpillError {
        SpillError(.corrupt, "can't read the values of a key again: \(detail); check the disk and run the job again")
    }
}
