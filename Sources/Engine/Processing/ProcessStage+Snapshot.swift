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

    static func begin(_ buffer: inout ByteBuffer, watermark: Int64) {
        buffer.removeAll()
        buffer.append(littleEndian: Self.magic)
        buffer.append(littleEndian: Self.version)
        buffer.append(littleEndian: watermark)
    }
}

extension ProcessStage where Store: ~Copyable {
    /// Hands the state over as it is, in one piece.
    package mutating func freeze(_ checkpoint: Int64) -> StageSnapshot {
        var chunks: [[UInt8]] = []
        self.writeSnapshot { chunks.append($0.array) }
        let piece = StatePiece(
            name: "keys",
            id: PieceID(checkpoint: checkpoint, index: 0),
            keyCount: self.keyCount,
            content: EncodedState(chunks)
        )
        return StageSnapshot(pieces: [piece], keyCount: self.keyCount, watermark: self.currentWatermark)
    }

    /// Hands the state over in chunks, each of which can be restored by itself.
    package mutating func writeSnapshot<Failure: Error>(_ write: (Bytes) throws(Failure) -> Void) throws(Failure) {
        var buffer = ByteBuffer(capacity: 2 * ProcessSnapshot.chunkBytes)
        let watermark = self.watermark
        ProcessSnapshot.begin(&buffer, watermark: watermark)
        try self.store.forEach { key, state, timers throws(Failure) in
            buffer.append(1)
            key.append(to: &buffer)
            buffer.append(state == nil ? 0 : 1)
            if let state {
                buffer.append(littleEndian: state.writtenAt)
                buffer.append(littleEndian: UInt32(state.value.count))
                buffer.append(state.value)
            }
            buffer.append(littleEndian: UInt32(timers.count))
            for time in timers { buffer.append(littleEndian: time) }
            if buffer.count >= ProcessSnapshot.chunkBytes {
                buffer.append(0)
                try write(buffer.bytes)
                ProcessSnapshot.begin(&buffer, watermark: watermark)
            }
        }
        buffer.append(0)
        try write(buffer.bytes)
    }

    /// Takes what belongs to this subtask of a snapshot that any subtask wrote, at any parallelism.
    ///
    /// - Throws: The bytes aren't a snapshot of a keyed stage.
    package mutating func restore(_ snapshot: [UInt8]) throws(EngineError) {
        try StateReader.read(snapshot, of: "keys") { try self.readSnapshot($0) }
    }

    private mutating func readSnapshot(_ snapshot: Bytes) throws {
        var reader = StateReader(snapshot)
        let magic = try reader.number(UInt32.self)
        let version = try reader.number(UInt32.self)
        guard magic == ProcessSnapshot.magic, version == ProcessSnapshot.version else {
            throw EngineError.corrupt("a blob of a checkpoint isn't the state of keys, or of another version of Weir")
        }
        let watermark = try reader.number(Int64.self)
        guard SlicedWindows.arePossible(watermark: watermark, firedEnd: 0) else {
            throw ValueDecodingError.impossible(offset: reader.offset)
        }
        self.restore(watermark: watermark)
        while try reader.flag() { try self.readKey(&reader) }
        try reader.end()
    }

    private mutating func readKey(_ reader: inout StateReader) throws {
        let key = try StateKey(&reader)
        let isOwn = self.routing.subtask(ofPartition: self.routing.partition(hash: key.words.hash)) == self.subtask
        if try reader.flag() {
            let writtenAt = try reader.number(Int64.self)
            let value = try reader.bytes()
            guard Self.isTime(writtenAt), value.count <= ProcessLimits.stateBytes else {
                throw ValueDecodingError.impossible(offset: reader.offset)
            }
            if isOwn { self.store.setState(of: key, to: value, writtenAt: writtenAt) }
        }
        let count = try reader.number(UInt32.self)
        guard count <= ProcessLimits.timers else { throw ValueDecodingError.impossible(offset: reader.offset) }
        for _ in 0..<count {
            let time = try reader.number(Int64.self)
            guard Self.isTime(time) else { throw ValueDecodingError.impossible(offset: reader.offset) }
            if isOwn { self.store.addTimer(at: time, of: key) }
        }
    }

    private static func isTime(_ time: Int64) -> Bool {
        (-SliceGrid.timeLimit...SliceGrid.timeLimit).contains(time)
    }
}
