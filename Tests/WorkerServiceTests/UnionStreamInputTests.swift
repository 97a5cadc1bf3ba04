import ConnectorKit
import CoreTypes
import Engine
import EngineTestKit
import FluentSyntax
import JobPlan
import Testing

@testable import WorkerService

/// A file and messages that are read as one source.
@Suite struct UnionStreamInputTests {
    @Test func `messages and lines are read in about the order of their times, and each counts in its own split`()
        throws
    {
        let world = try UnionWorld(
            lines: [10, 20, 30, 40].map { "{\"ts\":\($0)}\n" },
            messages: [[(0, 5)], [(1, 15)], [(0, 35)], [(1, 45)]]
        )

        try world.readAll()

        // A split of which nothing is known, and then the one at 5, are furthest behind.
        let order = [
            "messages 5", "messages 15", "messages 35", "line 10", "line 20", "messages 45", "line 30", "line 40",
        ]
        #expect(world.order == order)
        #expect(world.progress == ["file:text-0@0 40 true", "live:topic/0 35 false", "live:topic/1 45 false"])
    }

    @Test func `one input is polled at most so many times in a row while another has something`() throws {
        let world = try UnionWorld(
            lines: ["{\"ts\":1000000}\n"],
            // The second split stays silent, so that messages are behind for ever.
            messages: (0..<40).map { [(0, Int64($0))] }
        )

        try world.readAll()

        #expect(world.order.firstIndex(of: "line 1000000") == 16)
        #expect(world.order.count == 41)
    }

    @Test func `a source is told the positions of its own splits, under its own names`() throws {
        let world = try UnionWorld(lines: ["{\"ts\":1}\n"], messages: [[(0, 5)], [(1, 25)]])
        try world.readAll()

        world.publish()

        #expect(world.published == ["topic/0 1", "topic/1 2"])
    }

    @Test func `in the middle of a block its splits have come as far as the last record that was processed`() throws {
        let lines = (0..<100).map { "{\"ts\":\($0)}\n" }
        let messages = (0..<100).map { (split: $0 % 2, time: Int64(1_000 + $0)) }
        let world = try UnionWorld(lines: lines, messages: [messages], blockBytes: 1 << 20)

        let paused = try world.readOneStep()
        let positions = world.positions

        // The messages are read first: of their splits nothing is known yet.
        #expect(paused == 64)
        #expect(positions == [0, 63, 64])
        try world.readAll()
        #expect(world.positions == [Int64(lines.joined().utf8.count), 99, 100])
    }

    @Test func `a file that is read on from the middle of a block gives each line once`() throws {
        let lines = (0..<100).map { "{\"ts\":\($0)}\n" }
        let world = try UnionWorld(lines: lines, messages: [], blockBytes: 1 << 20)
        let count = try world.readOneStep()

        let again = try UnionWorld(lines: lines, messages: [], blockBytes: 1 << 20, linesFrom: world.positions[0])
        try again.readAll()

        #expect(count == 64)
        #expect(again.recordCount == lines.count - count)
    }
}

/// A union of one file, called `file`, and two splits of messages, called `live`.
private final class UnionWorld {
    private final class Stage {
        var stage: StreamMapStage
        init(_ stage: consuming StreamMapStage) { self.stage = stage }
    }

    private let held: Stage
    private let input: UnionStreamInput
    private let reader: ScriptedReader
    private(set) var order: [String] = []

    /// With `blockBytes` of 1 every block holds one line.
    init(
        lines: [String],
        messages: [[(split: Int, time: Int64)]],
        blockBytes: Int = 1,
        linesFrom position: Int64 = 0
    ) throws {
        let text = lines.joined()
        let source = InMemorySource([text], blockBytes: blockBytes)
        self.reader = ScriptedReader(messages)
        self.held = Stage(try Self.makeStream().makeMapStage())
        let files = FileStreamInput(
            source: source,
            framing: .lines(lengthLimit: 1_000),
            block: SourceBlock(capacity: max(64, text.utf8.count))
        )
        self.input = UnionStreamInput([files, MessageStreamInput(reader: self.reader)])
        let sources = StreamSources([
            .init(name: "file", source: source), .init(name: "live", source: ScriptedSource()),
        ])
        let found = try sources.findSplits(framing: .lines(lengthLimit: 1_000), known: [])
        let assigned = found.enumerated().map { index, split in
            AssignedSplit(
                split,
                position: index == 0 ? max(position, split.position) : split.position,
                latest: WatermarkTracker.none
            )
        }
        try self.input.add(assigned, to: &self.held.stage)
    }

    /// Begins to read a block.
    ///
    /// - Returns: How many records were read of it.
    func readOneStep() throws -> Int {
        guard case .block = try self.input.poll(&self.held.stage) else { return 0 }
        _ = try self.held.stage.step()
        return self.recordCount
    }

    var recordCount: Int { self.held.stage.figures.records }

