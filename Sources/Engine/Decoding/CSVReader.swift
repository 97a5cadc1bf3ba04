package import JobPlan

/// Reads CSV (RFC 4180) from blocks that are cut anywhere.
///
/// Lines end with `\r\n` or `\n`; a byte order mark and empty lines are skipped; the last record needs no newline.
/// Fields are strings: slices of the block where they can be, else built in the arena. Records are maps where the
/// dialect has a header, lists otherwise; the keys of maps are good until the next resource begins.
///
/// ## Order of calls
/// For each resource: `beginResource`; then `begin` with each block in turn, and after each `next` until it answers
/// ``CSVStep/exhausted``; then `finishResource` once.
@safe
package struct CSVReader: ~Copyable {
    /// Bytes of one record.
    package static let recordLimitBytes = 16 << 20

    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    private let dialect: CSVDialect
    private var scanner: CSVScanner
    private var header: CSVHeader
    private let recordLimitBytes: Int

    private var block: Bytes
    /// The next byte of the block.
    private var index = 0
    /// Where the block lies in the resource.
    private var blockOffset: Int64 = 0
    private var nextBlockOffset: Int64 = 0
    /// The part of the record that earlier blocks held.
    private var carry: ByteBuffer
    /// Bytes of the byte order mark seen so far, or nil behind the place where it can be.
    private var markCount: Int?
    /// Whether the resource's first line is read.
    private var hasLine = false

    /// - Parameters:
    ///   - dialect: How the fields are written.
    ///   - fields: The only columns that are wanted; nil for all. Without a header there are none to choose from.
    ///   - recordLimitBytes: Longer records are an error.
    package init(dialect: CSVDialect, fields: [String]? = nil, recordLimitBytes: Int = Self.recordLimitBytes) {
        self.dialect = dialect
        self.scanner = CSVScanner(separator: dialect.separator)
        self.header = CSVHeader(wanted: dialect.hasHeader ? fields : nil)
        self.recordLimitBytes = recordLimitBytes
        let carry = ByteBuffer()
        self.block = carry.bytes.slice(0, 0)
        self.carry = carry
    }

    /// Whether records are lists of the wanted fields in their order.
    ///
    /// Those that the header doesn't name are ``JSONFieldExtractor/absent``.
    package var isProjected: Bool { self.header.isProjected }

    package mutating func beginResource() {
        self.carry.removeAll()
        self.scanner.beginRecord()
        self.header.clear()
        self.hasLine = false
        self.block = self.carry.bytes.slice(0, 0)
        self.index = 0
        self.blockOffset = 0
        self.nextBlockOffset = 0
        self.markCount = 0
    }

    /// Hands over the resource's next block, which must stay as it is while values point at it.
    package mutating func begin(_ block: Bytes) {
        precondition(self.index == self.block.count, "a block is begun when the one before is exhausted")
        self.blockOffset = self.nextBlockOffset
        self.nextBlockOffset += Int64(block.count)
        self.block = block
        self.index = 0
        self.skipByteOrderMark()
    }

    /// The block's next record.
    ///
    /// - Parameter arena: Holds what can't point at the block.
    /// - Returns: A record, what is none, or that the block is used up.
    /// - Throws: What makes the rest of the resource useless: a header that can't be, a record beyond the limit.
    package mutating func next(arena: inout Arena) throws(CSVError) -> CSVStep {
        while self.index < self.block.count {
            let start = self.index
            let carried = self.carry.count
            let offset = self.blockOffset + Int64(start - carried)
            guard let end = self.scanner.scan(self.block, from: start, position: carried - start) else {
                try self.checkLength(carried + self.block.count - start, offset)
                self.carry.append(self.block.slice(start, self.block.count))
                self.index = self.block.count
                return .exhausted
            }
            try self.checkLength(carried + end - start, offset)
            self.index = end
            let record = try self.record(in: self.block.slice(start, end), arena: &arena)
            if let step = try self.finishRecord(CSVPlace(offset: offset, bytes: record), arena: &arena) { return step }
        }
        return .exhausted
    }

    /// The record that the resource ends with, if there is no newline behind it.
    package mutating func finishResource(arena: inout Arena) throws(CSVError) -> CSVStep {
        precondition(self.index == self.block.count, "a resource is finished when its last block is exhausted")
        if let count = self.markCount { self.carryMark(count) }
        self.markCount = nil
        guard self.carry.count > 0 else { return .exhausted }
        let offset = self.nextBlockOffset - Int64(self.carry.count)
        self.scanner.finish(at: self.carry.count)
        let record = try self.record(in: self.block.slice(0, 0), arena: &arena)
        return try self.finishRecord(CSVPlace(offset: offset, bytes: record), arena: &arena) ?? .exhausted
    }

    private func checkLength(_ count: Int, _ offset: Int64) throws(CSVError) {
        guard count <= self.recordLimitBytes else {
            throw .recordTooLong(offset: offset, limitBytes: self.recordLimitBytes)
        }
    }

    /// The whole record: a slice of the block, or what was carried with the slice, in the arena.
    private mutating func record(in slice: Bytes, arena: inout Arena) throws(CSVError) -> Bytes {
        guard self.carry.count > 0 else { return slice }
        self.carry.append(slice)
        defer { self.carry.removeAll() }
        guard let copy = arena.makeText(.string, copying: self.carry.bytes) else { throw .outOfMemory }
        return copy.text
    }

    /// Turns what was scanned into a step, or nil where it is an empty line or the header.
    private mutating func finishRecord(_ place: CSVPlace, arena: inout Arena) throws(CSVError) -> CSVStep? {
        defer { self.scanner.beginRecord() }
        let line = place.bytes.withoutLineEnd
        if line.count == 0 { return nil }
        let record = CSVPlace(offset: place.offset, bytes: line)
        let fields = CSVFields(record: line, fields: self.scanner.fields)
        if !self.hasLine { try self.checkLineEnds(fields, place) }
        self.hasLine = true
        if let fault = self.scanner.fault { return try self.reject(fault, record) }
        guard self.dialect.hasHeader else { return .record(try fields.list(in: &arena), record) }
        guard self.header.isKnown else {
            try self.header.read(fields, offset: record.offset, arena: &arena)
            return nil
        }
        guard fields.count == self.header.count else {
            return .rejected(
                .fieldCount(offset: record.offset, expected: self.header.count, actual: fields.count),
                record
            )
        }
        return .record(try self.header.value(of: fields, in: &arena), record)
    }

    /// Checks that the first line isn't a file whose lines all end in a carriage return.
    ///
    /// In a file with newlines one inside a field is data, but not inside a column's name.
    private func checkLineEnds(_ fields: CSVFields, _ place: CSVPlace) throws(CSVError) {
        guard self.dialect.hasHeader || place.bytes[place.bytes.count - 1] != UInt8(ascii: "\n") else { return }
        let found: Int? =
            if let fault = self.scanner.fault {
                fault.kind == .textAfterQuote && fields.record[fault.position] == UInt8(ascii: "\r")
                    ? fault.position : nil
            } else {
                fields.bareCarriageReturn
            }
        guard let found else { return }
        throw .bareCarriageReturn(offset: place.offset + Int64(found))
    }

    /// A header that can't be read makes every record of the resource useless.
    private func reject(_ fault: CSVScanner.Fault, _ record: CSVPlace) throws(CSVError) -> CSVStep {
        let offset = record.offset + Int64(fault.position)
        let error: CSVError =
            switch fault.kind {
            case .strayQuote: .strayQuote(offset: offset)
            case .textAfterQuote: .textAfterQuote(offset: offset)
            case .unclosedQuote: .unclosedQuote(offset: offset)
            }
        if self.dialect.hasHeader, !self.header.isKnown { throw error }
        return .rejected(error, record)
    }

    // MARK: - The byte order mark

    private mutating func skipByteOrderMark() {
        while let count = self.markCount, self.index < self.block.count {
            guard self.block[self.index] == Self.byteOrderMark[count] else {
                self.markCount = nil
                if self.blockOffset == 0 { self.index = 0 } else { self.carryMark(count) }
                return
            }
            self.index += 1
            self.markCount = count + 1 < Self.byteOrderMark.count ? count + 1 : nil
        }
    }

    /// What looked like the beginning of a mark, and is gone with the blocks before, is text.
    private mutating func carryMark(_ count: Int) {
        for position in 0..<count { self.carry.append(Self.byteOrderMark[position]) }
        _ = self.scanner.scan(self.carry.bytes, from: 0, position: 0)
    }
}

/// Where a record lies and its bytes, without the line's end.
package struct CSVPlace: Sendable {
    /// Of its first byte in the resource.
    package let offset: Int64
    package let bytes: Bytes
}

/// What a reader found next.
package enum CSVStep: Sendable {
    case record(Value, CSVPlace)
    /// Bytes that are no record; the reader goes on behind them.
    case rejected(CSVError, CSVPlace)
    /// The block is used up.
    case exhausted
}

extension Bytes {
    fileprivate var withoutLineEnd: Bytes {
        var end = self.count
        if end > 0, self[end - 1] == UInt8(ascii: "\n") { end -= 1 }
        if end > 0, self[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        return self.slice(0, end)
    }
}
