/// Takes some fields out of JSON records in one pass, without building the rest.
///
/// Accepts the texts that ``JSONReader`` accepts and gives the values that it gives: what is common is decided here,
/// what is rare by the reader itself. Strings without escapes point at the record or, where there isn't enough readable
/// memory behind it, at a copy in the arena.
@safe
package struct JSONFieldExtractor: ~Copyable {
    /// Stands for a field that the record doesn't have: nil for whoever doesn't compare it.
    package static let absent = Value(bits: 0, meta: 1 << 8)

    @inline(__always)
    package static func isAbsent(_ value: Value) -> Bool { value.meta == Self.absent.meta }

    /// Bytes that may be read behind a record, whatever they are, so that it needn't be copied.
    package static let readAhead = JSONScan.readAhead

    private static let unwanted = -1

    /// The names that were asked for, without repetitions.
    private var names: [[UInt8]] = []
    /// For each field that was asked for again, where its value is stored and which field it equals.
    private var repetitions: [(field: Int, first: Int)] = []
    /// For each of ``names``, where its value is stored.
    private var fieldOfName: [Int] = []
    private let fieldCount: Int
    private var shape = RecordShape()
    private var index = JSONFieldIndex()

    /// - Parameter fields: names of top-level fields; a name may come more than once.
    package init(fields: [String]) {
        self.fieldCount = fields.count
        for (index, field) in fields.enumerated() {
            let name = Array(field.utf8)
            if let known = self.names.firstIndex(of: name) {
                self.repetitions.append((index, self.fieldOfName[known]))
            } else {
                self.names.append(name)
                self.fieldOfName.append(index)
            }
        }
    }

    /// Looks at the line at the beginning of a text, behind which ``readAhead`` bytes can be read: extracting is faster
    /// where it comes next and is told whether the line is plain.
    @inline(__always)
    package mutating func beginLine(of text: Bytes) -> JSONLine { self.index.readLine(of: text) }

    /// Reads one record.
    ///
    /// - Parameters:
    ///   - record: One JSON text.
    ///   - readableCount: Bytes behind the record that can be read; at least ``readAhead``, or the record is copied.
    ///   - line: What ``beginLine(of:)`` found of it, if that was called last.
    ///   - values: Room for a value for each field; absent ones become ``absent``.
    ///   - arena: Holds what can't point at the record.
    /// - Returns: Whether it was an object, whose fields are now stored, or which other value.
    /// - Throws: What ``JSONReader`` says about the record; the values are unspecified.
    package mutating func extract(
        _ record: Bytes,
        readableCount: Int = 0,
        line: JSONLine? = nil,
        into values: UnsafeMutablePointer<Value>,
        arena: inout Arena
    ) throws(JSONError) -> JSONExtraction {
        var text = record
        if readableCount < Self.readAhead {
            guard let copy = Self.padded(record, in: &arena) else { throw .outOfMemory }
            text = copy
        }
        let isPlain = line?.isPlain ?? self.index.read(text)
        unsafe self.clear(values)
        if isPlain, unsafe self.readKnown(text, into: values, arena: &arena) {
            unsafe self.repeatValues(values)
            return .fields
        }
        unsafe self.clear(values)
        if unsafe !self.scan(text, into: values, arena: &arena) {
            let value = try JSONReader.read(record, in: &arena)
            guard value.has(.map) else { return .value(value) }
            unsafe self.pick(from: value.pairs, into: values)
        }
        unsafe self.repeatValues(values)
        return .fields
    }

    @inline(__always)
    private func clear(_ values: UnsafeMutablePointer<Value>) {
        for index in 0..<self.fieldCount { unsafe values[index] = Self.absent }
    }

    @inline(__always)
    private func repeatValues(_ values: UnsafeMutablePointer<Value>) {
        if self.repetitions.isEmpty { return }
        for repetition in self.repetitions { unsafe values[repetition.field] = values[repetition.first] }
    }

    private static func padded(_ record: Bytes, in arena: inout Arena) -> Bytes? {
        guard let room = unsafe arena.allocate(record.count + Self.readAhead) else { return nil }
        unsafe room.copyMemory(from: record.start, byteCount: record.count)
        unsafe (room + record.count).initializeMemory(as: UInt8.self, repeating: 0, count: Self.readAhead)
        return unsafe Bytes(start: UnsafePointer(room.assumingMemoryBound(to: UInt8.self)), count: record.count)
    }

    /// Takes the fields out of a whole record.
    private func pick(from pairs: Elements, into values: UnsafeMutablePointer<Value>) {
        unsafe self.clear(values)
        for index in stride(from: 0, to: pairs.count, by: 2) {
            let slot = self.slot(of: pairs[index].text)
            if slot >= 0 { unsafe values[slot] = pairs[index + 1] }
        }
    }

    /// Where the value of a key is stored.
    private func slot(of key: Bytes) -> Int {
        for index in 0..<self.names.count where self.names[index].count == key.count {
            let isEqual = unsafe self.names[index].withUnsafeBufferPointer { name in
                guard let start = name.baseAddress else { return true }
                return unsafe Bytes.areEqual(Bytes(start: start, count: name.count), key)
            }
            if isEqual { return self.fieldOfName[index] }
        }
        return Self.unwanted
    }
}

