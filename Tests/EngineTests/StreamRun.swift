import ConnectorKit
import CoreTypes
import EngineTestKit
import FluentSyntax
import JobPlan
import Testing
import WireFormat

@testable import Engine

/// A record of the tests' streams.
struct StreamEvent: Hashable {
    let key: String
    let value: Int64
    let time: Int64
}

/// What a window of a key gave: how many values, their sum, and where they are told, the values in their order.
struct FiredResult: Hashable, Comparable {
    let end: Int64
    let key: String
    let numbers: [Int64]

    init(end: Int64, key: String, values: [Int64], isGeneral: Bool) {
        self.end = end
        self.key = key
        self.numbers = [Int64(values.count), values.reduce(0, +)] + (isGeneral ? [] : values.sorted())
    }

    /// From the record for a sink.
    init(_ block: OutputBlock, _ index: Int) {
        self = unsafe block.withRecord(index) { key, value, timestamp in
            let numbers = unsafe (value.map { unsafe String(decoding: $0, as: UTF8.self) } ?? "")
                .split { !$0.isNumber && $0 != "-" }.compactMap { Int64($0) }
            return FiredResult(
                end: (timestamp ?? 0) + 1,
                key: unsafe key.map { unsafe String(decoding: $0, as: UTF8.self) } ?? "none",
                numbers: Array(numbers.prefix(2)) + numbers.dropFirst(2).sorted()
            )
        }
    }

    private init(end: Int64, key: String, numbers: [Int64]) {
        self.end = end
        self.key = key
        self.numbers = numbers
    }

    static func < (left: FiredResult, right: FiredResult) -> Bool {
        if left.end != right.end { return left.end < right.end }
        if left.key != right.key { return left.key < right.key }
        return left.numbers.lexicographicallyPrecedes(right.numbers)
    }
}

/// What a stream of the tests is.
struct StreamShape {
    var window: WindowSpecification
    var allowedLateness: Int64 = 0
    var bound: Int64 = 0

    /// Whether the reduce reads its values, not aggregates.
    var isGeneral = false

    /// Whether the reduce gives the pane before everything else.
    var tellsPane = false
    var trigger = TriggerSpecification()

    /// What the windows of a subtask take before they go to disk; nil: what fits.
    var tableBytes: Int64?

    private static let program = """
        (define stream-map (lambda (record) (emit (get record :k) (get record :v))))
        (define stream-aggregates (lambda (key n total all) (emit key (list n total all))))
        (define stream-panes (lambda (key n total all) (emit key (list (pane) n total))))
        (define stream-values (lambda (key values) (emit key (list (count values) (sum values)))))
        """

    var grid: SliceGrid {
        switch self.window {
        case .tumbling(let size, let offset): SliceGrid(size: size, slide: size, offset: offset)
        case .sliding(let size, let slide): SliceGrid(size: size, slide: slide)
        case .session, .count, .global: preconditionFailure("the tests' windows are made of slices")
        }
    }

    func compiled(parallelism: Int) throws -> CompiledStream {
        let closures = try Self.closures()
        let map = try #require(closures["stream-map"])
        let reduce: WindowReduce =
            self.isGeneral
            ? .general(try #require(closures["stream-values"]))
            : .aggregates(
                [.make(.count, column: nil), .make(.sum), .make(.collect)],
                result: try #require(closures[self.tellsPane ? "stream-panes" : "stream-aggregates"])
            )
        let range = SourceRange(start: 0, end: 0)
        var settings = StreamDefinition.Settings()
        settings.outOfOrdernessBound = self.bound
        settings.allowedLateness = self.allowedLateness
        settings.trigger = self.trigger
        let definition = StreamDefinition(
            name: "stream",
            kind: .streamingJob,
            endpoints: (ConnectorCall(name: "kafka", arguments: [], options: [], range: range), nil),
            map: (map, 1),
            reduce: reduce,
            window: self.window,
            grouping: "",
            settings: settings,
            range: range
        )
        let plan = StreamPlan(
            definition: definition,
            decode: DecodeStep(format: .json),
            map: (
                MapFunction(
                    closure: map,
                    takesKey: false,
                    fields: nil,
                    whole: WholeMap(closure: map, takesKey: false)
                ), 1
            ),
            time: nil,
            reduce: reduce,
            rewrites: []
        )
        return try CompiledStream(
            plan,
            parallelism: parallelism,
            memoryBytes: 64 << 20,
            outOfOrdernessBound: 0,
            tableBytes: self.tableBytes,
            limits: MachineLimits()
        )
    }

    private static func closures() throws -> [String: Closure] {
        let checked = Frontend.check(SourceFile(name: "stream.fl", text: self.program))
        var closures: [String: Closure] = [:]
        for form in try #require(checked.program).forms {
            guard case .define(let name, let value) = form.kind, case .lambda(let lambda) = value.kind else { continue }
            closures[name] = Closure(lambda: lambda, captured: [], globals: [:])
        }
        return closures
    }
}

