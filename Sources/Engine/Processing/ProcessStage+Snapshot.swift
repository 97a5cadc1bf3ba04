internal import CoreTypes
internal import WireFormat

/// The binary form of a keyed stage's state: what a checkpoint keeps of it.
///
/// Numbers are little endian.
///
/// | bytes      | what                                                                                            |
/// | ---------- | ----------------------------------------------------------------------------------------------- |
/// | u32, u32   | ``ProcessSnapshot/magic``, ``ProcessSnapshot/version``                                          |
/// | u8         | ``ProcessSnapshot/Content``                                                                     |
/// | i64        | of a stage: the watermark, and nothing behind it                                                |
/// | each key   | u8 1; the two words of the key, u32 length and bytes of a long one; u8 1 where it has a state:   |
/// |            | i64 when it was written, u32 length, value; u32 number of timers, i64 each                      |
/// |            | or, of a key that is gone, u8 2 and the key                                                     |
/// | u8 0       | behind the last key of a chunk                                                                  |
enum ProcessSnapshot {
    /// `WKST`, little endian.
    static let magic: UInt32 = 0x5453_4B57
    static let version: UInt32 = 2
    static let chunkBytes = 1 << 20

    enum Content: UInt8 {
        /// What a stage is but for its keys.
        case stage = 0
        /// Keys.
        case everything = 1
        /// Keys that take the place of those of chunks before.
        case changes = 2
    }

    enum Mark {
        static let end: UInt8 = 0
        static let key: UInt8 = 1
        static let removal: UInt8 = 2
    }

    static func chunk(ofStageAt watermark: Int64) -> [UInt8] {
        var buffer = ByteBuffer()
        Self.begin(.stage, &buffer)
        buffer.append(littleEndian: watermark)
        return buffer.bytes.array
    }

    fileprivate static func begin(_ content: Content, _ buffer: inout ByteBuffer) {
        buffer.append(littleEndian: Self.magic)
        buffer.append(littleEndian: Self.version)
        buffer.append(content.rawValue)
    }
}

/// Encodes keys as a ``ProcessSnapshot``, in chunks each of which can be restored by itself.
struct ProcessSnapshotWriter: ~Copyable {
    private let content: ProcessSnapshot.Content
    private let chunkBytes: Int
    private var buffer: ByteBuffer

    init(_ content: ProcessSnapshot.Content, chunkBytes: Int = ProcessSnapshot.chunkBytes) {
        self.content = content
        self.chunkBytes = chunkBytes
        self.buffer = ByteBuffer(capacity: 2 * chunkBytes)
        self.begin()
    }

    private mutating func begin() {
        self.buffer.removeAll(capacityLimit: 4 * self.chunkBytes)
        ProcessSnapshot.begin(self.content, &self.buffer)
    }

    /// Adds a key with its state and the times of its timers in their order.
    mutating func append<Failure: Error>(
        _ key: StateKey,
        _ state: StoredState?,
        _ times: [Int64],
        _ write: ([UInt8]) throws(Failure) -> Void
    ) throws(Failure) {
        self.buffer.append(ProcessSnapshot.Mark.key)
        key.append(to: &self.buffer)
        self.buffer.append(state == nil ? 0 : 1)
        if let state {
            self.buffer.append(littleEndian: state.writtenAt)
            self.buffer.append(littleEndian: UInt32(state.value.count))
            self.buffer.append(state.value)
        }
        self.buffer.append(littleEndian: UInt32(times.count))
        for time in times { self.buffer.append(littleEndian: time) }
        try self.endIfLarge(write)
    }

    /// Adds that a key is gone.
    mutating func appendRemoval<Failure: Error>(
        of key: StateKey,
        _ write: ([UInt8]) throws(Failure) -> Void
    ) throws(Failure) {
        self.buffer.append(ProcessSnapshot.Mark.removal)
        key.append(to: &self.buffer)
        try self.endIfLarge(write)
    }

    private mutating func endIfLarge<Failure: Error>(_ write: ([UInt8]) throws(Failure) -> Void) throws(Failure) {
        guard self.buffer.count >= self.chunkBytes else { return }
        try self.end(write)
        self.begin()
    }

    /// Writes the last chunk.
    mutating func end<Failure: Error>(_ write: ([UInt8]) throws(Failure) -> Void) throws(Failure) {
        self.buffer.append(ProcessSnapshot.Mark.end)
        try write(self.buffer.bytes.array)
    }
}

