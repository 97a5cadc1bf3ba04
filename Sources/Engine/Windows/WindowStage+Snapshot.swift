internal import CoreTypes
internal import WireFormat

/// The binary form of a window subtask's state: what a checkpoint keeps of it.
///
/// Numbers are little endian.
///
/// | bytes                 | what                                                                                      |
/// | --------------------- | ----------------------------------------------------------------------------------------- |
/// | u32, u32              | ``SnapshotFormat/magic``, ``SnapshotFormat/version``                                      |
/// | i64, i64              | the watermark, the end up to which windows were fired                                     |
/// | u32, then each        | slices: i64 start, u32 number of rows, rows with their states                             |
/// | u32, then each        | windows that were fired late: i64 end, u32 number of rows, rows with how often            |
/// | u32, then each        | key groups whose windows were fired further before a restart: u32 group, i64 end          |
/// | u32, then each        | windows of single keys: i64 start, end, records, pane, early firings, records since then; |
/// |                       | u8 1 where fired; a row                                                                   |
/// | u32, then each        | windows that weren't fired: i64 end, u32 number of rows, rows with early firings          |
/// | u32, then each        | windows that late records have changed: i64 end, u32 number of rows, rows                 |
///
/// Version 3 knew no early firings: what stands for them isn't there.
///
/// A row is the two words of its key, u32 length and bytes of a long key, u32 length and bytes of its states.
enum SnapshotFormat {
    /// `WSNP`, little endian.
    static let magic: UInt32 = 0x504E_5357
    static let version: UInt32 = 4
    static let readableVersions: ClosedRange<UInt32> = 3...4
}

extension WindowStage {
    /// Hands the state over, some bytes at a time.
    package mutating func writeSnapshot<Failure: Error>(_ write: (Bytes) throws(Failure) -> Void) throws(Failure) {
        var buffer = ByteBuffer(capacity: 2 * Self.chunkBytes)
        buffer.append(littleEndian: SnapshotFormat.magic)
        buffer.append(littleEndian: SnapshotFormat.version)
        buffer.append(littleEndian: self.watermark)
        buffer.append(littleEndian: self.sliced.firedEnd)
        buffer.append(littleEndian: UInt32(self.sliced.slices.count))
        for slice in self.sliced.slices {
            buffer.append(littleEndian: slice.start)
            try Self.write(slice.box.table, &buffer, write)
        }
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
            let (early, fresh) = (segment.earlyCount, segment.freshCount)
            for field in [segment.start, segment.end, segment.count, segment.pane, early, fresh] {
                buffer.append(littleEndian: field)
            }
            buffer.append(segment.isFired ? 1 : 0)
            let row = self.keyed.rowOfWindow(number)
            Self.append(row, of: self.keyed.store.states.table, to: &buffer)
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
            Self.append(row, of: table, to: &buffer)
            if buffer.count >= Self.chunkBytes {
                try write(buffer.bytes)
                buffer.removeAll()
            }
        }
    }

    private static func append(_ row: KeyedRow, of table: borrowing SliceTable, to buffer: inout ByteBuffer) {
        buffer.append(littleEndian: row.key.a)
        buffer.append(littleEndian: row.key.b)
        let keyBytes = unsafe row.longKey == nil ? 0 : row.key.count
        buffer.append(littleEndian: UInt32(keyBytes))
        if let longKey = unsafe row.longKey {
            buffer.append(unsafe Bytes(start: longKey.assumingMemoryBound(to: UInt8.self), count: keyBytes))
        }
        let start = buffer.count
        buffer.append(littleEndian: UInt32(0))
        unsafe table.encode(row.payload.assumingMemoryBound(to: UInt64.self), into: &buffer)
        buffer.replace(at: start, littleEndian: UInt32(buffer.count - start - 4))
    }

    /// Takes what belongs to this subtask of a snapshot that any subtask wrote, at any parallelism.
    ///
    /// - Throws: The bytes aren't a snapshot of this layout.
    package mutating func restore(_ snapshot: [UInt8]) throws(EngineError) {
        try StateReader.read(snapshot, of: "windows") { try self.readSnapshot($0) }
    }

    private mutating func readSnapshot(_ snapshot: Bytes) throws {
        var reader = StateReader(snapshot)
        let magic = try reader.number(UInt32.self)
        let version = try reader.number(UInt32.self)
        guard magic == SnapshotFormat.magic, SnapshotFormat.readableVersions.contains(version) else {
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
            let start = try reader.number(Int64.self)
            guard self.sliced.isSlice(start) else { throw ValueDecodingError.impossible(offset: reader.offset) }
            try self.readRows(&reader, firedEnd: firedEnd) { stage in stage.sliced.slice(start) }
        }
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
        for _ in 0..<(try reader.number(UInt32.self)) { try self.readKeyed(&reader, version: version) }
        if version >= 4 { try self.readPanes(&reader, firedEnd: firedEnd) }
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

    private mutating func readKeyed(_ reader: inout StateReader, version: UInt32) throws {
        let start = try reader.number(Int64.self)
        let end = try reader.number(Int64.self)
        let count = try reader.number(Int64.self)
        let pane = try reader.number(Int64.self)
        let early = version >= 4 ? try reader.number(Int64.self) : 0
        let fresh = version >= 4 ? try reader.number(Int64.self) : 0
        let isFired = try reader.flag()
        let (key, keyBytes, states) = try Self.readRow(&reader)
        guard SlicedWindows.arePossible(watermark: start, firedEnd: end), end > start, count >= 0, pane >= 0,
            early >= 0, fresh >= 0
        else {
            throw ValueDecodingError.impossible(offset: reader.offset)
        }
        guard self.owns(key) else { return }
        try unsafe self.keyed.restore(
            states,
            of: key,
            longKey: key.isLong ? UnsafeRawPointer(keyBytes.start) : nil,
            span: FiredWindow(start: start, end: end, pane: pane),
            counts: (count, early, fresh),
            isFired: isFired
        )
    }

    private func owns(_ key: KeyWords) -> Bool {
        self.routing.subtask(ofPartition: self.routing.partition(hash: key.hash)) == self.subtask
    }

    private static func readRow(_ reader: inout StateReader) throws -> (KeyWords, Bytes, Bytes) {
        let key = KeyWords(a: try reader.number(UInt64.self), b: try reader.number(UInt64.self))
        let keyBytes = try reader.bytes()
        guard key.b != 0, key.isLong ? keyBytes.count == key.count : keyBytes.count == 0 else {
            throw ValueDecodingError.impossible(offset: reader.offset)
        }
        return (key, keyBytes, try reader.bytes())
    }

    /// Reads rows into a table, which is made when the first one belongs here.
    private mutating func readRows(
        _ reader: inout StateReader,
        firedEnd: Int64,
        into makeBox: (inout Self) -> SliceBox
    ) throws {
        var box: SliceBox?
        for _ in 0..<(try reader.number(UInt32.self)) {
            let (key, keyBytes, states) = try Self.readRow(&reader)
            guard self.owns(key) else { continue }
            self.sliced.noteRestored(SlicedWindows.group(key.hash), firedEnd: firedEnd)
            let target = box ?? makeBox(&self)
            box = target
            let longKey = unsafe key.isLong ? UnsafeRawPointer(keyBytes.start) : nil
            try unsafe self.sliced.merge(states, of: key, longKey: longKey, into: target)
        }
    }
}
