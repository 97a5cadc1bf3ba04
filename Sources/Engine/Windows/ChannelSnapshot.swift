internal import WireFormat

/// Elements that were on their way to a subtask when a checkpoint overtook them: a chunk each, in the order of their channels.
///
/// | bytes | what, little endian                                                       |
/// | ----: | -------------------------------------------------------------------------- |
/// |  4, 4 | ``ChannelSnapshot/magic``, ``ChannelSnapshot/version``                     |
/// |     4 | the channel: which subtask of the stage before sent it                     |
/// |     1 | 1 states of a slice, 2 single records, 3 watermark, 4 idle, 5 tick         |
/// |     8 | start of the slice, watermark, or what the clock said; otherwise 0         |
/// |     – | the rows of a ``RecordBatch``                                              |
///
/// Source: Chandy and Lamport, "Distributed snapshots", 1985: the state of a channel is what lies between two barriers.
package enum ChannelSnapshot {
    /// `WCHN`, little endian.
    static let magic: UInt32 = 0x4E48_4357
    static let version: UInt32 = 1

    private enum Kind {
        static let slice: UInt8 = 1
        static let timed: UInt8 = 2
        static let watermark: UInt8 = 3
        static let idle: UInt8 = 4
        static let tick: UInt8 = 5
    }

    /// The chunk of an element; nil for a barrier or an end, which aren't kept.
    package static func chunk(of element: StreamElement, channel: Int) -> [UInt8]? {
        switch element {
        case .slice(let start, let batch): self.chunk(channel, Kind.slice, start, self.rows(of: batch, from: 0))
        case .timed(let batch): self.chunk(channel, Kind.timed, 0, self.rows(of: batch, from: 0))
        case .watermark(let time): self.chunk(channel, Kind.watermark, time, nil)
        case .idle: self.chunk(channel, Kind.idle, 0, nil)
        case .tick(let now): self.chunk(channel, Kind.tick, now, nil)
        case .barrier, .end: nil
        }
    }

    /// The chunk of the single records of a batch that begin at an offset.
    static func chunk(ofRecords batch: RecordBatch, from offset: Int, channel: Int) -> [UInt8] {
        self.chunk(channel, Kind.timed, 0, self.rows(of: batch, from: offset))
    }

    private static func rows(of batch: RecordBatch, from offset: Int) -> Bytes {
        let start = unsafe UnsafeRawPointer(batch.base + offset).assumingMemoryBound(to: UInt8.self)
        return unsafe Bytes(start: start, count: batch.count - offset)
    }

    private static func chunk(_ channel: Int, _ kind: UInt8, _ time: Int64, _ rows: Bytes?) -> [UInt8] {
        var buffer = ByteBuffer(capacity: 32 + (rows?.count ?? 0))
        buffer.append(littleEndian: self.magic)
        buffer.append(littleEndian: self.version)
        buffer.append(littleEndian: UInt32(channel))
        buffer.append(kind)
        buffer.append(littleEndian: time)
        if let rows { buffer.append(rows) }
        return buffer.bytes.array
    }

    /// - Throws: The bytes aren't a chunk, or of a channel behind `channelCount`.
    package static func element(
        _ chunk: [UInt8],
        channelCount: Int
    ) throws(EngineError) -> (channel: Int, element: StreamElement) {
        var found: (Int, StreamElement)?
        try StateReader.read(chunk, of: "channels") { bytes in found = try self.read(bytes, channelCount) }
        guard let found else { throw .corrupt("a chunk of a channel is empty") }
        return found
    }

    private static func read(_ bytes: Bytes, _ channelCount: Int) throws -> (Int, StreamElement) {
        var reader = StateReader(bytes)
        guard try reader.number(UInt32.self) == self.magic, try reader.number(UInt32.self) == self.version else {
            throw EngineError.corrupt("a blob of a checkpoint isn't of a channel, or of another version of Weir")
        }
        let channel = Int(try reader.number(UInt32.self))
        let kind = try reader.number(UInt8.self)
        let time = try reader.number(Int64.self)
        guard channel < channelCount, SlicedWindows.arePossible(watermark: time, firedEnd: 0) else {
            throw ValueDecodingError.impossible(offset: reader.offset)
        }
        switch kind {
        case Kind.slice: return (channel, .slice(time, try self.batch(&reader)))
        case Kind.timed: return (channel, .timed(try self.batch(&reader)))
        default: try reader.end()
        }
        switch kind {
        case Kind.watermark: return (channel, .watermark(time))
        case Kind.idle: return (channel, .idle)
        case Kind.tick: return (channel, .tick(time))
        default: throw ValueDecodingError.impossible(offset: reader.offset)
        }
    }

    /// The rows of a batch, of which each is looked at before it is copied.
    private static func batch(_ reader: inout StateReader) throws -> RecordBatch {
        let batch = RecordBatch(form: .states, capacity: max(reader.remainingCount, RecordBatch.headerBytes))
        while reader.remainingCount > 0 {
            let (a, b) = (try reader.number(UInt64.self), try reader.number(UInt64.self))
            let keyBytes = Int(try reader.number(UInt32.self))
            let payloadBytes = Int(try reader.number(UInt32.self))
            let words = KeyWords(a: a, b: b)
            guard words.b != 0, keyBytes == (words.isLong ? words.count : 0) else {
                throw ValueDecodingError.impossible(offset: reader.offset)
            }
            let key = try reader.bytes(count: Self.padded(keyBytes))
            let payload = try reader.bytes(count: Self.padded(payloadBytes))
            let target = unsafe batch.append(
                a,
                b,
                key: keyBytes > 0 ? UnsafeRawPointer(key.start) : nil,
                keyBytes: keyBytes,
                payloadBytes: payloadBytes
            )
            unsafe target.copyMemory(from: payload.start, byteCount: payloadBytes)
        }
        return batch
    }

    private static func padded(_ count: Int) -> Int { (count + 7) & ~7 }
}