    var positions: [Int64] { self.input.progress(self.held.stage).map(\.position) }

    /// Reads until there is nothing more.
    func readAll() throws {
        if self.recordCount > 0 {
            while try self.held.stage.step() {}
            self.input.endBlock(&self.held.stage)
        }
        while true {
            let polls = self.reader.polled
            switch try self.input.poll(&self.held.stage) {
            case .block:
                while try self.held.stage.step() {}
                self.input.endBlock(&self.held.stage)
                let isMessage = self.reader.polled > polls
                let times = self.input.progress(self.held.stage).map(\.latest)
                let time = isMessage ? self.reader.lastTime : times[0]
                self.order.append("\(isMessage ? "messages" : "line") \(time)")
            case .progressed: continue
            case .nothing, .finished: return
            }
        }
    }

    var progress: [String] {
        self.input.progress(self.held.stage).map { "\($0.name) \($0.latest) \($0.isFinished)" }
    }

    var published: [String] { self.reader.published }

    func publish() { self.input.publish(self.input.progress(self.held.stage)) }

    private static func makeStream() throws -> CompiledStream {
        let text = """
            (define stream-map (lambda (record) (emit 1 1)))
            (define stream-time (lambda (record) (get record :ts)))
            (define stream-values (lambda (key values) (emit key (count values))))
            """
        var closures: [String: Closure] = [:]
        for form in try #require(Frontend.check(SourceFile(name: "stream.fl", text: text)).program).forms {
            guard case .define(let name, let value) = form.kind, case .lambda(let lambda) = value.kind else { continue }
            closures[name] = Closure(lambda: lambda, captured: [], globals: [:])
        }
        let range = SourceRange(start: 0, end: 0)
        var settings = StreamDefinition.Settings()
        settings.time = closures["stream-time"]
        let definition = StreamDefinition(
            name: "stream",
            kind: .streamingJob,
            endpoints: (ConnectorCall(name: "union", arguments: [], options: [], range: range), nil),
            map: (try #require(closures["stream-map"]), 1),
            reduce: .general(try #require(closures["stream-values"])),
            window: .tumbling(size: 1_000, offset: 0),
            grouping: "",
            settings: settings,
            range: range
        )
        return try CompiledStream(
            StreamPlan(definition, options: PlanOptions(parallelism: 1)),
            parallelism: 1,
            memoryBytes: 64 << 20,
            outOfOrdernessBound: 0,
            limits: MachineLimits()
        )
    }
}

/// Two splits of a topic.
private struct ScriptedSource: StreamSource {
    var summary: String { "a topic" }

    func discoverSplits() throws(ConnectorError) -> [StreamSplit] {
        (0..<2).map { StreamSplit(name: "topic/\($0)", position: 0) }
    }

    func makeStreamReader(wake: @escaping @Sendable () -> Void) throws(ConnectorError) -> any StreamReader {
        throw .injected("can't read the topic")
    }

    func enumerateSplits(framing: Framing, targetBytes: Int64) throws(ConnectorError) -> [Split] { [] }

    func makeReader(for split: Split, framing: Framing) throws(ConnectorError) -> any SourceReader {
        throw .injected("can't read the topic")
    }
}

/// Hands over messages as they were told, a poll at a time.
@safe
private final class ScriptedReader: StreamReader {
    private var script: [[(split: Int, time: Int64)]]
    private var position: Int64 = 0
    private let memory: UnsafeMutableRawPointer

    /// Polls that gave something.
    private(set) var polled = 0
    private(set) var lastTime: Int64 = 0
    private(set) var published: [String] = []

    init(_ script: [[(split: Int, time: Int64)]]) {
        self.script = script
        unsafe self.memory = .allocate(byteCount: 64 + SourceBlock.padding, alignment: 16)
    }

    deinit { unsafe self.memory.deallocate() }

    func add(_ splits: [StreamSplit]) throws(ConnectorError) {}
    func setPaused(_ split: Int, _ isPaused: Bool) throws(ConnectorError) {}

    func poll(into block: MessageBlock) throws(ConnectorError) {
        guard !self.script.isEmpty else { return }
        self.polled += 1
        for message in self.script.removeFirst() {
            let text = Array("{\"ts\":\(message.time)}".utf8)
            unsafe UnsafeMutableRawBufferPointer(start: self.memory, count: text.count).copyBytes(from: text)
            self.lastTime = message.time
            unsafe block.append(
                StreamMessage(
                    value: UnsafeRawBufferPointer(start: self.memory, count: text.count),
                    key: nil,
                    timestamp: nil,
                    position: self.position,
                    split: message.split
                )
            )
            self.position += 1
        }
    }

    func endPosition(of split: Int) -> Int64? { nil }
    func advance(of split: Int) -> SplitAdvance { .caughtUp }

    func publish(_ positions: [StreamSplit]) { self.published = positions.map { "\($0.name) \($0.position)" } }

    func close() {}
}
