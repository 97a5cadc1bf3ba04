package import WireFormat

/// What goes from a subtask that reads to one that keeps windows: in order, over one channel.
///
/// Whoever sends an element forgets it.
// SAFETY: a batch has one owner at a time, as ``RecordBatch`` demands.
package enum StreamElement: @unchecked Sendable {
    /// States that keys got in the slice that begins at a time.
    case slice(Int64, RecordBatch)

    /// Single records: see ``TimedRow``.
    case timed(RecordBatch)

    /// No record with this time or an earlier one follows, but for late ones.
    case watermark(Int64)

    /// Until its next watermark the sender doesn't hold time back.
    case idle

    /// The sender's clock, in milliseconds: everything that it had by then was sent before. Only where a trigger follows it.
    case tick(Int64)

    /// Everything before it belongs to the checkpoint of this number, nothing behind it does.
    case barrier(Int64)

    /// Nothing follows.
    case end

    /// Bytes of the batch it carries.
    package var byteCount: Int {
        switch self {
        case .slice(_, let batch), .timed(let batch): batch.count
        case .watermark, .idle, .tick, .barrier, .end: 0
        }
    }
}

/// An element on its way.
package struct RoutedElement {
    /// The subtask of the next stage; nil: each of them.
    package let destination: Int?
    package let element: StreamElement
}

/// The payload of a row that is one record.
///
/// | offset | bytes | field                                          |
/// | -----: | ----: | ---------------------------------------------- |
/// |      0 |     8 | event time, LE                                 |
/// |      8 |     4 | length of the states, LE                       |
/// |     12 |     – | the states of this record alone                |
/// |      – |     – | the record as it came, where it may be late    |
struct TimedRow {
    static let headerBytes = 12

    let time: Int64
    let states: Bytes
    let record: Bytes

    init(_ payload: Bytes) throws(ValueDecodingError) {
        guard payload.count >= Self.headerBytes else { throw .truncated(offset: payload.count) }
        self.time = payload.littleEndian(Int64.self, at: 0)
        let count = Int(payload.littleEndian(UInt32.self, at: 8))
        guard count <= payload.count - Self.headerBytes else { throw .truncated(offset: Self.headerBytes) }
        self.states = payload.slice(Self.headerBytes, Self.headerBytes + count)
        self.record = payload.slice(Self.headerBytes + count, payload.count)
    }
}
