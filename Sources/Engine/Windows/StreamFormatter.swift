internal import ConnectorKit
internal import JobPlan

/// Turns what a stream's reduce emits into the records of its sink.
///
/// | form     | key                                    | value                                                    |
/// | -------- | -------------------------------------- | -------------------------------------------------------- |
/// | lines    | none                                   | the line of ``PairFormatter``; a record alone: JSON      |
/// | lines of records | none                           | the record alone: JSON where it is a map, else as the format writes it |
/// | messages | the text of the emitted key, or of its group's where that is nil | the value alone: text, or JSON |
struct StreamFormatter: ~Copyable {
    private let form: OutputForm
    private let format: RecordFormat

    /// What is emitted.
    enum Content {
        case pairs
        /// Maps with all that there is to say, whose key only tells where they go.
        case groups
        /// Any values, without keys.
        case records
    }

    private let content: Content
    private var lines: PairFormatter
    private var buffer = ByteBuffer()

    init(form: OutputForm, format: RecordFormat, content: Content) {
        self.content = content
        self.form = form
        self.format = format
        self.lines = PairFormatter(format: format)
    }

    mutating func append(
        key: Value,
        value: Value,
        groupKey: Value,
        timestamp: Int64,
        to block: OutputBlock
    ) throws(ValueWalkError) {
        if let tag = key.firstUnstorable ?? value.firstUnstorable { throw .notStorable(tag) }
        switch self.form {
        case .lines: try self.appendLine(key: key, value: value, timestamp: timestamp, to: block)
        case .messages:
            let messageKey = key.has(.nil) ? groupKey : key
            try self.appendMessage(key: messageKey, value: value, timestamp: timestamp, to: block)
        }
    }

    /// Whether a record that is a map is written as its JSON, so that ``appendJSON(key:timestamp:to:_:)`` may write it.
    var writesMapsAsJSON: Bool {
        switch self.form {
        case .lines: self.content != .pairs && self.writesJSONLines
        case .messages: true
        }
    }

    /// Appends a record whose JSON `write` appends; where that throws, nothing is appended.
    @inline(__always)
    mutating func appendJSON(
        key: Value,
        timestamp: Int64,
        to block: OutputBlock,
        _ write: (inout ByteBuffer) throws -> Void
    ) throws {
        self.buffer.removeAll(capacityLimit: Self.keptBytes)
        switch self.form {
        case .lines:
            try write(&self.buffer)
            self.buffer.append(UInt8(ascii: "\n"))
            Self.append(nil, self.buffer.bytes, timestamp, to: block)
        case .messages:
            try Self.append(text: key, to: &self.buffer)
            let keyCount = self.buffer.count
            try write(&self.buffer)
            let bytes = self.buffer.bytes
            let messageKey = key.has(.nil) ? nil : bytes.slice(0, keyCount)
            Self.append(messageKey, bytes.slice(keyCount, bytes.count), timestamp, to: block)
        }
    }

    private mutating func appendLine(
        key: Value,
        value: Value,
        timestamp: Int64,
        to block: OutputBlock
    ) throws(ValueWalkError) {
        if self.content != .pairs || key.has(.nil), value.has(.map), self.writesJSONLines {
            self.buffer.removeAll(capacityLimit: Self.keptBytes)
            var json = ValueJSON()
            try json.append(value, to: &self.buffer)
            self.buffer.append(UInt8(ascii: "\n"))
            return Self.append(nil, self.buffer.bytes, timestamp, to: block)
        }
        self.lines.removeAll()
        if self.content == .records {
            try self.lines.append(record: value)
        } else {
            try self.lines.append(key: key, value: value)
        }
        Self.append(nil, self.lines.buffer.bytes, timestamp, to: block)
    }

    private var writesJSONLines: Bool {
        switch self.format {
        case .text, .json: true
        case .csv, .bytes: false
        }
    }

    private mutating func appendMessage(
        key: Value,
        value: Value,
        timestamp: Int64,
        to block: OutputBlock
    ) throws(ValueWalkError) {
        self.buffer.removeAll(capacityLimit: Self.keptBytes)
        try Self.append(text: key, to: &self.buffer)
        let keyCount = self.buffer.count
        let isJSON: Bool =
            switch self.format {
            case .json: true
            case .text, .csv, .bytes: false
            }
        if isJSON {
            var json = ValueJSON()
            try json.append(value, to: &self.buffer)
        } else {
            try Self.append(text: value, to: &self.buffer)
        }
        let bytes = self.buffer.bytes
        let messageKey = key.has(.nil) ? nil : bytes.slice(0, keyCount)
        let payload = value.has(.nil) && !isJSON ? nil : bytes.slice(keyCount, bytes.count)
        Self.append(messageKey, payload, timestamp, to: block)
    }

    /// Text as it is, numbers in digits, collections as JSON.
    private static func append(text value: Value, to buffer: inout ByteBuffer) throws(ValueWalkError) {
        switch value.tag {
        case .nil: return
        case .string, .symbol, .keyword: buffer.append(value.text)
        case .list, .map, .set:
            var json = ValueJSON()
            try json.append(value, to: &buffer)
        default:
            var text = ValueText()
            try text.append(value, to: &buffer)
        }
    }

    private static func append(_ key: Bytes?, _ value: Bytes?, _ timestamp: Int64, to block: OutputBlock) {
        unsafe block.append(
            key: key.map { unsafe UnsafeRawBufferPointer(start: $0.start, count: $0.count) },
            value: value.map { unsafe UnsafeRawBufferPointer(start: $0.start, count: $0.count) },
            timestamp: timestamp
        )
    }

    /// Memory that is kept from one record to the next.
    private static let keptBytes = 1 << 20
}
