import ConnectorKit
import CoreTypes
import Testing

@testable import CommandLineTool

@Suite struct TopicFillTests {
    @Test(arguments: 0..<UInt64(60))
    func `lines are the same however they come in chunks`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let lines = (0..<random.next(in: 0..<20)).map { _ in
            String(repeating: "x", count: random.next(in: 0..<12))
        }
        let ends = random.chance(percent: 50)
        let text = lines.joined(separator: random.chance(percent: 50) ? "\r\n" : "\n") + (ends ? "\n" : "")
        var rest = Array(text.utf8)[...]
        var cutter = LineCutter(lineBytesLimit: 100)
        let block = OutputBlock()

        repeat {
            let count = min(rest.count, random.next(in: 1..<9))
            let isFit = cutter.add(rest.prefix(count), isLast: count == rest.count, to: block)
            #expect(isFit, "seed \(seed)")
            rest = rest.dropFirst(count)
        } while !rest.isEmpty

        let found = (0..<block.count).map { index in
            unsafe block.withRecord(index) { _, value, _ in
                unsafe value.map { unsafe String(decoding: $0, as: UTF8.self) } ?? "none"
            }
        }
        #expect(found == lines.filter { !$0.isEmpty }, "seed \(seed)")
    }

    @Test func `a line that is too long is refused`() {
        var cutter = LineCutter(lineBytesLimit: 3)
        let block = OutputBlock()

        let isFit = cutter.add([1, 2, 3][...], isLast: false, to: block)
        let isStillFit = cutter.add([4][...], isLast: false, to: block)

        #expect(isFit && !isStillFit)
    }

    @Test func `a topic and a file are told apart by the first equals sign`() throws {
        #expect(try TopicFill.parse("clicks=a=b.jsonl") == TopicFill(topic: "clicks", path: "a=b.jsonl"))
        #expect(throws: (any Error).self) { try TopicFill.parse("clicks") }
        #expect(throws: (any Error).self) { try TopicFill.parse("=file") }
    }
}