/// The subtasks of a stream, stepped by hand: what reads, what keeps windows, and what is on its way between them.
final class StreamRun {
    /// What a checkpoint holds.
    struct Snapshot {
        /// By subtask: the chunks of its state, each under the name of its piece, and the pieces.
        var states: [[(piece: String, chunk: [UInt8])]] = []
        var pieces: [[StatePiece]] = []
        var watermark = WatermarkTracker.none
        /// The largest time that each reading subtask has seen.
        var latest: [Int64] = []

        fileprivate var number: Int64 = 0

        init() {}

        /// The state of one subtask.
        init(_ state: [(piece: String, chunk: [UInt8])], watermark: Int64 = WatermarkTracker.none) {
            self.states = [state]
            self.watermark = watermark
            self.latest = [0]
        }

        /// What all checkpoints have stored so far, by subtask.
        fileprivate(set) var shelf: [[PieceID: [[UInt8]]]] = []

        /// Keys that this one wrote.
        var writtenKeyCount: Int { self.pieces.joined().reduce(0) { $0 + ($1.content == nil ? 0 : $1.keyCount) } }
    }

    private final class Reader {
        var stage: StreamMapStage

        init(_ stage: consuming StreamMapStage) {
            self.stage = stage
        }
    }

    final class Keeper {
        var stage: WindowStage
        var clock: ChannelClock

        init(_ stage: consuming WindowStage, channelCount: Int) {
            self.stage = stage
            self.clock = ChannelClock(channelCount: channelCount)
        }
    }

    private var readers: [Reader] = []
    private(set) var keepers: [Keeper] = []

    /// By reading subtask, then by the one that keeps windows.
    private var channels: [[[StreamElement]]]
    private var results: [FiredResult] = []
    private(set) var lateLines: [String] = []
    private var position: Int64 = 0
    private var shelf: [[PieceID: [[UInt8]]]] = []
    private var checkpoint: Int64 = 0

    /// Begins, or goes on from a snapshot, whose pieces later checkpoints may name if `keepsPieces`.
    init(
        _ shape: StreamShape,
        readerCount: Int = 1,
        parallelism: Int,
        from snapshot: Snapshot? = nil,
        keepsPieces: Bool = false,
        spill: InMemorySpillStore = InMemorySpillStore(),
        cold: InMemoryColdTier = InMemoryColdTier()
    ) throws {
        let stream = try shape.compiled(parallelism: parallelism)
        self.channels = Array(repeating: Array(repeating: [], count: parallelism), count: readerCount)
        for index in 0..<readerCount {
            var stage = stream.makeMapStage()
            if let snapshot { stage.restore(sentWatermark: snapshot.watermark) }
            _ = stage.addSplit(named: "split/\(index)", latest: snapshot?.latest[index] ?? WatermarkTracker.none)
            self.readers.append(Reader(stage))
        }
        for subtask in 0..<parallelism {
            var stage = stream.makeWindowStage(subtask: subtask, form: .messages, spill: spill, cold: cold)
            for piece in (snapshot?.pieces ?? []).joined() { stage.expect(piece.keyCount, of: piece.name) }
            for chunk in (snapshot?.states ?? []).joined() { try stage.restore(chunk.chunk, of: chunk.piece) }
            if keepsPieces, let snapshot {
                self.shelf = snapshot.shelf
                self.checkpoint = snapshot.number
                for piece in snapshot.pieces[subtask] {
                    try stage.noteStored(piece.id, name: piece.name, keyCount: piece.keyCount)
                }
            }
            self.keepers.append(Keeper(stage, channelCount: readerCount))
        }
    }

