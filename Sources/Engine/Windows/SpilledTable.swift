internal import WireFormat

/// What the keys of a layer of a slice have got, on disk.
///
/// Its rows are dealt by hash to partitions that are read one by one: what a window holds of one of them is put together in
/// a table that takes a small part of what all its keys would. This is the partitioning of a hybrid hash join (DeWitt et
/// al., "Implementation Techniques for Main Memory Database Systems", 1984), with states merged where rows are joined there.
struct SpilledTable: Sendable {
    let keyCount: Int

    /// Bytes on disk.
    let storedBytes: Int64

    /// By partition; nil where no key is in it.
    private let runs: [SortedRun?]

    /// State may be so many times larger than what fits in memory before a partition of a window doesn't fit.
    static let partitionCount = 64

    /// Neither the bits that choose slots of tables nor those that choose subtasks: keys of one partition would crowd.
    @inline(__always)
    private static func partition(_ hash: UInt64) -> Int { Int(hash &>> 32) & (Self.partitionCount - 1) }

    /// Rows are in no order.
    private static let routing = Routing(keyGroupCount: 1, partitionCount: 1, subtaskCount: 1)

    /// Writes a table.
    init(_ table: borrowing SliceTable, to store: any SpillStore) throws(SpillError) {
        let partitions = (0..<Self.partitionCount).map { _ in SpilledPartitionWriter() }
        var buffer = ByteBuffer(capacity: 4_096)
        var cursor = TableCursor()
        while let row = table.next(&cursor) {
            buffer.removeAll()
            unsafe table.encode(row.payload.assumingMemoryBound(to: UInt64.self), into: &buffer)
            try partitions[Self.partition(row.key.hash)].append(buffer.bytes, of: row, store)
        }
        self.keyCount = table.keyCount
        var runs: [SortedRun?] = []
        for partition in partitions { runs.append(try partition.finish()) }
        self.runs = runs
        self.storedBytes = runs.reduce(0) { $0 + ($1?.run.storedBytes ?? 0) }
    }

    func hasKeys(inPartition partition: Int) -> Bool { self.runs[partition] != nil }

    /// Calls `body` with each row of a partition: a key and its encoded states, good until it returns.
    func forEachRow<Failure: Error>(
        ofPartition partition: Int,
        _ body: (KeyedRow, Bytes) throws(Failure) -> Void
    ) throws {
        guard let run = self.runs[partition] else { return }
        let cursor = try RunCursor(run, routing: Self.routing)
        while !cursor.isAtEnd {
            let row = cursor.row
            let payload = unsafe row.payload.assumingMemoryBound(to: UInt8.self)
            try body(KeyedRow(row), unsafe Bytes(start: payload, count: row.payloadBytes))
            try cursor.advance()
        }
    }

    /// Merges the rows of a partition into a table.
    func merge(partition: Int, into box: SliceBox, arena: inout Arena) throws(EngineError) {
        do {
            try self.forEachRow(ofPartition: partition) { (row, states) throws(ValueDecodingError) in
                let target = unsafe box.table.states(of: row.key, longKey: row.longKey)
                try unsafe box.table.merge(states, into: target, arena: &arena)
            }
        } catch {
            throw Self.failure(error)
        }
    }

    /// Merges the states of one key into a table, where it is here; reads its whole partition.
    func merge(
        _ key: KeyWords,
        longKey: UnsafeRawPointer?,
        into box: SliceBox,
        arena: inout Arena
    ) throws(EngineError) {
        do {
            try self.forEachRow(ofPartition: Self.partition(key.hash)) { (row, states) throws(ValueDecodingError) in
                guard unsafe row.has(key, longKey: longKey) else { return }
                let target = unsafe box.table.states(of: key, longKey: longKey)
                try unsafe box.table.merge(states, into: target, arena: &arena)
            }
        } catch {
            throw Self.failure(error)
        }
    }

    private static func failure(_ error: any Error) -> EngineError {
        if let error = error as? SpillError { return .spill(error) }
        return .corrupt("can't decode the states of a window that was spilled: \(error)")
    }
}

extension KeyedRow {
    fileprivate func has(_ key: KeyWords, longKey: UnsafeRawPointer?) -> Bool {
        guard self.key.a == key.a, self.key.b == key.b else { return false }
        guard let mine = unsafe self.longKey, let other = unsafe longKey else { return true }
        return unsafe Bytes.areEqual(Self.bytes(mine, key.count), Self.bytes(other, key.count))
    }

    private static func bytes(_ start: UnsafeRawPointer, _ count: Int) -> Bytes {
        unsafe Bytes(start: start.assumingMemoryBound(to: UInt8.self), count: count)
    }
}

/// The rows of one partition, on their way to disk.
private final class SpilledPartitionWriter {
    private var writer: SortedRunWriter?

    func append(_ states: Bytes, of row: KeyedRow, _ store: any SpillStore) throws(SpillError) {
        if self.writer == nil { self.writer = try SortedRunWriter(store: store, form: .states) }
        try self.writer?.append(states, of: row)
    }

    func finish() throws(SpillError) -> SortedRun? {
        guard let writer = self.writer.take() else { return nil }
        return try writer.finish()
    }
}

/// A layer of a slice that lies on disk, for whoever writes a checkpoint.
struct FrozenSpilledSlice: FrozenState {
    let start: Int64
    let table: SpilledTable

    func encode(_ write: ([UInt8]) throws -> Void) throws {
        var chunks = SliceChunks(start: self.start)
        for partition in 0..<SpilledTable.partitionCount {
            try self.table.forEachRow(ofPartition: partition) { row, states in
                try chunks.append(write) { buffer in SnapshotFormat.append(row, states, to: &buffer) }
            }
        }
        try chunks.flush(write)
    }
}