/// Reads a chunk of a ``ProcessSnapshot``.
struct ProcessSnapshotReader {
    /// A key with its state and the times of its timers, where their bytes lie in the chunk; one that is gone has neither.
    struct Entry {
        let key: StateKey
        let state: StoredState?
        let times: [Int64]
    }

    /// Of a stage.
    private(set) var watermark: Int64?

    /// Whether its keys take the place of those that came before.
    let replaces: Bool
    private let isOfStage: Bool
    private var reader: StateReader

    /// - Throws: The bytes aren't a chunk of the state of keys.
    init(_ chunk: Bytes) throws {
        self.reader = StateReader(chunk)
        let magic = try self.reader.number(UInt32.self)
        let version = try self.reader.number(UInt32.self)
        guard magic == ProcessSnapshot.magic, version == ProcessSnapshot.version else {
            throw EngineError.corrupt("a blob of a checkpoint isn't the state of keys, or of another version of Weir")
        }
        guard let content = ProcessSnapshot.Content(rawValue: try self.reader.number(UInt8.self)) else {
            throw ValueDecodingError.impossible(offset: self.reader.offset - 1)
        }
        self.replaces = content == .changes
        self.isOfStage = content == .stage
        guard self.isOfStage else { return }
        let watermark = try self.reader.number(Int64.self)
        guard SlicedWindows.arePossible(watermark: watermark, firedEnd: 0) else {
            throw ValueDecodingError.impossible(offset: self.reader.offset)
        }
        self.watermark = watermark
    }

    /// The next key; nil at the end of the chunk.
    mutating func next() throws(ValueDecodingError) -> Entry? {
        if self.isOfStage {
            try self.reader.end()
            return nil
        }
        switch try self.reader.number(UInt8.self) {
        case ProcessSnapshot.Mark.end:
            try self.reader.end()
            return nil
        case ProcessSnapshot.Mark.key: break
        case ProcessSnapshot.Mark.removal where self.replaces:
            return Entry(key: try StateKey(&self.reader), state: nil, times: [])
        default: throw .impossible(offset: self.reader.offset - 1)
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
    ///
    /// - Important: No other checkpoint is handed over before this one is settled.
    package mutating func freeze(_ checkpoint: Int64) throws(EngineError) -> StageSnapshot {
        let stage = StatePiece(
            name: "stage",
            id: PieceID(checkpoint: checkpoint, index: 0),
            keyCount: 0,
            content: EncodedState([ProcessSnapshot.chunk(ofStageAt: self.watermark)])
        )
        do {
            let keys = try self.pieces.freeze(&self.store, checkpoint, firstIndex: 1)
            return StageSnapshot(pieces: [stage] + keys, keyCount: self.keyCount, watermark: self.watermark)
        } catch {
            throw .spill(error)
        }
    }

    /// The checkpoint that was handed over is complete, or was given up: nobody reads what was handed over any more.
    package mutating func settle(_ checkpoint: Int64, isStored: Bool) {
        self.pieces.settle(checkpoint, isStored: isStored)
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

    /// A piece was restored as a whole, by this subtask alone, and those before it: later checkpoints may name it.
    package mutating func noteStored(_ id: PieceID, name: String, keyCount: Int) throws(EngineError) {
        guard name == KeyedPieces.name else { return }
        do {
            try self.pieces.noteStored(id, keyCount: keyCount, in: &self.store)
        } catch {
            throw .spill(error)
        }
    }

    private mutating func read(_ snapshot: Bytes) throws {
        var reader = try ProcessSnapshotReader(snapshot)
        if let watermark = reader.watermark { self.restore(watermark: watermark) }
        while let entry = try reader.next() {
            let partition = self.routing.partition(hash: entry.key.words.hash)
            guard self.routing.subtask(ofPartition: partition) == self.subtask else { continue }
            try self.store.fetch(entry.key)
            if reader.replaces { self.store.removeAll(of: entry.key) }
            if let state = entry.state {
                self.store.setState(of: entry.key, to: state.value, writtenAt: state.writtenAt)
            }
            for time in entry.times { self.store.addTimer(at: time, of: entry.key) }
            try self.store.relieve()
        }
    }
}
