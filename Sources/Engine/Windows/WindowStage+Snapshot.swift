internal import CoreTypes
internal import WireFormat

/// The binary form of a window subtask's state but for its slices, which are pieces of their own: see ``FrozenSlice``.
///
/// Numbers are little endian.
///
/// | bytes                 | what                                                                                      |
/// | --------------------- | ----------------------------------------------------------------------------------------- |
/// | u32, u32              | ``SnapshotFormat/magic``, ``SnapshotFormat/version``                                      |
/// | i64, i64              | the watermark, the end up to which windows were fired                                     |
/// | u32, then each        | windows that were fired late: i64 end, u32 number of rows, rows with how often            |
/// | u32, then each        | key groups whose windows were fired further before a restart: u32 group, i64 end          |
/// | u32, then each        | windows of single keys: ``WindowFigures``, a row                                          |
/// | u32, then each        | windows that weren't fired: i64 end, u32 number of rows, rows with early firings          |
/// | u32, then each        | windows that late records have changed: i64 end, u32 number of rows, rows                 |
///
/// A row is the two words of its key, u32 length and bytes of a long key, u32 length and bytes of its states.
enum SnapshotFormat {
    /// `WSNP`, little endian.
    static let magic: UInt32 = 0x504E_5357
    static let version: UInt32 = 5

    static func append(_ row: KeyedRow, of table: borrowing SliceTable, to buffer: inout ByteBuffer) {
        Self.appendKey(row, to: &buffer)
        let start = buffer.count
        buffer.append(littleEndian: UInt32(0))
        unsafe table.encode(row.payload.assumingMemoryBound(to: UInt64.self), into: &buffer)
        buffer.replace(at: start, littleEndian: UInt32(buffer.count - start - 4))
    }

    /// A row whose states are encoded already.
    static func append(_ row: KeyedRow, _ states: Bytes, to buffer: inout ByteBuffer) {
        Self.appendKey(row, to: &buffer)
        buffer.append(littleEndian: UInt32(states.count))
        buffer.append(states)
    }

    private static func appendKey(_ row: KeyedRow, to buffer: inout ByteBuffer) {
        buffer.append(littleEndian: row.key.a)
        buffer.append(littleEndian: row.key.b)
        let keyBytes = unsafe row.longKey == nil ? 0 : row.key.count
        buffer.append(littleEndian: UInt32(keyBytes))
        if let longKey = unsafe row.longKey {
            buffer.append(unsafe Bytes(start: longKey.assumingMemoryBound(to: UInt8.self), count: keyBytes))
        }
    }
}

/// A row of a ``SnapshotFormat``, where its bytes lie.
@safe
struct SnapshotRow {
    let key: KeyWords
    /// The bytes of a long key.
    let longKey: UnsafeRawPointer?
    let states: Bytes

    @inline(__always)
    init(_ reader: inout StateReader) throws(ValueDecodingError) {
        self.key = KeyWords(a: try reader.number(UInt64.self), b: try reader.number(UInt64.self))
        let keyBytes = try reader.bytes()
        guard self.key.b != 0, keyBytes.count == (self.key.isLong ? self.key.count : 0) else {
            throw .impossible(offset: reader.offset)
        }
        unsafe self.longKey = self.key.isLong ? UnsafeRawPointer(keyBytes.start) : nil
        self.states = try reader.bytes()
    }
}

extension WindowStage {
    /// Hands the state over as it is; what comes from now on doesn't change it.
    ///
    /// - Important: No other checkpoint is handed over before this one is settled.
    package mutating func freeze(_ checkpoint: Int64) throws(EngineError) -> StageSnapshot {
        var chunk: [UInt8] = []
        self.writeRest { chunk += $0.array }
        var index = 0
        let rest = StatePiece(
            name: Self.restName,
            id: PieceID(checkpoint: checkpoint, index: index),
            keyCount: self.isKeyed ? self.keyed.keyCount : 0,
            content: EncodedState([chunk])
        )
        let slices = self.sliced.freeze(checkpoint) {
            index += 1
            return PieceID(checkpoint: checkpoint, index: index)
        }
        var pieces = [rest] + slices
        if let stored = self.stored { pieces += try stored.freeze(checkpoint, firstIndex: index + 1) }
        return StageSnapshot(pieces: pieces, keyCount: self.keyCount, watermark: self.watermark)
    }

