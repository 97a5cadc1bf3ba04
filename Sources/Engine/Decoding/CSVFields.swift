internal import JobPlan

/// The fields of one record, between its bytes and their values.
struct CSVFields {
    /// Without the line's end.
    let record: Bytes
    let fields: [CSVScanner.Field]

    var count: Int { self.fields.count }

    func list(in arena: inout Arena) throws(CSVError) -> Value {
        guard let elements = arena.makeElements(self.count) else { throw .outOfMemory }
        for index in 0..<self.count { elements[index] = try self.value(index, in: &arena) }
        return Value(.list, of: elements)
    }

    /// A field's text: a slice of the record unless quotes were doubled.
    @inline(__always)
    func value(_ index: Int, in arena: inout Arena) throws(CSVError) -> Value {
        let field = self.fields[index]
        guard field.isQuoted else {
            // The last field's end may lie behind a carriage return that belongs to the line's end.
            return Value(.string, text: self.record.slice(field.start, min(field.end, self.record.count)))
        }
        let text = self.record.slice(field.start &+ 1, field.end &- 1)
        return field.hasDoubledQuotes ? try Self.unquoted(text, in: &arena) : Value(.string, text: text)
    }

    /// Where a field without quotes holds a carriage return that doesn't belong to the line's end.
    var bareCarriageReturn: Int? {
        for field in self.fields where !field.isQuoted {
            for index in field.start..<max(field.start, min(field.end, self.record.count))
            where self.record[index] == UInt8(ascii: "\r") {
                return index
            }
        }
        return nil
    }

    private static func unquoted(_ text: Bytes, in arena: inout Arena) throws(CSVError) -> Value {
        guard let room = unsafe arena.allocate(text.count) else { throw .outOfMemory }
        let output = unsafe room.assumingMemoryBound(to: UInt8.self)
        var count = 0
        var index = 0
        while index < text.count {
            unsafe output[count] = text[index]
            count &+= 1
            // Of two quotes the second is skipped; the scanner has seen to it that they come in pairs.
            index &+= text[index] == CSVDialect.quote ? 2 : 1
        }
        return unsafe Value(.string, text: room, count: count)
    }
}
