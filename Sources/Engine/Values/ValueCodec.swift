/// The binary form of values: what is shuffled, spilled and stored.
///
/// | tag  | after it                                                             |
/// | ---- | -------------------------------------------------------------------- |
/// | 0x01 | nil: nothing                                                         |
/// | 0x02 | false: nothing                                                       |
/// | 0x03 | true: nothing                                                        |
/// | 0x04 | integer: 8 bytes LE                                                  |
/// | 0x05 | float: 8 bytes LE, the IEEE bit pattern                              |
/// | 0x06 | string: nested u32 LE length and bytes; outermost the rest of a slice |
/// | 0x07 | keyword: like a string                                               |
/// | 0x08 | symbol: like a string                                                |
/// | 0x09 | list: u32 LE count, then so many values                              |
/// | 0x0A | map: u32 LE count, then so many keys, each followed by its value     |
/// | 0x0B | set: u32 LE count, then so many values                               |
///
/// A *key* is the canonical form of a value: equal values, and no others, have equal bytes. Keywords become strings,
/// integral floats integers, NaN has one bit pattern, maps and sets are sorted.
package enum ValueCodec {
    enum Mark {
        static let `nil`: UInt8 = 1
        static let `false`: UInt8 = 2
        static let `true`: UInt8 = 3
        static let integer: UInt8 = 4
        static let float: UInt8 = 5
        static let string: UInt8 = 6
        static let keyword: UInt8 = 7
        static let symbol: UInt8 = 8
        static let list: UInt8 = 9
        static let map: UInt8 = 10
        static let set: UInt8 = 11
    }

    /// Longest encoding that a walk may append; beyond it the value is refused.
    package static let encodedBytesLimit = 1 << 30

    /// Appends a value as it is.
    ///
    /// - Throws: ``ValueWalkError``; the buffer then holds a part of the encoding that the caller truncates.
    @inline(__always)
    package static func encode(_ value: Value, into buffer: inout ByteBuffer) throws(ValueWalkError) {
        if value.has(.string) {
            buffer.append(Mark.string)
            buffer.append(value.text)
        } else {
            var encoder = ValueEncoder(asKeys: false, walk: ValueWalk())
            try encoder.append(value, to: &buffer, isNested: false, depth: 0)
        }
    }

    /// Appends the canonical form of a value.
    ///
    /// - Throws: ``ValueWalkError``; the buffer then holds a part of the encoding that the caller truncates.
    @inline(__always)
    package static func encodeKey(_ value: Value, into buffer: inout ByteBuffer) throws(ValueWalkError) {
        if value.isTextKey {
            buffer.append(Mark.string)
            buffer.append(value.text)
        } else {
            var walk = ValueWalk()
            try self.encodeKey(value, into: &buffer, walk: &walk)
        }
    }

    static func encodeKey(
        _ value: Value,
        into buffer: inout ByteBuffer,
        walk: inout ValueWalk
    ) throws(ValueWalkError) {
        var encoder = ValueEncoder(asKeys: true, walk: walk)
        defer { walk = encoder.walk }
        try encoder.append(value, to: &buffer, isNested: false, depth: 0)
    }

    /// A 64-bit hash of bytes that is the same on every machine and in every release.
    package static func hash(_ bytes: Bytes) -> UInt64 {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15 ^ UInt64(truncatingIfNeeded: bytes.count)
        var position = 0
        while position &+ 8 <= bytes.count {
            let word = unsafe UnsafeRawPointer(bytes.start + position).loadUnaligned(as: UInt64.self)
            state = self.mix(state ^ UInt64(littleEndian: word), 0xA076_1D64_78BD_642F)
            position &+= 8
        }
        var tail: UInt64 = 0
        var shift: UInt64 = 0
        while position < bytes.count {
            tail |= UInt64(bytes[position]) &<< shift
            shift &+= 8
            position &+= 1
        }
        return self.mix(self.mix(state ^ tail, 0xE703_7ED1_A0B4_28DB), 0x8EBC_6AF0_9C88_C6E3)
    }

    @inline(__always)
    private static func mix(_ value: UInt64, _ factor: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: factor)
        return product.high ^ product.low
    }
}

/// One encoding of one value.
struct ValueEncoder {
    let asKeys: Bool
    var walk: ValueWalk

