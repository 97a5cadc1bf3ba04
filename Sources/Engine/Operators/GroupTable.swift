internal import WireFormat

/// Collects encoded values by key for a reduce that needs them one by one.
///
/// A key's slot holds the first and last of a chain of values `[next address, length, bytes…]` in the order they came.
/// Memory: the bytes of values and long keys, 16 bytes a value, a slot a key.
@safe
struct GroupTable: ~Copyable {
    var short = KeyTable(payloadWordCount: 2, hasAddress: false)
    var long = KeyTable(payloadWordCount: 2, hasAddress: true)
    private var store = ByteStore()

    var keyCount: Int { self.short.count + self.long.count }
    var bytes: Int { self.short.bytes + self.long.bytes + self.store.usedBytes }
    var bytesAtNextGrowth: Int { self.bytes + 2 * max(self.short.bytes, self.long.bytes) }

    mutating func merge(_ batch: RecordBatch) {
        var offset = 0
        let base = unsafe batch.base
        while offset < batch.count {
            let row = unsafe RecordRow(base + offset)
            let key = KeyWords(a: row.a, b: row.b)
            let payload = unsafe Bytes(start: row.payload.assumingMemoryBound(to: UInt8.self), count: row.payloadBytes)
            unsafe self.append(payload, to: key, longKey: row.keyBytes > 0 ? row.key : nil)
            offset += row.size
        }
    }

    /// Adds a value behind those of its key.
    mutating func append(_ value: Bytes, to key: KeyWords, longKey: UnsafeRawPointer?) {
        let node = unsafe self.store.reserve(16 + value.count)
        unsafe node.storeBytes(of: 0, as: UInt64.self)
        unsafe node.storeBytes(of: UInt64(value.count), toByteOffset: 8, as: UInt64.self)
        unsafe (node + 16).copyMemory(from: value.start, byteCount: value.count)
        let ends = unsafe self.ends(of: key, longKey: longKey)
        let address = UInt64(UInt(bitPattern: node))
        if unsafe ends[0] == 0 {
            unsafe ends[0] = address
        } else {
            unsafe UnsafeMutableRawPointer(bitPattern: UInt(ends[1])).unsafelyUnwrapped
                .storeBytes(of: address, as: UInt64.self)
        }
        unsafe ends[1] = address
    }

    private mutating func ends(of key: KeyWords, longKey: UnsafeRawPointer?) -> UnsafeMutablePointer<UInt64> {
        guard let longKey = unsafe longKey else { return unsafe self.short.payload(of: key, hash: key.hash) }
        let words = unsafe self.long.longSlot(of: key, bytes: longKey, hash: key.hash)
        if unsafe words[2] == 0 {
            unsafe words[2] = UInt64(UInt(bitPattern: self.store.store(longKey, count: key.count)))
        }
        return unsafe words + 3
    }

    /// Where the values of a row begin.
    static func firstValue(of row: KeyedRow) -> ValueChain {
        unsafe ValueChain(address: UInt(row.payload.load(as: UInt64.self)))
    }

    mutating func removeAll() {
        self.short.removeAll()
        self.long.removeAll()
        self.store.removeAll()
    }
}

/// A place in the chain of values of one key.
@safe
struct ValueChain {
    private var address: UInt

    init(address: UInt) {
        self.address = address
    }

    /// Whether another value follows the one here.
    var hasSeveral: Bool {
        guard let node = unsafe UnsafeRawPointer(bitPattern: self.address) else { return false }
        return unsafe node.load(as: UInt64.self) != 0
    }

    /// The value here, and on to the next; nil behind the last.
    mutating func next() -> Bytes? {
        guard let node = unsafe UnsafeRawPointer(bitPattern: self.address) else { return nil }
        let count = unsafe Int(node.load(fromByteOffset: 8, as: UInt64.self))
        self.address = unsafe UInt(node.load(as: UInt64.self))
        return unsafe Bytes(start: (node + 16).assumingMemoryBound(to: UInt8.self), count: count)
    }
}
