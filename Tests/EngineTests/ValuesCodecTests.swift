import CoreTypes
import Engine
import Testing

@Suite struct ValuesCodecTests {
    @Test(arguments: 0..<40 as Range<UInt64>)
    func `what is encoded is decoded`(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var arena = Arena(limitBytes: 1 << 24)

        for _ in 0..<50 {
            let value = Value.random(from: &random, in: &arena, depth: 3)
            var buffer = ByteBuffer()
            try ValueCodec.encode(value, into: &buffer)
            let decoded = try ValueCodec.decode(buffer.bytes, in: &arena, text: .copied)

            var again = ByteBuffer()
            try ValueCodec.encode(decoded, into: &again)
            #expect(buffer.bytes.array == again.bytes.array, "seed \(seed)")
        }
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func `the order is total, and equality, keys and order agree`(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var arena = Arena(limitBytes: 1 << 24)
        let values = (0..<24).map { _ in Value.random(from: &random, in: &arena, depth: 2) }

        for a in values {
            for b in values {
                var walk = ValueWalk()
                let order = try Value.compare(a, b, walk: &walk).signum()
                let opposite = try Value.compare(b, a, walk: &walk).signum()
                let equal = try Value.areEqual(a, b, asKeys: true, walk: &walk)
                let keys = try (Self.key(a), Self.key(b))
                #expect(order == -opposite, "seed \(seed): \(a.shown) \(b.shown)")
                #expect(equal == (keys.0 == keys.1), "seed \(seed): \(a.shown) \(b.shown)")
                #expect(equal == (order == 0), "seed \(seed): \(a.shown) \(b.shown)")
                #expect(try Self.compareKeys(a, b) == order, "seed \(seed): \(a.shown) \(b.shown)")
                for c in values where try order <= 0 && Value.compare(b, c, walk: &walk) <= 0 {
                    #expect(try Value.compare(a, c, walk: &walk) <= 0, "seed \(seed)")
                }
            }
        }
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `garbage is refused or decoded, never a crash`(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var arena = Arena(limitBytes: 1 << 24)
        var buffer = ByteBuffer()
        try ValueCodec.encode(Value.random(from: &random, in: &arena, depth: 3), into: &buffer)
        var bytes = buffer.bytes.array
        for _ in 0..<4 where !bytes.isEmpty {
            bytes[random.next(in: 0..<bytes.count)] = UInt8(truncatingIfNeeded: random.next())
        }
        bytes.removeLast(random.next(in: 0..<bytes.count))

        var damaged = ByteBuffer()
        for byte in bytes { damaged.append(byte) }
        // Whether it fails depends on the seed; what is decoded must be a value that can be written again.
        guard let value = try? ValueCodec.decode(damaged.bytes, in: &arena, text: .copied) else { return }
        var again = ByteBuffer()
        #expect(throws: Never.self) { try ValueCodec.encode(value, into: &again) }
        #expect(again.count > 0, "replay with seed \(seed)")
    }

    @Test(arguments: [
        ([], ValueDecodingError.truncated(offset: 0)),
        ([0x04, 1, 2], .truncated(offset: 1)),
        ([0x0C], .unknownTag(0x0C, offset: 0)),
        ([0x01, 0x01], .trailingBytes(offset: 1)),
        ([0x09, 0xFF, 0xFF, 0xFF, 0xFF], .truncated(offset: 5)),
        ([UInt8](repeating: [0x09, 1, 0, 0, 0], count: 600), .tooDeep(offset: 2_565)),
    ])
    func `bad bytes are told apart`(_ row: ([UInt8], ValueDecodingError)) {
        var arena = Arena(limitBytes: 1 << 20)
        var buffer = ByteBuffer()
        for byte in row.0 { buffer.append(byte) }

        #expect(throws: row.1) { try ValueCodec.decode(buffer.bytes, in: &arena, text: .borrowed) }
    }

    @Test func `collections that promise more than there is aren't allocated for`() {
        var arena = Arena(limitBytes: 1 << 30)
        var buffer = ByteBuffer()
        let tail = 10_000
        for _ in 0..<500 {
            buffer.append(0x09)
            buffer.append(littleEndian: UInt32(tail))
        }
        for _ in 0..<tail { buffer.append(0x01) }

        #expect(throws: ValueDecodingError.self) { try ValueCodec.decode(buffer.bytes, in: &arena, text: .borrowed) }

        #expect(arena.usedBytes <= 16 * buffer.count)
    }

    @Test func `keys are canonical`() throws {
        var arena = Arena(limitBytes: 1 << 20)
        let one = Value(Int64(1))
        let nan = Value(Double(bitPattern: 0x7FF8_0000_0000_0001))
        let keyword = arena.text(.keyword, "a")
        let string = arena.text(.string, "a")

        #expect(try Self.key(Value(1.0)) == Self.key(one))
        #expect(try Self.key(Value(-0.0)) == Self.key(Value(Int64(0))))
        #expect(try Self.key(nan) == Self.key(Value(Double.nan)))
        #expect(try Self.key(keyword) == Self.key(string))
        #expect(throws: ValueWalkError.notStorable(.builtin)) { try Self.key(Value(.builtin, bits: 0)) }
    }

    private static func key(_ value: Value) throws -> [UInt8] {
        var buffer = ByteBuffer()
        try ValueCodec.encodeKey(value, into: &buffer)
        return buffer.bytes.array
    }

    private static func compareKeys(_ a: Value, _ b: Value) throws -> Int {
        var left = ByteBuffer()
        var right = ByteBuffer()
        try ValueCodec.encodeKey(a, into: &left)
        try ValueCodec.encodeKey(b, into: &right)
        return ValueCodec.compareEncodedKeys(left.bytes, right.bytes).signum()
    }
}

extension [UInt8] {
    init(repeating part: [UInt8], count: Int) {
        self = (0..<count).flatMap { _ in part }
    }
}

extension Value {
    /// A value from a small universe, so that equal ones meet.
    static func random(from random: inout SplitMix64, in arena: inout Arena, depth: Int) -> Value {
        let numbers = [0.0, -0.0, 1, 1.5, -1, .nan, .infinity, 9_007_199_254_740_992, 1e300]
        let texts = ["", "a", "b", "ab", "é", "\u{1F600}"]
        switch random.next(in: 0..<(depth > 0 ? 10 : 7)) {
        case 0: return .nil
        case 1: return Value(random.chance(percent: 50))
        case 2: return Value(Int64(random.next(in: -2..<3)))
        case 3: return Value([Int64.min, .max, 9_007_199_254_740_993, 9_007_199_254_740_992][random.next(in: 0..<4)])
        case 4: return Value(numbers[random.next(in: 0..<numbers.count)])
        case 5, 6:
            let tag = [Value.Tag.string, .keyword, .symbol][random.next(in: 0..<3)]
            return arena.makeText(tag, utf8: texts[random.next(in: 0..<texts.count)]) ?? .nil
        case 7: return self.randomElements(.list, from: &random, in: &arena, depth: depth)
        case 8: return self.randomElements(.set, from: &random, in: &arena, depth: depth)
        default: return self.randomElements(.map, from: &random, in: &arena, depth: depth)
        }
    }

    /// Keys and members are distinct, as in all maps and sets.
    private static func randomElements(
        _ tag: Value.Tag,
        from random: inout SplitMix64,
        in arena: inout Arena,
        depth: Int
    ) -> Value {
        var values: [Value] = []
        var walk = ValueWalk()
        for _ in 0..<random.next(in: 0..<4) {
            let value = self.random(from: &random, in: &arena, depth: depth - 1)
            let keys = tag == .map ? stride(from: 0, to: values.count, by: 2).map { values[$0] } : values
            let isKnown = keys.contains { (try? Value.areEqual($0, value, asKeys: true, walk: &walk)) ?? true }
            if tag != .list, isKnown { continue }
            values.append(value)
            if tag == .map { values.append(self.random(from: &random, in: &arena, depth: depth - 1)) }
        }
        guard let elements = arena.makeElements(values.count) else { return .nil }
        for index in values.indices { elements[index] = values[index] }
        return Value(tag, of: elements)
    }
}