/// What a record turned out to be.
package enum JSONExtraction {
    /// An object: its fields were stored.
    case fields
    /// Another value, which has no fields.
    case value(Value)
}

// MARK: - The common case

extension JSONFieldExtractor {
    /// One pass over a record; false where it isn't a JSON object or has what only the reader decides.
    private mutating func scan(
        _ text: Bytes,
        into values: UnsafeMutablePointer<Value>,
        arena: inout Arena
    ) -> Bool {
        let limit = text.count
        var offset = 0
        var index = 0
        while offset < limit {
            if index > 0, text[offset] == UInt8(ascii: "}") {
                return self.endScan(text, offset &+ 1, fieldCount: index)
            }
            var slot: Int
            let matched = self.shape.match(index, text, at: offset)
            if matched > 0 {
                offset &+= matched
                slot = self.shape.slot(index)
            } else {
                let token = self.readToken(text, at: offset, index: index)
                guard let found = token else { return index == 0 && Self.isEmptyObject(text) }
                if found.isEnd { return self.endScan(text, found.offset, fieldCount: index) }
                offset = found.offset
                slot = found.slot
            }
            if slot < 0 {
                offset = JSONScan.valueEnd(text, offset, limit: limit, depth: 1)
            } else {
                offset = unsafe Self.readValue(text, offset, into: values + slot, arena: &arena)
            }
            guard offset >= 0 else { return false }
            index &+= 1
        }
        return false
    }

    /// Reads a plain record that has the fields of the last one; false where it is another.
    ///
    /// Where a field begins says the index, and whether the value before ends there is checked: so nothing waits for the
    /// end of a value, and the processor works on several fields at a time. Each token has two quotes, each string at
    /// least those at its ends; if the record has no more of them, then no string has one inside.
    private func readKnown(_ text: Bytes, into values: UnsafeMutablePointer<Value>, arena: inout Arena) -> Bool {
        let count = self.shape.fieldCount
        let last = text.count &- 1
        guard count > 0, self.index.count == count, text[last] == UInt8(ascii: "}") else { return false }
        var quoteCount = 2 &* count
        var start = self.index[0] &- self.shape.quote(0)
        guard start == 0 else { return false }
        for field in 0..<count {
            let next = field &+ 1
            let end = next < count ? self.index[next] &- self.shape.quote(next) : last
            guard self.shape.isToken(field, text, at: start) else { return false }
            let valueStart = start &+ self.shape.tokenCount(field)
            let slot = self.shape.slot(field)
            if text[valueStart] == UInt8(ascii: "\"") {
                guard end &- valueStart >= 2, text[end &- 1] == UInt8(ascii: "\"") else { return false }
                quoteCount &+= 2
                if slot >= 0 { unsafe values[slot] = Value(.string, text: text.slice(valueStart &+ 1, end &- 1)) }
            } else {
                let found =
                    slot < 0
                    ? JSONScan.valueEnd(text, valueStart, limit: text.count, depth: 1)
                    : unsafe Self.readValue(text, valueStart, into: values + slot, arena: &arena)
                guard found == end else { return false }
            }
            start = end
        }
        return quoteCount == self.index.quoteCount
    }

    /// Whether there is only white space left; the shape of the record is then known.
    @inline(__always)
    private mutating func endScan(_ text: Bytes, _ offset: Int, fieldCount: Int) -> Bool {
        guard Self.isEnd(text, offset) else { return false }
        if fieldCount != self.shape.fieldCount { self.shape.end(fieldCount: fieldCount) }
        return true
    }

