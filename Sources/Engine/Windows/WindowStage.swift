package import ConnectorKit
internal import FluentSyntax
internal import JobPlan
package import WireFormat

/// One subtask that keeps windows: merges what arrives, and fires windows as event time passes their ends.
///
/// ## Order of calls
/// `receive`, `advance` and `pass` in any order; after each of them `step` until it answers false, before the next. What it wrote is
/// taken from the blocks between steps.
package struct WindowStage: ~Copyable {
    var emitter: WindowEmitter
    let windows: StreamWindows
    var sliced: SlicedWindows
    var keyed: KeyedWindows
    let isKeyed: Bool

    /// Where the windows of single keys are since they didn't fit in memory; ``keyed`` has those of one key at a time then.
    private(set) var stored: StoredWindows?
    private let cold: KeyedSpill?
    let routing: Routing
    let subtask: Int

    /// The window that is being fired, and how far.
    private var firing: Firing?
    private var hasAdvanced = false

    /// Of the keys of windows that weren't fired on time: how often they were fired early.
    var early = PaneTable()

    /// Of the keys of windows that were: what late records have changed.
    var gathered = PaneTable()

    /// The windows that are being fired before or behind their time.
    var walk: PaneWalk?

    /// When windows were last fired that fire every so often.
    var firedEarlyAt: Int64?

    /// What came too late, as JSON lines: `time`, `key`, `record`; of what a reader had aggregated before anybody knew, the
    /// time of its slice, and null.
    package let late = OutputBlock()

    /// Records that came too late; what was aggregated counts as one.
    package private(set) var lateCount = 0
    private var arena = Arena(limitBytes: 64 << 20)

    /// Keys that one step fires at most, so that nothing else is kept waiting.
    static let keysPerStep = 1_024

    private struct Firing {
        let window: FiredWindow
        /// What its keys have got, or those of a partition.
        var box: SliceBox?
        /// The partition that the table is of, where the window is on disk; without it and a table all is in the rolling
        /// window.
        var partition: Int?
        var cursor = TableCursor()
    }

    init(
        emitter: consuming WindowEmitter,
        windows: StreamWindows,
        spill: StateSpill?,
        cold: KeyedSpill?,
        routing: Routing,
        subtask: Int
    ) {
        self.cold = cold
        self.emitter = emitter
        self.windows = windows
        if case .sliced(let grid) = windows.kind {
            self.sliced = SlicedWindows(grid, windows, spill: spill)
            self.isKeyed = false
        } else {
            self.sliced = SlicedWindows(SliceGrid(size: 1, slide: 1), windows, spill: nil)
            self.isKeyed = true
        }
        self.keyed = KeyedWindows(windows)
        self.routing = routing
        self.subtask = subtask
    }

    /// What the reduce emitted, to be taken.
    package var output: OutputBlock { self.emitter.machine.host.output }

    /// What the reduce alerted, to be taken.
    package var alerts: OutputBlock { self.emitter.machine.host.alerts }

    /// Lines for the dead-letter sink, to be taken; nil where there is none.
    package var deadLetters: OutputBlock? { self.emitter.deadLetters }

    package var firingCount: Int { self.emitter.firingCount }
    package var rejectedCount: Int { self.emitter.rejectedCount }
    package var rejectedExamples: [RejectedRecord] { self.emitter.rejectedExamples }

    /// What was written to disk so far.
    package var spills: StateSpills { self.stored?.spills ?? self.sliced.spills }

    /// Bytes of windows that are on disk.
    package var spilledBytes: Int64 { self.stored?.diskBytes ?? self.sliced.spilledBytes }

    /// Bytes and keys of all tables in memory.
    package var stateBytes: Int {
        guard self.isKeyed else { return self.sliced.bytes + self.early.bytes + self.gathered.bytes }
        return self.keyed.bytes + (self.stored?.bytes ?? 0)
    }
    package var keyCount: Int {
        self.isKeyed ? self.stored?.keyCount ?? self.keyed.keyCount : self.sliced.keyCount
    }

    package var watermark: Int64 { self.isKeyed ? self.keyed.watermark : self.sliced.watermark }

    // MARK: Input

    /// Takes rows of a slice, which may be late: those of a reader that was idle while time went on without it.
    package mutating func receive(_ batch: RecordBatch, slice: Int64) throws(EngineError) {
        if !self.sliced.mayBeLate(slice), !self.windows.firesEarly {
            return try self.sliced.merge(batch, slice: slice)
        }
        var offset = 0
        while offset < batch.count {
            let row = unsafe RecordRow(batch.base + offset)
            offset += row.size
            let states = unsafe Bytes(start: row.payload.assumingMemoryBound(to: UInt8.self), count: row.payloadBytes)
            let longKey = unsafe row.keyBytes > 0 ? row.key : nil
            try unsafe self.take(states, time: slice, record: nil, of: KeyWords(a: row.a, b: row.b), longKey: longKey)
        }
    }

    /// Takes single records, which may be late.
    package mutating func receiveTimed(_ batch: RecordBatch) throws(EngineError) {
        var offset = 0
        while offset < batch.count {
            let row = unsafe RecordRow(batch.base + offset)
            offset += row.size
            let payload = unsafe Bytes(start: row.payload.assumingMemoryBound(to: UInt8.self), count: row.payloadBytes)
            let record: TimedRow
            do {
                record = try TimedRow(payload)
            } catch {
                throw .corrupt("can't decode a record of a window: \(error)")
            }
            let key = KeyWords(a: row.a, b: row.b)
            let longKey = unsafe row.keyBytes > 0 ? row.key : nil
            if self.isKeyed {
                let stateKey = unsafe StateKey(key, longKey: longKey)
                try self.stored?.load(stateKey, into: &self.keyed)
                try unsafe self.takeKeyed(record, of: key, longKey: longKey)
                try self.stored?.save(stateKey, from: &self.keyed)
                continue
            }
            try unsafe self.take(
                record.states,
                time: record.time,
                record: record.record,
                of: key,
                longKey: longKey
            )
        }
        try self.spillIfLarge()
    }

    /// Moves windows to disk where they take more memory than they may, or soon would.
    mutating func spillIfLarge() throws(EngineError) {
        guard self.isKeyed else { return try self.sliced.spillIfLarge() }
        guard let cold = self.cold, self.stored == nil, self.keyed.keyCount > 0 else { return }
        guard self.keyed.bytesSoon > cold.bytesLimit / 4 * 3 else { return }
        let stored = StoredWindows(cold, self.windows)
        try stored.takeAll(of: &self.keyed)
        self.stored = stored
    }

    /// Takes what a key got at a time that may be late; `record` as it came, nil where it is several.
    private mutating func take(
        _ encoded: Bytes,
        time: Int64,
        record: Bytes?,
        of key: KeyWords,
        longKey: UnsafeRawPointer?
    ) throws(EngineError) {
        let grid = self.sliced.grid
        guard grid.contains(time) else { return }
        if self.sliced.isPassed(time, hash: key.hash) {
            let row = unsafe KeyedRow(key: key, longKey: longKey, payload: UnsafeRawPointer(encoded.start))
            return try self.putAside(record, time: time, key: row)
        }
        let box = self.sliced.slice(grid.sliceStart(of: time))
        try unsafe self.sliced.merge(encoded, of: key, longKey: longKey, into: box)
        for end in self.sliced.firedEnds(holding: time, hash: key.hash) {
            try unsafe self.fireLate(key, longKey: longKey, end: end)
        }
        try unsafe self.noteOpen(key, longKey: longKey, time: time)
    }

    private mutating func takeKeyed(
        _ record: TimedRow,
        of key: KeyWords,
        longKey: UnsafeRawPointer?
    ) throws(EngineError) {
        switch try unsafe self.keyed.take(record, of: key, longKey: longKey) {
        case .kept: return
        case .late:
            let row = unsafe KeyedRow(key: key, longKey: longKey, payload: UnsafeRawPointer(record.states.start))
            try self.putAside(record.record, time: record.time, key: row)
        case .fires(let number, let forgets):
            if case .count(let count, let slide) = self.windows.kind {
                let (box, span) = self.keyed.window(endingIn: number, count: count, slide: slide)
                let states = unsafe box.table.states(of: key, longKey: longKey)
                let row = unsafe KeyedRow(key: key, longKey: longKey, payload: UnsafeRawPointer(states))
                self.keyed.resetEarly(number)
                return try self.emitter.reduce(row, of: box.table, in: span)
            }
            try self.fireKeyed(number, forgets: forgets)
        case .firesEarly(let number): try self.fireKeyedEarly(number)
        }
    }

    private mutating func fireKeyed(_ number: Int, forgets: Bool) throws(EngineError) {
        let segment = self.keyed.store[number]
        let row = self.keyed.rowOfWindow(number)
        let window = FiredWindow(start: segment.start, end: segment.end, pane: segment.pane)
        try self.emitter.reduce(row, of: self.keyed.store.states.table, in: window)
        self.keyed.noteFired(number, forgets: forgets)
    }

    private mutating func putAside(_ record: Bytes?, time: Int64, key row: KeyedRow) throws(EngineError) {
        self.lateCount += 1
        self.arena.reset()
        var line = ByteBuffer()
        line.append("{\"time\":")
        NumberText.append(time, to: &line)
        line.append(",\"key\":")
        do {
            var json = ValueJSON()
            try json.append(try row.value(in: &self.arena), to: &line)
        } catch {
            throw .corrupt("can't decode a key: \(error)")
        }
        line.append(",\"record\":")
        if let record, let text = String(validating: record.array, as: UTF8.self) {
            line.append(json: text)
        } else {
            line.append("null")
        }
        line.append("}\n")
        let bytes = line.bytes
        unsafe self.late.append(
            key: nil,
            value: UnsafeRawBufferPointer(start: bytes.start, count: bytes.count),
            timestamp: time
        )
    }

    // MARK: Time

    /// Event time has come to a watermark: windows that end there are fired by the steps that follow.
    package mutating func advance(to watermark: Int64) {
        let hasMoved = watermark > self.watermark
        self.sliced.advance(to: watermark)
        self.keyed.advance(to: watermark)
        // What late records have changed waits until time moves, by however little.
        self.hasAdvanced = self.hasAdvanced || hasMoved || self.windows.trigger.firesOnEachLateRecord
        if hasMoved { self.beginLateWalk() }
    }

    /// Fires some keys.
    ///
    /// - Returns: False where nothing is due.
    package mutating func step() throws(EngineError) -> Bool {
        if let walk = self.walk {
            try self.stepWalk(walk)
            return true
        }
        guard self.hasAdvanced else { return false }
        if self.isKeyed { return try self.stepKeyed() }
        if self.firing == nil {
            guard let end = self.sliced.nextDueEnd() else {
                self.sliced.dropPassed()
                self.early.removeAll(through: self.sliced.firedEnd)
                self.hasAdvanced = false
                return false
            }
            self.firing = try self.beginFiring(windowEnding: end)
        }
        try self.fireSome()
        return true
    }

    private mutating func beginFiring(windowEnding end: Int64) throws(EngineError) -> Firing {
        let window = FiredWindow(start: end - self.sliced.grid.size, end: end, pane: 0)
        if self.sliced.isSpilled(windowEnding: end) {
            try self.sliced.spill(windowEnding: end)
            var firing = Firing(window: window, box: nil, partition: -1)
            _ = try self.beginNextPartition(&firing)
            return firing
        }
        if self.sliced.rolls {
            self.sliced.roll(toWindowEnding: end)
            return Firing(window: window, box: nil)
        }
        return Firing(window: window, box: self.sliced.table(ofWindowEnding: end))
    }

    private mutating func stepKeyed() throws(EngineError) -> Bool {
        if let stored = self.stored { return try self.step(stored) }
        for _ in 0..<Self.keysPerStep {
            guard let number = self.keyed.nextDue() else {
                self.keyed.tidy()
                self.hasAdvanced = false
                return false
            }
            try self.fireKeyed(number, forgets: self.keyed.forgetsAtOnce)
        }
        return true
    }

    private mutating func step(_ stored: StoredWindows) throws(EngineError) -> Bool {
        for _ in 0..<Self.keysPerStep {
            guard let key = try stored.nextDue(into: &self.keyed) else {
                self.hasAdvanced = false
                return false
            }
            while let number = self.keyed.nextDue() {
                try self.fireKeyed(number, forgets: self.keyed.forgetsAtOnce)
            }
            try stored.save(key, from: &self.keyed)
        }
        return true
    }

    private mutating func fireSome() throws(EngineError) {
        guard var firing = self.firing else { return }
        let isDone =
            if let box = firing.box {
                try self.fireSome(of: box.table, &firing)
            } else if firing.partition == nil {
                try self.fireSomeOfRolling(&firing)
            } else {
                true
            }
        let hasMore = isDone ? try self.beginNextPartition(&firing) : true
        if !hasMore { self.sliced.noteFired(firing.window.end) }
        self.firing = hasMore ? firing : nil
    }

    /// - Returns: False where there is none.
    private mutating func beginNextPartition(_ firing: inout Firing) throws(EngineError) -> Bool {
        guard let fired = firing.partition else { return false }
        // Before the next table is made.
        firing.box = nil
        firing.cursor = TableCursor()
        for partition in (fired + 1)..<SpilledTable.partitionCount {
            firing.partition = partition
            firing.box = try self.sliced.table(ofPartition: partition, windowEnding: firing.window.end)
            if firing.box != nil { return true }
        }
        return false
    }

    /// - Returns: Whether that was all.
    private mutating func fireSome(
        of table: borrowing SliceTable,
        _ firing: inout Firing
    ) throws(EngineError) -> Bool {
        for _ in 0..<Self.keysPerStep {
            guard let row = table.next(&firing.cursor) else { return true }
            if self.sliced.wasFired(firing.window.end, hash: row.key.hash) { continue }
            try self.emitter.reduce(row, of: table, in: firing.window)
        }
        return false
    }

    private mutating func fireSomeOfRolling(_ firing: inout Firing) throws(EngineError) -> Bool {
        for _ in 0..<Self.keysPerStep {
            guard let row = self.sliced.rolling.next(&firing.cursor) else { return true }
            if self.sliced.wasFired(firing.window.end, hash: row.key.hash) { continue }
            try self.emitter.reduce(row, of: self.sliced, in: firing.window)
        }
        return false
    }
}

