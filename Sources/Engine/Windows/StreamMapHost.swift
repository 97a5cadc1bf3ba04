internal import FluentSyntax

/// The world of a stream's map: takes what it emits, a buffer for each column.
struct StreamMapHost: ~Copyable, MachineHost {
    /// Keys, and the values of the first column.
    var pairs: PairBuffer

    /// The values of the columns behind the first.
    private(set) var columns: [ColumnBuffer] = []

    /// Pairs that are waiting before they are looked up together.
    static let drainCount = 128

    /// What functions reach beside the record.
    let surroundings: RecordSurroundings

    /// Bytes that one record may emit.
    private let recordBytesLimit: Int

    /// Whether the record emitted more than that, which it may have caught.
    private(set) var hasEmittedTooMuch = false

    init(columnCount: Int, recordBytesLimit: Int, surroundings: RecordSurroundings) {
        self.surroundings = surroundings
        // A list of columns is taken apart, so that the machine may add no pair by itself then.
        self.pairs = PairBuffer(directLimit: columnCount > 1 ? 0 : Self.drainCount - 1)
        for _ in 1..<max(columnCount, 2) where columnCount > 1 { self.columns.append(ColumnBuffer()) }
        self.recordBytesLimit = recordBytesLimit
    }

    var pairCursor: PairCursorReference? {
        self.columns.isEmpty ? unsafe PairCursorReference(self.pairs.cursor) : nil
    }

    mutating func beginRecord() { self.hasEmittedTooMuch = false }

    mutating func emit(key: Value, value: Value) throws(EvaluationError) {
        do {
            if self.columns.isEmpty {
                try self.pairs.append(key: key, value: value)
            } else {
                guard value.has(.list), value.count == self.columns.count + 1 else {
                    preconditionFailure("the planner emits a list of all columns")
                }
                for index in self.columns.indices {
                    try self.columns[index].pairs.append(key: .nil, value: value.elements[index + 1])
                }
                try self.pairs.append(key: key, value: value.elements[0])
            }
        } catch {
            throw EvaluationError(error, at: SourceRange(start: 0, end: 0))
        }
        if self.pairs.count >= Self.drainCount || self.pairs.isHeavy, self.heldBytes > self.recordBytesLimit {
            self.hasEmittedTooMuch = true
            throw self.emittedTooMuch
        }
    }

    private var heldBytes: Int { self.columns.reduce(self.pairs.heldBytes) { $0 + $1.pairs.heldBytes } }

    var emittedTooMuch: EvaluationError {
        EvaluationError(.memoryLimit(bytes: Int64(self.recordBytesLimit)), at: SourceRange(start: 0, end: 0))
    }

    /// Where the buffers stand.
    var mark: Mark { Mark(first: self.pairs.mark, others: self.columns.map { $0.pairs.mark }) }

    struct Mark {
        let first: PairBuffer.Mark
        let others: [PairBuffer.Mark]
    }

    /// Takes back what was emitted since, also where a list was refused in its middle.
    mutating func truncate(to mark: Mark) {
        self.pairs.truncate(to: mark.first)
        for (column, position) in zip(self.columns, mark.others) { column.pairs.truncate(to: position) }
    }

    mutating func removeAll() {
        self.pairs.removeAll()
        for column in self.columns { column.pairs.removeAll() }
    }

    /// The value of a column, and its encoding where it isn't a scalar.
    @inline(__always)
    func value(_ index: Int, column: Int) -> (Value, Bytes?) {
        if column == 0 { return Self.value(self.pairs, index) }
        return Self.value(self.columns[column - 1].pairs, index)
    }

    @inline(__always)
    private static func value(_ pairs: borrowing PairBuffer, _ index: Int) -> (Value, Bytes?) {
        let value = unsafe pairs.values[index]
        return (value, value.isScalar ? nil : pairs.encoding(of: value))
    }

    mutating func next(of stream: Int, in arena: inout Arena) throws(EvaluationError) -> Value? { nil }

    mutating func rewind(_ stream: Int) throws(EvaluationError) {}

    mutating func perform(
        _ builtin: Builtin,
        _ arguments: UnsafeBufferPointer<Value>,
        at range: SourceRange,
        in arena: inout Arena
    ) throws(EvaluationError) -> Value {
        if let value = unsafe try self.surroundings.perform(builtin, arguments, at: range, in: &arena) { return value }
        throw EvaluationError(.host(message: "\(builtin.name) can't be used inside a job's function"), at: range)
    }
}

/// The values of one column.
final class ColumnBuffer {
    var pairs = PairBuffer()
}
