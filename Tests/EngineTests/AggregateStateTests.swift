import CoreTypes
import Testing

@testable import Engine

@Suite struct AggregateStateTests {
    /// Equal numbers of both types, and zeros of both signs.
    private static let numbers = [
        Value(Int64(1)), Value(1.0), Value(Int64(0)), Value(0.0), Value(-0.0), Value(Int64(-1)), Value(-1.0),
    ]

    @Test(arguments: 0..<UInt64(300))
    func `extremes don't depend on the order in which equal numbers come or states meet`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let values = (0..<random.next(in: 1..<7)).map { _ in Self.numbers[random.next(in: 0..<Self.numbers.count)] }
        let expected = Self.extremes(of: Self.aggregated(values[...]))

        for _ in 0..<8 {
            let shuffled = values.map { ($0, random.next()) }.sorted { $0.1 < $1.1 }.map(\.0)
            let cut = random.next(in: 0..<(values.count + 1))
            var state = try Self.travelled(Self.aggregated(shuffled[..<cut]))
            state.merge(try Self.travelled(Self.aggregated(shuffled[cut...])))

            #expect(Self.extremes(of: state) == expected, "replay with seed \(seed)")
        }
    }

    @Test func `of equal numbers the integer is the answer, and a negative zero the smaller one`() {
        #expect(Self.extremes(of: Self.aggregated([Value(1.0), Value(Int64(1))])) == ["1", "1"])
        #expect(Self.extremes(of: Self.aggregated([Value(0.0), Value(-0.0)])) == ["-0.0", "0.0"])
        #expect(Self.extremes(of: Self.aggregated([Value(-0.0), Value(0.0), Value(Int64(0))])) == ["0", "0"])
    }

    @Test func `a state that was cut or lengthened is refused`() throws {
        var arena = Arena(limitBytes: 1 << 20)
        let bytes = Self.encoded(Self.aggregated([Value(Int64(3)), Value(1.5), arena.text(.string, "text")]))

        for count in 0..<bytes.count { #expect(throws: ValueDecodingError.self) { try Self.decoded(bytes[..<count]) } }
        #expect(throws: ValueDecodingError.trailingBytes(offset: bytes.count)) { try Self.decoded(bytes + [0]) }
        #expect(throws: Never.self) { try Self.decoded(bytes[...]) }
    }

    @Test(arguments: [
        (15, 0x60, ValueDecodingError.impossible(offset: 0)),
        (47, 0x80, .impossible(offset: 40)),
        (48, 0x09, .impossible(offset: 40)),
        (56, 0x04, .impossible(offset: 56)),
        (57, 0x80, .impossible(offset: 56)),
        (59, 0x00, .impossible(offset: 60)),
        (64, 0x01, .trailingBytes(offset: 1)),
        (64, 0x05, .impossible(offset: 60)),
    ])
    func `fields that contradict each other are refused`(_ row: (Int, UInt8, ValueDecodingError)) {
        var bytes = Self.encoded(Self.aggregated([Value(Int64(3)), Value(Int64(4))]))
        bytes[row.0] = row.1

        #expect(throws: row.2) { try Self.decoded(bytes[...]) }
    }

    @Test(arguments: 0..<UInt64(200))
    func `a damaged state is refused, or one that can be used and written`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var arena = Arena(limitBytes: 1 << 20)
        let values = (0..<random.next(in: 0..<5)).map { _ in Value.random(from: &random, in: &arena, depth: 1) }
        var bytes = Self.encoded(Self.aggregated(values[...]))
        for _ in 0..<random.next(in: 1..<4) {
            bytes[random.next(in: 0..<bytes.count)] = UInt8(truncatingIfNeeded: random.next())
        }

        // Whether it is refused depends on the seed.
        guard var state = try? Self.decoded(bytes[...]) else { return }
        state.merge(state)
        _ = (state.sum(), state.mean(), state.minimumValue(), state.maximumValue())

        #expect(Self.encoded(state).count >= 60, "replay with seed \(seed)")
    }
}

extension AggregateStateTests {
    static func aggregated(_ values: ArraySlice<Value>) -> AggregateState {
        var state = AggregateState()
        for value in values { state.add(value) }
        return state
    }

    static func encoded(_ state: AggregateState) -> [UInt8] {
        var buffer = ByteBuffer()
        state.encode(into: &buffer)
        return buffer.bytes.array
    }

    /// Only for states whose text is not looked at.
    @discardableResult
    static func decoded(_ bytes: ArraySlice<UInt8>) throws -> AggregateState {
        var buffer = ByteBuffer()
        var arena = Arena(limitBytes: 1 << 20)
        for byte in bytes { buffer.append(byte) }
        var state = try AggregateState(decoding: buffer.bytes, in: &arena)
        // The bytes go away: text among the extremes becomes one that stays.
        let text: StaticString = "kept"
        let kept = unsafe Bytes(start: text.utf8Start, count: text.utf8CodeUnitCount)
        state.moveTexts(minimum: state.minimumText.map { _ in kept }, maximum: state.maximumText.map { _ in kept })
        return state
    }

    static func travelled(_ state: AggregateState) throws -> AggregateState {
        try self.decoded(self.encoded(state)[...])
    }

    static func extremes(of state: AggregateState) -> [String] {
        [state.minimumValue(), state.maximumValue()].map { result in
            guard case .value(let value) = result else { return "error" }
            var buffer = ByteBuffer()
            var text = ValueText()
            // Numbers can always be shown.
            try? text.append(value, to: &buffer)
            return buffer.bytes.string
        }
    }
}
