import ConnectorKit
import CoreTypes
import FluentSyntax
import JobPlan
import Testing
import WireFormat

@testable import Engine

/// A keyed stage of the tests.
enum KeyedShape {
    /// Counts up, forgets, and sets timers, as the values of events say; see ``KeyedModel``.
    case process(timeToLive: Int64?)
    case deduplicate(within: Int64)
    /// Events with even values are left, those with odd ones right; see ``KeyedModel``.
    case join(from: Int64, to: Int64, lateness: Int64 = 0)

    private static let joinProgram = """
        (define-stream-processor keyed :source (union :left (kafka-topic "a") :right (kafka-topic "b"))
          (join (:left :k) (:right :k) :to 1
            (lambda (left right)
              (let ((l (get left :v)) (r (get right :v)))
                (cond ((= (mod (+ l r) 11) 0) nil)
                      ((= (mod (+ l r) 13) 0) (throw "thirteen"))
                      (else {:k (get right :k) :l l :r r}))))))
        """

    private static let program = """
        (define-stream-processor keyed :source (kafka-topic "events")
          (process :k
            (on-event (lambda (event)
              (let ((v (get event :v)) (total (+ v (or state 0))))
                (if (= (mod v 7) 0) (set-state nil) (set-state total))
                (when (= (mod v 3) 0) (set-timer (+ (get event :t) (* 2 v))))
                (when (= (mod v 5) 0) (set-timer (- (get event :t) v)))
                (emit {:key key :total total}))))
            (on-timer (lambda (time)
              (when (and state (> state 50)) (set-timer (+ time 13)))
              (emit {:key key :timer state})
              (set-state (+ 1 (or state 0)))))))
        """

    /// The functions above, lowered.
    private static func functions(of program: String = Self.program) throws -> [String: Closure] {
        let checked = Frontend.check(SourceFile(name: "keyed.fl", text: program))
        var closures: [String: Closure] = [:]
        for form in try #require(checked.program, "\(checked.diagnostics)").forms {
            guard case .defineJob(let job) = form.kind else { continue }
            for option in job.options {
                guard case .lambda(let lambda) = option.value.kind else { continue }
                closures[option.name] = Closure(lambda: lambda, captured: [], globals: [:])
            }
        }
        return closures
    }

    /// Where it names sides, emits whether a record is a right one, and the record.
    private static func emission(by field: String?, namesSides: Bool = false) -> Closure {
        let range = SourceRange(start: 0, end: 0)
        let record = Expression(.variable(Variable(id: 0, name: "record")), range: range)
        let get = { (name: String) in
            let field = Expression(.constant(.keyword(name)), range: range)
            return Expression(.builtin(.get, arguments: [record, field]), range: range)
        }
        let number = { (value: Int64) in Expression(.constant(.integer(value)), range: range) }
        let rest = Expression(.builtin(.modulo, arguments: [get("v"), number(2)]), range: range)
        let isRight = Expression(.builtin(.equal, arguments: [rest, number(1)]), range: range)
        let value = namesSides ? Expression(.list([isRight, record]), range: range) : record
        let nothing = Expression(.constant(.nil), range: range)
        let body = Expression(.builtin(.emit, arguments: [field.map(get) ?? nothing, value]), range: range)
        let lambda = Lambda(
            name: "",
            parameters: [Variable(id: 0, name: "record")],
            body: body,
            captured: [],
            range: range
        )
        return Closure(lambda: lambda, captured: [], globals: [:])
    }

    func compiled(parallelism: Int, tableBytes: Int64? = nil) throws -> CompiledStream {
        let range = SourceRange(start: 0, end: 0)
        var settings = StreamDefinition.Settings()
        var namesSides = false
        let operation: StreamStage.Operation
        switch self {
        case .process(let timeToLive):
            let functions = try Self.functions()
            operation = .process(
                ProcessFunctions(
                    onEvent: try #require(functions["stage 0 on-event"]),
                    onTimer: functions["stage 0 on-timer"],
                    timeToLive: timeToLive
                )
            )
        case .deduplicate(let within): operation = .deduplicate(within: within)
        case .join(let from, let to, let lateness):
            namesSides = true
            settings.allowedLateness = lateness
            settings.onError = .skip
            let function = try #require(try Self.functions(of: Self.joinProgram)["stage 0 function"])
            operation = .join(StreamJoin(from: from, to: to, function: function, range: range))
        }
        let definition = StreamDefinition(
            name: "keyed",
            kind: .streamProcessor,
            endpoints: (ConnectorCall(name: "kafka", arguments: [], options: [], range: range), nil),
            map: (Self.emission(by: "k", namesSides: namesSides), 1),
            stages: [
                StreamStage(
                    operation,
                    isKeyed: true,
                    operatorID: "keyed",
                    shape: "keyed",
                    map: (Self.emission(by: nil), 1),
                    range: range
                )
            ],
            reduce: nil,
            window: nil,
            grouping: "",
            settings: settings,
            range: range
        )
        return try CompiledStream(
            StreamPlan(definition, options: PlanOptions(parallelism: parallelism)),
            parallelism: parallelism,
            memoryBytes: 64 << 20,
            outOfOrdernessBound: 0,
            tableBytes: tableBytes,
            limits: MachineLimits()
        )
    }
}

