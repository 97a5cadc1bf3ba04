internal import FluentSyntax

/// A reduce that does nothing but emit its group and one record made of the group, its aggregates and its window: such
/// records are written as JSON without running the machine.
///
/// What can't be written so, as a sum that overflows, is left to the machine, whose errors count.
struct RecordTemplate: Sendable {
    /// Where the text of a field comes from.
    enum Source: Hashable {
        case group
        /// One of the group's fields, where it is a list.
        case element(Int)
        /// The result of an aggregate.
        case column(Int)
        case windowStart
        case windowEnd
        case pane
    }

    /// What stands before a value, which is JSON text of constant bytes, and the value.
    struct Part: Hashable {
        let prefixStart: Int
        let prefixCount: Int
        let source: Source
    }

    let parts: [Part]

    /// The prefixes of all parts, then what stands behind the last value.
    let text: [UInt8]
    let suffixStart: Int

    /// - Returns: Nil where the reduce does anything else.
    init?(_ reduce: Closure) {
        let lambda = reduce.lambda
        guard reduce.captured.isEmpty, let group = lambda.parameters.first,
            case .builtin(.emit, let emitted) = lambda.body.kind, case .variable(group) = emitted[0].kind,
            case .map(let entries) = emitted[1].kind, !entries.isEmpty
        else { return nil }
        var names: [String] = []
        var parts: [Part] = []
        var text = ByteBuffer()
        for entry in entries {
            guard case .constant(.keyword(let name)) = entry.key.kind, !names.contains(name),
                let source = Self.source(entry.value, lambda.parameters)
            else { return nil }
            let start = text.count
            text.append(names.isEmpty ? "{" : ",")
            text.append(json: name)
            text.append(":")
            names.append(name)
            parts.append(Part(prefixStart: start, prefixCount: text.count - start, source: source))
        }
        self.suffixStart = text.count
        text.append("}")
        self.parts = parts
        self.text = text.bytes.array
    }

    private static func source(_ value: Expression, _ parameters: [Variable]) -> Source? {
        switch value.kind {
        case .variable(let variable):
            guard let index = parameters.firstIndex(of: variable) else { return nil }
            return index == 0 ? .group : .column(index - 1)
        case .builtin(.nth, let arguments):
            guard arguments.count == 2, case .variable(parameters[0]) = arguments[0].kind,
                case .constant(.integer(let index)) = arguments[1].kind, (0..<Int64(Int32.max)).contains(index)
            else { return nil }
            return .element(Int(index))
        case .builtin(.windowStart, _): return .windowStart
        case .builtin(.windowEnd, _): return .windowEnd
        case .builtin(.pane, _): return .pane
        default: return nil
        }
    }
}

/// The parts of a record that are the same for all keys of a window, as text.
struct WindowTexts: ~Copyable {
    private var window: FiredWindow?
    private(set) var start = ByteBuffer(capacity: 32)
    private(set) var end = ByteBuffer(capacity: 32)

    mutating func set(_ window: FiredWindow) {
        if let known = self.window, known.start == window.start, known.end == window.end { return }
        self.window = window
        self.start.removeAll()
        NumberText.append(window.start, to: &self.start)
        self.end.removeAll()
        NumberText.append(window.end, to: &self.end)
    }
}

extension RecordTemplate {
    /// Why the machine must do it.
    enum Obstacle: Error {
        case unwritable
    }

    /// Appends the record of a group.
    ///
    /// - Throws: Some of it can't be written; what was appended is to be taken back.
    func append(
        group: Value,
        window: FiredWindow,
        texts: borrowing WindowTexts,
        to buffer: inout ByteBuffer,
        column: (Int) throws -> Value
    ) throws {
        for part in self.parts {
            self.append(part.prefixStart, part.prefixCount, to: &buffer)
            switch part.source {
            case .windowStart: buffer.append(texts.start.bytes)
            case .windowEnd: buffer.append(texts.end.bytes)
            case .pane: NumberText.append(window.pane, to: &buffer)
            case .group: try Self.append(group, to: &buffer)
            case .element(let index):
                guard group.has(.list), index < group.count else { throw Obstacle.unwritable }
                try Self.append(group.elements[index], to: &buffer)
            case .column(let index): try Self.append(try column(index), to: &buffer)
            }
        }
        self.append(self.suffixStart, self.text.count - self.suffixStart, to: &buffer)
    }

    @inline(__always)
    private static func append(_ value: Value, to buffer: inout ByteBuffer) throws {
        if value.has(.integer) { return NumberText.append(value.integer, to: &buffer) }
        if value.has(.string) { return ValueJSON.appendString(value.text, to: &buffer) }
        var json = ValueJSON()
        // A record's values lie one deep in its map.
        try json.append(value, to: &buffer, depth: 1)
    }

    @inline(__always)
    private func append(_ start: Int, _ count: Int, to buffer: inout ByteBuffer) {
        unsafe self.text.withUnsafeBufferPointer { text in
            guard let base = text.baseAddress else { return }
            unsafe buffer.append(Bytes(start: base + start, count: count))
        }
    }
}
