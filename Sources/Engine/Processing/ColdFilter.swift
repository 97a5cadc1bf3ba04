/// Knows of most keys that they aren't on disk, in a fixed number of bytes: the more keys there are, the less it knows.
///
/// Keys are never taken out: where they come and go it knows less and less, and the table's own filters are left.
///
/// Source: the blocked filter of Putze, Sanders and Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007: all bits
/// of a key lie in one line of the cache.
@safe
struct ColdFilter: ~Copyable {
    private let words: UnsafeMutablePointer<UInt64>
    private let lineCount: UInt64

    private static let wordsPerLine = 8

    /// Bits that a key sets in its line: each takes nine bits of the hash.
    private static let bitCount = 4

    /// `bytes`: What it takes, in whole lines; one at least.
    init(bytes: Int) {
        let lineCount = max(bytes / (Self.wordsPerLine * MemoryLayout<UInt64>.stride), 1)
        self.lineCount = UInt64(lineCount)
        unsafe self.words = .allocate(capacity: lineCount * Self.wordsPerLine)
        unsafe self.words.initialize(repeating: 0, count: lineCount * Self.wordsPerLine)
    }

    deinit { unsafe self.words.deallocate() }

    var bytes: Int { Int(self.lineCount) * Self.wordsPerLine * MemoryLayout<UInt64>.stride }

    /// Keys of a subtask have bits of their hash in common, but not of this.
    private static func spread(_ hash: UInt64) -> UInt64 {
        KeyWords.mix(hash ^ 0xA076_1D64_78BD_642F, 0xE703_7ED1_A0B4_28DB)
    }

    private func line(_ spread: UInt64) -> Int {
        Int(spread.multipliedFullWidth(by: self.lineCount).high) * Self.wordsPerLine
    }

    /// Which word of the line, and which bit of it.
    private static func place(_ spread: UInt64, _ number: Int) -> (word: Int, bit: UInt64) {
        let bits = spread &>> UInt64(9 * number)
        return (Int(bits & 7), 1 &<< (bits &>> 3 & 63))
    }

    mutating func insert(_ hash: UInt64) {
        let spread = Self.spread(hash)
        let line = self.line(spread)
        for number in 0..<Self.bitCount {
            let (word, bit) = Self.place(spread, number)
            unsafe self.words[line + word] |= bit
        }
    }

    /// Whether a key with this hash may have been inserted.
    func mayContain(_ hash: UInt64) -> Bool {
        let spread = Self.spread(hash)
        let line = self.line(spread)
        for number in 0..<Self.bitCount {
            let (word, bit) = Self.place(spread, number)
            if unsafe self.words[line + word] & bit == 0 { return false }
        }
        return true
    }
}
