internal import CoreTypes
internal import WireFormat

/// The binary form of a keyed stage's state: what a checkpoint keeps of it.
///
/// Numbers are little endian.
///
/// | bytes      | what                                                                                            |
/// | ---------- | ----------------------------------------------------------------------------------------------- |
/// | u32, u32   | ``ProcessSnapshot/magic``, ``ProcessSnapshot/version``                                          |
/// | i64        | the watermark                                                                                   |
/// | each key   | u8 1; the two words of the key, u32 length and bytes of a long one; u8 1 where it has a state:   |
/// |            | i64 when it was written, u32 length, value; u32 number of timers, i64 each                      |
/// | u8 0       | behind the last key of a chunk                                                                  |
enum ProcessSnapshot {
    /// `WKST`, little endian.
    static let magic: UInt32 = 0x5453_4B57
    static let version: UInt32 = 1
    static let chunkBytes = 1 << 20
}

/// Encodes keys as a ``ProcessSnapshot``, in chunks each of which can be restored by itself.
struct ProcessSnapshotWriter: ~Copyable {
    private let watermark: Int64
    private var buffer = ByteBuffer(capacity: 2 * ProcessSnapshot.chunkBytes)

    init(watermark: Int64) {
        self.watermark = watermark
        self.begin()
    }

    private mutating func begin() {
        self.buffer.removeAll(capacityLimit: 4 * ProcessSnapshot.chunkBytes)
        self.buffer.append(littleEndian: ProcessSnapshot.magic)
        self.buffer.append(littleEndian: ProcessSnapshot.version)
        self.buffer.append(littleEndian: self.watermark)
    }

    /// Adds a key with its state and the times of its timers in their order.
    mutating func append<Failure: Error>(
        _ key: StateKey,
        _ state: StoredState?,
        _ times: [Int64],
        _ write: ([UInt8]) throws(Failure) -> Void
    ) throws(Failure) {
        self.buffer.append(1)
        key.append(to: &self.buffer)
        self.buffer.append(state == nil ? 0 : 1)
        if let state {
            self.buffer.append(littleEndian: state.writtenAt)
            self.buffer.append(littleEndian: UInt32(state.value.count))
            self.buffer.append(state.value)
        }
        self.buffer.append(littleEndian: UInt32(times.count))
        for time in times { self.buffer.append(littleEndian: time) }
        guard self.buffer.count >= ProcessSnapshot.chunkBytes else { return }
        try self.end(write)
        self.begin()
    }

    /// Writes the last chunk.
    mutating func end<Failure: Error>(_ write: ([UInt8]) throws(Failure) -> Void) throws(Failure) {
        self.buffer.append(0)
        try write(self.buffer.bytes.array)
    }
}

/// Reads a chunk of a ``ProcessSnapshot``.
struct ProcessSnapshotReader {
    /// A key with its state and the times of its timers, where their bytes lie in the chunk.
    struct Entry {
        let key: StateKey
        let state: StoredState?
        let times: [Int64]
    }

    let watermark: Int64
    private var reader: StateReader

    /// - Throws: The bytes aren't a chunk of the state of keys.
    init(_ chunk: Bytes) throws {
        self.reader = StateReader(chunk)
        let magic = try self.reader.number(UInt32.self)
        let version = try self.reader.number(UInt32.self)
        guard magic == ProcessSnapshot.magic, version == ProcessSnapshot.version else {
            throw EngineError.corrupt("a blob of a checkpoint isn't the state of keys, or of another version of Weir")
        }
        self.watermark = try self.reader.number(Int64.self)
        guard SlicedWindows.arePossible(watermark: self.watermark, firedEnd: 0) else {
            throw ValueDecodingError.impossible(offset: self.reader.offset)
        }
    }

    /// The next key; nil at the end of the chunk.
    mutating func next() throws(ValueDecodingError) -> Entry? {
        guard try self.reader.flag() else {
            try self.reader.end()
            return nil
        }
        let key = try StateKey(&self.reader)
        var state: StoredState?
        if try self.reader.flag() {
            let writtenAt = try self.time()
            let value = try self.reader.bytes()
            guard value.count <= ProcessLimits.stateBytes else { throw .impossible(offset: self.reader.offset) }
            state = StoredState(value: value, writtenAt: writtenAt)
        }
        let count = try self.reader.number(UInt32.self)
        guard count <= ProcessLimits.timers else { throw .impossible(offset: self.reader.offset) }
        var times: [Int64] = []
        for _ in 0..<count { times.append(try self.time()) }
        return Entry(key: key, state: state, times: times)
    }

    private mutating func time() throws(ValueDecodingError) -> Int64 {
        let time = try self.reader.number(Int64.self)
        guard (-4 * SliceGrid.timeLimit...4 * SliceGrid.timeLimit).contains(time) else {
            throw .impossible(offset: self.reader.offset)
        }
        return time
    }
}

extension ProcessStage where Store: ~Copyable {
    /// Hands the state over as it is; what comes from now on doesn't change it.
    package mutating func freeze(_ checkpoint: Int64) throws(EngineError) -> StageSnapshot {
        let keyCount = self.keyCount
        do {
            let piece = StatePiece(
                name: "keys",
                id: PieceID(checkpoint: checkpoint, index: 0),
                keyCount: keyCount,
                content: try self.store.freeze(watermark: self.watermark)
            )
            return StageSnapshot(pieces: [piece], keyCount: keyCount, watermark: self.watermark)
        } catch {
            throw .spill(error)
        }
    }

    /// Takes what belongs to this subtask of a snapshot that any subtask wrote, at any parallelism.
    ///
    /// - Throws: The bytes aren't a snapshot of a keyed stage, or the disk takes no more.
    package mutating func restore(_ snapshot: [UInt8]) throws(EngineError) {
        try StateReader.read(snapshot, of: "keys") { bytes in
            do {
                try self.read(bytes)
            } catch let error as SpillError {
                throw EngineError.spill(error)
            }
        }
    }

    private mutating func read(_ snapshot: Bytes) throws {
        var reader = try ProcessSnapshotReader(snapshot)
        self.restore(watermark: reader.watermark)
        while let entry = try reader.next() {
            let partition = self.routing.partition(hash: entry.key.words.hash)
            guard self.routing.subtask(ofPartition: partition) == self.subtask else { continue }
            try self.store.fetch(entry.key)
            if let state = entry.state {
                self.store.setState(of: entry.key, to: state.value, writtenAt: state.writtenAt)
            }
            for time in entry.times { self.store.addTimer(at: time, of: entry.key) }
            try self.store.relieve()
        }
    }
}