/// What a keyed stage handed on.
struct KeyedOutput: Hashable, CustomStringConvertible {
    let time: Int64
    let text: String

    var description: String { "\(self.time): \(self.text)" }
}

/// The subtasks of a keyed stage, stepped by hand.
final class KeyedRun {
    private final class Keeper {
        var stage: KeyedStage

        init(_ stage: consuming KeyedStage) {
            self.stage = stage
        }
    }

    private final class Reader {
        var stage: StreamMapStage

        init(_ stage: consuming StreamMapStage) {
            self.stage = stage
        }
    }

    private let reader: Reader
    private var keepers: [Keeper] = []
    private var position: Int64 = 0

    /// What complete checkpoints hold, by subtask.
    private var shelf: [[PieceID: [[UInt8]]]]
    private var checkpointNumber: Int64 = 0

    /// By key, in the order it was handed on.
    private var outputs: [String: [KeyedOutput]] = [:]

    /// What was handed on, in its order.
    private(set) var sequence: [KeyedOutput] = []

    init(
        _ shape: KeyedShape,
        parallelism: Int,
        from snapshots: [[UInt8]] = [],
        in world: StoreWorld = .memory
    ) throws {
        let spill = world.spill
        let stream = try shape.compiled(parallelism: parallelism, tableBytes: spill.map { Int64($0.bytesLimit) })
        self.shelf = Array(repeating: [:], count: parallelism)
        self.reader = Reader(stream.makeMapStage())
        _ = self.reader.stage.addSplit(named: "split", latest: WatermarkTracker.none)
        for subtask in 0..<parallelism {
            var stage = stream.makeKeyedStage(0, subtask: subtask, form: .lines, cold: spill?.tier)
            for snapshot in snapshots { try stage.restore(snapshot) }
            self.keepers.append(Keeper(stage))
        }
    }

    /// Goes on from a checkpoint, whose pieces its own may name where its parallelism is the same.
    convenience init(
        _ shape: KeyedShape,
        parallelism: Int,
        from checkpoint: KeyedCheckpoint,
        in world: StoreWorld = .memory
    ) throws {
        try self.init(shape, parallelism: parallelism, in: world)
        guard checkpoint.subtasks.count == parallelism else {
            for keeper in self.keepers {
                for chunk in checkpoint.subtasks.joined().flatMap(\.chunks) { try keeper.stage.restore(chunk) }
            }
            return
        }
        self.checkpointNumber = checkpoint.number
        for (subtask, pieces) in checkpoint.subtasks.enumerated() {
            for chunk in pieces.flatMap(\.chunks) { try self.keepers[subtask].stage.restore(chunk) }
            for piece in pieces {
                try self.keepers[subtask].stage.noteStored(piece.id, name: piece.name, keyCount: piece.keyCount)
                self.shelf[subtask][piece.id] = piece.chunks
            }
        }
    }

    var keyCount: Int { self.keepers.reduce(0) { $0 + $1.stage.keyCount } }
    var spilledBytes: Int64 { self.keepers.reduce(0) { $0 + $1.stage.spills.bytes } }
    var stateBytes: Int { self.keepers.reduce(0) { $0 + $1.stage.stateBytes } }
    var duplicateCount: Int { self.keepers.reduce(0) { $0 + $1.stage.duplicateCount } }
    var lateCount: Int { self.keepers.reduce(0) { $0 + $1.stage.lateCount } }
    var rejectedCount: Int { self.keepers.reduce(0) { $0 + $1.stage.rejectedCount } }
    var rejectedExamples: [RejectedRecord] { self.keepers.flatMap { $0.stage.rejectedExamples } }

