package import ConnectorKit
internal import FluentSyntax
internal import JobPlan
internal import WireFormat

/// One subtask that reads a stream: decodes records, gives them their times, runs the map, and aggregates what it emits by
/// slice and key before anything is shipped.
///
/// ## Order of calls
/// `addSplit` for each split; then in any order `begin` with a block and after each of them `step` until it answers false,
/// `endSplit` behind a split's last block, and `advance`, which may send a watermark. `advance`, `barrier` and `end` may come
/// between two steps of a block. After each call `takeReady` gives what is to be sent, in order.
package struct StreamMapStage: ~Copyable {
    private var machine: Machine<StreamMapHost>
    private let functions: StreamFunctions
    private let decode: DecodeStep
    private let policy: RecordPolicy
    private let windows: StreamWindows
    private var decoders: [SplitDecoder] = []

    /// Decodes messages, which come one by one.
    private let messageDecoder: SplitDecoder
    var surroundings: StageSurroundings
    private var splitNames: [String] = []
    package private(set) var clock: WatermarkTracker
    var input = StreamMapInput.none

    /// The tables of slices, the newest first: most records belong there.
    private var slices: [OpenSlice] = []
    private let tableBytesLimit: Int
    private var tableBytes = 0
    private var tableExpectation = TableExpectation()

    /// The slice of the pairs that wait in the host, and their times where anybody wants them.
    private var span = SliceSpan.none
    private var pairTimes: [Int64] = []
    private var rows: RowOutput
    private var ready: [RoutedElement] = []
    private var readyBytes = 0

    /// The watermark that was sent last.
    package private(set) var sentWatermark = WatermarkTracker.none
    private var saysIdle = false
    private var buffer = ByteBuffer()

    /// Where the states of records that are shipped one by one are made.
    private var scratch: SliceBox
    private var scratchCount = 0
    private static let scratchLimit = 1_024

    package private(set) var figures = StreamMapFigures()
    private var examples = RejectedExamples()

    /// Lines for the dead-letter sink, to be taken.
    package let deadLetters: OutputBlock?
    private static let recordsPerStep = 64
    private static let fullBytes = 1 << 20

    init(
        machine: consuming Machine<StreamMapHost>,
        functions: StreamFunctions,
        decode: DecodeStep,
        policy: RecordPolicy,
        windows: StreamWindows,
        routing: Routing,
        limits: StreamLimits,
        deadLetters: OutputBlock?
    ) {
        self.surroundings = StageSurroundings(machine.host.surroundings, areUsed: functions.usesSurroundings)
        self.machine = machine
        self.functions = functions
        self.decode = decode
        self.policy = policy
        self.windows = windows
        self.messageDecoder = SplitDecoder(decode)
        self.clock = WatermarkTracker(outOfOrdernessBound: limits.outOfOrdernessBound)
        self.tableBytesLimit = limits.tableBytes
        self.rows = RowOutput(routing: routing, batchBytes: limits.batchBytes)
        self.scratch = SliceBox(windows.layout)
        self.deadLetters = deadLetters
    }

    /// The first records that were rejected, for the summary.
    package var rejectedExamples: [RejectedRecord] { self.examples.records }

    /// Adds a split and returns its number; `latest` is the largest time seen of it, or expected first.
    package mutating func addSplit(named name: String, latest: Int64, origin: SplitOrigin? = nil) -> Int {
        self.splitNames.append(name)
        self.surroundings.addSplit(origin)
        self.decoders.append(SplitDecoder(self.decode))
        return self.clock.addSplit(latest: latest)
    }

    /// The name of a split.
    package func splitName(_ number: Int) -> String { self.splitNames[number] }

    /// Leaves out the records of a split before a position: they were read before.
    package mutating func skipRecords(before position: Int64, of split: Int) {
        self.decoders[split].firstOffset = position
    }

    /// A position that lies behind the last record that was read of a split, and not behind the next.
    package func positionBehindLastRecord(of split: Int) -> Int64 { self.decoders[split].recordOffset + 1 }

    /// Event time has come to its end: every window is fired.
    package mutating func endTime() {
        self.drain()
        self.sentWatermark = WatermarkTracker.end
        self.ready.append(RoutedElement(destination: nil, element: .watermark(WatermarkTracker.end)))
    }

    /// Goes on from a checkpoint, whose windows were fired up to this watermark; that time is at its end is said once more.
    package mutating func restore(sentWatermark: Int64) { self.sentWatermark = min(sentWatermark, .max - 1) }

    /// Where the line begins that is read next of a split, whose block is one of lines.
    package func positionOfNextLine(of split: Int) -> Int64 { self.decoders[split].nextLineOffset }

    /// Messages at the beginning of the block that were processed; 0 where there is no block of messages.
    package var processedMessageCount: Int {
        guard case .messages(_, let next) = self.input else { return 0 }
        return next
    }

    /// Takes a block of a split, which must stay as it is until ``step()`` answers false.
    package mutating func begin(_ block: SourceBlock, of split: Split, number: Int) {
        self.surroundings.beginBlock(of: number)
        self.decoders[number].decoder.begin(block, of: split)
        self.input = .block(split: number)
    }

    /// Works on the block for a while.
    ///
    /// - Returns: False when it is done.
    package mutating func step() throws(EngineError) -> Bool {
        for _ in 0..<Self.recordsPerStep {
            guard try self.nextRecord() else {
                self.takePairs()
                self.input = .none
                return false
            }
        }
        return true
    }

    /// Whether what is ready should be sent before more is done.
    package var isFull: Bool { self.readyBytes + self.rows.readyBytes > Self.fullBytes }

    /// The last block of a split was processed.
    package mutating func endSplit(_ number: Int) throws(EngineError) {
        self.surroundings.beginBlock(of: number)
        self.decoders[number].decoder.endResource()
        self.input = .block(split: number)
        while try self.nextRecord() {}
        self.takePairs()
        self.input = .none
        self.clock.finish(number)
    }

    /// The event time of the first record of a block, where it has one that can be told; the block is only looked at.
    package mutating func firstTime(of block: SourceBlock, split: Split, origin: SplitOrigin?) -> Int64? {
        self.surroundings.beginBlock(from: origin)
        let box = SplitDecoder(self.decode)
        box.decoder.begin(block, of: split)
        self.machine.beginRecord()
        let time = try? box.decoder.next(in: &self.machine.workspace.arena) ? self.time(box, nil) : nil
        self.machine.host.removeAll()
        return time ?? nil
    }

    package mutating func setIdle(_ split: Int) { self.clock.setIdle(split) }

    private mutating func nextRecord() throws(EngineError) -> Bool {
        switch self.input {
        case .none:
            return false
        case .block(let split):
            return try self.process(self.decoders[split], split: split, sourceTime: nil) { decoder, arena in
                try decoder.next(in: &arena)
            }
        case .messages(let block, let next):
            guard next < block.count else { return false }
            self.input = .messages(block, next: next + 1)
            return try self.process(block[next])
        case .records(let records, let next):
            guard next < records.count else { return false }
            self.input = .records(records, next: next + 1)
            return try self.process(records, next)
        }
    }

    /// A record that a keyed stage handed on.
    private mutating func process(_ records: EmittedRecords, _ index: Int) throws(EngineError) -> Bool {
        let time = records.time(index)
        let place = RecordPlace(resource: self.splitNames[0], offset: Int64(index))
        let isLate = self.isPerhapsLate(time)
        return try self.process(self.messageDecoder, split: 0, sourceTime: time) { decoder, arena in
            try decoder.decode(encoded: records.record(index), at: place, writesText: isLate, in: &arena)
            return true
        }
    }

    private mutating func process(_ message: StreamMessage) throws(EngineError) -> Bool {
        guard let value = unsafe message.value else {
            // A tombstone says that a key is gone: there is no record to look at.
            self.figures.records += 1
            return true
        }
        let split = self.surroundings.begin(message)
        let name = self.splitNames[split]
        return try self.process(self.messageDecoder, split: split, sourceTime: message.timestamp) {
            decoder,
            arena in
            try unsafe decoder.decode(value, at: RecordPlace(resource: name, offset: message.position), in: &arena)
        }
    }

    /// Decodes a record, and processes it.
    private mutating func process(
        _ box: SplitDecoder,
        split: Int,
        sourceTime: Int64?,
        decode: (inout RecordDecoder, inout Arena) throws -> Bool
    ) throws(EngineError) -> Bool {
        self.machine.beginRecord()
        self.machine.host.beginRecord()
        self.surroundings.mark()
        self.machine.host.setMark()
        do {
            guard try decode(&box.decoder, &self.machine.workspace.arena) else { return false }
            if box.firstOffset > 0, box.recordOffset < box.firstOffset { return true }
            self.figures.records += 1
            let time = try self.time(box, sourceTime)
            self.clock.observe(time, in: split)
            self.surroundings.setTime(time)
            self.beginTime(time)
            // Pairs of another slice have gone since.
            self.machine.host.setMark()
            try self.functions.callMap(&self.machine, box)
            if self.machine.host.hasEmittedTooMuch { throw self.machine.host.emittedTooMuch }
            self.endRecord(box, time: time)
        } catch let error as EvaluationError {
            try self.reject(box, reason: error.code.message, range: error.range) { .evaluation(error, $0) }
        } catch let error as FatalDecodingError {
            throw .undecodable(reason: error.reason, box.place)
        } catch let error as EngineError {
            throw error
        } catch {
            let reason = "\(error)"
            try self.reject(box, reason: reason, range: nil) { .undecodable(reason: reason, $0) }
        }
        return true
    }

    /// The event time of the record that was decoded.
    private mutating func time(_ box: SplitDecoder, _ sourceTime: Int64?) throws -> Int64 {
        guard let function = self.functions.time else {
            guard let sourceTime else { throw RecordTimeError.missing }
            return try RecordTimeError.check(sourceTime)
        }
        let value = try function.call(&self.machine, box, fieldStart: self.functions.mapFieldCount)
        switch value.tag {
        case .integer: return try RecordTimeError.check(value.integer)
        case .float:
            guard let time = Int64(exactly: value.float) else { throw RecordTimeError.wrongType("a fraction") }
            return try RecordTimeError.check(time)
        default: throw RecordTimeError.wrongType(value.tag.typeName)
        }
    }

    /// Passes on the pairs that wait where the record's belong to another slice.
    private mutating func beginTime(_ time: Int64) {
        guard !self.span.contains(time), case .sliced(let grid) = self.windows.kind else { return }
        self.takePairs()
        self.span = grid.span(of: time)
    }

    private mutating func endRecord(_ box: SplitDecoder, time: Int64) {
        let first = self.machine.host.markCount
        let count = self.machine.host.pairs.count
        guard count > first else { return }
        self.figures.pairs += count - first
        let isLate = self.isPerhapsLate(time)
        if !self.windows.isAggregated || isLate {
            for index in first..<count { self.ship(index, time: time, record: isLate ? box.rawBytes : nil) }
            return self.machine.host.truncateToMark()
        }
        if !self.span.isInWindow {
            return self.machine.host.truncateToMark()
        }
        if self.windows.layout.needsTimes {
            while self.pairTimes.count < count { self.pairTimes.append(time) }
        }
        if count >= StreamMapHost.drainCount || self.machine.host.pairs.isHeavy { self.takePairs() }
    }

    /// Whether a window of the record may have been fired.
    @inline(__always)
    private mutating func isPerhapsLate(_ time: Int64) -> Bool {
        guard self.sentWatermark != WatermarkTracker.none else { return false }
        return (self.windows.isAggregated ? self.span.firstWindowEnd - 1 : time) <= self.sentWatermark
    }

    /// Ships a pair as a record of its own.
    private mutating func ship(_ index: Int, time: Int64, record: Bytes?) {
        let (key, longKey) = unsafe self.machine.host.key(index)
        if self.scratchCount == Self.scratchLimit {
            self.scratch = SliceBox(self.windows.layout)
            self.scratchCount = 0
        }
        self.scratchCount += 1
        let states = unsafe self.scratch.table.states(of: KeyWords(integer: Int64(self.scratchCount)), longKey: nil)
        unsafe self.add(index, time: time, to: states)
        self.buffer.removeAll()
        self.buffer.append(littleEndian: time)
        self.buffer.append(littleEndian: UInt32(0))
        unsafe self.scratch.table.encode(states, into: &self.buffer)
        self.buffer.replace(at: 8, littleEndian: UInt32(self.buffer.count - TimedRow.headerBytes))
        if let record { self.buffer.append(record) }
        // Late ones must not overtake what their key got before.
        if self.openForm != .timed { self.flushRows(as: .timed) }
        unsafe self.append(key, longKey)
    }

    /// What the batches hold that are being filled.
    private enum OpenForm: Equatable {
        case timed
        case slice(Int64)
    }

    private var openForm = OpenForm.timed

    private mutating func append(_ key: KeyWords, _ longKey: UnsafeRawPointer?) {
        let target = unsafe self.rows.append(
            key,
            hash: key.hash,
            longKey: longKey,
            payloadBytes: self.buffer.count,
            form: .states
        )
        unsafe target.copyMemory(from: self.buffer.bytes.start, byteCount: self.buffer.count)
    }

    private func add(_ index: Int, time: Int64, to states: UnsafeMutablePointer<UInt64>) {
        for column in self.windows.layout.columns {
            let (value, encoding) = self.machine.host.value(index, column: column.aggregate.column ?? 0)
            unsafe self.scratch.table.add(value, encoding, time: time, to: states, column: column)
        }
    }

    private mutating func reject(
        _ box: SplitDecoder,
        reason: String,
        range: SourceRange?,
        error: (RecordPlace) -> EngineError
    ) throws(EngineError) {
        let place = box.place
        self.surroundings.takeBack()
        guard self.policy.passes(over: error(place)) else { throw error(place) }
        self.machine.host.truncateToMark()
        self.figures.rejected += 1
        let record = RejectedRecord(place: place, bytes: box.rawBytes.array, reason: reason, range: range)
        self.examples.add(record)
        guard let deadLetters = self.deadLetters else { return }
        guard case .records(let records, let next) = self.input else { return deadLetters.append(record) }
        StageDeadLetter(time: records.time(next - 1), records: [records.record(next - 1)], reason: reason)
            .append(to: deadLetters)
    }

    // MARK: Slices

    /// Aggregates the pairs that wait.
    private mutating func takePairs() {
        let count = self.machine.host.pairs.count
        guard count > 0 else { return }
        let position = self.openSlice(self.span.start)
        self.tableBytes += self.slices[position].box.add(count, of: self.machine.host, times: self.pairTimes)
        self.machine.host.removeAll()
        self.pairTimes.removeAll(keepingCapacity: true)
        guard self.tableBytes > self.tableBytesLimit else { return }
        self.drain()
    }

    private mutating func openSlice(_ start: Int64) -> Int {
        if let known = self.slices.firstIndex(where: { $0.start == start }) { return known }
        let position = self.slices.firstIndex { $0.start < start } ?? self.slices.count
        let expectation = self.tableExpectation.next(openCount: self.slices.count)
        let box = SliceBox(self.windows.layout, expectation: expectation, isShipped: true)
        self.tableBytes += box.table.bytes
        self.slices.insert(OpenSlice(start: start, box: box), at: position)
        return position
    }

    /// Ships every slice that begins at or before a time, oldest first.
    private mutating func drainSlices(upTo time: Int64) {
        while let oldest = self.slices.last, oldest.start <= time {
            self.slices.removeLast()
            self.ship(oldest)
        }
    }

    private mutating func ship(_ slice: OpenSlice) {
        self.tableBytes -= slice.box.table.bytes
        self.tableExpectation.learn(from: slice.box.table)
        self.flushRows(as: .slice(slice.start))
        slice.box.table.appendRows(to: &self.rows, through: &self.buffer)
        self.flushRows(as: .timed)
    }

    /// Sends the batches on that are being filled, and says what the next ones hold.
    private mutating func flushRows(as form: OpenForm) {
        self.rows.flush()
        for batch in self.rows.takeReady() {
            self.figures.shippedRows += batch.batch.rowCount
            self.readyBytes += batch.batch.count
            let element: StreamElement =
                switch self.openForm {
                case .timed: .timed(batch.batch)
                case .slice(let start): .slice(start, batch.batch)
                }
            self.ready.append(RoutedElement(destination: batch.destination, element: element))
        }
        self.openForm = form
    }

    /// Ships everything that is held: before a barrier, and at the end.
    package mutating func drain() {
        self.takePairs()
        self.drainSlices(upTo: .max)
        self.flushRows(as: .timed)
    }

    // MARK: Watermarks

    /// Sends the watermark on where it has come far enough to matter, or where `isForced` any that is new.
    ///
    /// `isComplete`: Whether no other split will be added.
    package mutating func advance(isComplete: Bool, isForced: Bool) {
        let watermark = self.clock.advance(isComplete: isComplete)
        self.pass(watermark, isIdle: self.clock.isWhollyIdle, isForced: isForced)
    }

    /// Sends a watermark on where it has come far enough to matter, or where `isForced` any that is new.
    package mutating func pass(_ watermark: Int64, isIdle: Bool, isForced: Bool) {
        self.takePairs()
        // Records that were shipped one by one are waited for: late ones fire at once.
        self.flushRows(as: .timed)
        if watermark > self.sentWatermark {
            let matters = isForced || watermark == WatermarkTracker.end || self.matters(watermark)
            guard matters else { return }
            self.drainSlices(upTo: watermark)
            self.flushRows(as: .timed)
            self.sentWatermark = watermark
            self.saysIdle = false
            self.ready.append(RoutedElement(destination: nil, element: .watermark(watermark)))
        } else if isIdle, !self.saysIdle {
            self.drain()
            self.saysIdle = true
            self.ready.append(RoutedElement(destination: nil, element: .idle))
        } else if self.saysIdle, !isIdle {
            // Awake again, and no further than it was: it says so.
            self.saysIdle = false
            self.ready.append(RoutedElement(destination: nil, element: .watermark(self.sentWatermark)))
        }
    }

    /// Whether a window ends between the last watermark and this one.
    private func matters(_ watermark: Int64) -> Bool {
        switch self.windows.kind {
        case .sliced(let grid):
            guard self.sentWatermark != WatermarkTracker.none else { return true }
            return grid.windowEnd(after: self.sentWatermark + 1) <= watermark + 1
        case .session, .count, .global: return true
        }
    }

    /// Sends on what it holds, and what time it is then.
    package mutating func pass(clock now: Int64) {
        self.drain()
        self.ready.append(RoutedElement(destination: nil, element: .tick(now)))
    }

    /// The checkpoint of this number comes here: everything before it is shipped.
    package mutating func barrier(_ checkpoint: Int64) {
        self.drain()
        self.ready.append(RoutedElement(destination: nil, element: .barrier(checkpoint)))
    }

    package mutating func end() {
        self.drain()
        self.ready.append(RoutedElement(destination: nil, element: .end))
    }

    package mutating func takeReady() -> [RoutedElement] {
        defer {
            self.ready = []
            self.readyBytes = 0
        }
        return self.ready
    }
}
