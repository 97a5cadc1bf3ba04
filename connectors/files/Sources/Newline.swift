private import Glibc

/// Finds line ends in memory.
enum Newline {
    private static let byte = UInt8(ascii: "\n")

    /// The first newline of `from ..< to`.
    static func first(in memory: UnsafeRawPointer?, from: Int, to: Int) -> Int? {
        guard let memory = unsafe memory, from < to else { return nil }
        guard let found = unsafe memchr(memory + from, Int32(Self.byte), to - from) else { return nil }
        return unsafe UnsafeRawPointer(found) - memory
    }

    /// The last newline of `from ..< to`.
    ///
    /// Eight bytes at a time, because a block may end with a line of megabytes.
    static func last(in memory: UnsafeRawPointer, from: Int, to: Int) -> Int? {
        var end = to
        while end - from >= 8 {
            let word = unsafe (memory + end - 8).loadUnaligned(as: UInt64.self) ^ 0x0A0A_0A0A_0A0A_0A0A
            // Exact for "is there a zero byte at all", which is all that is asked here.
            if (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080 != 0 { break }
            end -= 8
        }
        while end > from {
            end -= 1
            if unsafe memory.load(fromByteOffset: end, as: UInt8.self) == Self.byte { return end }
        }
        return nil
    }
}
