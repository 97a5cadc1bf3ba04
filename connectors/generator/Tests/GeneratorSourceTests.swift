import ConnectorKit
import CoreTypes
import Foundation
import Testing

@testable import GeneratorConnector

@Suite struct GeneratorSourceTests {
    @Test(arguments: GeneratedKind.allCases, [1, 700, 1_000_000])
    func `records are the same however they are split`(kind: GeneratedKind, targetBytes: Int64) throws {
        let source = Self.makeSource(kind, recordCount: 500)

        let whole = try Self.text(of: source, targetBytes: 1 << 40, capacity: 1 << 20)
        let split = try Self.text(of: source, targetBytes: targetBytes, capacity: 50)

        #expect(split == whole)
        #expect(whole.split(separator: "\n").count == 500)
    }

    @Test func `events are JSON objects of about 100 bytes with times that grow`() throws {
        let source = Self.makeSource(.events, recordCount: 1_000)

        let lines = try Self.text(of: source, targetBytes: 1 << 40, capacity: 1 << 20).split(separator: "\n")
        let events = try lines.map { line in
            try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }

        #expect((80...110).contains(lines.map(\.utf8.count).reduce(0, +) / lines.count))
        let times = events.compactMap { $0["time"] as? Int }
        #expect(times == times.sorted())
        #expect(times.count == 1_000)
        #expect(events.allSatisfy { $0["user"] is String && $0["amount"] is Double && $0["country"] is String })
        #expect(events.map { $0["id"] as? Int } == Array(0..<1_000))
    }

    @Test func `words are as many as asked for, and unequal`() throws {
        let source = Self.makeSource(.words, recordCount: 20_000, keyCount: 100)

        let text = try Self.text(of: source, targetBytes: 1 << 40, capacity: 1 << 20)
        var counts: [Substring: Int] = [:]
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            counts[word, default: 0] += 1
        }

        #expect(counts.count == 100)
        let sorted = counts.values.sorted(by: >)
        #expect(sorted[0] > 10 * sorted[50])
    }

    @Test func `the first records never change`() throws {
        let events = try Self.text(of: Self.makeSource(.events, recordCount: 1), targetBytes: 1, capacity: 1)
        let words = try Self.text(of: Self.makeSource(.words, recordCount: 1), targetBytes: 1, capacity: 1)

        #expect(
            events == #"{"id":0,"time":1704067200007,"user":"u54","action":"buy","country":"JP","amount":88.85}"#
                + "\n"
        )
        #expect(words == "vifa ne difa ti rida neba fo fa paka\n")
    }

    @Test func `another seed gives other records`() throws {
        let first = try Self.text(of: Self.makeSource(.events, recordCount: 5), targetBytes: 1, capacity: 1)
        let other = try Self.text(of: Self.makeSource(.events, recordCount: 5, seed: 2), targetBytes: 1, capacity: 1)

        #expect(first != other)
    }

    @Test func `positions and progress count records`() throws {
        let source = Self.makeSource(.events, recordCount: 30)
        let split = try #require(try source.enumerateSplits(framing: Self.lines, targetBytes: 1_000).last)

        let reader = try source.makeReader(for: split, framing: Self.lines)
        let block = SourceBlock(capacity: 10)
        #expect(try reader.poll(into: block) == .block)
        let first = block.position
        #expect(try reader.poll(into: block) == .block)
        reader.close()

        #expect(first == 20)
        #expect(block.position == 21)
        #expect(block.consumedBytes == GeneratorSource.recordBytes)
        #expect(split.weightBytes == 1_000)
    }

    @Test func `no records give no splits, and whole files can't be made`() throws {
        let source = Self.makeSource(.events, recordCount: 0)

        #expect(try source.enumerateSplits(framing: Self.lines, targetBytes: 1) == [])
        #expect(throws: ConnectorError.self) {
            try source.enumerateSplits(framing: .whole(lengthLimit: 1), targetBytes: 1)
        }
    }

    private static let lines = Framing.lines(lengthLimit: 1_000)

    private static func makeSource(
        _ kind: GeneratedKind,
        recordCount: Int64,
        keyCount: Int = 1_000,
        seed: UInt64 = 1
    ) -> GeneratorSource {
        GeneratorSource(
            records: GeneratedRecords(kind: kind, seed: seed, keyCount: keyCount),
            recordCount: recordCount
        )
    }

    private static func text(of source: GeneratorSource, targetBytes: Int64, capacity: Int) throws -> String {
        var bytes: [UInt8] = []
        let block = SourceBlock(capacity: capacity)
        for split in try source.enumerateSplits(framing: self.lines, targetBytes: targetBytes) {
            let reader = try source.makeReader(for: split, framing: self.lines)
            while try reader.poll(into: block) == .block {
                unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(start: block.base, count: block.count))
            }
            reader.close()
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
