internal import CKernels

/// Which values a number of keys has got, for exact distinct counts: pairs of a key's number and a value.
///
/// An entry is `[a, b, key number, address, next]`: the two words of the value, the address of its bytes where it is long,
/// and the entry before it of the same key plus one. Entries are found through a table of their numbers, at most half full.
/// Memory: 40 bytes an entry, 8 to 16 for the table, the bytes of long values.
///
/// A set that keeps repeats has no table, and takes every value without looking: whoever gets its values next tells them apart.
@safe
final class DistinctSet {
    private static let entryWords = 5
    private var entries: UnsafeMutablePointer<UInt64>
    private var capacity: Int
    private(set) var count = 0

    /// Values that were there already.
    private(set) var repeatCount = 0
    let keepsRepeats: Bool
    /// Numbers of entries plus one; 0 is free.
    private var table: UnsafeMutablePointer<UInt32>
    private var mask: UInt64
    private var store = ByteStore(firstChunkBytes: 4 << 10)

    private static let tableCountInitial = 64

    /// Entries made for an expectation: beyond it a set grows as values come.
    private static let expectedLimit = 1 << 20

    /// - Parameters:
    ///   - count: How many values are expected, so that the set needn't grow towards them.
    ///   - keepsRepeats: Whether values are taken that are there already.
    init(expecting count: Int = 0, keepsRepeats: Bool = false) {
        var tableCount = Self.tableCountInitial
        while tableCount / 2 < min(count, Self.expectedLimit) { tableCount *= 2 }
        self.keepsRepeats = keepsRepeats
        self.capacity = tableCount / 2
        unsafe self.entries = .allocate(capacity: self.capacity * Self.entryWords)
        if keepsRepeats { tableCount = 1 }
        self.mask = UInt64(tableCount - 1)
        unsafe self.table = .allocate(capacity: tableCount)
        unsafe self.table.initialize(repeating: 0, count: tableCount)
    }

    deinit {
        unsafe self.entries.deallocate()
        unsafe self.table.deallocate()
    }

    var bytes: Int { self.capacity * Self.entryWords * 8 + (Int(self.mask) + 1) * 4 + self.store.usedBytes }

    private static func hash(_ value: KeyWords, _ key: UInt64) -> UInt64 {
        KeyWords.mix(value.hash, key ^ 0x9E37_79B9_7F4A_7C15)
    }

    /// Whether entries lie near enough that fetching ahead costs more than it saves.
    var isCached: Bool { self.capacity < 1 << 14 }

    @inline(__always)
    func prefetch(_ value: KeyWords, key: UInt64) {
        unsafe weir_prefetch(self.table + Int(truncatingIfNeeded: Self.hash(value, key) & self.mask))
    }

    /// Fetches the newest value of a key, 0 for none, and when that is there, its bytes.
    @inline(__always)
    func prefetchEntry(_ newest: UInt64) {
        if newest > 0 { unsafe weir_prefetch(self.entries + (Int(newest) - 1) * Self.entryWords) }
    }

    @inline(__always)
    func prefetchBytes(_ newest: UInt64) {
        guard newest > 0 else { return }
        let address = unsafe UInt(self.entries[(Int(newest) - 1) * Self.entryWords + 3])
        if let start = unsafe UnsafeRawPointer(bitPattern: address) { unsafe weir_prefetch(start) }
    }

    /// Calls `body` with the words of each value of a key, newest first.
    @inline(__always)
    func forEachKey(from newest: UInt64, _ body: (KeyWords) -> Void) {
        var position = newest
        while position > 0 {
            let entry = unsafe self.entries + (Int(position) - 1) * Self.entryWords
            unsafe position = entry[4]
            body(unsafe KeyWords(a: entry[0], b: entry[1]))
        }
    }

