package import ConnectorKit
internal import FluentSyntax
internal import JobPlan
package import WireFormat

/// What a stage does with a record, compiled.
enum ProcessOperation: Sendable {
    case pass
    case deduplicate(within: Int64, kept: Int64)
    case process(onEvent: FunctionIndex, onTimer: FunctionIndex?, timeToLive: Int64?)
    case join(JoinOperation)
}

/// One subtask of a keyed stage: takes records as they come, fires timers as event time passes them, and hands records on.
///
/// ## Order of calls
/// `receive` and `advance` in any order; after each of them `step` until it answers false, before the next. What is in
/// ``emitted`` and ``alerts`` is taken between steps.
package struct ProcessStage<Store: KeyedStateStore & ~Copyable>: ~Copyable {
    private let operation: ProcessOperation
    private let policy: RecordPolicy
    private let keepsKeys: Bool
    var machine: Machine<ProcessHost>
    var store: Store
    var pieces = KeyedPieces()
    let routing: Routing
    let subtask: Int
    private(set) var watermark = WatermarkTracker.none

    /// The rows that are being taken, and where the next one begins.
    private var batch: RecordBatch?
    private var offset = 0
    private var keyEncoding = ByteBuffer()
    private var times = ByteBuffer()

    /// For the key of what is left out.
    private var keyArena = Arena(limitBytes: 2 << 20)
    private var examples = RejectedExamples()

    /// Lines for the dead-letter sink, to be taken; nil where there is none.
    package let deadLetters: OutputBlock?

    /// Of the record that ``offset`` points at.
    var joining = JoinProgress()

    /// Records that a join left out, since what they would be joined with may be forgotten.
    package internal(set) var lateCount = 0

    /// Records that weren't handed on because one of their key was.
    package private(set) var duplicateCount = 0
    package private(set) var rejectedCount = 0

    /// Timers that fired.
    package private(set) var firingCount = 0

    /// Rows and timers that one step takes at most, so that nothing else is kept waiting.
    private static var callsPerStep: Int { 256 }

    /// Bytes of emitted records after which a step ends.
    static var emittedBytesPerStep: Int { 1 << 20 }

    init(
        _ operation: ProcessOperation,
        policy: RecordPolicy,
        keepsKeys: Bool,
        machine: consuming Machine<ProcessHost>,
        store: consuming Store,
        routing: Routing,
        subtask: Int,
        deadLetters: OutputBlock?
    ) {
        self.deadLetters = deadLetters
        self.operation = operation
        self.policy = policy
        self.keepsKeys = keepsKeys
        self.machine = machine
        self.store = store
        self.routing = routing
        self.subtask = subtask
    }

    /// What it hands on, to be taken.
    package var emitted: EmittedRecords { self.machine.host.emitted }

    /// What its functions alerted, to be taken.
    package var alerts: OutputBlock { self.machine.host.alerts }

    package var rejectedExamples: [RejectedRecord] { self.examples.records }
    package var stateBytes: Int { self.store.bytes }
    package var spilledBytes: Int64 { self.store.diskBytes }

    /// What was written to disk because memory was full.
    package var spills: StateSpills { self.store.spills }
    package var keyCount: Int { self.store.keyCount }

    /// How far event time has come.
    package var currentWatermark: Int64 { self.watermark }

    // MARK: Input

    /// Takes records, which the steps that follow work on.
    package mutating func receive(_ batch: RecordBatch) {
        self.batch = batch
        self.offset = 0
    }

    /// Whether what follows the record that was taken last can be kept apart: it may be in the middle of a join's pairs.
    package var isBetweenRecords: Bool { !self.joining.isOpen }

    /// The records that were received and not taken yet, as those of a channel; nil where there are none.
    package func waitingRecords(asOfChannel channel: Int) -> [UInt8]? {
        guard let batch = self.batch, self.offset < batch.count else { return nil }
        return ChannelSnapshot.chunk(ofRecords: batch, from: self.offset, channel: channel)
    }

    /// Event time has come to a watermark: timers up to it are fired by the steps that follow.
    package mutating func advance(to watermark: Int64) { self.watermark = max(self.watermark, watermark) }

    /// Goes on from a checkpoint at this watermark, or at the least of several.
    mutating func restore(watermark: Int64) {
        self.watermark = self.watermark == WatermarkTracker.none ? watermark : min(self.watermark, watermark)
    }

    /// Works for a while.
    ///
    /// - Returns: False where nothing is left to do.
    package mutating func step() throws(EngineError) -> Bool {
        if let batch = self.batch {
            try self.takeRows(of: batch)
            return true
        }
        if self.watermark == WatermarkTracker.none { return false }
        if try self.fireSome() { return true }
        return try self.dropSome()
    }

    private mutating func takeRows(of batch: RecordBatch) throws(EngineError) {
        self.joining.pairsLeft = Self.callsPerStep
        for _ in 0..<Self.callsPerStep {
            guard self.offset < batch.count else {
                self.batch = nil
                return
            }
            let row = unsafe RecordRow(batch.base + self.offset)
            let payload = unsafe Bytes(start: row.payload.assumingMemoryBound(to: UInt8.self), count: row.payloadBytes)
            let (time, record): (Int64, Bytes)
            do {
                let timed = try TimedRow(payload)
                (time, record) = (timed.time, try timed.onlyValue)
            } catch {
                throw .corrupt("can't decode a record of a keyed stage: \(error)")
            }
            let longKey = unsafe row.keyBytes > 0 ? row.key : nil
            let key = unsafe StateKey(KeyWords(a: row.a, b: row.b), longKey: longKey)
            try self.spilling { store throws(SpillError) in try store.fetch(key) }
            guard try self.take(record, at: time, of: key) else { return }
            self.offset += row.size
            try self.spilling { store throws(SpillError) in try store.relieve() }
            if self.emitted.byteCount > Self.emittedBytesPerStep { return }
        }
    }

    private mutating func spilling<Result>(
        _ body: (inout Store) throws(SpillError) -> Result
    ) throws(EngineError) -> Result {
        do throws(SpillError) {
            return try body(&self.store)
        } catch {
            throw .spill(error)
        }
    }

    /// - Returns: False where it goes on with the record in the next step.
    private mutating func take(_ record: Bytes, at time: Int64, of key: StateKey) throws(EngineError) -> Bool {
        switch self.operation {
        case .pass: self.emitted.append(record, time: time, key: self.encoding(of: key))
        case .deduplicate(let within, let kept):
            guard self.isFirst(key, at: time, within: within, kept: kept) else {
                self.duplicateCount += 1
                return true
            }
            self.emitted.append(record, time: time, key: self.encoding(of: key))
        case .join(let operation): return try self.join(record, at: time, of: key, operation)
        case .process(let onEvent, _, _):
            try self.call(for: key, at: time, record: record) { machine throws(EvaluationError) in
                let event: Value
                do {
                    event = try ValueCodec.decode(record, in: &machine.workspace.arena, text: .borrowed)
                } catch {
                    throw EvaluationError(
                        .host(message: "can't decode a record: \(error)"),
                        at: SourceRange(start: 0, end: 0)
                    )
                }
                _ = try machine.call(onEvent, event)
            }
        }
        return true
    }

    mutating func encoding(of key: StateKey) -> Bytes? {
        guard self.keepsKeys else { return nil }
        self.keyEncoding.removeAll(capacityLimit: ProcessLimits.stateBytes)
        key.appendEncoding(to: &self.keyEncoding)
        return self.keyEncoding.bytes
    }

    // MARK: Duplicates

    /// Whether no record of the key near this time was let through; the times of those that were are the key's state.
    private mutating func isFirst(_ key: StateKey, at time: Int64, within: Int64, kept: Int64) -> Bool {
        self.times.removeAll()
        var latest = time
        if let state = self.store.state(of: key) {
            for offset in stride(from: 0, to: state.value.count - 7, by: 8) {
                let passed = state.value.littleEndian(Int64.self, at: offset)
                if abs(passed - time) < within { return false }
                guard !self.isPassed(passed + kept) else { continue }
                self.times.append(littleEndian: passed)
                latest = max(latest, passed)
            }
        }
        // One that comes so late can't be told from those that are forgotten.
        guard !self.isPassed(time + kept) else { return true }
        self.times.append(littleEndian: time)
        self.store.setState(of: key, to: self.times.bytes, writtenAt: latest)
        return true
    }

    /// Whether no record before this time is expected any more.
    private func isPassed(_ time: Int64) -> Bool {
        self.watermark != WatermarkTracker.none && time - 1 <= self.watermark
    }

    // MARK: Functions

    /// Calls a function for a record of a key, or a timer, and then does to its state what the function said.
    private mutating func call(
        for key: StateKey,
        at time: Int64,
        record: Bytes?,
        _ body: (inout Machine<ProcessHost>) throws(EvaluationError) -> Void
    ) throws(EngineError) {
        guard case .process(_, let onTimer, let timeToLive) = self.operation else { return }
        let stored = self.store.state(of: key)
        let isAlive = timeToLive.map { life in stored.map { time < $0.writtenAt + life } ?? false } ?? true
        self.machine.beginRecord()
        self.machine.host.begin(
            key,
            keyEncoding: self.encoding(of: key),
            at: time,
            isTimer: record == nil,
            state: isAlive ? stored?.value : nil,
            timersLeft: onTimer == nil ? 0 : ProcessLimits.timers - self.store.timerCount(of: key)
        )
        let mark = (emitted: self.emitted.count, alerts: self.alerts.count)
        do throws(EvaluationError) {
            try body(&self.machine)
        } catch {
            return try self.reject(key, error, mark, at: time, record.map { [$0] } ?? [])
        }
        self.change(key, at: max(stored?.writtenAt ?? time, time), isStored: stored != nil)
        // Timers that are set at the end of time would never come to an end.
        if record == nil, self.watermark == WatermarkTracker.end { return }
        for timer in self.machine.host.timers { self.store.addTimer(at: timer, of: key) }
    }

    private mutating func change(_ key: StateKey, at time: Int64, isStored: Bool) {
        switch self.machine.host.change {
        case .none: return
        case .removed: if isStored { self.store.removeState(of: key) }
        case .set: self.store.setState(of: key, to: self.machine.host.written.bytes, writtenAt: time)
        }
    }

    mutating func reject(
        _ key: StateKey,
        _ error: EvaluationError,
        _ mark: (emitted: Int, alerts: Int),
        at time: Int64,
        _ records: [Bytes]
    ) throws(EngineError) {
        self.keyArena.reset()
        let shownKey = (try? key.value(in: &self.keyArena)) ?? .nil
        let place = ReduceEmitter.place(shownKey)
        guard self.policy.passes(over: error) else { throw .evaluation(error, place) }
        self.emitted.truncate(to: mark.emitted)
        self.alerts.truncate(to: mark.alerts)
        self.rejectedCount += 1
        self.examples.add(RejectedRecord(place: place, bytes: [], reason: error.code.message, range: error.range))
        guard let deadLetters = self.deadLetters else { return }
        StageDeadLetter(key: shownKey, time: time, records: records, reason: error.code.message)
            .append(to: deadLetters)
    }

    // MARK: Time

    private mutating func fireSome() throws(EngineError) -> Bool {
        guard case .process(_, let onTimer, _) = self.operation else { return false }
        for count in 0..<Self.callsPerStep {
            let watermark = self.watermark
            let next = try self.spilling { store throws(SpillError) in try store.nextTimer(upTo: watermark) }
            guard let timer = next else { return count > 0 }
            if let onTimer {
                self.firingCount += 1
                try self.call(for: timer.key, at: timer.time, record: nil) { machine throws(EvaluationError) in
                    _ = try machine.call(onTimer, Value(timer.time))
                }
            }
            self.store.removeTimer(timer)
            try self.spilling { store throws(SpillError) in try store.relieve() }
            if self.emitted.byteCount > Self.emittedBytesPerStep { return true }
        }
        return true
    }

    /// States that no record and no timer may see any more.
    private mutating func dropSome() throws(EngineError) -> Bool {
        guard self.watermark != WatermarkTracker.end else { return false }
        let time: Int64
        switch self.operation {
        case .pass, .process(_, _, nil): return false
        case .join(let operation): time = self.watermark - operation.lateness
        case .process(_, _, .some(let life)), .deduplicate(_, let life): time = self.watermark - life + 1
        }
        return try self.spilling { store throws(SpillError) in try store.dropSome(writtenUpTo: time) }
    }
}

extension TimedRow {
    /// The value of a row that carries one: the states of a layout of values.
    var onlyValue: Bytes {
        get throws(ValueDecodingError) {
            var reader = StateReader(self.states)
            guard try reader.number(UInt32.self) == 1 else { throw .impossible(offset: 0) }
            let value = try reader.bytes()
            try reader.end()
            return value
        }
    }
}