    mutating func append(
        _ value: Value,
        to buffer: inout ByteBuffer,
        isNested: Bool,
        depth: Int
    ) throws(ValueWalkError) {
        switch value.tag {
        case .nil: buffer.append(ValueCodec.Mark.nil)
        case .boolean: buffer.append(value.bits == 0 ? ValueCodec.Mark.false : ValueCodec.Mark.true)
        case .integer: self.append(number: value.bits, mark: ValueCodec.Mark.integer, to: &buffer)
        case .float: self.append(float: value.float, to: &buffer)
        case .string: try self.append(value.text, mark: ValueCodec.Mark.string, to: &buffer, isNested)
        case .keyword:
            let mark = self.asKeys ? ValueCodec.Mark.string : ValueCodec.Mark.keyword
            try self.append(value.text, mark: mark, to: &buffer, isNested)
        case .symbol: try self.append(value.text, mark: ValueCodec.Mark.symbol, to: &buffer, isNested)
        case .list:
            try self.appendHeader(value, ValueCodec.Mark.list, to: &buffer, depth: depth)
            for index in 0..<value.count {
                try self.append(value.elements[index], to: &buffer, isNested: true, depth: depth + 1)
            }
        case .map: try self.appendGroups(value.pairs, by: 2, of: value, ValueCodec.Mark.map, to: &buffer, depth)
        case .set: try self.appendGroups(value.elements, by: 1, of: value, ValueCodec.Mark.set, to: &buffer, depth)
        case .function, .regex, .builtin, .stream, .handle: throw .notStorable(value.tag)
        }
    }

    private mutating func appendHeader(
        _ value: Value,
        _ mark: UInt8,
        to buffer: inout ByteBuffer,
        depth: Int
    ) throws(ValueWalkError) {
        try self.walk.visit(value.count &+ 1, depth: depth)
        guard let count = UInt32(exactly: value.count), buffer.count < ValueCodec.encodedBytesLimit else {
            throw .tooLarge
        }
        buffer.append(mark)
        buffer.append(littleEndian: count)
    }

    private func append(number bits: UInt64, mark: UInt8, to buffer: inout ByteBuffer) {
        buffer.append(mark)
        buffer.append(littleEndian: bits)
    }

    private func append(float: Double, to buffer: inout ByteBuffer) {
        if self.asKeys, let integer = Int64(exactly: float) {
            self.append(number: UInt64(bitPattern: integer), mark: ValueCodec.Mark.integer, to: &buffer)
        } else {
            let bits = self.asKeys && float.isNaN ? Double.nan.bitPattern : float.bitPattern
            self.append(number: bits, mark: ValueCodec.Mark.float, to: &buffer)
        }
    }

    private func append(
        _ text: Bytes,
        mark: UInt8,
        to buffer: inout ByteBuffer,
        _ isNested: Bool
    ) throws(ValueWalkError) {
        guard let count = UInt32(exactly: text.count), buffer.count < ValueCodec.encodedBytesLimit else {
            throw .tooLarge
        }
        buffer.append(mark)
        if isNested { buffer.append(littleEndian: count) }
        buffer.append(text)
    }

    /// Pairs of a map or members of a set: in their order, or sorted where the encoding is a key.
    private mutating func appendGroups(
        _ values: Elements,
        by size: Int,
        of collection: Value,
        _ mark: UInt8,
        to buffer: inout ByteBuffer,
        _ depth: Int
    ) throws(ValueWalkError) {
        try self.appendHeader(collection, mark, to: &buffer, depth: depth)
        guard self.asKeys else {
            for index in 0..<values.count {
                try self.append(values[index], to: &buffer, isNested: true, depth: depth + 1)
            }
            return
        }
        var groups = ByteBuffer()
        var ends: [Int] = [0]
        for index in 0..<values.count {
            try self.append(values[index], to: &groups, isNested: true, depth: depth + 1)
            if (index + 1) % size == 0 { ends.append(groups.count) }
        }
        let bytes = groups.bytes
        let order = (0..<(ends.count - 1)).sorted {
            ValueCodec.compareNestedKeys(bytes.slice(ends[$0], ends[$0 + 1]), bytes.slice(ends[$1], ends[$1 + 1])) < 0
        }
        for index in order { buffer.append(bytes.slice(ends[index], ends[index + 1])) }
    }
}
