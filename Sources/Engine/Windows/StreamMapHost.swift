internal import FluentSyntax

/// The world of a stream's map: takes what it emits, a buffer for each column.
struct StreamMapHost: ~Copyable, MachineHost {
    /// Keys, and the values of the first column.
    var pairs: PairBuffer

    /// The values of the columns behind the first.
    private(set) var columns: [ColumnBuffer] = []
    private var mark: PairBuffer.Mark

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
        self.mark = self.pairs.mark
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

    /// Emits fields of a record.
    ///
    /// - Returns: False where the machine must do it; what was emitted is then to be taken back.
    @inline(__always)
    mutating func emit(_ emission: borrowing FieldEmission, of fields: UnsafeMutablePointer<Value>) -> Bool {
        do {
            for index in self.columns.indices {
                try self.columns[index].pairs.append(key: .nil, value: unsafe emission.value(index + 1, of: fields))
            }
            try self.pairs.append(key: unsafe fields[emission.key], value: unsafe emission.value(0, of: fields))
            return true
        } catch {
            return false
        }
    }

    /// Remembers where the buffers stand, for ``truncateToMark()``.
    @inline(__always)
    mutating func setMark() {
        self.mark = self.pairs.mark
        for column in self.columns { column.mark = column.pairs.mark }
    }

    /// Pairs that were there when the mark was set.
    var markCount: Int { self.mark.count }

    /// Takes back what was emitted since, also where a list was refused in its middle.
    mutating func truncateToMark() {
        self.pairs.truncate(to: self.mark)
        for column in self.columns { column.pairs.truncate(to: column.mark) }
    }

    mutating func removeAll() {
        self.pairs.removeAll()
        for column in self.columns { column.pairs.removeAll() }
    }

    /// The value of a column, and its encoding where it isn't a scalar.
    @inline(__always)
    func value(_ index: Int, column: Int) -> (Value, Bytes?) {
        guard column == 0 else { return self.columns[column - 1].value(index) }
        let value = unsafe self.pairs.values[index]
        return (value, value.isScalar ? nil : self.pairs.encoding(of: value))
    }

    mutating func next(of stream: Int, in arena: inout Arena) throws(EvaluationError) -> Value? { nil }

    mutating func rewind(_ stream: Int) throws(EvaluationError) {}

    mutating func perform(
        _ builtin: Builtin,
        _ arguments: UnsafeBufferPointer<Value>,
        at range: SourceRange,
        in arena: inout Arena
    ) throws(EvaluationError) -> Value {
        try unsafe self.surroundings.perform(builtin, arguments, at: range, in: &arena)
    }
}

/// The values of one column.
@safe
final class ColumnBuffer {
    // Behind a pointer, since each access to a field of a class is checked, which would cost as much as a value.
    private let memory: UnsafeMutablePointer<PairBuffer>
    var mark: PairBuffer.Mark

    init() {
        unsafe self.memory = .allocate(capacity: 1)
        unsafe self.memory.initialize(to: PairBuffer())
        self.mark = unsafe self.memory.pointee.mark
    }

    deinit {
        unsafe self.memory.deinitialize(count: 1)
        unsafe self.memory.deallocate()
    }

    var pairs: PairBuffer {
        @inline(__always) _read { yield unsafe self.memory.pointee }
        @inline(__always) _modify { yield unsafe &self.memory.pointee }
    }

    @inline(__always)
    func value(_ index: Int) -> (Value, Bytes?) {
        let value = unsafe self.memory.pointee.values[index]
        return unsafe (value, value.isScalar ? nil : self.memory.pointee.encoding(of: value))
    }
}
