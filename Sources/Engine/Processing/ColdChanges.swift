/// What a ``ColdStates`` wrote since it was last handed over, in the order in which it did: chunks of a ``ProcessSnapshot``, which
/// lie in its table, so that they go to disk as everything does.
final class ColdChanges {
    private var writer = ProcessSnapshotWriter(.changes, chunkBytes: ColdChanges.chunkBytes)
    private var chunkCount: UInt64 = 0

    /// Keys that were written or removed, each time they were.
    private(set) var keyCount = 0

    private static let mark: UInt8 = 4

    /// Each lies in memory until it is full.
    private static let chunkBytes = 128 << 10

    func append(_ key: StateKey, _ state: StoredState?, _ times: [Int64], to table: any ColdTable) {
        self.keyCount += 1
        self.writer.append(key, state, times) { self.put($0, into: table) }
    }

    func appendRemoval(of key: StateKey, to table: any ColdTable) {
        self.keyCount += 1
        self.writer.appendRemoval(of: key) { self.put($0, into: table) }
    }

    private func put(_ chunk: [UInt8], into table: any ColdTable) {
        unsafe chunk.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return }
            Self.withKey(self.chunkCount) { table.put($0, unsafe Bytes(start: start, count: buffer.count)) }
        }
        self.chunkCount += 1
    }

    /// The key of a chunk, or of what is behind the last.
    private static func key(_ number: UInt64) -> [UInt8] {
        [self.mark] + (0..<8).reversed().map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) }
    }

    private static func withKey(_ number: UInt64, _ body: (Bytes) -> Void) {
        var key = ByteBuffer()
        for byte in Self.key(number) { key.append(byte) }
        body(key.bytes)
    }

    /// Hands it over; nothing may be added any more.
    ///
    /// `commit` writes what the table has gathered.
    func freeze(_ table: any ColdTable, commit: () throws(SpillError) -> Void) throws(SpillError) -> any FrozenState {
        self.writer.end { self.put($0, into: table) }
        try commit()
        let range = ColdRange(first: Self.key(0), end: Self.key(self.chunkCount))
        return FrozenChunks(snapshot: try table.makeSnapshot(), range: range)
    }

    /// Removes its chunks when all that the table gathers is committed.
    func removeAll(from table: any ColdTable) {
        for number in 0..<self.chunkCount { Self.withKey(number) { table.remove($0) } }
    }
}

/// Chunks that lie in a table as it was once.
private struct FrozenChunks: FrozenState {
    let snapshot: any ColdSnapshot
    let range: ColdRange

    func encode(_ write: ([UInt8]) throws -> Void) throws {
        let cursor = try self.snapshot.makeCursor(self.range)
        while !cursor.isAtEnd {
            try write(cursor.value.array)
            try cursor.advance()
        }
    }
}
