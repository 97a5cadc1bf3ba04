import CoreTypes
import FluentSyntax
import JobPlan
import Testing

@testable import Engine

/// Records of some keys, and what a number of aggregates over their values come to, computed from lists.
final class TableWorld {
    struct TestRecord {
        let key: TestKey
        let time: Int64
        /// Of each column.
        let values: [Value]
    }

    let layout: WindowLayout
    private(set) var records: [TestRecord] = []

    /// The records, dealt to some tables.
    private(set) var shares: [[TestRecord]] = []
    private let memory = KeyMemory()
    private var arena = Arena(limitBytes: 64 << 20)
    private let seed: UInt64

    private static let columnCount = 2

    init(seed: UInt64, recordLimit: Int = 120) {
        var random = SplitMix64(seed: seed)
        self.seed = seed
        self.layout = WindowLayout((0..<random.next(in: 1..<8)).map { _ in Self.randomAggregate(&random) })
        let keys = (0..<random.next(in: 1..<8)).map { _ in TestKey.random(&random) }
        let kinds = (0..<Self.columnCount).map { _ in ValueKind.all[random.next(in: 0..<ValueKind.all.count)] }
        let shareCount = random.next(in: 1..<6)
        self.shares = Array(repeating: [], count: shareCount)
        for _ in 0..<random.next(in: 1..<recordLimit) {
            let record = TestRecord(
                key: keys[random.next(in: 0..<keys.count)],
                time: Int64(random.next(in: -6..<6)),
                values: kinds.map { self.randomValue($0, &random) }
            )
            self.records.append(record)
            self.shares[random.next(in: 0..<shareCount)].append(record)
        }
    }

    private static func randomAggregate(_ random: inout SplitMix64) -> WindowAggregate {
        let functions: [WindowAggregate.Function] = [
            .count, .countDistinct, .countDistinctApproximate, .sum, .min, .max, .mean, .first, .last, .collect,
            .top(random.next(in: 0..<4)), .quantile([0, 0.25, 0.5, 0.99, 1][random.next(in: 0..<5)]),
        ]
        let function = functions[random.next(in: 0..<functions.count)]
        let needsColumn = function != .count || random.chance(percent: 60)
        return .make(
            function,
            column: needsColumn ? random.next(in: 0..<Self.columnCount) : nil,
            skipsNil: random.chance(percent: 50)
        )
    }

    // MARK: Values

    private enum ValueKind {
        case integers
        case largeIntegers
        case numbers
        case numbersOrNil
        case texts
        case anything

        static let all: [ValueKind] = [.integers, .largeIntegers, .numbers, .numbersOrNil, .texts, .anything]
    }

    private func randomValue(_ kind: ValueKind, _ random: inout SplitMix64) -> Value {
        switch kind {
        case .integers: return Value(Int64(random.next(in: -50..<50)))
        case .largeIntegers: return Value([Int64.min, .max, .max / 2, -1, 0][random.next(in: 0..<5)])
        case .numbers:
            let floats = [0.5, -0.0, 1e15, 0.1, 3.0, .nan]
            return random.chance(percent: 50)
                ? Value(Int64(random.next(in: -5..<5)))
                : Value(floats[random.next(in: 0..<(random.chance(percent: 10) ? 6 : 5))])
        case .numbersOrNil: return random.chance(percent: 30) ? .nil : self.randomValue(.numbers, &random)
        case .texts:
            let length = random.chance(percent: 20) ? random.next(in: 0..<400) : random.next(in: 0..<20)
            let letter = ["a", "b", "é"][random.next(in: 0..<3)]
            return self.text(.string, String(repeating: letter, count: length))
        case .anything: return Value.random(from: &random, in: &self.arena, depth: 2)
        }
    }

    func text(_ tag: Value.Tag, _ text: String) -> Value { self.arena.makeText(tag, utf8: text) ?? .nil }

    func list(_ values: [Value]) -> Value {
        guard let elements = self.arena.makeElements(values.count) else { return .nil }
        for index in values.indices { elements[index] = values[index] }
        return Value(.list, of: elements)
    }

    func map(_ pairs: [(String, Int64)]) -> Value {
        guard let elements = self.arena.makeElements(pairs.count * 2) else { return .nil }
        for (index, pair) in pairs.enumerated() {
            elements[index * 2] = self.text(.string, pair.0)
            elements[index * 2 + 1] = Value(pair.1)
        }
        return Value(.map, of: elements)
    }

