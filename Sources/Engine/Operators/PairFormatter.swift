package import ConnectorKit
internal import FluentSyntax
internal import JobPlan

/// Writes pairs as the lines of an output.
///
/// | format | a pair                                                                                       |
/// | ------ | -------------------------------------------------------------------------------------------- |
/// | text   | `key TAB value`; tab, newline, carriage return and backslash escaped; collections as JSON    |
/// | json   | `{"key":…,"value":…}`                                                                        |
/// | csv    | the key, then the value, or each element of a list value, as RFC 4180 fields                 |
/// | bytes  | the text of the value as it is                                                               |
package struct PairFormatter: ~Copyable {
    private let format: RecordFormat
    private(set) var buffer = ByteBuffer(capacity: 64 << 10)

    init(format: RecordFormat) {
        self.format = format
    }

    package var content: SinkContent {
        switch self.format {
        case .text: .text
        case .json: .json
        case .csv: .csv
        case .bytes: .bytes
        }
    }

    var count: Int { self.buffer.count }

    /// Forgets what was handed over; memory that one long line needed is given back.
    mutating func removeAll() {
        self.buffer.removeAll(capacityLimit: Self.keptBytes)
    }

    /// Memory that is kept from one batch of lines to the next.
    private static let keptBytes = 1 << 20

    @inline(__always)
    mutating func append(key: Value, value: Value) throws(ValueWalkError) {
        switch self.format {
        case .text:
            // At once, so that a long line isn't moved to a larger buffer halfway.
            self.buffer.reserve((key.isText ? key.count : 0) + (value.isText ? value.count : 0) + 2)
            try self.appendText(key)
            self.buffer.append(UInt8(ascii: "\t"))
            try self.appendText(value)
            self.buffer.append(UInt8(ascii: "\n"))
        case .json:
            self.buffer.append("{\"key\":")
            try self.appendJSON(key)
            self.buffer.append(",\"value\":")
            try self.appendJSON(value)
            self.buffer.append("}\n")
        case .csv(let dialect):
            try self.appendCSV(key, value, separator: dialect.separator)
        case .bytes:
            try self.appendRaw(value)
        }
    }

    @inline(__always)
    private mutating func appendText(_ value: Value) throws(ValueWalkError) {
        switch value.tag {
        case .integer: NumberText.append(value.integer, to: &self.buffer)
        case .string, .symbol, .keyword: self.appendEscaped(value.text)
        case .list, .map, .set: try self.appendJSON(value)
        default: try self.appendRaw(value)
        }
    }

    private mutating func appendJSON(_ value: Value) throws(ValueWalkError) {
        var json = ValueJSON()
        try json.append(value, to: &self.buffer)
    }

    private mutating func appendRaw(_ value: Value) throws(ValueWalkError) {
        if value.has(.keyword) { return self.buffer.append(value.text) }
        var text = ValueText()
        try text.append(value, to: &self.buffer)
    }

    /// A value alone: text as it is, in CSV a field for each element of a list or value of a map.
    mutating func append(record: Value) throws(ValueWalkError) {
        switch self.format {
        case .text:
            if record.isText { self.buffer.append(record.text) } else { try self.appendText(record) }
            self.buffer.append(UInt8(ascii: "\n"))
        case .json:
            try self.appendJSON(record)
            self.buffer.append(UInt8(ascii: "\n"))
        case .csv(let dialect): try self.appendCSV(record, separator: dialect.separator)
        case .bytes: try self.appendRaw(record)
        }
    }

    private mutating func appendCSV(_ record: Value, separator: UInt8) throws(ValueWalkError) {
        let step = record.has(.map) ? 2 : 1
        switch record.tag {
        case .list, .map:
            let elements = record.has(.map) ? record.pairs : record.elements
            for index in stride(from: step - 1, to: elements.count, by: step) {
                if index >= step { self.buffer.append(separator) }
                try self.appendField(elements[index], separator: separator)
            }
        default: try self.appendField(record, separator: separator)
        }
        self.buffer.append("\r\n")
    }

    @inline(__always)
    private mutating func appendEscaped(_ text: Bytes) {
        for index in 0..<text.count where Self.isEscaped(text[index]) {
            return self.appendWithEscapes(text)
        }
        self.buffer.append(text)
    }

    @inline(__always)
    private static func isEscaped(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
            || byte == UInt8(ascii: "\\")
    }

    private mutating func appendWithEscapes(_ text: Bytes) {
        for index in 0..<text.count {
            switch text[index] {
            case UInt8(ascii: "\t"): self.buffer.append("\\t")
            case UInt8(ascii: "\n"): self.buffer.append("\\n")
            case UInt8(ascii: "\r"): self.buffer.append("\\r")
            case UInt8(ascii: "\\"): self.buffer.append("\\\\")
            case let byte: self.buffer.append(byte)
            }
        }
    }

    private mutating func appendCSV(_ key: Value, _ value: Value, separator: UInt8) throws(ValueWalkError) {
        try self.appendField(key, separator: separator)
        if value.has(.list) {
            for index in 0..<value.count {
                self.buffer.append(separator)
                try self.appendField(value.elements[index], separator: separator)
            }
        } else {
            self.buffer.append(separator)
            try self.appendField(value, separator: separator)
        }
        self.buffer.append("\r\n")
    }

    private mutating func appendField(_ value: Value, separator: UInt8) throws(ValueWalkError) {
        var field = ByteBuffer()
        switch value.tag {
        case .string, .symbol, .keyword: field.append(value.text)
        case .list, .map, .set:
            var json = ValueJSON()
            try json.append(value, to: &field)
        default:
            var text = ValueText()
            try text.append(value, to: &field)
        }
        let bytes = field.bytes
        let quote = UInt8(ascii: "\"")
        let needsQuotes = unsafe bytes.buffer.contains {
            $0 == separator || $0 == quote || $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r")
        }
        guard needsQuotes else { return self.buffer.append(bytes) }
        self.buffer.append(quote)
        for index in 0..<bytes.count {
            if bytes[index] == quote { self.buffer.append(quote) }
            self.buffer.append(bytes[index])
        }
        self.buffer.append(quote)
    }
}
