internal import ConnectorKit
internal import FluentSyntax
internal import Glibc
internal import JobPlan

/// Cuts blocks into records and decodes them, one at a time.
///
/// ## Order of calls
/// For each resource or split: `begin` with its blocks in turn, after each of them `next` until it answers false; then
/// `endResource`, and again `next` until it answers false.
@safe
struct RecordDecoder: ~Copyable {
    private let format: RecordFormat
    private var base: UnsafePointer<UInt8>
    private var count = 0
    private var position = 0
    private var blockPosition: Int64 = 0
    private var resource = ""
    private var isBehindLastBlock = false

    /// The record here, valid until the next call of ``next(in:)``; nil where ``hasFields``.
    private(set) var record = Value.nil

    /// Whether ``fields`` holds what the map reads, and ``record`` isn't built.
    private(set) var hasFields = false
    let fieldCount: Int
    let fieldValues: UnsafeMutablePointer<Value>
    private let absentValues: UnsafeMutablePointer<Value>
    private var absentMemory = Arena(limitBytes: 16 << 20)
    private var extractor: JSONFieldExtractor
    private var csv: CSVReader

    /// The bytes of the record as they lie in its file, without the line's end.
    private(set) var rawBytes: Bytes
    private(set) var recordOffset: Int64 = 0
    private var text = ByteBuffer(capacity: 16)

    /// Memory behind a block that may be read.
    private static let readableCount = SourceBlock.padding

    init(_ step: DecodeStep) {
        self.format = step.format
        let fields = step.fields ?? []
        self.fieldCount = fields.count
        unsafe self.base = UnsafePointer(bitPattern: 16).unsafelyUnwrapped
        self.rawBytes = unsafe Bytes(start: self.base, count: 0)
        unsafe self.fieldValues = .allocate(capacity: max(fields.count, 1))
        unsafe self.fieldValues.initialize(repeating: .nil, count: max(fields.count, 1))
        unsafe self.absentValues = .allocate(capacity: max(fields.count, 1))
        unsafe self.absentValues.initialize(repeating: .nil, count: max(fields.count, 1))
        self.extractor = JSONFieldExtractor(fields: fields.map(\.name))
        if case .csv(let dialect) = step.format {
            self.csv = CSVReader(dialect: dialect, fields: step.fields.map { $0.map(\.name) })
        } else {
            self.csv = CSVReader(dialect: CSVDialect())
        }
        for (index, field) in fields.enumerated() {
            unsafe self.absentValues[index] = field.absentValue.simpleValue(in: &self.absentMemory) ?? .nil
        }
    }

    deinit {
        unsafe self.fieldValues.deallocate()
        unsafe self.absentValues.deallocate()
    }

    /// The key of the record: the offset of its line.
    var key: Value { Value(self.recordOffset) }

    /// Where the next line begins, in blocks of lines.
    var nextLineOffset: Int64 { self.blockPosition + Int64(min(self.position, self.count)) }

    var place: RecordPlace { RecordPlace(resource: self.resource, offset: self.recordOffset) }

    /// The value of a field that the map reads.
    @inline(__always)
    func field(_ index: Int) -> Value { unsafe self.fieldValues[index] }

    var fields: [Value] { (0..<self.fieldCount).map { self.field($0) } }

    mutating func begin(_ block: SourceBlock, of split: Split) {
        unsafe self.base = UnsafePointer(block.base.assumingMemoryBound(to: UInt8.self))
        self.count = block.count
        self.position = 0
        if self.resource != split.resource || block.position == 0 { self.csv.beginResource() }
        self.blockPosition = block.position
        self.resource = split.resource
        self.isBehindLastBlock = false
        if case .csv = self.format { self.csv.begin(unsafe Bytes(start: self.base, count: self.count)) }
    }

    /// Goes to a record of the block by its offset there.
    mutating func seek(to position: Int) { self.position = position }

    /// There are no more blocks of the resource.
    mutating func endResource() {
        self.count = 0
        self.position = 0
        self.isBehindLastBlock = true
    }

    /// Goes on to the next record.
    ///
    /// - Returns: False when there is none.
    /// - Throws: The record isn't of its format; ``rawBytes`` and ``place`` tell which, and the next call goes on behind
    ///   it. After ``CSVError``s that don't come as rejected records the resource can't be read any further.
    @inline(__always)
    mutating func next(in arena: inout Arena) throws -> Bool {
        switch self.format {
        case .text:
            guard self.position < self.count else { return false }
            self.cutLine()
            self.record = Value(.string, text: self.rawBytes)
        case .json:
            // Blank lines between records are none.
            var line: JSONLine
            repeat {
                guard self.position < self.count else { return false }
                line = self.cutLineOfJSON()
            } while self.rawBytes.count == 0
            try self.decodeJSON(in: &arena, line: line)
        case .csv:
            return try self.decodeCSV(in: &arena)
        case .bytes:
            guard self.position < self.count else { return false }
            self.recordOffset = 0
            self.rawBytes = unsafe Bytes(start: self.base, count: self.count)
            self.position = self.count
            self.record = Value(.string, text: self.rawBytes)
        }
        return true
    }

    @inline(__always)
    private mutating func decodeJSON(
        in arena: inout Arena,
        readableCount: Int = Self.readableCount,
        line: JSONLine? = nil
    ) throws {
        guard self.fieldCount > 0 else {
            self.record = try JSONReader.read(self.rawBytes, in: &arena)
            return
        }
        let extraction = try unsafe self.extractor.extract(
            self.rawBytes,
            readableCount: readableCount,
            line: line,
            into: self.fieldValues,
            arena: &arena
        )
        switch extraction {
        case .fields:
            self.hasFields = true
            self.fillAbsentFields()
        case .value(let value):
            self.hasFields = false
            self.record = value
        }
    }