    // MARK: The table

    func add(_ record: TestRecord, to box: SliceBox) {
        let (words, long) = unsafe self.memory.words(of: record.key)
        let states = unsafe box.table.states(of: words, longKey: long)
        for column in self.layout.columns {
            Self.withEncoding(record.values[column.aggregate.column ?? 0]) { value, encoding in
                unsafe box.table.add(value, encoding, time: record.time, to: states, column: column)
            }
        }
    }

    /// Calls `body` with a value as it waits among emitted pairs: a scalar, or a tag and the encoding.
    static func withEncoding(_ value: Value, _ body: (Value, Bytes?) -> Void) {
        guard !value.isScalar else { return body(value, nil) }
        var buffer = ByteBuffer()
        // These values can be encoded.
        try? ValueCodec.encode(value, into: &buffer)
        body(Value(value.tag, bits: 0, count: buffer.count), buffer.bytes)
    }

    /// Calls `body` with bytes that lie alone, so that reading beyond them is found where somebody looks for it.
    static func withBytes<Failure: Error>(
        _ bytes: [UInt8],
        _ body: (Bytes) throws(Failure) -> Void
    ) throws(Failure) {
        let copy = UnsafeMutableRawPointer.allocate(byteCount: max(bytes.count, 1), alignment: 16)
        defer { unsafe copy.deallocate() }
        unsafe UnsafeMutableRawBufferPointer(start: copy, count: bytes.count).copyBytes(from: bytes)
        try body(unsafe Bytes(start: UnsafePointer(copy.assumingMemoryBound(to: UInt8.self)), count: bytes.count))
    }

    static func damage(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
        guard !bytes.isEmpty else { return }
        for _ in 0..<random.next(in: 1..<4) {
            switch random.next(in: 0..<5) {
            case 0: bytes.removeLast(random.next(in: 0..<bytes.count))
            case 1: bytes += [UInt8](repeating: 0xFF, count: random.next(in: 1..<9))
            default:
                // Lengths and flags lie at the front.
                let position = random.next(in: 0..<(random.chance(percent: 50) ? min(bytes.count, 30) : bytes.count))
                bytes[position] =
                    [0, 1, 2, 0x7F, 0xFF, UInt8(truncatingIfNeeded: random.next())][random.next(in: 0..<6)]
            }
            if bytes.isEmpty { return }
        }
    }

    /// What every column of a key comes to.
    func results(_ box: SliceBox, _ payload: UnsafeRawPointer) -> [String] {
        var arena = Arena(limitBytes: 1 << 22)
        let states = unsafe payload.assumingMemoryBound(to: UInt64.self)
        return self.layout.columns.map { unsafe Self.result(of: $0, box, states, &arena) }
    }

    private static func result(
        of column: WindowLayout.Column,
        _ box: SliceBox,
        _ states: UnsafePointer<UInt64>,
        _ arena: inout Arena
    ) -> String {
        do {
            return self.shown(try unsafe box.table.result(of: column, states, in: &arena))
        } catch {
            return self.shown(error.code)
        }
    }

    func check(_ box: SliceBox, holds records: [TestRecord]) {
        let byKey = Dictionary(grouping: records, by: \.key)
        var found: [[UInt8]] = []
        box.table.forEachRow { row in
            var arena = Arena(limitBytes: 1 << 10)
            // A short key is 16 bytes in the arena.
            found.append(((try? row.bytes(in: &arena).array) ?? []) + [row.key.isText ? 1 : 0])
        }
        #expect(box.table.keyCount == byKey.count, "seed \(self.seed)")
        #expect(Set(found) == Set(byKey.keys.map { $0.bytes + [$0.isText ? 1 : 0] }), "seed \(self.seed)")
        #expect(found.count == byKey.count, "seed \(self.seed)")
        for (key, records) in byKey {
            let (words, long) = unsafe self.memory.words(of: key)
            guard let states = unsafe box.table.existingStates(of: words, longKey: long) else {
                Issue.record("\(key) is missing, seed \(self.seed)")
                continue
            }
            let results = unsafe self.results(box, UnsafeRawPointer(states))
            for (column, result) in zip(self.layout.columns, results) {
                let expected = self.expected(column.aggregate, records)
                let isRight = expected.contains(result)
                #expect(isRight, "\(column.aggregate) of \(key): \(result), not \(expected), seed \(self.seed)")
            }
        }
    }
}
