import CoreTypes
import WireFormat

@testable import Engine

/// A key as the tests' models know it, in the order that `sort` has.
indirect enum TestKey: Hashable, Comparable, CustomStringConvertible {
    case `nil`
    case boolean(Bool)
    case integer(Int64)
    /// Never integral: those are integers.
    case float(Double)
    case text([UInt8])
    case list([TestKey])

    private var rank: Int {
        switch self {
        case .nil: 0
        case .boolean: 1
        case .integer, .float: 2
        case .text: 3
        case .list: 4
        }
    }

    static func < (left: TestKey, right: TestKey) -> Bool {
        switch (left, right) {
        case (.boolean(let a), .boolean(let b)): !a && b
        case (.integer(let a), .integer(let b)): a < b
        case (.float(let a), .float(let b)): a < b
        // The tests' numbers are small enough for this to be exact.
        case (.integer(let a), .float(let b)): Double(a) < b
        case (.float(let a), .integer(let b)): a < Double(b)
        case (.text(let a), .text(let b)): a.lexicographicallyPrecedes(b)
        case (.list(let a), .list(let b)): a.lexicographicallyPrecedes(b)
        default: left.rank < right.rank
        }
    }

    var isText: Bool {
        if case .text = self { true } else { false }
    }

    var description: String {
        switch self {
        case .nil: "null"
        case .boolean(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .float(let value): "\(value)"
        case .text(let bytes): "\"" + String(decoding: bytes, as: UTF8.self) + "\""
        case .list(let members): "[" + members.map(\.description).joined(separator: ",") + "]"
        }
    }

    func value(in arena: inout Arena) -> Value {
        switch self {
        case .nil: return .nil
        case .boolean(let value): return Value(value)
        case .integer(let value): return Value(value)
        case .float(let value): return Value(value)
        case .text(let bytes):
            return unsafe bytes.withUnsafeBufferPointer { buffer in
                guard let start = buffer.baseAddress else { return arena.text(.string, "") }
                return unsafe arena.makeText(.string, copying: Bytes(start: start, count: buffer.count)) ?? .nil
            }
        case .list(let members):
            guard let elements = arena.makeElements(members.count) else { return .nil }
            for (index, member) in members.enumerated() { elements[index] = member.value(in: &arena) }
            return Value(.list, of: elements)
        }
    }

    /// The text, or the canonical encoding.
    var bytes: [UInt8] {
        if case .text(let bytes) = self { return bytes }
        var arena = Arena(limitBytes: 1 << 20)
        var buffer = ByteBuffer()
        // These keys can be encoded.
        try? ValueCodec.encodeKey(self.value(in: &arena), into: &buffer)
        return buffer.bytes.array
    }
}

/// Keys that stay where they are, with room to read behind them.
@safe
final class KeyMemory {
    private var copies: [UnsafeMutableRawPointer]

    init() {
        unsafe self.copies = []
    }

    deinit {
        for index in 0..<(unsafe self.copies.count) { unsafe self.copies[index].deallocate() }
    }

    /// The words of a key and, where it is long, its bytes.
    func words(of key: TestKey) -> (words: KeyWords, long: UnsafeRawPointer?) {
        let bytes = key.bytes
        let copy = unsafe self.copy(bytes)
        let words = unsafe KeyWords(copy, count: bytes.count, isText: key.isText)
        return unsafe (words, words.isLong ? copy : nil)
    }

    func copy(_ bytes: [UInt8]) -> UnsafeRawPointer {
        let copy = UnsafeMutableRawPointer.allocate(byteCount: bytes.count + 32, alignment: 16)
        unsafe UnsafeMutableRawBufferPointer(start: copy, count: bytes.count).copyBytes(from: bytes)
        unsafe self.copies.append(copy)
        return UnsafeRawPointer(copy)
    }
}

/// A key with a payload, as batches and runs hold them.
struct TestRow: Hashable {
    let key: TestKey
    let payload: [UInt8]
}

extension RecordBatch {
    /// A batch of rows in this order.
    static func make(_ rows: [TestRow], form: RecordBatch.Form = .value) -> RecordBatch {
        let memory = KeyMemory()
        let batch = RecordBatch(form: form, capacity: 4_096)
        for row in rows {
            let (words, long) = unsafe memory.words(of: row.key)
            let payload = unsafe batch.append(
                words.a,
                words.b,
                key: long,
                keyBytes: unsafe long == nil ? 0 : words.count,
                payloadBytes: row.payload.count
            )
            unsafe UnsafeMutableRawBufferPointer(start: payload, count: row.payload.count).copyBytes(from: row.payload)
        }
        return batch
    }
}

extension TestKey {
    /// A key of one of many types and lengths, out of not too many.
    static func random(_ random: inout SplitMix64) -> TestKey {
        switch random.next(in: 0..<12) {
        case 0: .nil
        case 1: .boolean(random.chance(percent: 50))
        case 2, 3: .integer(Int64(random.next(in: -300..<300)))
        case 4: .float(Double(random.next(in: -300..<300)) + 0.25)
        case 5, 6: .text(Self.text(random.next(in: 0..<4), &random))
        case 7, 8: .text(Self.text(random.next(in: 4..<17), &random))
        case 9, 10: .text(Array("a prefix that many share ".utf8) + Self.text(random.next(in: 0..<3), &random))
        default: .list((0..<random.next(in: 0..<3)).map { _ in Self.random(&random) })
        }
    }

    private static func text(_ count: Int, _ random: inout SplitMix64) -> [UInt8] {
        // With a zero byte, which mustn't be taken for padding, and one beyond ASCII, which is no negative number.
        let alphabet: [UInt8] = [0, 97, 98, 0xC3, 0xFF]
        return (0..<count).map { _ in alphabet[random.next(in: 0..<alphabet.count)] }
    }
}
