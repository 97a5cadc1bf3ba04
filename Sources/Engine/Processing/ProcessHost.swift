internal import ConnectorKit
internal import FluentSyntax
internal import JobPlan

/// The world of the functions of a `process`: what they emit and alert, and the state of the key that they are called for.
///
/// What a call changes waits here until it has come to its end without an error.
struct ProcessHost: ~Copyable, MachineHost {
    /// What a call did to the state of its key.
    enum Change: Equatable {
        case none
        /// To the value in ``written``.
        case set
        case removed
    }

    let emitted = EmittedRecords()
    let alerts = OutputBlock()
    private let jobName: String

    /// Whether the records that are emitted are told their key.
    private let keepsKeys: Bool
    private let hasTimers: Bool
    private let recordBytesLimit: Int

    /// What functions reach beside the record.
    private let surroundings: RecordSurroundings

    /// Whom it is called for, and at which event time.
    private var key: StateKey?
    private var keyBytes = ByteBuffer()
    private var time: Int64 = 0
    private var isTimer = false

    /// The state of the key as it is kept: not moved during a call.
    private var kept: Bytes?
    private(set) var change = Change.none
    private(set) var written = ByteBuffer()
    private(set) var timers: [Int64] = []
    private var timersLeft = 0
    private var emittedAtStart = 0

    init(
        jobName: String,
        keepsKeys: Bool,
        hasTimers: Bool,
        recordBytesLimit: Int,
        surroundings: RecordSurroundings
    ) {
        self.surroundings = surroundings
        self.hasTimers = hasTimers
        self.jobName = jobName
        self.keepsKeys = keepsKeys
        self.recordBytesLimit = recordBytesLimit
    }

    /// The next call is for this key.
    mutating func begin(
        _ key: StateKey,
        keyEncoding: Bytes?,
        at time: Int64,
        isTimer: Bool,
        state: Bytes?,
        timersLeft: Int
    ) {
        self.key = key
        self.keyBytes.removeAll()
        if let keyEncoding { self.keyBytes.append(keyEncoding) }
        self.time = time
        self.isTimer = isTimer
        self.kept = state
        self.change = .none
        self.timers.removeAll(keepingCapacity: true)
        self.timersLeft = timersLeft
        self.emittedAtStart = self.emitted.byteCount
    }

    mutating func emit(key: Value, value: Value) throws(EvaluationError) {
        do {
            try self.emitted.append(value, time: self.time, key: self.keepsKeys ? self.keyBytes.bytes : nil)
        } catch {
            let code = error.code(operation: "emit", expected: "a value that can be stored")
            throw EvaluationError(code, at: SourceRange(start: 0, end: 0))
        }
        if self.emitted.byteCount - self.emittedAtStart > self.recordBytesLimit {
            throw EvaluationError(
                .memoryLimit(bytes: Int64(self.recordBytesLimit)),
                at: SourceRange(start: 0, end: 0)
            )
        }
    }

    mutating func next(of stream: Int, in arena: inout Arena) throws(EvaluationError) -> Value? { nil }

    mutating func rewind(_ stream: Int) throws(EvaluationError) {}

    mutating func perform(
        _ builtin: Builtin,
        _ arguments: UnsafeBufferPointer<Value>,
        at range: SourceRange,
        in arena: inout Arena
    ) throws(EvaluationError) -> Value {
        switch builtin {
        case .state: return try self.state(at: range, in: &arena)
        case .groupKey: return try self.keyValue(at: range, in: &arena)
        case .setState: try self.setState(unsafe arguments[0], at: range)
        case .setTimer: try self.setTimer(unsafe arguments[0], at: range)
        case .alert: try self.alert(unsafe Array(arguments), at: range, in: &arena)
        default: return try unsafe self.surroundings.perform(builtin, arguments, at: range, in: &arena)
        }
        return .nil
    }

    private func keyValue(at range: SourceRange, in arena: inout Arena) throws(EvaluationError) -> Value {
        guard let key = self.key else { return .nil }
        return try Self.decoded(at: range, arena.limitBytes) { () throws(ValueDecodingError) in
            try key.value(in: &arena)
        }
    }

