internal import ConnectorKit
internal import FluentSyntax
internal import JobPlan

/// What functions of a stream's records reach beside the record: tables, side outputs, its source, and the message it came in.
///
/// Isolation: one subtask.
@safe
final class RecordSurroundings {
    /// In the order of the program's numbers.
    private let tables: [LookupTable]
    let sides: [SideStream]

    /// Whose message is being worked on; nil: a record of a file.
    private var message: StreamMessage?
    private var reader: (any StreamReader)?
    private var origin: SplitOrigin?

    /// The event time of the record.
    var time: Int64 = 0
    private var sideCounts: [Int] = []
    private var key = ByteBuffer()

    init(tables: [LookupTable], sides: [SideStream] = []) {
        self.tables = tables
        self.sides = sides
    }

    func begin(_ message: StreamMessage?, reader: (any StreamReader)?, origin: SplitOrigin?) {
        self.message = message
        self.reader = reader
        self.origin = origin
    }

    /// What is written from here on is taken back where the record is rejected.
    func mark() {
        guard !self.sides.isEmpty else { return }
        self.sideCounts.removeAll(keepingCapacity: true)
        for side in self.sides { self.sideCounts.append(side.block.count) }
    }

    func takeBack() {
        for (side, count) in zip(self.sides, self.sideCounts) { side.block.truncate(to: count) }
    }

    /// - Throws: Also where the builtin isn't about the record.
    func perform(
        _ builtin: Builtin,
        _ arguments: UnsafeBufferPointer<Value>,
        at range: SourceRange,
        in arena: inout Arena
    ) throws(EvaluationError) -> Value {
        switch builtin {
        case .lookup: return try unsafe self.lookup(arguments, at: range, in: &arena)
        case .emitTo:
            try unsafe self.emit(arguments[1], to: arguments[0], at: range)
            return .nil
        case .messageKey: return unsafe try Self.text(self.message?.key, in: &arena, at: range)
        case .messageHeader:
            let name = unsafe arguments[0]
            guard name.isText else {
                let found = name.tag.typeName
                throw EvaluationError(
                    .typeMismatch(operation: builtin.name, expected: TypeName.string, found: found),
                    at: range
                )
            }
            guard let message = self.message, let reader = self.reader else { return .nil }
            let bytes = unsafe UnsafeRawBufferPointer(start: name.text.start, count: name.text.count)
            return unsafe try Self.text(reader.header(bytes, of: message), in: &arena, at: range)
        case .messageTopic:
            return try self.origin?.message.map { message throws(EvaluationError) in
                try Self.text(message.topic, in: &arena, at: range)
            } ?? .nil
        case .messagePartition: return self.origin?.message.map { Value($0.partition) } ?? .nil
        case .sourceName:
            return try self.origin?.sourceName.map { name throws(EvaluationError) in
                try Self.text(name, in: &arena, at: range)
            } ?? .nil
        case .messageOffset: return self.message.map { Value($0.position) } ?? .nil
        default:
            throw EvaluationError(.host(message: "\(builtin.name) can't be used inside a job's function"), at: range)
        }
    }

    private static func text(
        _ text: String,
        in arena: inout Arena,
        at range: SourceRange
    ) throws(EvaluationError) -> Value {
        guard let value = arena.makeText(.string, utf8: text) else {
            throw EvaluationError(.memoryLimit(bytes: Int64(arena.limitBytes)), at: range)
        }
        return value
    }

    private static func text(
        _ bytes: UnsafeRawBufferPointer?,
        in arena: inout Arena,
        at range: SourceRange
    ) throws(EvaluationError) -> Value {
        guard let bytes = unsafe bytes else { return .nil }
        guard let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count > 0 else {
            return arena.makeText(.string, utf8: "") ?? .nil
        }
        guard let value = unsafe arena.makeText(.string, copying: Bytes(start: start, count: bytes.count)) else {
            throw EvaluationError(.memoryLimit(bytes: Int64(arena.limitBytes)), at: range)
        }
        return value
    }

    private func lookup(
        _ arguments: UnsafeBufferPointer<Value>,
        at range: SourceRange,
        in arena: inout Arena
    ) throws(EvaluationError) -> Value {
        let table = unsafe arguments[0]
        guard table.has(.handle), self.tables.indices.contains(Int(table.bits)) else {
            let found = table.tag.typeName
            throw EvaluationError(
                .typeMismatch(operation: Builtin.lookup.name, expected: "a table", found: found),
                at: range
            )
        }
        self.key.removeAll()
        do {
            try ValueCodec.encodeKey(unsafe arguments[1], into: &self.key)
        } catch {
            throw EvaluationError(error.code(operation: "lookup", expected: "a key"), at: range)
        }
        guard let record = self.tables[Int(table.bits)].record(of: self.key.bytes) else {
            return unsafe arguments.count > 2 ? arguments[2] : .nil
        }
        do {
            // The table stays as long as whoever looks up in it.
            return try ValueCodec.decode(record, in: &arena, text: .borrowed)
        } catch {
            throw EvaluationError(.memoryLimit(bytes: Int64(arena.limitBytes)), at: range)
        }
    }

    private func emit(_ record: Value, to name: Value, at range: SourceRange) throws(EvaluationError) {
        guard name.isText, let side = self.sides.first(where: { $0.isCalled(name.text) }) else {
            let names = self.sides.map { ":\($0.name)" }.joined(separator: ", ")
            let known = names.isEmpty ? "there are none" : "there are \(names)"
            let called = name.isText ? ":\(name.text.string)" : name.tag.typeName
            let reason = "no side output is called \(called); \(known)"
            throw EvaluationError(.invalidArgument(operation: Builtin.emitTo.name, reason: reason), at: range)
        }
        do {
            try side.append(record, time: self.time)
        } catch {
            throw EvaluationError(error.code(operation: "emit-to", expected: "a record that can be written"), at: range)
        }
    }
}

/// Records on their way to one side output.
final class SideStream {
    let name: String
    private let nameBytes: [UInt8]
    private var formatter: StreamFormatter
    let block = OutputBlock()

    init(_ side: SideOutput, form: OutputForm) {
        self.name = side.name
        self.nameBytes = Array(side.name.utf8)
        self.formatter = StreamFormatter(form: form, format: side.format, content: .records)
    }

    func isCalled(_ text: Bytes) -> Bool {
        guard text.count == self.nameBytes.count else { return false }
        return (0..<text.count).allSatisfy { text[$0] == self.nameBytes[$0] }
    }

    /// As a stream without a window writes its records.
    func append(_ record: Value, time: Int64) throws(ValueWalkError) {
        try self.formatter.append(key: .nil, value: record, groupKey: .nil, timestamp: time, to: self.block)
    }
}

/// Where the records of a split come from, for the functions that ask.
package struct SplitOrigin: Hashable, Sendable {
    /// What the program calls its source; nil where it has no name.
    let sourceName: String?

    /// Nil for files.
    let message: MessageOrigin?

    /// `sourceName`: empty where it has no name.
    package init(sourceName: String, message: MessageOrigin? = nil) {
        self.sourceName = sourceName.isEmpty ? nil : sourceName
        self.message = message
    }
}

/// Where the messages of a split come from.
package struct MessageOrigin: Hashable, Sendable {
    let topic: String
    let partition: Int64

    /// Of a split called `topic/partition`; nil for others.
    package init?(split: String) {
        guard let slash = split.lastIndex(of: "/"), let partition = Int64(split[split.index(after: slash)...]) else {
            return nil
        }
        self.topic = String(split[..<slash])
        self.partition = partition
    }
}
