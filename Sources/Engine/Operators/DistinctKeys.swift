internal import ConnectorKit
internal import WireFormat

/// Counts different keys, of which there may be more than fit in memory: by the table of a shuffle's receiving end, which
/// spills sorted runs.
struct DistinctKeys: ~Copyable {
    private static let routing = Routing(keyGroupCount: 1, partitionCount: 1, subtaskCount: 1)
    private static let batchBytes = 128 << 10

    private var tables: ReduceTables
    private let batch = RecordBatch(form: .integers, capacity: Self.batchBytes)

    /// Keys of more than `bytesLimit` bytes are spilled.
    init(bytesLimit: Int, store: any SpillStore) {
        self.tables = ReduceTables(
            kind: .aggregates([.count]),
            combiner: nil,
            routing: Self.routing,
            bytesLimit: bytesLimit,
            store: store
        )
    }

    mutating func insert(_ keys: borrowing EncodedKeySet) throws(EngineError) {
        for index in 0..<keys.count { try self.insert(keys.key(index)) }
    }

    private mutating func insert(_ encoded: Bytes) throws(EngineError) {
        let key = unsafe KeyWords(encoded.start, count: encoded.count, isText: false)
        let keyBytes = key.isLong ? encoded.count : 0
        if !self.batch.hasRoom(RecordBatch.rowBytes(keyBytes: keyBytes, payloadBytes: 8)) { try self.pass() }
        let longKey = unsafe key.isLong ? UnsafeRawPointer(encoded.start) : nil
        let payload = unsafe self.batch.append(key.a, key.b, key: longKey, keyBytes: keyBytes, payloadBytes: 8)
        unsafe payload.storeBytes(of: 1, as: UInt64.self)
    }

    private mutating func pass() throws(EngineError) {
        try self.tables.receive(self.batch)
        self.batch.removeAll()
    }

    /// How many there were; none can be inserted after that.
    mutating func count() throws(EngineError) -> Int64 {
        try self.pass()
        try self.tables.finish()
        if self.tables.runs.isEmpty { return Int64(self.tables.aggregation.keyCount) }
        do throws(SpillError) {
            var merger = try RunMerger(self.tables.runs, routing: Self.routing)
            var count: Int64 = 0
            while let first = merger.current {
                count += 1
                let key = OwnedKey(first.keyed)
                while let cursor = merger.current, key.isEqual(to: cursor.keyed) { try merger.advance() }
            }
            return count
        } catch {
            throw .spill(error)
        }
    }
}
