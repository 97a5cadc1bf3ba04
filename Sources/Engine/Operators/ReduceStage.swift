package import ConnectorKit
internal import FluentSyntax
package import WireFormat

/// One subtask behind a shuffle: merges what arrives, then runs the reduce over every key and writes what it emits.
///
/// ## Order of calls
/// Any number of `receive`, then `endInput` once, then `step` until it answers false; `finish` afterwards, or `discard`
/// at any time.
package struct ReduceStage: ~Copyable {
    private var tables: ReduceTables
    private var emitter: ReduceEmitter
    private let isSorted: Bool
    private var order = RowOrder()
    private var nextRow = 0
    private var partition = 0
    private var isMerging = false
    private let routing: Routing

    /// Groups that one step reduces at most, so that a cancellation isn't kept waiting.
    private static let groupsPerStep = 4_096

    init(tables: consuming ReduceTables, emitter: consuming ReduceEmitter, isSorted: Bool) {
        self.routing = tables.routing
        self.tables = tables
        self.emitter = emitter
        self.isSorted = isSorted
    }

    /// Makes lambdas that run long fail when the job is cancelled.
    package mutating func stop(when isCancelled: @escaping @Sendable () -> Bool) {
        self.emitter.stop(when: isCancelled)
    }

    package var spilledBytes: Int64 { self.tables.spilledBytes }
    package var spilledRunCount: Int { self.tables.spilledRunCount }
    package var keyCount: Int { self.emitter.keyCount }
    package var pairCount: Int { self.emitter.pairCount }
    package var rejectedCount: Int { self.emitter.rejectedCount }
    package var rejectedExamples: [RejectedRecord] { self.emitter.rejectedExamples }

    package mutating func receive(_ batch: RecordBatch) throws(EngineError) {
        try self.tables.receive(batch)
    }

    package mutating func endInput() throws(EngineError) {
        try self.tables.finish()
        if self.tables.runs.isEmpty {
            self.order = self.tables.order(isSorted: self.isSorted)
        } else {
            self.isMerging = true
            do {
                self.emitter.setMerger(try RunMerger(self.tables.runs, routing: self.routing))
            } catch {
                throw .spill(error)
            }
        }
    }

    /// Reduces some groups.
    ///
    /// - Returns: False when there are no more.
    package mutating func step() throws(EngineError) -> Bool {
        if self.isMerging { return try self.stepMerged() }
        let end = min(self.nextRow + Self.groupsPerStep, self.order.count)
        while self.nextRow < end {
            self.partition = self.order.partition(of: self.nextRow, after: self.partition)
            let row = self.order.row(at: self.nextRow)
            try self.emitter.move(to: self.partition)
            try self.reduce(row)
            self.nextRow += 1
        }
        return self.nextRow < self.order.count
    }

    private mutating func reduce(_ row: KeyedRow) throws(EngineError) {
        if self.tables.kind == .groups {
            return try self.emitter.reduceGroup(row, values: GroupTable.firstValue(of: row))
        }
        let form = self.tables.aggregation.form
        if form == .integers, try self.emitter.reduce(row, columns: self.tables.aggregation.integers) { return }
        try self.emitter.reduce(row, state: self.tables.aggregation.state(of: row, form: form))
    }

    private mutating func stepMerged() throws(EngineError) -> Bool {
        for _ in 0..<Self.groupsPerStep {
            guard let cursor = self.emitter.cursor else { return false }
            try self.emitter.move(to: cursor.partition)
            if self.tables.kind == .groups {
                try self.emitter.reduceMergedGroup()
            } else {
                try self.emitter.reduceMergedState(columns: self.tables.aggregation)
            }
        }
        return self.emitter.cursor != nil
    }

    /// Completes the output.
    package mutating func finish() throws(EngineError) -> [SinkPart] { try self.emitter.finish() }

    /// The part of the dead-letter sink that this subtask wrote.
    package var deadLetterParts: [SinkPart] { self.emitter.deadLetterParts }

    package mutating func discard() { self.emitter.discard() }
}

/// A key that outlives the block it was read from.
@safe
final class OwnedKey {
    private let words: KeyWords
    /// The bytes of a long key.
    private let bytes: UnsafeMutableRawPointer?

    init(_ row: KeyedRow) {
        self.words = row.key
        unsafe self.bytes = unsafe row.longKey.map { longKey in
            let copy = UnsafeMutableRawPointer.allocate(byteCount: row.key.count, alignment: 16)
            unsafe copy.copyMemory(from: longKey, byteCount: row.key.count)
            return unsafe copy
        }
    }

    deinit {
        unsafe self.bytes?.deallocate()
    }

    func isEqual(to row: KeyedRow) -> Bool {
        guard row.key.a == self.words.a, row.key.b == self.words.b else { return false }
        guard let longKey = unsafe row.longKey, let mine = unsafe self.bytes else { return true }
        return unsafe UnsafeRawBufferPointer(start: mine, count: row.key.count)
            .elementsEqual(UnsafeRawBufferPointer(start: longKey, count: row.key.count))
    }

    /// The key as the language sees it; long text stays here and is valid as long as this is.
    func value(in arena: inout Arena) throws(ValueDecodingError) -> Value {
        let longKey = unsafe self.bytes.map { UnsafeRawPointer($0) }
        var nothing: UInt64 = 0
        return try unsafe withUnsafeBytes(of: &nothing) { payload throws(ValueDecodingError) in
            let row = unsafe KeyedRow(
                key: self.words,
                longKey: longKey,
                payload: payload.baseAddress.unsafelyUnwrapped
            )
            return try row.value(in: &arena)
        }
    }
}