    /// Adds a value to those of a key.
    ///
    /// - Parameters:
    ///   - value: The words of the value's key encoding, or of its text.
    ///   - bytes: That encoding or text, looked at where it is long.
    ///   - key: The number of the key, from 1.
    ///   - newest: The key's newest entry plus one, 0 for none; becomes this one where it is added.
    /// - Returns: Whether it is new, or is taken for new.
    func insert(_ value: KeyWords, _ bytes: Bytes, key: UInt64, newest: inout UInt64) -> Bool {
        if self.count == self.capacity { self.grow() }
        if !self.keepsRepeats {
            var index = Self.hash(value, key) & self.mask
            while true {
                let number = unsafe self.table[Int(index)]
                if number == 0 { break }
                if self.isEntry(Int(number) - 1, value, bytes, key: key) {
                    self.repeatCount &+= 1
                    return false
                }
                index = (index &+ 1) & self.mask
            }
            unsafe self.table[Int(index)] = UInt32(self.count + 1)
        }
        let entry = unsafe self.entries + self.count * Self.entryWords
        unsafe entry[0] = value.a
        unsafe entry[1] = value.b
        unsafe entry[2] = key
        unsafe entry[3] =
            value.isLong
            ? UInt64(UInt(bitPattern: self.store.store(UnsafeRawPointer(bytes.start), count: bytes.count))) : 0
        unsafe entry[4] = newest
        self.count += 1
        newest = UInt64(self.count)
        return true
    }

    private func isEntry(_ number: Int, _ value: KeyWords, _ bytes: Bytes, key: UInt64) -> Bool {
        let entry = unsafe self.entries + number * Self.entryWords
        guard unsafe entry[0] == value.a, unsafe entry[1] == value.b, unsafe entry[2] == key else { return false }
        guard value.isLong else { return true }
        return Bytes.areEqual(self.longBytes(number, count: value.count), bytes)
    }

    private func longBytes(_ number: Int, count: Int) -> Bytes {
        let address = unsafe UInt(self.entries[number * Self.entryWords + 3])
        let start = unsafe UnsafePointer<UInt8>(bitPattern: address).unsafelyUnwrapped
        return unsafe Bytes(start: start, count: count)
    }

    /// Calls `body` with each value of a key, newest first; its bytes are valid until `body` returns.
    func forEachValue(from newest: UInt64, _ body: (KeyWords, Bytes) -> Void) {
        var position = newest
        while position > 0 {
            let number = Int(position) - 1
            let entry = unsafe self.entries + number * Self.entryWords
            let value = unsafe KeyWords(a: entry[0], b: entry[1])
            unsafe position = entry[4]
            if value.isLong {
                body(value, self.longBytes(number, count: value.count))
            } else {
                unsafe withUnsafeTemporaryAllocation(byteCount: 16, alignment: 8) { room in
                    let start = unsafe room.baseAddress.unsafelyUnwrapped
                    unsafe value.store(to: start)
                    body(
                        value,
                        unsafe Bytes(
                            start: UnsafePointer(start.assumingMemoryBound(to: UInt8.self)),
                            count: value.count
                        )
                    )
                }
            }
        }
    }

    private func grow() {
        let larger = self.capacity * 2
        let entries = UnsafeMutablePointer<UInt64>.allocate(capacity: larger * Self.entryWords)
        unsafe entries.update(from: self.entries, count: self.count * Self.entryWords)
        unsafe self.entries.deallocate()
        unsafe self.entries = entries
        self.capacity = larger
        guard !self.keepsRepeats else { return }
        let tableCount = larger * 2
        unsafe self.table.deallocate()
        unsafe self.table = .allocate(capacity: tableCount)
        unsafe self.table.initialize(repeating: 0, count: tableCount)
        self.mask = UInt64(tableCount - 1)
        for number in 0..<self.count {
            let entry = unsafe self.entries + number * Self.entryWords
            var index = unsafe Self.hash(KeyWords(a: entry[0], b: entry[1]), entry[2]) & self.mask
            while unsafe self.table[Int(index)] != 0 { index = (index &+ 1) & self.mask }
            unsafe self.table[Int(index)] = UInt32(number + 1)
        }
    }
}
