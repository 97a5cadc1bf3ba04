internal import ConnectorKit
internal import FluentSyntax

/// How the records of two sources are joined, compiled; times in milliseconds.
struct JoinOperation: Sendable {
    /// By how much a right record is later than a left one that it is joined with, at least and at most.
    let from: Int64
    let to: Int64

    /// How long behind the watermark records still come.
    let lateness: Int64

    /// Its arguments are the left and the right record; nil hands nothing on.
    let function: FunctionIndex

    /// The clause.
    let range: SourceRange

    fileprivate func joins(left: Int64, right: Int64) -> Bool { (self.from...self.to).contains(right - left) }

    /// The time of the last record that a record may be joined with.
    fileprivate func lastMatch(of entry: JoinEntry) -> Int64 {
        let time = entry.isRight ? entry.time - self.from : entry.time + self.to
        // No record has a time beyond it.
        return min(max(time, -SliceGrid.timeLimit), SliceGrid.timeLimit)
    }

    /// Whether no record of a time is expected any more.
    fileprivate func isOver(_ time: Int64, at watermark: Int64) -> Bool {
        watermark != WatermarkTracker.none && time + self.lateness <= watermark
    }
}

/// A record of one side, as it comes from the map before, and as the state of a key holds it.
///
/// A state is a run of these: i64 event time, u32 length, the encoding. An encoding is that of a list of whether the
/// record is of the right side, and the record.
private struct JoinEntry {
    let time: Int64
    let encoding: Bytes
    let isRight: Bool

    /// The header of a list of two, and the mark of a boolean.
    private static let prefixBytes = 6

    init(_ encoding: Bytes, at time: Int64) throws(ValueDecodingError) {
        guard encoding.count > Self.prefixBytes, encoding[0] == ValueCodec.Mark.list,
            encoding.littleEndian(UInt32.self, at: 1) == 2
        else { throw .impossible(offset: 0) }
        switch encoding[Self.prefixBytes - 1] {
        case ValueCodec.Mark.false: self.isRight = false
        case ValueCodec.Mark.true: self.isRight = true
        default: throw .impossible(offset: Self.prefixBytes - 1)
        }
        self.time = time
        self.encoding = encoding
    }

    init(_ reader: inout StateReader) throws(ValueDecodingError) {
        let time = try reader.number(Int64.self)
        guard (-SliceGrid.timeLimit...SliceGrid.timeLimit).contains(time) else {
            throw .impossible(offset: reader.offset)
        }
        try self.init(try reader.bytes(), at: time)
    }

    /// The encoding of the record alone.
    var record: Bytes { self.encoding.slice(Self.prefixBytes, self.encoding.count) }

    /// Of it in a state.
    var byteCount: Int { self.encoding.count + 12 }

    func append(to buffer: inout ByteBuffer) {
        buffer.append(littleEndian: self.time)
        buffer.append(littleEndian: UInt32(self.encoding.count))
        buffer.append(self.encoding)
    }

    /// The record, whose text points at the encoding.
    func value(in arena: inout Arena) throws(ValueDecodingError) -> Value {
        let pair = try ValueCodec.decode(self.encoding, in: &arena, text: .borrowed)
        guard pair.has(.list), pair.count == 2 else { throw .impossible(offset: 0) }
        return pair.elements[1]
    }
}

/// How far the join of one record has come.
struct JoinProgress: ~Copyable {
    /// Bytes of the state of its key that are still needed, with those of the record if it is kept too, and until when.
    fileprivate var neededBytes = 0
    fileprivate var neededUntil = WatermarkTracker.none

    /// What becomes a part of the state.
    fileprivate var buffer = ByteBuffer()

    /// Where in the state of the key the next record to look at begins; nil: it wasn't begun.
    fileprivate var offset: Int?

    /// Whether a record was begun and isn't joined with everything.
    var isOpen: Bool { self.offset != nil }

    /// Pairs that may still be made in this step.
    var pairsLeft = 0
}

extension ProcessStage where Store: ~Copyable {
    /// Joins a record with what is kept of the other side, and keeps it as long as others may come that it is joined with.
    ///
    /// - Returns: False where more is left to do for it; the state of its key stays as it is until then.
    mutating func join(
        _ record: Bytes,
        at time: Int64,
        of key: StateKey,
        _ operation: JoinOperation
    ) throws(EngineError) -> Bool {
        // What it would be joined with may be forgotten.
        guard !operation.isOver(time, at: self.watermark) else {
            self.lateCount += 1
            return true
        }
        do {
            let entry = try JoinEntry(record, at: time)
            let state = self.store.state(of: key)
            if self.joining.offset == nil {
                try self.measure(entry, state: state?.value, operation)
                guard self.joining.neededBytes <= ProcessLimits.stateBytes else {
                    try self.refuse(entry, of: key, operation)
                    return true
                }
                self.joining.offset = 0
            }
            if let state, try !self.makePairs(with: entry, of: key, state.value, operation) { return false }
            self.joining.offset = nil
            try self.keep(entry, of: key, state: state?.value, operation)
            return true
        } catch let error as ValueDecodingError {
            throw .corrupt("can't decode what a join keeps: \(error)")
        } catch let error as EngineError {
            throw error
        } catch {
            throw .corrupt("\(error)")
        }
    }

