import Compression
import CoreTypes
import RaftCore

/// A record of a segment of the log.
///
/// | offset | bytes | |
/// | ---: | ---: | --- |
/// | 0 | 4 | ``magic`` |
/// | 4 | 4 | bytes of the payload |
/// | 8 | 8 | number of the batch it was written with, from 1, over all segments |
/// | 16 | 8 | number of the record, from 1, over all segments |
/// | 24 | 4 | checksum of the record before it, 0 at the first |
/// | 28 | 1 | kind |
/// | 29 | 1 | 1 if it is the last of its batch |
/// | 30 | 2 | 0 |
/// | 32 | 4 | CRC-32 of the 32 bytes before and of the payload |
/// | 36 | | payload, and zeros up to a multiple of 4 |
///
/// Since each names the checksum of the one before, records that are whole but of another time, such as a block that was
/// never overwritten, don't fit.
struct LogRecord: Hashable {
    enum Content: Hashable {
        case entry(LogEntry)
        /// The log is empty from here on, behind a snapshot that was installed.
        case reset(LogPosition)
    }

    /// Where a record stands among all.
    struct Place: Hashable {
        var batch: UInt64 = 1
        var number: UInt64 = 1
        var formerChecksum: UInt32 = 0
    }

    var place: Place
    var content: Content
    var isLastOfBatch: Bool

    static let magic: UInt32 = 0x4C52_4557
    static let headerBytes = 36
    private static let checksumOffset = 32

    /// Larger payloads aren't written, and what says that it is larger isn't a record.
    static let payloadLimit = 256 << 20

    private enum Kind {
        static let entry: UInt8 = 1
        static let reset: UInt8 = 2
    }

    /// Appends the record's bytes, and returns its checksum, which the next one names.
    func append(to writer: inout ByteWriter) -> UInt32 {
        var payload = ByteWriter()
        let kind: UInt8
        switch self.content {
        case .entry(let entry):
            kind = Kind.entry
            EntryCoding.append(entry, to: &payload)
        case .reset(let position):
            kind = Kind.reset
            EntryCoding.append(position, to: &payload)
        }
        let start = writer.bytes.count
        writer.append(Self.magic)
        writer.append(UInt32(payload.bytes.count))
        writer.append(self.place.batch)
        writer.append(self.place.number)
        writer.append(self.place.formerChecksum)
        writer.append([kind, self.isLastOfBatch ? 1 : 0, 0, 0, 0, 0, 0, 0])
        writer.append(payload.bytes)
        let checksum = Self.checksum(writer.bytes[start...])
        writer.replace(checksum, at: start + Self.checksumOffset)
        writer.pad(to: 4)
        return checksum
    }

    private static func checksum(_ record: ArraySlice<UInt8>) -> UInt32 {
        unsafe record.withUnsafeBytes { bytes in
            let head = unsafe CRC32.checksum(UnsafeRawBufferPointer(rebasing: bytes[..<Self.checksumOffset]))
            return unsafe CRC32.checksum(UnsafeRawBufferPointer(rebasing: bytes[Self.headerBytes...]), behind: head)
        }
    }

    /// A record that is whole by itself, wherever it belongs.
    struct Found: Hashable {
        var record: LogRecord
        var checksum: UInt32

        /// Where the next one of its batch begins.
        var end: Int
    }

    /// Nil where no whole record begins.
    static func read(_ bytes: [UInt8], at offset: Int) -> Found? {
        guard offset >= 0, offset <= bytes.count - Self.headerBytes else { return nil }
        var reader = ByteReader(bytes[offset...])
        guard reader.read(UInt32.self) == Self.magic, let count = reader.read(UInt32.self),
            count <= Self.payloadLimit, Int(count) <= bytes.count - offset - Self.headerBytes,
            let batch = reader.read(UInt64.self), let number = reader.read(UInt64.self),
            let former = reader.read(UInt32.self), let kind = reader.read(UInt8.self),
            let last = reader.read(UInt8.self), reader.read(UInt16.self) != nil,
            let checksum = reader.read(UInt32.self), let payload = reader.read(count: Int(count)),
            checksum == Self.checksum(bytes[offset..<payload.endIndex]), let content = Self.content(kind, payload)
        else { return nil }
        let record = LogRecord(
            place: Place(batch: batch, number: number, formerChecksum: former),
            content: content,
            isLastOfBatch: last == 1
        )
        return Found(record: record, checksum: checksum, end: (payload.endIndex + 3) & ~3)
    }

    private static func content(_ kind: UInt8, _ payload: ArraySlice<UInt8>) -> Content? {
        var reader = ByteReader(payload)
        switch kind {
        case Kind.entry: return EntryCoding.entry(payload).map { .entry($0) }
        case Kind.reset: return EntryCoding.position(&reader).map { .reset($0) }
        default: return nil
        }
    }
}
