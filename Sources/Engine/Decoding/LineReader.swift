internal import CKernels

/// Walks over the lines of a block: 64 bytes are compared at a time.
///
/// A line ends at a newline or with the block; a carriage return before the newline isn't part of it. Behind a last
/// newline there is no further line.
@safe
package struct LineReader {
    private let block: Bytes
    /// Where the next line starts.
    private var start = 0
    /// Where the bytes begin that ``newlines`` speaks of.
    private var window = 0
    private var newlines: UInt64 = 0

    package init(_ block: Bytes) {
        self.block = block
        self.newlines = Self.newlines(in: block, at: 0)
    }

    /// Offset and length of the next line, which may be empty.
    @inline(__always)
    package mutating func next() -> (start: Int, count: Int)? {
        while self.newlines == 0 {
            self.window &+= 64
            guard self.window < self.block.count else { return self.last() }
            self.newlines = Self.newlines(in: self.block, at: self.window)
        }
        let start = self.start
        var end = self.window &+ self.newlines.trailingZeroBitCount
        self.newlines &= self.newlines &- 1
        self.start = end &+ 1
        if end > start, self.block[end &- 1] == UInt8(ascii: "\r") { end &-= 1 }
        return (start, end &- start)
    }

    private mutating func last() -> (start: Int, count: Int)? {
        let start = self.start
        // Stays at the end, however often it is asked again.
        self.window = self.block.count
        self.start = self.block.count
        return start < self.block.count ? (start, self.block.count &- start) : nil
    }

    @inline(__always)
    private static func newlines(in block: Bytes, at offset: Int) -> UInt64 {
        guard offset &+ 64 <= block.count else { return self.lastNewlines(in: block, at: offset) }
        return unsafe weir_byte_mask(block.start + offset, UInt8(ascii: "\n"))
    }

    /// The same for fewer than 64 bytes.
    private static func lastNewlines(in block: Bytes, at offset: Int) -> UInt64 {
        var mask: UInt64 = 0
        for index in offset..<max(block.count, offset) where block[index] == UInt8(ascii: "\n") {
            mask |= 1 << UInt64(index &- offset)
        }
        return mask
    }
}
