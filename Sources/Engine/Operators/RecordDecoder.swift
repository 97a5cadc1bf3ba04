internal import ConnectorKit
internal import Glibc
internal import JobPlan

/// Cuts blocks into records and decodes them, one at a time.
@safe
struct RecordDecoder: ~Copyable {
    private let format: RecordFormat
    private var base: UnsafePointer<UInt8>
    private var count = 0
    private var position = 0
    private var blockPosition: Int64 = 0
    private var resource = ""

    /// The record here: valid until the next call of ``next(in:)``.
    private(set) var record = Value.nil

    /// The fields that the map reads, where they were extracted.
    private(set) var fields: [Value] = []
    private(set) var hasFields = false

    /// The bytes of the record as they lie in its file, without the line's end.
    private(set) var rawBytes: Bytes
    private var recordStart = 0

    init(_ step: DecodeStep) {
        self.format = step.format
        unsafe self.base = UnsafePointer(bitPattern: 16).unsafelyUnwrapped
        self.rawBytes = unsafe Bytes(start: self.base, count: 0)
    }

    /// The key of the record: the offset of its line.
    var key: Value { Value(self.place.offset) }

    var place: RecordPlace {
        RecordPlace(resource: self.resource, offset: self.blockPosition + Int64(self.recordStart))
    }

    /// Whether records may still come when the last block was taken.
    var endsBehindLastBlock: Bool { false }

    mutating func begin(_ block: SourceBlock, of split: Split) {
        unsafe self.base = UnsafePointer(block.base.assumingMemoryBound(to: UInt8.self))
        self.count = block.count
        self.position = 0
        self.blockPosition = block.position
        self.resource = split.resource
    }

    mutating func endResource() {}

    /// Goes on to the next record.
    ///
    /// - Returns: False when the block has no more.
    /// - Throws: The record isn't of its format; ``rawBytes`` and ``place`` tell which.
    @inline(__always)
    mutating func next(in arena: inout Arena) throws -> Bool {
        guard self.position < self.count else { return false }
        switch self.format {
        case .text:
            self.cutLine()
            self.record = Value(.string, text: self.rawBytes)
        case .json:
            self.cutLine()
            self.record = try JSONReader.read(self.rawBytes, in: &arena)
        case .csv:
            self.cutLine()
            self.record = Value(.string, text: self.rawBytes)
        case .bytes:
            self.recordStart = 0
            self.rawBytes = unsafe Bytes(start: self.base, count: self.count)
            self.position = self.count
            self.record = Value(.string, text: self.rawBytes)
        }
        return true
    }

    @inline(__always)
    private mutating func cutLine() {
        let start = unsafe self.base + self.position
        let left = self.count &- self.position
        var length = left
        if let end = unsafe memchr(start, Int32(UInt8(ascii: "\n")), left) {
            length = unsafe UnsafeRawPointer(end) - UnsafeRawPointer(start)
        }
        self.recordStart = self.position
        self.position &+= length &+ 1
        if length > 0, unsafe start[length &- 1] == UInt8(ascii: "\r"), self.position <= self.count { length &-= 1 }
        self.rawBytes = unsafe Bytes(start: start, count: length)
    }
}