    @inline(__always)
    private func fillAbsentFields() {
        for index in 0..<self.fieldCount where unsafe JSONFieldExtractor.isAbsent(self.fieldValues[index]) {
            unsafe self.fieldValues[index] = self.absentValues[index]
        }
    }

    private mutating func decodeCSV(in arena: inout Arena) throws -> Bool {
        let step: CSVStep
        do {
            step =
                self.isBehindLastBlock
                ? try self.csv.finishResource(arena: &arena) : try self.csv.next(arena: &arena)
        } catch {
            throw FatalDecodingError(reason: error.description)
        }
        switch step {
        case .exhausted:
            return false
        case .rejected(let error, let place):
            self.recordOffset = place.offset
            self.rawBytes = place.bytes
            throw error
        case .record(let value, let place):
            self.recordOffset = place.offset
            self.rawBytes = place.bytes
            self.record = value
            self.hasFields = self.csv.isProjected && self.fieldCount > 0
            if self.hasFields {
                for index in 0..<self.fieldCount { unsafe self.fieldValues[index] = value.elements[index] }
                self.fillAbsentFields()
            }
            return true
        }
    }

    /// Decodes a message, whose bytes must stay as they are while the record is used.
    ///
    /// - Returns: False where it holds no record, as a CSV message of an empty line does.
    /// - Throws: As ``next(in:)``.
    mutating func decode(
        _ message: UnsafeRawBufferPointer,
        at place: RecordPlace,
        in arena: inout Arena
    ) throws -> Bool {
        self.resource = place.resource
        self.recordOffset = place.offset
        self.hasFields = false
        let start = unsafe message.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? self.base
        self.rawBytes = unsafe Bytes(start: start, count: message.count)
        switch self.format {
        case .text, .bytes:
            self.record = Value(.string, text: self.rawBytes)
        case .json:
            try self.decodeJSON(in: &arena, readableCount: unsafe Self.readableCount(behind: start + message.count))
        case .csv:
            self.csv.beginResource()
            self.csv.begin(self.rawBytes)
            if try self.decodeCSV(in: &arena) { return true }
            self.isBehindLastBlock = true
            defer { self.isBehindLastBlock = false }
            let isRecord = try self.decodeCSV(in: &arena)
            self.recordOffset = place.offset
            return isRecord
        }
        return true
    }

    /// Takes a record that a stage handed on, whose bytes must stay as they are while the record is used.
    ///
    /// `writesText`: whether ``rawBytes`` is to be its JSON text.
    mutating func decode(
        encoded bytes: Bytes,
        at place: RecordPlace,
        writesText: Bool,
        in arena: inout Arena
    ) throws {
        self.resource = place.resource
        self.recordOffset = place.offset
        self.hasFields = false
        self.rawBytes = bytes
        self.record = try ValueCodec.decode(bytes, in: &arena, text: .borrowed)
        guard writesText else { return }
        self.text.removeAll()
        var json = ValueJSON()
        try json.append(self.record, to: &self.text)
        self.rawBytes = self.text.bytes
    }

    /// Bytes up to the end of the page: they can be read if the one before them can.
    private static func readableCount(behind end: UnsafePointer<UInt8>) -> Int {
        let offset = Int(UInt(bitPattern: end) & 4_095)
        return offset == 0 ? 0 : 4_096 - offset
    }

    @inline(__always)
    private mutating func cutLine() {
        let start = unsafe self.base + self.position
        let left = self.count &- self.position
        var length = left
        if let end = unsafe memchr(start, Int32(UInt8(ascii: "\n")), left) {
            length = unsafe UnsafeRawPointer(end) - UnsafeRawPointer(start)
        }
        self.takeLine(length)
    }

    @inline(__always)
    private mutating func cutLineOfJSON() -> JSONLine {
        let rest = unsafe Bytes(start: self.base + self.position, count: self.count &- self.position)
        let line = self.extractor.beginLine(of: rest)
        self.takeLine(line.length)
        return line
    }

    @inline(__always)
    private mutating func takeLine(_ lineLength: Int) {
        let start = unsafe self.base + self.position
        var length = lineLength
        self.recordOffset = self.blockPosition + Int64(self.position)
        self.position &+= length &+ 1
        if length > 0, unsafe start[length &- 1] == UInt8(ascii: "\r"), self.position <= self.count { length &-= 1 }
        self.rawBytes = unsafe Bytes(start: start, count: length)
    }
}

/// What makes the rest of a resource unreadable, whatever the policy for bad records is.
struct FatalDecodingError: Error {
    let reason: String
}

extension Constant {
    /// The value of a constant without elements; nil for all others.
    func simpleValue(in arena: inout Arena) -> Value? {
        switch self {
        case .nil: .nil
        case .boolean(let value): Value(value)
        case .integer(let value): Value(value)
        case .float(let value): Value(value)
        case .string(let bytes): arena.makeText(.string, utf8: String(decoding: bytes, as: UTF8.self))
        case .symbol(let text): arena.makeText(.symbol, utf8: text)
        case .keyword(let text): arena.makeText(.keyword, utf8: text)
        case .regex, .list, .map, .set, .builtin, .function, .connector: nil
        }
    }
}