    /// The checkpoint that was handed over is complete, or was given up: nobody reads what was handed over any more.
    package mutating func settle(_ checkpoint: Int64, isStored: Bool) {
        self.sliced.settle(checkpoint, isStored: isStored)
        self.stored?.settle(checkpoint, isStored: isStored)
    }

    /// Puts some of what checkpoints left in layers together.
    ///
    /// - Returns: False where nothing is left to be done.
    package mutating func tidy() -> Bool { self.sliced.mergeLayers(limit: Self.keysPerTidying) }

    private static var keysPerTidying: Int { 1_024 }
    private static var restName: String { "windows" }

    private mutating func writeRest<Failure: Error>(_ write: (Bytes) throws(Failure) -> Void) throws(Failure) {
        var buffer = ByteBuffer(capacity: 2 * Self.chunkBytes)
        buffer.append(littleEndian: SnapshotFormat.magic)
        buffer.append(littleEndian: SnapshotFormat.version)
        buffer.append(littleEndian: self.watermark)
        buffer.append(littleEndian: self.sliced.firedEnd)
        buffer.append(littleEndian: UInt32(self.sliced.latePanes.count))
        for (end, box) in self.sliced.latePanes.sorted(by: { $0.key < $1.key }) {
            buffer.append(littleEndian: end)
            try Self.write(box.table, &buffer, write)
        }
        let groupEnds = self.sliced.furtherGroupEnds
        buffer.append(littleEndian: UInt32(groupEnds.count))
        for (group, end) in groupEnds {
            buffer.append(littleEndian: UInt32(group))
            buffer.append(littleEndian: end)
        }
        try self.writeKeyed(&buffer, write)
        for panes in [self.early, self.gathered] {
            buffer.append(littleEndian: UInt32(panes.windows.count))
            for (end, box) in panes.windows.sorted(by: { $0.key < $1.key }) {
                buffer.append(littleEndian: end)
                try Self.write(box.table, &buffer, write)
            }
        }
        try write(buffer.bytes)
    }

    private mutating func writeKeyed<Failure: Error>(
        _ buffer: inout ByteBuffer,
        _ write: (Bytes) throws(Failure) -> Void
    ) throws(Failure) {
        buffer.append(littleEndian: UInt32(self.keyed.store.liveCount))
        for number in self.keyed.store.segments.indices where self.keyed.store[number].isLive {
            let segment = self.keyed.store[number]
            WindowFigures(segment).append(to: &buffer)
            let row = self.keyed.rowOfWindow(number)
            SnapshotFormat.append(row, of: self.keyed.store.states.table, to: &buffer)
            if buffer.count >= Self.chunkBytes {
                try write(buffer.bytes)
                buffer.removeAll()
            }
        }
    }

    private static var chunkBytes: Int { 1 << 20 }

    private static func write<Failure: Error>(
        _ table: borrowing SliceTable,
        _ buffer: inout ByteBuffer,
        _ write: (Bytes) throws(Failure) -> Void
    ) throws(Failure) {
        buffer.append(littleEndian: UInt32(table.keyCount))
        var cursor = TableCursor()
        while let row = table.next(&cursor) {
            SnapshotFormat.append(row, of: table, to: &buffer)
            if buffer.count >= Self.chunkBytes {
                try write(buffer.bytes)
                buffer.removeAll()
            }
        }
    }

