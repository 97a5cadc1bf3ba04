import Testing
import WireFormat

@testable import Engine

@Suite struct PairBufferTests {
    private static let large = PairBuffer.largeTextBytes + 1

    @Test(arguments: [(5, large), (40, large), (large, 5), (large, large)])
    func `a pair with long text is a row already, and the same pair`(_ lengths: (key: Int, value: Int)) throws {
        var arena = Arena(limitBytes: 4 << 20)
        let key = arena.text(.string, String(repeating: "k", count: lengths.key))
        let value = arena.text(.string, String(repeating: "v", count: lengths.value))
        var pairs = PairBuffer()

        try pairs.append(key: arena.text(.string, "before"), value: Value(Int64(1)))
        try pairs.append(key: key, value: value)

        let batches = (0..<2).map { pairs.largeBatch($0) }
        let row = unsafe RecordRow(try #require(batches[1]).base)
        let found = try (key: pairs.key(1, in: &arena), value: pairs.value(unsafe pairs.values[1], in: &arena))
        let isHeavy = pairs.isHeavy
        #expect(batches[0] == nil)
        #expect(isHeavy)
        #expect(Bytes.areEqual(found.key.text, key.text))
        #expect(Bytes.areEqual(found.value.text, value.text))
        #expect(row.keyBytes == (lengths.key > KeyWords.inlineLimit ? lengths.key : 0))
        #expect(row.payloadBytes == lengths.value + 1)
    }

    @Test func `a number under a long key stays a number`() throws {
        var arena = Arena(limitBytes: 4 << 20)
        let key = arena.text(.string, String(repeating: "k", count: Self.large))
        var pairs = PairBuffer()

        try pairs.append(key: key, value: Value(Int64(7)))

        let batch = pairs.largeBatch(0)
        let row = unsafe RecordRow(try #require(batch).base)
        let payload = unsafe Bytes(start: row.payload.assumingMemoryBound(to: UInt8.self), count: row.payloadBytes)
        let found = unsafe (key: pairs.longKey(0), value: pairs.values[0])
        let shipped = try ValueCodec.decode(payload, in: &arena, text: .borrowed)
        #expect(found.value.integer == 7)
        #expect(shipped.integer == 7)
        #expect(Bytes.areEqual(found.key, key.text))
    }

    @Test func `what a failing record emitted is taken back, large rows too`() throws {
        var arena = Arena(limitBytes: 4 << 20)
        let long = arena.text(.string, String(repeating: "k", count: Self.large))
        var pairs = PairBuffer()
        try pairs.append(key: arena.text(.string, "kept"), value: Value(Int64(1)))
        let held = pairs.heldBytes
        let mark = pairs.mark

        try pairs.append(key: long, value: long)
        pairs.truncate(to: mark)

        let left = (count: pairs.count, heldBytes: pairs.heldBytes, isHeavy: pairs.isHeavy)
        #expect(left.count == 1)
        #expect(left.heldBytes == held)
        #expect(!left.isHeavy)
    }

    @Test func `many bytes make it heavy, and nothing of them is kept`() throws {
        var arena = Arena(limitBytes: 4 << 20)
        let value = arena.text(.string, String(repeating: "v", count: 100_000))
        var pairs = PairBuffer()

        for key in 0..<11 { try pairs.append(key: Value(Int64(key)), value: value) }
        let wasHeavy = pairs.isHeavy
        pairs.removeAll()

        let left = (heldBytes: pairs.heldBytes, isHeavy: pairs.isHeavy)
        #expect(wasHeavy)
        #expect(!left.isHeavy)
        #expect(left.heldBytes == 0)
    }
}