/// Where a walk over the keys of a table is.
struct TableCursor {
    var shortSlot = 0
    var longSlot = 0
}

extension SliceTable {
    /// The next key of a walk, in no particular order; nil behind the last.
    ///
    /// The table mustn't change meanwhile.
    func next(_ cursor: inout TableCursor) -> KeyedRow? {
        if let words = unsafe self.short.nextUsed(&cursor.shortSlot) {
            let key = unsafe KeyWords(a: words[0], b: words[1])
            return unsafe KeyedRow(key: key, longKey: nil, payload: UnsafeRawPointer(words + 2))
        }
        guard let words = unsafe self.long.nextUsed(&cursor.longSlot) else { return nil }
        let key = unsafe KeyWords(a: words[0], b: words[1])
        let longKey = unsafe UnsafeRawPointer(bitPattern: UInt(words[2]))
        return unsafe KeyedRow(key: key, longKey: longKey, payload: UnsafeRawPointer(words + 3))
    }
}

extension KeyTable {
    /// The words of the first slot in use from `slot` on, which moves behind it.
    func nextUsed(_ slot: inout Int) -> UnsafeMutablePointer<UInt64>? {
        let count = Int(self.mask) + 1
        while slot < count {
            let words = unsafe self.slot(UInt64(slot)).assumingMemoryBound(to: UInt64.self)
            slot += 1
            if unsafe words[1] != 0 { return unsafe words }
        }
        return nil
    }
}