    // MARK: State

    private func state(at range: SourceRange, in arena: inout Arena) throws(EvaluationError) -> Value {
        // What was set in this call may be set again while values point at it; what is kept stays as it is.
        let (bytes, text): (Bytes?, ValueCodec.TextStorage) =
            switch self.change {
            case .none: (self.kept, .borrowed)
            case .set: (self.written.bytes, .copied)
            case .removed: (nil, .borrowed)
            }
        guard let bytes else { return .nil }
        return try Self.decoded(at: range, arena.limitBytes) { () throws(ValueDecodingError) in
            try ValueCodec.decode(bytes, in: &arena, text: text)
        }
    }

    private static func decoded(
        at range: SourceRange,
        _ limit: Int,
        _ body: () throws(ValueDecodingError) -> Value
    ) throws(EvaluationError) -> Value {
        do throws(ValueDecodingError) {
            return try body()
        } catch {
            let code: EvaluationError.Code =
                error == .outOfMemory
                ? .memoryLimit(bytes: Int64(limit)) : .host(message: "can't decode what is kept of a key: \(error)")
            throw EvaluationError(code, at: range)
        }
    }

    private mutating func setState(_ value: Value, at range: SourceRange) throws(EvaluationError) {
        guard !value.has(.nil) else {
            self.change = .removed
            return
        }
        self.written.removeAll(capacityLimit: ProcessLimits.stateBytes)
        self.change = .set
        do {
            try ValueCodec.encode(value, into: &self.written)
        } catch {
            throw EvaluationError(
                error.code(operation: "set-state", expected: "a value that can be stored"),
                at: range
            )
        }
        guard self.written.count <= ProcessLimits.stateBytes else {
            let reason = "the state of one key would take \(self.written.count) bytes, and may take "
            let limit = "\(ProcessLimits.stateBytes): keep less of a key, or split the key"
            throw EvaluationError(.invalidArgument(operation: "set-state", reason: reason + limit), at: range)
        }
    }

    private mutating func setTimer(_ value: Value, at range: SourceRange) throws(EvaluationError) {
        guard value.has(.integer) else {
            let found = value.tag.typeName
            throw EvaluationError(
                .typeMismatch(operation: "set-timer", expected: "milliseconds since 1970", found: found),
                at: range
            )
        }
        guard self.hasTimers else {
            let reason = "this process has no on-timer that it could call"
            throw EvaluationError(.invalidArgument(operation: "set-timer", reason: reason), at: range)
        }
        guard (-SliceGrid.timeLimit...SliceGrid.timeLimit).contains(value.integer) else {
            let reason = "\(value.integer) isn't a time: milliseconds since 1970 are expected"
            throw EvaluationError(.invalidArgument(operation: "set-timer", reason: reason), at: range)
        }
        // Otherwise it would fire itself for ever.
        guard !self.isTimer || value.integer > self.time else {
            let reason = "on-timer can only set timers behind its own time, \(self.time)"
            throw EvaluationError(.invalidArgument(operation: "set-timer", reason: reason), at: range)
        }
        guard self.timers.count < self.timersLeft else {
            let reason = "a key can't have more than \(ProcessLimits.timers) timers at once"
            throw EvaluationError(.invalidArgument(operation: "set-timer", reason: reason), at: range)
        }
        self.timers.append(value.integer)
    }

    // MARK: Alerts

    /// One JSON line: `time`, `job`, `key`, `arguments`.
    private mutating func alert(
        _ arguments: [Value],
        at range: SourceRange,
        in arena: inout Arena
    ) throws(EvaluationError) {
        let key = try self.keyValue(at: range, in: &arena)
        try AlertLine.append(
            arguments,
            time: self.time,
            job: self.jobName,
            timestamp: self.time,
            at: range,
            to: self.alerts
        ) { line throws(ValueWalkError) in
            line.append(",\"key\":")
            var json = ValueJSON()
            try json.append(key, to: &line)
        }
    }
}

/// What one key may take.
enum ProcessLimits {
    /// Bytes of its encoded state.
    static let stateBytes = 16 << 20

    /// Timers at different times.
    static let timers = 10_000
}
