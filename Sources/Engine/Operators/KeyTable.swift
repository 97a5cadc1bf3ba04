internal import CKernels

/// An open-addressing hash table from keys to a fixed number of 64-bit words.
///
/// A slot is `[a, b, payload…]`, or `[a, b, address, payload…]` in a table of long keys, where `address` is that of the
/// key's bytes. Slots are probed linearly and never removed one by one. Memory: `slotBytes` times a power of two, at most
/// half full, or five eighths where slots are wider than a cache line; while it grows, the old slots exist beside the new ones.
///
/// The table gets faster, not only larger keys per second, when a batch of keys is hashed and prefetched before the
/// first is looked up: see ``prefetch(_:)``.
@safe
package struct KeyTable: ~Copyable {
    /// Slots begin here.
    @usableFromInline
    var slots: UnsafeMutableRawPointer

    private(set) var mask: UInt64
    package private(set) var count = 0
    let slotBytes: Int
    private(set) var growthCount: Int

    /// Offset of the payload in a slot.
    let payloadOffset: Int

    package static let slotCountInitial = 1 << 10

    package init(payloadWordCount: Int, hasAddress: Bool, slotCount: Int = Self.slotCountInitial) {
        precondition(slotCount > 1 && slotCount & (slotCount - 1) == 0, "the number of slots is a power of two")
        self.payloadOffset = hasAddress ? 24 : 16
        self.slotBytes = self.payloadOffset + 8 * payloadWordCount
        self.mask = UInt64(slotCount - 1)
        self.growthCount = Self.growthCount(slotCount, slotBytes: self.slotBytes)
        unsafe self.slots = Self.allocate(slotCount * self.slotBytes)
    }

    /// Keys with which a table of so many slots grows: where slots are wide, free ones cost more than looking at a few more.
    private static func growthCount(_ slotCount: Int, slotBytes: Int) -> Int {
        slotBytes > 64 ? slotCount / 8 * 5 + slotCount % 8 / 2 : slotCount / 2
    }

    /// Bytes of the smallest table in which so many keys have room, of at least `slotCount` slots.
    static func bytes(forKeys count: Int, payloadWordCount: Int, slotCount: Int) -> Int {
        let slotBytes = 16 + 8 * payloadWordCount
        var slots = slotCount
        while Self.growthCount(slots, slotBytes: slotBytes) <= count, slots < 1 << 40 { slots *= 2 }
        return slots * slotBytes
    }

    deinit {
        unsafe weir_table_free(self.slots, self.bytes)
    }

    /// Bytes that the slots take.
    package var bytes: Int { (Int(self.mask) + 1) * self.slotBytes }

    /// Bytes that the table will take, old slots included, while it next grows.
    package var bytesAtNextGrowth: Int { self.bytes * 3 }

    package var isAboutToGrow: Bool { self.count + 1 >= self.growthCount }

    @inline(__always)
    func slot(_ index: UInt64) -> UnsafeMutableRawPointer {
        unsafe self.slots + Int(truncatingIfNeeded: index) &* self.slotBytes
    }

    @inline(__always)
    package func prefetch(_ hash: UInt64) { self.view.prefetch(hash) }

    /// The same, to the last line of a payload.
    @inline(__always)
    func prefetchAll(_ hash: UInt64) {
        let slot = unsafe self.slot(hash & self.mask)
        for offset in stride(from: 0, to: self.slotBytes + 63, by: 64) { unsafe weir_prefetch(slot + offset) }
    }

    /// Where the slots lie until the table next grows.
    @inline(__always)
    var view: KeyTableView { unsafe KeyTableView(slots: self.slots, mask: self.mask, slotBytes: self.slotBytes) }

    /// The payload of a short key, zeroed if the key is new.
    @inline(__always)
    package mutating func payload(of key: KeyWords, hash: UInt64) -> UnsafeMutablePointer<UInt64> {
        var index = hash & self.mask
        while true {
            let slot = unsafe self.slot(index)
            let words = unsafe slot.assumingMemoryBound(to: UInt64.self)
            if unsafe words[0] == key.a && words[1] == key.b {
                return unsafe words + 2
            }
            if unsafe words[1] == 0 {
                return unsafe self.insert(key, hash: hash, at: words)
            }
            index = (index &+ 1) & self.mask
        }
    }

    @inline(__always)
    private mutating func insert(
        _ key: KeyWords,
        hash: UInt64,
        at words: UnsafeMutablePointer<UInt64>
    ) -> UnsafeMutablePointer<UInt64> {
        unsafe words[0] = key.a
        unsafe words[1] = key.b
        self.count &+= 1
        if self.count >= self.growthCount {
            self.grow()
            return unsafe self.payload(of: key, hash: hash)
        }
        return unsafe words + 2
    }

    /// The slot of a long key, found by its words and then its bytes.
    ///
    /// - Returns: The slot's words, of which the third is the address of the key's bytes: 0 if the key is new, and the
    ///   caller must then store one.
    package mutating func longSlot(
        of key: KeyWords,
        bytes: UnsafeRawPointer,
        hash: UInt64
    ) -> UnsafeMutablePointer<UInt64> {
        if self.isAboutToGrow { self.grow() }
        var index = hash & self.mask
        while true {
            let words = unsafe self.slot(index).assumingMemoryBound(to: UInt64.self)
            if unsafe words[1] == 0 {
                unsafe words[0] = key.a
                unsafe words[1] = key.b
                self.count += 1
                return unsafe words
            }
            if unsafe words[0] == key.a && words[1] == key.b {
                let stored = unsafe UnsafeRawPointer(bitPattern: UInt(words[2])).unsafelyUnwrapped
                if unsafe Self.areEqual(stored, bytes, count: key.count) { return unsafe words }
            }
            index = (index &+ 1) & self.mask
        }
    }

    private static func areEqual(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, count: Int) -> Bool {
        var offset = 0
        while offset + 8 <= count {
            let mine = unsafe (left + offset).loadUnaligned(as: UInt64.self)
            let other = unsafe (right + offset).loadUnaligned(as: UInt64.self)
            if mine != other { return false }
            offset += 8
        }
        while offset < count {
            let mine = unsafe left.load(fromByteOffset: offset, as: UInt8.self)
            let other = unsafe right.load(fromByteOffset: offset, as: UInt8.self)
            if mine != other { return false }
            offset += 1
        }
        return true
    }

    /// Calls `body` with the words of each slot that is in use, in table order.
    @inline(__always)
    package func forEachSlot<Failure: Error>(
        _ body: (UnsafeMutablePointer<UInt64>) throws(Failure) -> Void
    ) throws(Failure) {
        var slot = unsafe self.slots
        let end = unsafe self.slots + self.bytes
        while unsafe slot < end {
            let words = unsafe slot.assumingMemoryBound(to: UInt64.self)
            if unsafe words[1] != 0 { try unsafe body(words) }
            unsafe slot += self.slotBytes
        }
    }

    /// Makes room for so many more keys: until they are there, no slot moves.
    @inline(__always)
    mutating func reserve(_ more: Int) {
        if self.count &+ more >= self.growthCount { self.grow(for: more) }
    }

    /// Forgets every key and gives memory back.
    package mutating func removeAll() {
        unsafe weir_table_free(self.slots, self.bytes)
        self.mask = UInt64(Self.slotCountInitial - 1)
        self.growthCount = Self.growthCount(Self.slotCountInitial, slotBytes: self.slotBytes)
        self.count = 0
        unsafe self.slots = Self.allocate(Self.slotCountInitial * self.slotBytes)
    }

    @inline(never)
    private mutating func grow(for more: Int = 1) {
        let old = unsafe self.slots
        let oldBytes = self.bytes
        repeat {
            self.mask = self.mask * 2 + 1
            self.growthCount = Self.growthCount(Int(self.mask) + 1, slotBytes: self.slotBytes)
        } while self.count + more >= self.growthCount
        unsafe self.slots = Self.allocate(self.bytes)
        var slot = unsafe old
        while unsafe slot < old + oldBytes {
            let words = unsafe slot.assumingMemoryBound(to: UInt64.self)
            if unsafe words[1] != 0 { unsafe self.move(words) }
            unsafe slot += self.slotBytes
        }
        unsafe weir_table_free(old, oldBytes)
    }

    @inline(__always)
    private func move(_ words: UnsafeMutablePointer<UInt64>) {
        let key = unsafe KeyWords(a: words[0], b: words[1])
        var index = key.hash & self.mask
        while unsafe self.slot(index).assumingMemoryBound(to: UInt64.self)[1] != 0 {
            index = (index &+ 1) & self.mask
        }
        unsafe self.slot(index).copyMemory(from: words, byteCount: self.slotBytes)
    }

    private static func allocate(_ bytes: Int) -> UnsafeMutableRawPointer {
        guard let memory = unsafe weir_table_allocate(bytes) else {
            // The job's memory limit is far below what the system refuses; past it there is nothing left to decide.
            fatalError("can't allocate a table of \(bytes) bytes: the system is out of memory")
        }
        return unsafe memory
    }
}

