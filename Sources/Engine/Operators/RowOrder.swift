/// The rows of a table dealt to partitions, each partition's in the order of their keys if asked for.
///
/// Memory: 16 bytes a row. Two passes over the table: one counts, one places.
@safe
struct RowOrder: ~Copyable {
    private struct Entry: BitwiseCopyable {
        /// What ``KeyOrder/prefix(of:)`` says.
        let prefix: UInt64
        /// Of the slot's words; the lowest bit tells a table of long keys.
        let address: UInt
    }

    private var entries: [Entry]
    /// Where each partition's rows begin; one more for the end.
    private var starts: [Int]

    static let bytesPerRow = MemoryLayout<Entry>.size

    init(short: borrowing KeyTable, long: borrowing KeyTable, routing: Routing, isSorted: Bool) {
        let count = short.count + long.count
        self.starts = Array(repeating: 0, count: routing.partitionCount + 1)
        self.entries = Array(repeating: Entry(prefix: 0, address: 0), count: count)
        Aggregation.forEachRow(short: short, long: long) { row in
            self.starts[routing.partition(hash: row.key.hash) + 1] += 1
        }
        for partition in 0..<routing.partitionCount { self.starts[partition + 1] += self.starts[partition] }
        var next = self.starts
        Aggregation.forEachRow(short: short, long: long) { row in
            let partition = routing.partition(hash: row.key.hash)
            let payload = UInt(bitPattern: unsafe row.payload)
            let address = row.key.isLong ? (payload - 24) | 1 : payload - 16
            self.entries[next[partition]] = Entry(prefix: isSorted ? KeyOrder.prefix(of: row) : 0, address: address)
            next[partition] += 1
        }
        if isSorted { self.sort() }
    }

    /// No rows.
    init() {
        self.entries = []
        self.starts = [0]
    }

    var count: Int { self.entries.count }

    func row(at index: Int) -> KeyedRow { Self.row(of: self.entries[index]) }

    /// The partition of a row, if that of the row before it was `previous`.
    func partition(of index: Int, after previous: Int) -> Int {
        var partition = previous
        while self.starts[partition + 1] <= index { partition += 1 }
        return partition
    }

    private mutating func sort() {
        let starts = self.starts
        unsafe self.entries.withUnsafeMutableBufferPointer { entries in
            for partition in 0..<(starts.count - 1) {
                let range = starts[partition]..<starts[partition + 1]
                var members = unsafe UnsafeMutableBufferPointer(rebasing: entries[range])
                unsafe members.sort { left, right in
                    left.prefix != right.prefix
                        ? left.prefix < right.prefix
                        : KeyOrder.compare(Self.row(of: left), Self.row(of: right)) < 0
                }
            }
        }
    }

    @inline(__always)
    private static func row(of entry: Entry) -> KeyedRow {
        let isLong = entry.address & 1 != 0
        let words = unsafe UnsafePointer<UInt64>(bitPattern: entry.address & ~1).unsafelyUnwrapped
        let key = unsafe KeyWords(a: words[0], b: words[1])
        guard isLong else {
            return unsafe KeyedRow(
                key: key,
                longKey: nil,
                payload: UnsafeRawPointer(words + 2),
                words: UnsafeRawPointer(words)
            )
        }
        let longKey = unsafe UnsafeRawPointer(bitPattern: UInt(words[2]))
        return unsafe KeyedRow(key: key, longKey: longKey, payload: UnsafeRawPointer(words + 3))
    }
}
