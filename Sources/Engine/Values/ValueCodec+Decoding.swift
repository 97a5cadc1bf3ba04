/// Why bytes couldn't be turned into a value.
package enum ValueDecodingError: Error, Hashable, Sendable {
    /// The bytes end inside a value.
    case truncated(offset: Int)
    case unknownTag(UInt8, offset: Int)
    /// Bytes follow after the value.
    case trailingBytes(offset: Int)
    /// Nested deeper than ``ValueWalk/depthLimit``.
    case tooDeep(offset: Int)
    /// The fields of an aggregate state contradict each other.
    case impossible(offset: Int)
    /// The arena is full.
    case outOfMemory
}

extension ValueCodec {
    /// Whether decoded text points at the encoded bytes or is copied.
    package enum TextStorage: Sendable {
        /// The caller keeps the encoded bytes alive as long as the value.
        case borrowed
        case copied
    }

    /// The value of exactly these bytes, built in `arena`.
    package static func decode(
        _ bytes: Bytes,
        in arena: inout Arena,
        text: TextStorage
    ) throws(ValueDecodingError) -> Value {
        var decoder = ValueDecoder(bytes: bytes, text: text)
        guard bytes.count > 0 else { throw .truncated(offset: 0) }
        if let tag = decoder.textTag(bytes[0]) {
            return try decoder.makeText(tag, bytes.slice(1, bytes.count), in: &arena)
        }
        let value = try decoder.decode(in: &arena, depth: 0)
        guard decoder.offset == bytes.count else { throw .trailingBytes(offset: decoder.offset) }
        return value
    }
}

private struct ValueDecoder {
    let bytes: Bytes
    let text: ValueCodec.TextStorage
    var offset = 0
    /// Elements of the collections around that are still to come.
    private var promisedCount = 0

    init(bytes: Bytes, text: ValueCodec.TextStorage) {
        self.bytes = bytes
        self.text = text
    }

    func textTag(_ mark: UInt8) -> Value.Tag? {
        switch mark {
        case ValueCodec.Mark.string: .string
        case ValueCodec.Mark.keyword: .keyword
        case ValueCodec.Mark.symbol: .symbol
        default: nil
        }
    }

    func makeText(_ tag: Value.Tag, _ slice: Bytes, in arena: inout Arena) throws(ValueDecodingError) -> Value {
        switch self.text {
        case .borrowed: return Value(tag, text: slice)
        case .copied:
            guard let value = arena.makeText(tag, copying: slice) else { throw .outOfMemory }
            return value
        }
    }

    mutating func decode(in arena: inout Arena, depth: Int) throws(ValueDecodingError) -> Value {
        guard depth <= ValueWalk.depthLimit else { throw .tooDeep(offset: self.offset) }
        guard self.offset < self.bytes.count else { throw .truncated(offset: self.offset) }
        let mark = self.bytes[self.offset]
        self.offset += 1
        if let tag = self.textTag(mark) { return try self.decodeText(tag, in: &arena) }
        switch mark {
        case ValueCodec.Mark.nil: return .nil
        case ValueCodec.Mark.false: return .false
        case ValueCodec.Mark.true: return .true
        case ValueCodec.Mark.integer: return Value(.integer, bits: try self.number(UInt64.self))
        case ValueCodec.Mark.float: return Value(.float, bits: try self.number(UInt64.self))
        case ValueCodec.Mark.list: return try self.decodeElements(.list, perEntry: 1, in: &arena, depth: depth)
        case ValueCodec.Mark.map: return try self.decodeElements(.map, perEntry: 2, in: &arena, depth: depth)
        case ValueCodec.Mark.set: return try self.decodeElements(.set, perEntry: 1, in: &arena, depth: depth)
        default: throw .unknownTag(mark, offset: self.offset - 1)
        }
    }

    private mutating func number<Number: FixedWidthInteger & BitwiseCopyable>(
        _ type: Number.Type
    ) throws(ValueDecodingError) -> Number {
        let size = MemoryLayout<Number>.size
        guard self.bytes.count - self.offset >= size else { throw .truncated(offset: self.offset) }
        defer { self.offset += size }
        return self.bytes.littleEndian(Number.self, at: self.offset)
    }

    private mutating func decodeText(_ tag: Value.Tag, in arena: inout Arena) throws(ValueDecodingError) -> Value {
        let count = Int(try self.number(UInt32.self))
        guard count <= self.bytes.count - self.offset else { throw .truncated(offset: self.offset) }
        defer { self.offset += count }
        return try self.makeText(tag, self.bytes.slice(self.offset, self.offset + count), in: &arena)
    }

    private mutating func decodeElements(
        _ tag: Value.Tag,
        perEntry: Int,
        in arena: inout Arena,
        depth: Int
    ) throws(ValueDecodingError) -> Value {
        let count = Int(try self.number(UInt32.self)) * perEntry
        // Every value takes a byte at least: a count beyond what is left can't be true, and isn't allocated for.
        guard count <= self.bytes.count - self.offset - self.promisedCount else {
            throw .truncated(offset: self.offset)
        }
        guard let elements = arena.makeElements(count) else { throw .outOfMemory }
        self.promisedCount += count
        for index in 0..<count {
            self.promisedCount -= 1
            elements[index] = try self.decode(in: &arena, depth: depth + 1)
        }
        return Value(tag, of: elements)
    }
}
