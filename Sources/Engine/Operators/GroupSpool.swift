internal import ConnectorKit

/// Keeps the values of one merged group for a second look: in memory while they are few, on disk beyond that.
final class GroupSpool {
    private let store: any SpillStore
    private var buffer = ByteBuffer(capacity: 4_096)
    private var writer: (any SpillRunWriter)?
    private var run: (any SpillRun)?
    private var reader: (any SpillRunReader)?
    private var block = SourceBlock(capacity: 4_096)
    private var offset = 0
    private var isReadingBuffer = false

    /// Bytes held in memory.
    private static let bufferBytes = 512 << 10

    init(store: any SpillStore) {
        self.store = store
    }

    func append(_ value: Bytes) throws(SpillError) {
        if self.buffer.count > 0, self.buffer.count + value.count + 8 > Self.bufferBytes { try self.flush() }
        self.buffer.append(littleEndian: UInt64(value.count))
        self.buffer.append(value)
    }

    private func flush() throws(SpillError) {
        let writer: any SpillRunWriter
        if let open = self.writer {
            writer = open
        } else {
            writer = try self.store.makeRun()
            self.writer = writer
        }
        let bytes = self.buffer.bytes
        var start = 0
        while start < bytes.count {
            let count = min(bytes.count - start, SpillLimits.blockBytes)
            unsafe try writer.append(UnsafeRawBufferPointer(start: bytes.start + start, count: count))
            start += count
        }
        self.buffer.removeAll()
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
        self.block.count = 0
        self.offset = 0
    }

    /// The next value: valid until the next call.
    func next() throws(SpillError) -> Bytes? {
        if self.isReadingBuffer { return self.nextInBuffer() }
        guard try self.fill(8) else { return nil }
        let count = unsafe Int((self.block.base + self.offset).loadUnaligned(as: UInt64.self))
        guard try self.fill(8 + count) else { return nil }
        defer { self.offset += 8 + count }
        let start = unsafe (self.block.base + self.offset + 8).assumingMemoryBound(to: UInt8.self)
        return unsafe Bytes(start: UnsafePointer(start), count: count)
    }

    private func nextInBuffer() -> Bytes? {
        let bytes = self.buffer.bytes
        guard self.offset + 8 <= bytes.count else { return nil }
        let count = unsafe Int(UnsafeRawPointer(bytes.start + self.offset).loadUnaligned(as: UInt64.self))
        defer { self.offset += 8 + count }
        return bytes.slice(self.offset + 8, self.offset + 8 + count)
    }

    /// Makes sure that so many bytes follow in the block.
    private func fill(_ count: Int) throws(SpillError) -> Bool {
        while self.block.count - self.offset < count {
            let left = self.block.count - self.offset
            let piece = SourceBlock(capacity: 4_096)
            guard try self.reader?.next(into: piece) == true else { return false }
            let joined = SourceBlock(capacity: left + piece.count)
            unsafe joined.base.copyMemory(from: self.block.base + self.offset, byteCount: left)
            unsafe (joined.base + left).copyMemory(from: piece.base, byteCount: piece.count)
            joined.count = left + piece.count
            self.block = joined
            self.offset = 0
        }
        return true
    }
}