    /// Whether there is only white space left.
    @inline(__always)
    private static func isEnd(_ text: Bytes, _ offset: Int) -> Bool {
        offset == text.count || JSONScan.skipSpace(text, offset, limit: text.count) == text.count
    }

    private static func isEmptyObject(_ text: Bytes) -> Bool {
        let opening = JSONScan.skipSpace(text, 0, limit: text.count)
        guard text[opening] == UInt8(ascii: "{") else { return false }
        let closing = JSONScan.skipSpace(text, opening &+ 1, limit: text.count)
        return closing < text.count && text[closing] == UInt8(ascii: "}") && Self.isEnd(text, closing &+ 1)
    }

    /// What was found between two values, or after the last.
    private struct FoundToken {
        let offset: Int
        let slot: Int
        let isEnd: Bool
    }

    /// Reads a key that isn't the one of the last record, and remembers it.
    private mutating func readToken(_ text: Bytes, at start: Int, index: Int) -> FoundToken? {
        let limit = text.count
        let mark = JSONScan.skipSpace(text, start, limit: limit)
        if index > 0, text[mark] == UInt8(ascii: "}") { return FoundToken(offset: mark &+ 1, slot: 0, isEnd: true) }
        guard text[mark] == (index == 0 ? UInt8(ascii: "{") : UInt8(ascii: ",")) else { return nil }
        let quote = JSONScan.skipSpace(text, mark &+ 1, limit: limit)
        guard text[quote] == UInt8(ascii: "\"") else { return nil }
        // A key with escapes is left to the reader.
        let keyEnd = JSONScan.stringStop(text, quote &+ 1, limit: limit)
        guard keyEnd < limit, text[keyEnd] == UInt8(ascii: "\"") else { return nil }
        let colon = JSONScan.skipSpace(text, keyEnd &+ 1, limit: limit)
        guard text[colon] == UInt8(ascii: ":") else { return nil }
        let end = JSONScan.skipSpace(text, colon &+ 1, limit: limit)
        guard end < limit else { return nil }
        let slot = self.slot(of: text.slice(quote &+ 1, keyEnd))
        self.shape.remember(index, text.slice(start, end), quote: quote &- start, slot: slot)
        return FoundToken(offset: end, slot: slot, isEnd: false)
    }

    /// Stores the value that begins right there, and answers where it ends.
    @inline(__always)
    private static func readValue(
        _ text: Bytes,
        _ start: Int,
        into value: UnsafeMutablePointer<Value>,
        arena: inout Arena
    ) -> Int {
        let limit = text.count
        switch text[start] {
        case UInt8(ascii: "\""):
            let stop = JSONScan.stringStop(text, start &+ 1, limit: limit)
            guard text[stop] == UInt8(ascii: "\""), stop < limit else {
                return unsafe Self.readEscaped(text, start &+ 1, stop, into: value, arena: &arena)
            }
            unsafe value.pointee = Value(.string, text: text.slice(start &+ 1, stop))
            return stop &+ 1
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            let shortEnd = unsafe JSONNumber.readShort(text, start, into: &value.pointee)
            if shortEnd > 0 { return shortEnd }
            let end = JSONScan.numberEnd(text, start, limit: limit)
            guard end >= 0, end <= limit, let number = JSONNumber.value(text, start, end, limit: limit) else {
                return JSONScan.failure
            }
            unsafe value.pointee = number
            return end
        default:
            return unsafe Self.readRare(text, start, into: value, arena: &arena)
        }
    }

    private static func readEscaped(
        _ text: Bytes,
        _ start: Int,
        _ stop: Int,
        into value: UnsafeMutablePointer<Value>,
        arena: inout Arena
    ) -> Int {
        let end = JSONScan.escapedStringEnd(text, stop, limit: text.count)
        guard end >= 0, let string = JSONText.unescaped(text.slice(start, end &- 1), in: &arena) else {
            return JSONScan.failure
        }
        unsafe value.pointee = string
        return end
    }

    /// A word or a container.
    private static func readRare(
        _ text: Bytes,
        _ start: Int,
        into value: UnsafeMutablePointer<Value>,
        arena: inout Arena
    ) -> Int {
        let end = JSONScan.valueEnd(text, start, limit: text.count, depth: 1)
        guard end >= 0, end <= text.count else { return JSONScan.failure }
        // What the reader refuses although it was found to be JSON, it refuses again as part of the whole record.
        guard let read = try? JSONReader.read(text.slice(start, end), in: &arena) else { return JSONScan.failure }
        unsafe value.pointee = read
        return end
    }
}
