internal import CKernels

/// In which slice each value of a key was last seen, while any slice of a window holds it.
///
/// An open-addressing table of `[hash, a, b, key number, slice]`, at most half full; a long value counts by its 152 bits of
/// hash. Removal moves what follows back, so that nothing is left behind.
@safe
struct OccurrenceTable: ~Copyable {
    private static let entryWords = 5
    private var entries: UnsafeMutablePointer<UInt64>
    private var mask: Int
    private(set) var count = 0

    init() {
        self.mask = 1_023
        unsafe self.entries = .allocate(capacity: 1_024 * Self.entryWords)
        unsafe self.entries.initialize(repeating: 0, count: 1_024 * Self.entryWords)
    }

    deinit {
        unsafe self.entries.deallocate()
    }

    var bytes: Int { (self.mask + 1) * Self.entryWords * 8 }

    /// Never zero, which is a free entry.
    private static func hash(_ value: KeyWords, _ key: UInt64) -> UInt64 {
        KeyWords.mix(value.hash, key ^ 0x9E37_79B9_7F4A_7C15) | 1 << 63
    }

    @inline(__always)
    private func entry(_ index: Int) -> UnsafeMutablePointer<UInt64> {
        unsafe self.entries + index &* Self.entryWords
    }

    private func find(_ value: KeyWords, _ key: UInt64, _ hash: UInt64) -> (index: Int, isThere: Bool) {
        var index = Int(truncatingIfNeeded: hash) & self.mask
        while true {
            let words = unsafe self.entry(index)
            if unsafe words[0] == 0 { return (index, false) }
            if unsafe words[0] == hash, unsafe words[1] == value.a, unsafe words[2] == value.b, unsafe words[3] == key {
                return (index, true)
            }
            index = (index &+ 1) & self.mask
        }
    }

    /// Fetches the entry of a value, which lies on one line of the cache or on two.
    @inline(__always)
    func prefetch(_ value: KeyWords, key: UInt64) {
        let words = unsafe self.entry(Int(truncatingIfNeeded: Self.hash(value, key)) & self.mask)
        unsafe weir_prefetch(words)
        unsafe weir_prefetch(words + 4)
    }

    /// A value of a key was seen in a slice, which comes behind all before it.
    ///
    /// - Returns: Whether no other slice holds it.
    mutating func enter(_ value: KeyWords, key: UInt64, slice: Int64) -> Bool {
        if (self.count + 1) * 2 > self.mask + 1 { self.grow() }
        let hash = Self.hash(value, key)
        let (index, isThere) = self.find(value, key, hash)
        let words = unsafe self.entry(index)
        unsafe words[4] = UInt64(bitPattern: slice)
        guard !isThere else { return false }
        unsafe words[0] = hash
        unsafe words[1] = value.a
        unsafe words[2] = value.b
        unsafe words[3] = key
        self.count += 1
        return true
    }

    /// A slice that holds a value of a key goes.
    ///
    /// - Returns: Whether it was the last one to hold it.
    mutating func leave(_ value: KeyWords, key: UInt64, slice: Int64) -> Bool {
        let (index, isThere) = self.find(value, key, Self.hash(value, key))
        guard isThere, unsafe self.entry(index)[4] == UInt64(bitPattern: slice) else { return false }
        self.remove(index)
        return true
    }

    private mutating func remove(_ removed: Int) {
        var hole = removed
        var index = (removed &+ 1) & self.mask
        while unsafe self.entry(index)[0] != 0 {
            let home = unsafe Int(truncatingIfNeeded: self.entry(index)[0]) & self.mask
            // What may lie at the hole as well moves there.
            if (index &- home) & self.mask >= (index &- hole) & self.mask {
                unsafe self.entry(hole).update(from: self.entry(index), count: Self.entryWords)
                hole = index
            }
            index = (index &+ 1) & self.mask
        }
        unsafe self.entry(hole)[0] = 0
        self.count -= 1
    }

    private mutating func grow() {
        let old = unsafe self.entries
        let oldCount = self.mask + 1
        self.mask = oldCount * 2 - 1
        unsafe self.entries = .allocate(capacity: oldCount * 2 * Self.entryWords)
        unsafe self.entries.initialize(repeating: 0, count: oldCount * 2 * Self.entryWords)
        for position in 0..<oldCount {
            let words = unsafe old + position * Self.entryWords
            guard unsafe words[0] != 0 else { continue }
            var index = unsafe Int(truncatingIfNeeded: words[0]) & self.mask
            while unsafe self.entry(index)[0] != 0 { index = (index &+ 1) & self.mask }
            unsafe self.entry(index).update(from: words, count: Self.entryWords)
        }
        unsafe old.deallocate()
    }
}