    /// The most that one step handed on.
    private(set) var largestStep = 0

    /// What was handed on since this was last asked, by key.
    func takeOutputs() -> [String: [KeyedOutput]] {
        defer { self.outputs = [:] }
        return self.outputs
    }

    /// Takes events in their order; `padding` makes each of them larger by so many bytes.
    func read(_ events: [StreamEvent], padding: Int = 0) throws {
        let more = padding == 0 ? "" : #","p":"\#(String(repeating: "x", count: padding))""#
        let lines = events.map { #"{"k":"\#($0.key)","v":\#($0.value),"t":\#($0.time)\#(more)}"# }
        try MessageBlock.withMessages(zip(lines, events.map(\.time)), from: &self.position) { block in
            self.reader.stage.begin(block, of: SilentReader(), numbers: [0])
            while try self.reader.stage.step() {}
        }
        self.reader.stage.drain()
        for routed in self.reader.stage.takeReady() {
            guard case .timed(let batch) = routed.element else { continue }
            let keeper = self.keepers[try #require(routed.destination)]
            keeper.stage.receive(batch)
            try self.step(keeper)
        }
    }

    /// Event time comes to a watermark everywhere.
    func advance(to watermark: Int64) throws {
        for keeper in self.keepers {
            keeper.stage.advance(to: watermark)
            try self.step(keeper)
        }
    }

    /// Steps that a call takes at most: a timer far back that is set again and again takes as many as time allows.
    var stepLimit = Int.max

    private func step(_ keeper: Keeper) throws {
        var left = self.stepLimit
        while left > 0, try keeper.stage.step() {
            left -= 1
            let emitted = keeper.stage.emitted
            self.largestStep = max(self.largestStep, emitted.count)
            for index in 0..<emitted.count {
                var arena = Arena(limitBytes: 1 << 20)
                let record = try ValueCodec.decode(emitted.record(index), in: &arena, text: .borrowed)
                var line = ByteBuffer()
                var json = ValueJSON()
                try json.append(record, to: &line)
                let text = line.bytes.string
                // The key is the first text in it.
                let key = text.split(separator: "\"", omittingEmptySubsequences: false)[3]
                let output = KeyedOutput(time: emitted.time(index), text: text)
                self.outputs[String(key), default: []].append(output)
                self.sequence.append(output)
            }
            emitted.removeAll()
        }
    }

    func snapshots() throws -> [[UInt8]] {
        try self.takeCheckpoint(isStored: false).subtasks.joined().flatMap(\.chunks)
    }

    /// Lets all subtasks hand over their state, and tells them what became of it.
    func takeCheckpoint(isStored: Bool) throws -> KeyedCheckpoint {
        self.checkpointNumber += 1
        var checkpoint = KeyedCheckpoint(number: self.checkpointNumber)
        for subtask in self.keepers.indices {
            var pieces: [KeyedCheckpoint.Piece] = []
            for piece in try self.keepers[subtask].stage.freeze(self.checkpointNumber).pieces {
                var chunks: [[UInt8]] = []
                try piece.content?.encode { chunks.append($0) }
                if piece.content == nil { chunks = try #require(self.shelf[subtask][piece.id]) }
                if isStored { self.shelf[subtask][piece.id] = chunks }
                pieces.append(
                    KeyedCheckpoint.Piece(
                        name: piece.name,
                        id: piece.id,
                        keyCount: piece.keyCount,
                        isNew: piece.content != nil,
                        chunks: chunks
                    )
                )
            }
            checkpoint.subtasks.append(pieces)
            self.keepers[subtask].stage.settle(self.checkpointNumber, isStored: isStored)
        }
        return checkpoint
    }
}

/// A checkpoint of a keyed stage.
struct KeyedCheckpoint {
    struct Piece {
        let name: String
        let id: PieceID
        let keyCount: Int
        let isNew: Bool
        let chunks: [[UInt8]]
    }

    let number: Int64
    var subtasks: [[Piece]] = []

    /// Keys and bytes that were written for it.
    var written: (keyCount: Int, bytes: Int) {
        let pieces = self.subtasks.joined().filter(\.isNew)
        return (
            pieces.reduce(0) { $0 + $1.keyCount }, pieces.reduce(0) { $0 + $1.chunks.reduce(0) { $0 + $1.count } }
        )
    }
}