/// Where the slots of a table of short keys lie until it next grows.
///
/// A loop that keeps this copy in a local variable keeps it in processor registers: what it stores into slots can't change
/// it, as it could change the table itself for all that the compiler knows.
@safe
struct KeyTableView {
    fileprivate let slots: UnsafeMutableRawPointer
    fileprivate let mask: UInt64
    fileprivate let slotBytes: Int

    /// A table of so many bytes stays in a cache near enough that fetching ahead costs more than it saves.
    private static let cachedBytes = 256 << 10

    var isCached: Bool { Int(self.mask) &* self.slotBytes < Self.cachedBytes }

    @inline(__always)
    private func slot(_ index: UInt64) -> UnsafeMutablePointer<UInt64> {
        unsafe (self.slots + Int(truncatingIfNeeded: index) &* self.slotBytes).assumingMemoryBound(to: UInt64.self)
    }

    /// Fetches a slot and its payload, which may lie on the next line of the cache.
    @inline(__always)
    func prefetch(_ hash: UInt64) {
        let slot = unsafe self.slot(hash & self.mask)
        unsafe weir_prefetch(slot)
        unsafe weir_prefetch(slot + 2)
    }

    /// The payload of a short key; nil where the table doesn't have it.
    @inline(__always)
    func payload(of key: KeyWords, hash: UInt64) -> UnsafeMutablePointer<UInt64>? {
        var index = hash & self.mask
        while true {
            let words = unsafe self.slot(index)
            if unsafe words[0] == key.a && words[1] == key.b { return unsafe words + 2 }
            if unsafe words[1] == 0 { return nil }
            index = (index &+ 1) & self.mask
        }
    }
}