    var lateCount: Int { self.keepers.reduce(0) { $0 + $1.stage.lateCount } }

    /// What was fired since this was last asked, sorted.
    func takeResults() -> [FiredResult] {
        defer { self.results = [] }
        return self.results.sorted()
    }

    /// What came too late since this was last asked, sorted.
    func takeLateLines() -> [String] {
        defer { self.lateLines = [] }
        return self.lateLines.sorted()
    }

    // MARK: Reading

    /// Reads events as one block, and sends what time they say it is; `onPause` is called between two records, every now
    /// and then, with how many were read.
    func read(_ events: [StreamEvent], reader: Int = 0, onPause: (Int) throws -> Void = { _ in }) throws {
        let lines = events.map { #"{"k":"\#($0.key)","v":\#($0.value)}"# }
        try MessageBlock.withMessages(zip(lines, events.map(\.time)), from: &self.position) { block in
            self.readers[reader].stage.begin(block, of: SilentReader(), numbers: [0])
            while try self.readers[reader].stage.step() {
                try onPause(self.readers[reader].stage.processedMessageCount)
            }
        }
        self.advance(reader)
    }

    /// A reader has nothing to say, and holds time back no longer.
    func setIdle(_ reader: Int) {
        self.readers[reader].stage.setIdle(0)
        self.advance(reader)
    }

    /// The clock goes on.
    func pass(clock now: Int64) throws {
        for reader in self.readers.indices {
            self.readers[reader].stage.pass(clock: now)
            self.collect(reader)
        }
        try self.deliverAll()
    }

    /// A reader is at its end.
    func end(_ reader: Int) throws {
        try self.readers[reader].stage.endSplit(0)
        self.readers[reader].stage.advance(isComplete: true, isForced: true)
        self.readers[reader].stage.end()
        self.collect(reader)
    }

    /// Sends on what time a reader's events say it is.
    func advance(_ reader: Int) {
        self.readers[reader].stage.advance(isComplete: false, isForced: true)
        self.collect(reader)
    }

    private func collect(_ reader: Int) {
        for routed in self.readers[reader].stage.takeReady() {
            for keeper in self.keepers.indices where routed.destination ?? keeper == keeper {
                self.channels[reader][keeper].append(routed.element)
            }
        }
    }

    // MARK: Delivering

    func deliverAll() throws {
        for reader in self.readers.indices {
            for keeper in self.keepers.indices { while try self.deliver(from: reader, to: keeper) {} }
        }
    }

    /// Delivers some elements; each channel keeps its order.
    func deliverSome(_ random: inout SplitMix64) throws {
        for _ in 0..<random.next(in: 0..<12) {
            let reader = random.next(in: 0..<self.readers.count)
            _ = try self.deliver(from: reader, to: random.next(in: 0..<self.keepers.count))
        }
    }

    private func deliver(from reader: Int, to number: Int) throws -> Bool {
        guard !self.channels[reader][number].isEmpty else { return false }
        let keeper = self.keepers[number]
        switch self.channels[reader][number].removeFirst() {
        case .slice(let start, let batch): try keeper.stage.receive(batch, slice: start)
        case .timed(let batch): try keeper.stage.receiveTimed(batch)
        case .watermark(let watermark): keeper.stage.advance(to: keeper.clock.advance(reader, to: watermark))
        case .idle: keeper.stage.advance(to: keeper.clock.setIdle(reader))
        case .tick(let now): keeper.stage.pass(clock: now)
        case .barrier, .end: break
        }
        try self.step(number)
        return true
    }

    /// Lets event time come to a watermark in one subtask alone.
    func advance(keeper number: Int, to watermark: Int64) throws {
        self.keepers[number].stage.advance(to: watermark)
        try self.step(number)
    }

    private func step(_ number: Int) throws {
        let keeper = self.keepers[number]
        while try keeper.stage.step() {}
        let output = keeper.stage.output
        for index in 0..<output.count { self.results.append(FiredResult(output, index)) }
        output.removeAll()
        let late = keeper.stage.late
        unsafe late.withBytes(from: 0) { bytes in
            let text = unsafe String(decoding: bytes, as: UTF8.self)
            self.lateLines += text.split(separator: "\n").map(String.init)
        }
        late.removeAll()
    }

    // MARK: Checkpoints

    /// Takes the state of everything, behind what was read.
    func snapshot() throws -> Snapshot {
        let snapshot = try self.freeze()
        return try self.settle(snapshot, isStored: true)
    }

    /// Lets all subtasks hand over their state, behind what was read.
    func freeze() throws -> Snapshot {
        var snapshot = Snapshot()
        self.checkpoint += 1
        snapshot.number = self.checkpoint
        for reader in self.readers.indices {
            self.readers[reader].stage.barrier(1)
            self.collect(reader)
            snapshot.latest.append(self.readers[reader].stage.clock.latest(of: 0))
        }
        try self.deliverAll()
        for keeper in self.keepers {
            let frozen = try keeper.stage.freeze(self.checkpoint)
            snapshot.pieces.append(frozen.pieces)
            snapshot.watermark = max(snapshot.watermark, frozen.watermark)
        }
        return snapshot
    }

    /// Writes what was handed over, or doesn't, and tells the subtasks.
    func settle(_ frozen: Snapshot, isStored: Bool) throws -> Snapshot {
        var snapshot = frozen
        if self.shelf.isEmpty { self.shelf = self.keepers.map { _ in [:] } }
        for (subtask, pieces) in snapshot.pieces.enumerated() {
            var chunks: [(piece: String, chunk: [UInt8])] = []
            for piece in pieces {
                var written: [[UInt8]] = []
                try piece.content?.encode { written.append($0) }
                if piece.content == nil { written = self.shelf[subtask][piece.id] ?? [] }
                #expect(!written.isEmpty, "piece \(piece.name) is somewhere")
                if isStored { self.shelf[subtask][piece.id] = written }
                chunks += written.map { (piece.name, $0) }
            }
            snapshot.states.append(chunks)
        }
        snapshot.shelf = self.shelf
        for keeper in self.keepers { keeper.stage.settle(self.checkpoint, isStored: isStored) }
        return snapshot
    }

    /// Lets subtasks put some of their layers together.
    func tidySome(_ random: inout SplitMix64) {
        for keeper in self.keepers where random.chance(percent: 50) { _ = keeper.stage.tidy() }
    }
}

extension MessageBlock {
    /// Calls `body` with a block of lines and their times, at consecutive positions of split 0.
    static func withMessages(
        _ lines: some Sequence<(String, Int64)>,
        from position: inout Int64,
        _ body: (MessageBlock) throws -> Void
    ) throws {
        let lines = Array(lines)
        let bytes = lines.reduce(into: [UInt8]()) { $0 += Array($1.0.utf8) }
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes.count + SourceBlock.padding, alignment: 16)
        defer { unsafe memory.deallocate() }
        unsafe UnsafeMutableRawBufferPointer(start: memory, count: bytes.count).copyBytes(from: bytes)
        let block = MessageBlock(capacity: max(lines.count, 1))
        var offset = 0
        for (line, time) in lines {
            let value = unsafe UnsafeRawBufferPointer(start: memory + offset, count: line.utf8.count)
            unsafe block.append(
                StreamMessage(value: value, key: nil, timestamp: time, position: position, split: 0)
            )
            offset += line.utf8.count
            position += 1
        }
        try body(block)
    }
}

/// The reader of messages that a test made.
final class SilentReader: StreamReader {
    var warning: String? { nil }
    func add(_ splits: [StreamSplit]) throws(ConnectorError) {}
    func setPaused(_ split: Int, _ isPaused: Bool) throws(ConnectorError) {}
    func poll(into block: MessageBlock) throws(ConnectorError) {}
    func endPosition(of split: Int) -> Int64? { nil }
    func advance(of split: Int) -> SplitAdvance { .caughtUp }
    func publish(_ positions: [StreamSplit]) {}
    func close() {}
}
