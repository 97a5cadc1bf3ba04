internal import CKernels
internal import JobPlan

/// Finds the ends of records and fields in bytes that come in pieces cut anywhere.
///
/// Positions count from the record's first byte.
struct CSVScanner {
    /// A field with its quotes, if it has any.
    struct Field {
        let start: Int
        let end: Int
        let isQuoted: Bool
        let hasDoubledQuotes: Bool
    }

    struct Fault {
        enum Kind {
            case strayQuote
            case textAfterQuote
            case unclosedQuote
        }

        let kind: Kind
        let position: Int
    }

    private enum State {
        case fieldStart
        case unquoted
        case quoted
        /// Behind a quote in a quoted field: the closing one, or the first of two.
        case quoteSeen
        /// Behind a carriage return that followed a closing quote.
        case returnSeen
        /// Behind a fault: the record goes on to the line's end.
        case broken
    }

    private(set) var fields: [Field] = []
    private(set) var fault: Fault?
    private let separator: UInt8
    private var state = State.fieldStart
    private var fieldStart = 0
    private var isQuoted = false
    private var hasDoubledQuotes = false

    init(separator: UInt8) {
        self.separator = separator
    }

    mutating func beginRecord() {
        self.fields.removeAll(keepingCapacity: true)
        self.fault = nil
        self.state = .fieldStart
        self.beginField(at: 0)
    }

    /// Goes on with the bytes of a block from `start`, of which index 0 is at `position` in the record.
    ///
    /// - Returns: The index behind the newline that ends the record, or nil where the block ends before.
    mutating func scan(_ block: Bytes, from start: Int, position: Int) -> Int? {
        var index = start
        while index < block.count {
            switch self.state {
            case .fieldStart:
                self.isQuoted = block[index] == CSVDialect.quote
                self.state = self.isQuoted ? .quoted : .unquoted
                if self.isQuoted { index &+= 1 }
            case .unquoted:
                index = self.fieldStop(block, from: index)
                guard index < block.count else { return nil }
                if block[index] == CSVDialect.quote {
                    self.fail(.strayQuote, at: position &+ index)
                } else if self.endField(block[index], at: position &+ index) {
                    return index &+ 1
                }
                index &+= 1
            case .quoted:
                index = Self.find(CSVDialect.quote, in: block, from: index)
                if index < block.count { self.state = .quoteSeen }
                index &+= 1
            case .quoteSeen:
                if self.stepBehindQuote(block[index], at: position &+ index) { return index &+ 1 }
                index &+= 1
            case .returnSeen:
                if block[index] == UInt8(ascii: "\n") {
                    _ = self.endField(block[index], at: position &+ index &- 1)
                    return index &+ 1
                }
                self.fail(.textAfterQuote, at: position &+ index &- 1)
            case .broken:
                index = Self.find(UInt8(ascii: "\n"), in: block, from: index)
                return index < block.count ? index &+ 1 : nil
            }
        }
        return nil
    }

    /// The resource ends here: so does the record.
    mutating func finish(at position: Int) {
        switch self.state {
        case .fieldStart, .unquoted, .quoteSeen:
            if self.state == .fieldStart { self.isQuoted = false }
            _ = self.endField(UInt8(ascii: "\n"), at: position)
        case .returnSeen: _ = self.endField(UInt8(ascii: "\n"), at: position &- 1)
        case .quoted: self.fail(.unclosedQuote, at: 0)
        case .broken: break
        }
    }

    private mutating func beginField(at position: Int) {
        self.fieldStart = position
        self.hasDoubledQuotes = false
    }

    private mutating func fail(_ kind: Fault.Kind, at position: Int) {
        self.fault = Fault(kind: kind, position: position)
        self.state = .broken
    }

    /// Ends a field at a separator or newline; true where that ends the record.
    private mutating func endField(_ byte: UInt8, at position: Int) -> Bool {
        self.fields.append(
            Field(
                start: self.fieldStart,
                end: position,
                isQuoted: self.isQuoted,
                hasDoubledQuotes: self.hasDoubledQuotes
            )
        )
        self.state = .fieldStart
        self.beginField(at: position &+ 1)
        return byte != self.separator
    }

    /// True where the byte ends the record.
    private mutating func stepBehindQuote(_ byte: UInt8, at position: Int) -> Bool {
        switch byte {
        case CSVDialect.quote:
            self.hasDoubledQuotes = true
            self.state = .quoted
        case self.separator, UInt8(ascii: "\n"): return self.endField(byte, at: position)
        case UInt8(ascii: "\r"): self.state = .returnSeen
        default: self.fail(.textAfterQuote, at: position)
        }
        return false
    }

    @inline(__always)
    private func fieldStop(_ block: Bytes, from start: Int) -> Int {
        var index = start
        while index &+ 16 <= block.count {
            let stops = unsafe weir_field_stops(block.start + index, self.separator)
            if stops != 0 { return index &+ stops.trailingZeroBitCount }
            index &+= 16
        }
        while index < block.count {
            let byte = block[index]
            if byte == self.separator || byte == CSVDialect.quote || byte == UInt8(ascii: "\n") { return index }
            index &+= 1
        }
        return index
    }

    private static func find(_ byte: UInt8, in block: Bytes, from start: Int) -> Int {
        var index = start
        while index &+ 64 <= block.count {
            let hits = unsafe weir_byte_mask(block.start + index, byte)
            if hits != 0 { return index &+ hits.trailingZeroBitCount }
            index &+= 64
        }
        while index < block.count, block[index] != byte { index &+= 1 }
        return index
    }
}
