/// Bytes that stay where they were put until all are forgotten: the long keys of a table.
@safe
struct ByteStore: ~Copyable {
    private(set) var usedBytes = 0
    private var chunks: [UnsafeMutableRawBufferPointer]
    private var cursor = 0

    private static let chunkBytes = 256 << 10

    /// Bytes of the first chunk: stores that stay small are many.
    private let firstChunkBytes: Int

    /// Bytes of a line of the cache.
    static let lineBytes = 64

    init(firstChunkBytes: Int = Self.chunkBytes) {
        self.firstChunkBytes = firstChunkBytes
        unsafe self.chunks = []
    }

    deinit {
        for index in 0..<(unsafe self.chunks.count) { unsafe self.chunks[index].deallocate() }
    }

    /// Copies `count` bytes and returns where they lie; 16 bytes from there may be read.
    mutating func store(_ bytes: UnsafeRawPointer, count: Int) -> UnsafeMutableRawPointer {
        let target = unsafe self.reserve(count)
        unsafe target.copyMemory(from: bytes, byteCount: count)
        return unsafe target
    }

    /// Room for `count` bytes, behind which `slack` more may be read; the alignment is a power of two up to ``lineBytes``.
    mutating func reserve(_ count: Int, alignment: Int = 16, slack: Int = 16) -> UnsafeMutableRawPointer {
        let rounded = (count + slack + 15) & ~15
        self.cursor = (self.cursor + alignment - 1) & ~(alignment - 1)
        if unsafe self.chunks.isEmpty || self.cursor + rounded > self.chunks[unsafe self.chunks.count - 1].count {
            let size = max(rounded, unsafe self.chunks.isEmpty ? self.firstChunkBytes : Self.chunkBytes)
            let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: Self.lineBytes)
            unsafe self.chunks.append(chunk)
            self.usedBytes += size
            self.cursor = 0
        }
        let chunk = unsafe self.chunks[unsafe self.chunks.count - 1].baseAddress.unsafelyUnwrapped
        defer { self.cursor += rounded }
        return unsafe chunk + self.cursor
    }

    /// Whether an address lies in it.
    ///
    /// - Complexity: O(chunks).
    func holds(_ address: UnsafeRawPointer) -> Bool {
        for index in (0..<(unsafe self.chunks.count)).reversed() {
            let chunk = unsafe self.chunks[index]
            guard let start = unsafe chunk.baseAddress.map({ UnsafeRawPointer($0) }) else { continue }
            if unsafe address >= start, unsafe address < start + chunk.count { return true }
        }
        return false
    }

    mutating func removeAll() {
        for index in 0..<(unsafe self.chunks.count) { unsafe self.chunks[index].deallocate() }
        unsafe self.chunks = []
        self.cursor = 0
        self.usedBytes = 0
    }
}
