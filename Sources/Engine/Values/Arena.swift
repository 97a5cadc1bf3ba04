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

    private static let chunkBytesInitial = 16 << 10
    private static let chunkBytesMaximum = 4 << 20

    package init(limitBytes: Int) {
        self.limitBytes = limitBytes
        let first = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.chunkBytesInitial, alignment: 16)
        unsafe self.chunks = [first]
        unsafe self.cursor = first.baseAddress.unsafelyUnwrapped
        unsafe self.end = self.cursor + first.count
    }

    deinit {
        for index in 0..<(unsafe self.chunks.count) { unsafe self.chunks[index].deallocate() }
    }

    /// Room for `byteCount` bytes, aligned to 16, or nil beyond the limit.
    @inline(__always)
    package mutating func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer? {
        let rounded = (byteCount &+ 15) & ~15
        let start = unsafe self.cursor
        guard byteCount >= 0, unsafe start + rounded <= self.end else {
            return unsafe self.allocateChunk(for: rounded)
        }
        unsafe self.cursor = start + rounded
        self.usedBytes &+= rounded
        return unsafe start
    }

    /// Forgets everything; every value built here is gone.
    @inline(__always)
    package mutating func reset() {
        if self.usedBytes > 0 { self.rewind() }
    }

    private mutating func rewind() {
        for index in 1..<(unsafe self.chunks.count) { unsafe self.chunks[index].deallocate() }
        unsafe self.chunks.removeSubrange(1...)
        unsafe self.cursor = self.chunks[0].baseAddress.unsafelyUnwrapped
        unsafe self.end = self.cursor + self.chunks[0].count
        self.usedBytes = 0
    }

    private mutating func allocateChunk(for byteCount: Int) -> UnsafeMutableRawPointer? {
        guard byteCount >= 0, byteCount <= self.limitBytes - self.usedBytes else { return nil }
        let doubled = min(unsafe self.chunks[unsafe self.chunks.count - 1].count * 2, Self.chunkBytesMaximum)
        let size = max(byteCount, doubled)
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
        unsafe self.chunks.append(chunk)
        unsafe self.cursor = chunk.baseAddress.unsafelyUnwrapped
        unsafe self.end = self.cursor + chunk.count
        return unsafe self.allocate(byteCount)
    }
}
