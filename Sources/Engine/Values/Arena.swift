/// Memory for the values that one evaluation builds, given back all at once.
///
/// Allocation bumps a pointer through chunks; ``reset()`` keeps the first chunk for the next record.
@safe
package struct Arena: ~Copyable {
    /// Bytes handed out since the last reset.
    package private(set) var usedBytes = 0

    /// Allocation beyond this fails; the machine turns that into its memory limit error.
    package let limitBytes: Int

    private var chunks: [UnsafeMutableRawBufferPointer]
    private var cursor: UnsafeMutableRawPointer
    private var end: UnsafeMutableRawPointer
    /// Where the last allocation ends, before rounding: only there can it be extended.
    private var lastEnd: UnsafeMutableRawPointer

    private static let chunkBytesInitial = 16 << 10
    private static let chunkBytesMaximum = 4 << 20

    package init(limitBytes: Int) {
        self.limitBytes = limitBytes
        let first = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.chunkBytesInitial, alignment: 16)
        unsafe self.chunks = [first]
        unsafe self.cursor = first.baseAddress.unsafelyUnwrapped
        unsafe self.end = self.cursor + first.count
        unsafe self.lastEnd = self.cursor
    }

    deinit {
        for index in 0..<(unsafe self.chunks.count) { unsafe self.chunks[index].deallocate() }
    }

    /// Room for `byteCount` bytes, aligned to 16, or nil beyond the limit.
    @inline(__always)
    package mutating func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer? {
        let rounded = (byteCount &+ 15) & ~15
        let start = unsafe self.cursor
        guard byteCount >= 0, unsafe rounded <= self.end - start else {
            return unsafe self.allocateChunk(for: byteCount)
        }
        unsafe self.cursor = start + rounded
        unsafe self.lastEnd = start + byteCount
        self.usedBytes &+= rounded
        return unsafe start
    }

    /// Makes what was allocated last, and ends at `end`, longer by `byteCount` bytes; false where it wasn't the last, or
    /// there is no room behind it.
    package mutating func extend(_ end: UnsafeRawPointer, by byteCount: Int) -> Bool {
        guard unsafe end == UnsafeRawPointer(self.lastEnd), byteCount >= 0 else { return false }
        let slack = unsafe self.cursor - self.lastEnd
        let rounded = byteCount <= slack ? 0 : (byteCount - slack + 15) & ~15
        guard unsafe rounded <= self.end - self.cursor else { return false }
        unsafe self.cursor += rounded
        unsafe self.lastEnd += byteCount
        self.usedBytes &+= rounded
        return true
    }

    /// Forgets everything; every value built here is gone.
    @inline(__always)
    package mutating func reset() {
        if self.usedBytes > 0 { self.rewind() }
    }

    /// Whether an address lies in memory of this arena.
    func contains(_ address: UInt64) -> Bool {
        for index in 0..<(unsafe self.chunks.count) {
            let chunk = unsafe self.chunks[index]
            let offset = address &- UInt64(UInt(bitPattern: chunk.baseAddress))
            if offset < UInt64(chunk.count) { return true }
        }
        return false
    }

    private mutating func rewind() {
        for index in 1..<(unsafe self.chunks.count) { unsafe self.chunks[index].deallocate() }
        unsafe self.chunks.removeSubrange(1...)
        unsafe self.cursor = self.chunks[0].baseAddress.unsafelyUnwrapped
        unsafe self.end = self.cursor + self.chunks[0].count
        unsafe self.lastEnd = self.cursor
        self.usedBytes = 0
    }

    private mutating func allocateChunk(for byteCount: Int) -> UnsafeMutableRawPointer? {
        guard byteCount >= 0, byteCount <= self.limitBytes - self.usedBytes else { return nil }
        let doubled = min(unsafe self.chunks[unsafe self.chunks.count - 1].count * 2, Self.chunkBytesMaximum)
        let size = max((byteCount + 15) & ~15, doubled)
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
        unsafe self.chunks.append(chunk)
        unsafe self.cursor = chunk.baseAddress.unsafelyUnwrapped
        unsafe self.end = self.cursor + chunk.count
        return unsafe self.allocate(byteCount)
    }
}
