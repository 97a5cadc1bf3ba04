import ConnectorKit
import CoreTypes
import FluentSyntax
import JobPlan
import Testing

@testable import Engine

/// What functions of a stream's records read of the message beside its value.
@Suite struct MessageReadTests {
    private static let key: StaticString = "k1"

    @Test func `a message has a key, a topic, a partition, an offset, and its reader's headers`() throws {
        let surroundings = RecordSurroundings(tables: [])
        let reader = HeaderReader()

        unsafe surroundings.begin(
            StreamMessage(
                value: nil,
                key: UnsafeRawBufferPointer(start: Self.key.utf8Start, count: Self.key.utf8CodeUnitCount),
                timestamp: 5,
                position: 42,
                split: 0
            ),
            reader: reader,
            origin: SplitOrigin(sourceName: "eu", message: MessageOrigin(split: "clicks/old/3"))
        )

        #expect(try Self.texts(surroundings) == ["k1", "k1", "clicks/old", "3", "42", "eu"])
        #expect(reader.asked == ["tenant"])
    }

    @Test func `a record of a file has its source alone`() throws {
        let surroundings = RecordSurroundings(tables: [])

        surroundings.begin(nil, reader: nil, origin: SplitOrigin(sourceName: "asia:clicks"))

        #expect(try Self.texts(surroundings) == ["nil", "nil", "nil", "nil", "nil", "asia:clicks"])
    }

    @Test(arguments: [nil, SplitOrigin(sourceName: "")])
    func `a record of a file of a source without a name has nothing of that`(origin: SplitOrigin?) throws {
        let surroundings = RecordSurroundings(tables: [])

        surroundings.begin(nil, reader: nil, origin: origin)

        #expect(try Self.texts(surroundings) == ["nil", "nil", "nil", "nil", "nil", "nil"])
    }

    @Test(arguments: ["clicks", "clicks/", "clicks/x", ""])
    func `a split that isn't called as a partition has no origin`(name: String) {
        #expect(MessageOrigin(split: name) == nil)
    }

    @Test func `a function that reads nothing of its message costs nothing`() throws {
        #expect(try StreamShape(window: .global).compiled(parallelism: 1).plan.usesSurroundings == false)
    }

    /// The message's key, header, topic, partition, offset, and source.
    private static func texts(_ surroundings: RecordSurroundings) throws -> [String] {
        var arena = Arena(limitBytes: 1 << 20)
        let made = arena.makeText(.string, utf8: "tenant")
        let name = try #require(made)
        let builtins: [Builtin] = [
            .messageKey, .messageHeader, .messageTopic, .messagePartition, .messageOffset, .sourceName,
        ]
        return try builtins.map { builtin in
            let found = unsafe try [name].withUnsafeBufferPointer { arguments in
                unsafe try surroundings.perform(builtin, arguments, at: SourceRange(start: 0, end: 0), in: &arena)
            }
            if found.has(.nil) { return "nil" }
            return found.has(.integer) ? "\(found.integer)" : found.text.string
        }
    }
}

/// Says that every header is the key.
private final class HeaderReader: StreamReader {
    private(set) var asked: [String] = []

    func header(_ name: UnsafeRawBufferPointer, of message: StreamMessage) -> UnsafeRawBufferPointer? {
        self.asked.append(unsafe String(decoding: name, as: UTF8.self))
        return unsafe message.key
    }

    func add(_ splits: [StreamSplit]) throws(ConnectorError) {}
    func setPaused(_ split: Int, _ isPaused: Bool) throws(ConnectorError) {}
    func poll(into block: MessageBlock) throws(ConnectorError) {}
    func endPosition(of split: Int) -> Int64? { nil }
    func advance(of split: Int) -> SplitAdvance { .caughtUp }
    func publish(_ positions: [StreamSplit]) {}
    func close() {}
}