    /// Takes what belongs to this subtask of a chunk that any subtask wrote, at any parallelism.
    ///
    /// The chunks of a subtask's state come in the order of its pieces; `piece` is the name of the one that it is a chunk of.
    ///
    /// - Throws: The bytes aren't a chunk of this layout.
    package mutating func restore(_ chunk: [UInt8], of piece: String) throws(EngineError) {
        try StateReader.read(chunk, of: "windows") { bytes in
            switch piece {
            case Self.restName: try self.readRest(bytes)
            // Windows of single keys that didn't fit in memory, as a ``ProcessSnapshot``.
            case KeyedPieces.name: try self.readKeys(bytes)
            default: try self.readSlice(bytes)
            }
        }
        try self.spillIfLarge()
    }

    /// About so many keys of this subtask's are in the pieces of a name that are about to be restored.
    package mutating func expect(_ keyCount: Int, of piece: String) {
        guard let start = Self.sliceStart(piece), self.sliced.isSlice(start) else { return }
        self.sliced.expect(keyCount, slice: start)
    }

    private static func sliceStart(_ piece: String) -> Int64? {
        piece.hasPrefix("slice/") ? Int64(piece.dropFirst("slice/".count)) : nil
    }

    /// A piece was restored as a whole, by this subtask alone: later checkpoints may name it.
    package mutating func noteStored(_ id: PieceID, name: String, keyCount: Int) throws(EngineError) {
        // Where those of single keys fit in memory now, they are written with the rest.
        if name == KeyedPieces.name { try self.stored?.noteStored(id, keyCount: keyCount) }
        guard let start = Self.sliceStart(name) else { return }
        self.sliced.noteStored(id, keyCount: keyCount, slice: start)
    }

    private mutating func readSlice(_ chunk: Bytes) throws {
        var reader = StateReader(chunk)
        guard try reader.number(UInt32.self) == FrozenSlice.magic,
            try reader.number(UInt32.self) == FrozenSlice.version
        else {
            throw EngineError.corrupt("a piece of a checkpoint isn't a slice, or of another version of Weir")
        }
        let start = try reader.number(Int64.self)
        guard self.sliced.isSlice(start) else { throw ValueDecodingError.impossible(offset: reader.offset) }
        let rows = Self.rowCounts(reader)
        try self.readRows(&reader, firedEnd: self.sliced.restoredEnd) { stage in
            let box = stage.sliced.slice(start)
            stage.sliced.makeRoom(in: box, slice: start, rows: rows.all, longRows: rows.long)
            return box
        }
        try reader.end()
    }

    private mutating func readRest(_ rest: Bytes) throws {
        var reader = StateReader(rest)
        let magic = try reader.number(UInt32.self)
        let version = try reader.number(UInt32.self)
        guard magic == SnapshotFormat.magic, version == SnapshotFormat.version else {
            throw EngineError.corrupt(
                "a blob of a checkpoint isn't the state of windows, or of another version of Weir"
            )
        }
        let watermark = try reader.number(Int64.self)
        let firedEnd = try reader.number(Int64.self)
        guard SlicedWindows.arePossible(watermark: watermark, firedEnd: firedEnd) else {
            throw ValueDecodingError.impossible(offset: reader.offset)
        }
        self.sliced.restore(watermark: watermark, firedEnd: firedEnd)
        self.keyed.restore(watermark: watermark)
        for _ in 0..<(try reader.number(UInt32.self)) {
            let end = try reader.number(Int64.self)
            guard self.sliced.isWindowEnd(end) else { throw ValueDecodingError.impossible(offset: reader.offset) }
            try self.readRows(&reader, firedEnd: firedEnd) { stage in stage.sliced.restoreLatePanes(of: end) }
        }
        for _ in 0..<(try reader.number(UInt32.self)) {
            let group = Int(try reader.number(UInt32.self))
            let end = try reader.number(Int64.self)
            guard group < CompiledStream.keyGroupCount, SlicedWindows.arePossible(watermark: 0, firedEnd: end) else {
                throw ValueDecodingError.impossible(offset: reader.offset)
            }
            self.sliced.noteRestored(group, firedEnd: end)
        }
        for _ in 0..<(try reader.number(UInt32.self)) { try self.readKeyed(&reader) }
        try self.readPanes(&reader, firedEnd: firedEnd)
        try reader.end()
    }

