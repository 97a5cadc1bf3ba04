import ConnectorKit
import EngineTestKit
import Testing

@testable import WorkerService

/// What the splits of a stream's sources are called, and where a job begins in them.
@Suite struct StreamSourcesTests {
    private static let lines = Framing.lines(lengthLimit: 1_000)

    @Test func `the splits of a source without a name are called as it calls them`() throws {
        let sources = StreamSources([
            .init(name: "", source: TopicSource(["clicks/0", "clicks/1"])),
            .init(name: "", source: InMemorySource(["a\n", "b\n"])),
        ])

        let found = try sources.findSplits(framing: Self.lines, known: [])

        #expect(found.map(\.name) == ["clicks/0", "clicks/1", "text-0@0", "text-1@0"])
        #expect(found.map(\.part) == [0, 0, 1, 1])
        #expect(!sources.areBounded)
    }

    @Test func `the splits of a source with a name have it before their own`() throws {
        let sources = StreamSources([
            .init(name: "eu", source: TopicSource(["clicks/0"])), .init(name: "us", source: TopicSource(["clicks/0"])),
        ])

        let found = try sources.findSplits(framing: Self.lines, known: [])

        #expect(found.map(\.name) == ["eu:clicks/0", "us:clicks/0"])
        #expect(found.map(\.localName) == ["clicks/0", "clicks/0"])
    }

    @Test func `two splits of one name are refused with advice`() throws {
        let sources = StreamSources([
            .init(name: "", source: TopicSource(["clicks/0"])), .init(name: "", source: TopicSource(["clicks/0"])),
        ])

        let error = #expect(throws: ConnectorError.self) {
            _ = try sources.findSplits(framing: Self.lines, known: [])
        }

        #expect(error?.message.contains("clicks/0") == true)
        #expect(error?.message.contains("(union SOURCE :second SOURCE)") == true)
        #expect(throws: ConnectorError.self) { _ = try sources.findLaterSplits() }
    }

    @Test func `a source that was added begins as in a new job, and what the others got since at its first record`()
        throws
    {
        let sources = StreamSources([
            .init(name: "", source: TopicSource(["clicks/0", "clicks/1"])),
            .init(name: "new", source: TopicSource(["orders/0"])),
        ])

        let found = try sources.findSplits(framing: Self.lines, known: ["clicks/0"])

        #expect(found.map(\.name) == ["clicks/0", "clicks/1", "new:orders/0"])
        #expect(found.map(\.position) == [TopicSource.first, TopicSource.first, TopicSource.start])
    }

    @Test func `a source that can't be asked now is left out when others are asked for what is new`() throws {
        let sources = StreamSources([
            .init(name: "", source: TopicSource([], isAway: true)), .init(name: "", source: TopicSource(["clicks/0"])),
        ])

        let found = try sources.findLaterSplits()

        #expect(found.map(\.name) == ["clicks/0"])
        #expect(throws: ConnectorError.self) { _ = try sources.findSplits(framing: Self.lines, known: []) }
    }
}

/// A source whose splits are told.
private struct TopicSource: StreamSource {
    /// Where a new job begins, and where a split that appeared since.
    static let start: Int64 = 500
    static let first: Int64 = 100

    let names: [String]
    let isAway: Bool

    init(_ names: [String], isAway: Bool = false) {
        self.names = names
        self.isAway = isAway
    }

    var summary: String { "a topic" }

    func discoverSplits() throws(ConnectorError) -> [StreamSplit] { try self.splits(at: Self.start) }
    func discoverLaterSplits() throws(ConnectorError) -> [StreamSplit] { try self.splits(at: Self.first) }

    private func splits(at position: Int64) throws(ConnectorError) -> [StreamSplit] {
        if self.isAway { throw .injected("can't reach the topic") }
        return self.names.map { StreamSplit(name: $0, position: position) }
    }

    func makeStreamReader(wake: @escaping @Sendable () -> Void) throws(ConnectorError) -> any StreamReader {
        throw .injected("can't read the topic")
    }

    func enumerateSplits(framing: Framing, targetBytes: Int64) throws(ConnectorError) -> [Split] {
        throw .injected("can't list the topic")
    }

    func makeReader(for split: Split, framing: Framing) throws(ConnectorError) -> any SourceReader {
        throw .injected("can't read the topic")
    }
}