    /// Finds out how much the key needs behind this record, and until when.
    private mutating func measure(
        _ entry: JoinEntry,
        state: Bytes?,
        _ operation: JoinOperation
    ) throws(ValueDecodingError) {
        self.joining.neededBytes = 0
        self.joining.neededUntil = WatermarkTracker.none
        if let state {
            var reader = StateReader(state)
            while reader.offset < state.count { self.need(try JoinEntry(&reader), operation) }
        }
        self.need(entry, operation)
    }

    private mutating func need(_ entry: JoinEntry, _ operation: JoinOperation) {
        let lastMatch = operation.lastMatch(of: entry)
        guard !operation.isOver(lastMatch, at: self.watermark) else { return }
        self.joining.neededBytes += entry.byteCount
        self.joining.neededUntil = max(self.joining.neededUntil, lastMatch)
    }

    /// Adds the record to the state of its key, if it is needed, and lets what isn't go when that is much.
    private mutating func keep(
        _ entry: JoinEntry,
        of key: StateKey,
        state: Bytes?,
        _ operation: JoinOperation
    ) throws(ValueDecodingError) {
        guard self.joining.neededBytes > 0 else {
            if state != nil { self.store.removeState(of: key) }
            return
        }
        let isNeeded = !operation.isOver(operation.lastMatch(of: entry), at: self.watermark)
        let byteCount = (state?.count ?? 0) + (isNeeded ? entry.byteCount : 0)
        self.joining.buffer.removeAll(capacityLimit: ProcessLimits.stateBytes)
        if byteCount <= min(2 * self.joining.neededBytes, ProcessLimits.stateBytes) {
            guard isNeeded else { return }
            entry.append(to: &self.joining.buffer)
            let bytes = self.joining.buffer.bytes
            return self.store.appendState(of: key, bytes, writtenAt: self.joining.neededUntil)
        }
        if let state {
            var reader = StateReader(state)
            while reader.offset < state.count {
                let other = try JoinEntry(&reader)
                guard !operation.isOver(operation.lastMatch(of: other), at: self.watermark) else { continue }
                other.append(to: &self.joining.buffer)
            }
        }
        if isNeeded { entry.append(to: &self.joining.buffer) }
        self.store.setState(of: key, to: self.joining.buffer.bytes, writtenAt: self.joining.neededUntil)
    }

    /// The record is left out: its key would keep too much.
    private mutating func refuse(
        _ entry: JoinEntry,
        of key: StateKey,
        _ operation: JoinOperation
    ) throws(EngineError) {
        let reason =
            "the records of one key that may still be joined would take \(self.joining.neededBytes) bytes, and may take "
            + "\(ProcessLimits.stateBytes): make the interval shorter, drop fields before the join, or split the key"
        let code = EvaluationError.Code.invalidArgument(operation: "join", reason: reason)
        let error = EvaluationError(code, at: operation.range)
        let mark = (emitted: self.emitted.count, alerts: self.alerts.count)
        try self.reject(key, error, mark, at: entry.time, [entry.record])
    }

    /// Hands on what the function makes of the record and those of the other side.
    ///
    /// - Returns: False where the step ends before all were looked at.
    private mutating func makePairs(
        with entry: JoinEntry,
        of key: StateKey,
        _ state: Bytes,
        _ operation: JoinOperation
    ) throws -> Bool {
        let start = self.joining.offset ?? 0
        var reader = StateReader(state.slice(start, state.count))
        while start + reader.offset < state.count {
            guard self.joining.pairsLeft > 0, self.emitted.byteCount <= Self.emittedBytesPerStep else {
                self.joining.offset = start + reader.offset
                return false
            }
            let other = try JoinEntry(&reader)
            guard other.isRight != entry.isRight else { continue }
            let (left, right) = entry.isRight ? (other, entry) : (entry, other)
            guard operation.joins(left: left.time, right: right.time) else { continue }
            self.joining.pairsLeft -= 1
            try self.makePair(left, right, of: key, operation.function)
        }
        return true
    }

    private mutating func makePair(
        _ left: JoinEntry,
        _ right: JoinEntry,
        of key: StateKey,
        _ function: FunctionIndex
    ) throws(EngineError) {
        self.machine.beginRecord()
        self.machine.host.begin(
            key,
            keyEncoding: self.encoding(of: key),
            at: max(left.time, right.time),
            isTimer: false,
            state: nil,
            timersLeft: 0
        )
        let mark = (emitted: self.emitted.count, alerts: self.alerts.count)
        do throws(EvaluationError) {
            let (first, second) = try self.values(of: left, right)
            let value = try self.machine.call(function, first, second)
            if !value.has(.nil) { try self.machine.host.emit(key: .nil, value: value) }
        } catch {
            try self.reject(key, error, mark, at: max(left.time, right.time), [left.record, right.record])
        }
    }

    private mutating func values(
        of left: JoinEntry,
        _ right: JoinEntry
    ) throws(EvaluationError) -> (Value, Value) {
        do {
            return (
                try left.value(in: &self.machine.workspace.arena), try right.value(in: &self.machine.workspace.arena)
            )
        } catch {
            let code: EvaluationError.Code =
                error == .outOfMemory
                ? .memoryLimit(bytes: Int64(self.machine.workspace.arena.limitBytes))
                : .host(message: "can't decode a record: \(error)")
            throw EvaluationError(code, at: SourceRange(start: 0, end: 0))
        }
    }
}