    private mutating func readPanes(_ reader: inout StateReader, firedEnd: Int64) throws {
        for isEarly in [true, false] {
            for _ in 0..<(try reader.number(UInt32.self)) {
                let end = try reader.number(Int64.self)
                guard self.sliced.isWindowEnd(end) else { throw ValueDecodingError.impossible(offset: reader.offset) }
                try self.readRows(&reader, firedEnd: firedEnd) { stage in
                    isEarly ? stage.early.restore(end) : stage.gathered.restore(end)
                }
            }
        }
    }

    private mutating func readKeyed(_ reader: inout StateReader) throws {
        let figures = try WindowFigures(&reader)
        let row = try SnapshotRow(&reader)
        guard self.owns(row.key.hash) else { return }
        guard let stored = self.stored else {
            return try unsafe self.keyed.restore(figures, row.states, of: row.key, longKey: row.longKey)
        }
        let stateKey = unsafe StateKey(row.key, longKey: row.longKey)
        try stored.load(stateKey, into: &self.keyed)
        try unsafe self.keyed.restore(figures, row.states, of: row.key, longKey: row.longKey)
        try stored.save(stateKey, from: &self.keyed)
    }

    private mutating func readKeys(_ chunk: Bytes) throws {
        var reader = try ProcessSnapshotReader(chunk)
        while let entry = try reader.next() {
            guard self.owns(entry.key.words.hash) else { continue }
            if reader.replaces { try self.forgetWindows(of: entry.key) }
            guard let state = entry.state else { continue }
            try self.stored?.load(entry.key, into: &self.keyed)
            try StoredWindows.read(state.value, of: entry.key, into: &self.keyed)
            try self.stored?.save(entry.key, from: &self.keyed)
            try self.spillIfLarge()
        }
    }

    private mutating func forgetWindows(of key: StateKey) throws(EngineError) {
        if let stored = self.stored { return try stored.removeAll(of: key) }
        for number in unsafe self.keyed.store.numbers(of: key.words, longKey: key.longKey) {
            self.keyed.store.remove(number)
        }
    }

    private func owns(_ hash: UInt64) -> Bool {
        self.routing.subtask(ofPartition: self.routing.partition(hash: hash)) == self.subtask
    }

    /// How many of the rows that follow, as far as they can be read, have what keys.
    private static func rowCounts(_ rows: StateReader) -> (all: Int, long: Int) {
        var reader = rows
        var counts = (all: 0, long: 0)
        let limit = (try? reader.number(UInt32.self)) ?? 0
        for _ in 0..<min(limit, Self.rowsLookedAt) {
            guard let row = try? SnapshotRow(&reader) else { break }
            counts.all += 1
            counts.long += row.key.isLong ? 1 : 0
        }
        return counts
    }

    /// Rows of a chunk that say what the keys of a slice are like.
    private static var rowsLookedAt: UInt32 { 256 }

    /// Reads rows into a table, which is made when the first one belongs here.
    private mutating func readRows(
        _ reader: inout StateReader,
        firedEnd: Int64,
        into makeBox: (inout Self) -> SliceBox
    ) throws {
        let count = try reader.number(UInt32.self)
        var isRestored = [Bool](repeating: false, count: CompiledStream.keyGroupCount)
        for index in 0..<count {
            var next = reader
            guard self.owns(try SnapshotRow(&next).key.hash) else {
                reader = next
                continue
            }
            let box = makeBox(&self)
            let (routing, subtask) = (self.routing, self.subtask)
            let start = reader.offset
            try self.sliced.merge(&reader, rows: count - index, into: box) { hash in
                guard routing.subtask(ofPartition: routing.partition(hash: hash)) == subtask else { return false }
                isRestored[SlicedWindows.group(hash)] = true
                return true
            }
            self.sliced.takenBytes += reader.offset - start
            break
        }
        for group in isRestored.indices where isRestored[group] {
            self.sliced.noteRestored(group, firedEnd: firedEnd)
        }
    }
}
