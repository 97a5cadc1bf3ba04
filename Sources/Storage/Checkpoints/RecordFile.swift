package import ConnectorKit
package import Environment

/// The records that a sink's subtask wrote in one epoch, kept until they are delivered: a blob of entries.
///
/// | bytes | field of an entry                                          |
/// | ----: | ---------------------------------------------------------- |
/// |     4 | length of the key, LE; all ones for none                   |
/// |     4 | length of the value, LE; all ones for a tombstone          |
/// |     8 | timestamp in milliseconds since 1970, LE; its minimum: none |
/// |     – | the key, then the value                                    |
package final class RecordFileWriter {
    private let writer: BlobWriter
    private var buffer: [UInt8] = []

    private static let bufferLimit = 1 << 20

    package init(path: String, on disk: any Disk) throws(CheckpointError) {
        self.writer = try BlobWriter(path: path, on: disk)
    }

    /// Appends records from the one numbered `first` on.
    package func append(_ records: OutputBlock, from first: Int) throws(CheckpointError) {
        for index in first..<records.count {
            unsafe records.withRecord(index) { key, value, timestamp in
                self.append(unsafe key.map { UInt32($0.count) } ?? .max)
                self.append(unsafe value.map { UInt32($0.count) } ?? .max)
                self.append(UInt64(bitPattern: timestamp ?? .min))
                if let key = unsafe key { unsafe self.buffer.append(contentsOf: key) }
                if let value = unsafe value { unsafe self.buffer.append(contentsOf: value) }
            }
            if self.buffer.count >= Self.bufferLimit { try self.flush() }
        }
    }

    private func append<Number: FixedWidthInteger>(_ number: Number) {
        for shift in stride(from: 0, to: Number.bitWidth, by: 8) {
            self.buffer.append(UInt8(truncatingIfNeeded: number >> Number(shift)))
        }
    }

    private func flush() throws(CheckpointError) {
        try self.writer.append(self.buffer[...])
        self.buffer.removeAll(keepingCapacity: true)
    }

    /// Ends the file and makes it durable.
    package func finish() throws(CheckpointError) {
        try self.flush()
        _ = try self.writer.finish()
    }
}

/// Reads the records of an epoch back, some at a time.
package struct RecordFileReader {
    private let path: String
    private let content: [UInt8]
    private var offset = 0

    private static let recordsPerBlock = 4_096

    package init(path: String, on disk: any Disk) throws(CheckpointError) {
        self.path = path
        self.content = try CheckpointBlob.read(path, on: disk)
    }

    /// Replaces the block's content by the next records, none at the end.
    package mutating func read(into block: OutputBlock) throws(CheckpointError) {
        block.removeAll()
        while self.offset < self.content.count, block.count < Self.recordsPerBlock {
            let keyCount = try self.number(UInt32.self)
            let valueCount = try self.number(UInt32.self)
            let timestamp = Int64(bitPattern: try self.number(UInt64.self))
            let key = try self.bytes(keyCount)
            let value = try self.bytes(valueCount)
            unsafe self.content.withUnsafeBytes { bytes in
                unsafe block.append(
                    key: key.map { unsafe UnsafeRawBufferPointer(rebasing: bytes[$0]) },
                    value: value.map { unsafe UnsafeRawBufferPointer(rebasing: bytes[$0]) },
                    timestamp: timestamp == .min ? nil : timestamp
                )
            }
        }
    }

    private mutating func number<Number: FixedWidthInteger>(_ type: Number.Type) throws(CheckpointError) -> Number {
        let size = Number.bitWidth / 8
        guard self.content.count - self.offset >= size else { throw .damaged(self.path, "a record is cut off") }
        defer { self.offset += size }
        return self.content[self.offset..<self.offset + size].reversed()
            .reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
    }

    private mutating func bytes(_ count: UInt32) throws(CheckpointError) -> Range<Int>? {
        guard count != .max else { return nil }
        guard self.content.count - self.offset >= Int(count) else { throw .damaged(self.path, "a record is cut off") }
        defer { self.offset += Int(count) }
        return self.offset..<self.offset + Int(count)
    }
}
