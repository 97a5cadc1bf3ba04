extension ValueCodec {
    /// Negative, zero or positive: the order of `sort` on outermost keys that ``encodeKey(_:into:)`` wrote.
    ///
    /// Bytes that aren't an encoding are ordered somehow, never read beyond.
    package static func compareEncodedKeys(_ left: Bytes, _ right: Bytes) -> Int {
        guard left.count > 0, right.count > 0 else { return left.count &- right.count }
        let rank = self.rank(left[0]) &- self.rank(right[0])
        if rank != 0 { return rank }
        if self.rank(left[0]) == Self.textRank || left[0] == Mark.symbol {
            return Bytes.compare(left.slice(1, left.count), right.slice(1, right.count))
        }
        return self.compareNestedKeys(left, right)
    }

    /// The same for values inside a collection.
    static func compareNestedKeys(_ left: Bytes, _ right: Bytes) -> Int {
        var comparison = KeyComparison(left: left, right: right)
        return comparison.compare(depth: 0) ?? Bytes.compare(left, right)
    }

    fileprivate static let textRank = 3

    fileprivate static func rank(_ mark: UInt8) -> Int {
        switch mark {
        case Mark.nil: 0
        case Mark.false, Mark.true: 1
        case Mark.integer, Mark.float: 2
        case Mark.string, Mark.keyword: Self.textRank
        case Mark.symbol: 4
        default: Int(mark)
        }
    }
}

/// Two cursors that walk two encodings in step.
private struct KeyComparison {
    let left: Bytes
    let right: Bytes
    var leftOffset = 0
    var rightOffset = 0

    init(left: Bytes, right: Bytes) {
        self.left = left
        self.right = right
    }

    /// Nil where the bytes are no encoding.
    mutating func compare(depth: Int) -> Int? {
        guard depth <= ValueWalk.depthLimit, self.leftOffset < self.left.count, self.rightOffset < self.right.count
        else { return nil }
        let a = self.left[self.leftOffset]
        let b = self.right[self.rightOffset]
        self.leftOffset += 1
        self.rightOffset += 1
        let rank = ValueCodec.rank(a) &- ValueCodec.rank(b)
        if rank != 0 { return rank }
        switch a {
        case ValueCodec.Mark.nil: return 0
        case ValueCodec.Mark.false, ValueCodec.Mark.true: return Int(a) - Int(b)
        case ValueCodec.Mark.integer, ValueCodec.Mark.float: return self.compareNumbers(a, b)
        case ValueCodec.Mark.string, ValueCodec.Mark.keyword, ValueCodec.Mark.symbol: return self.compareTexts()
        case ValueCodec.Mark.list, ValueCodec.Mark.set: return self.compareElements(perEntry: 1, depth: depth)
        case ValueCodec.Mark.map: return self.compareElements(perEntry: 2, depth: depth)
        default: return nil
        }
    }

    private mutating func compareNumbers(_ a: UInt8, _ b: UInt8) -> Int? {
        guard self.leftOffset + 8 <= self.left.count, self.rightOffset + 8 <= self.right.count else { return nil }
        let leftBits = self.left.littleEndian(UInt64.self, at: self.leftOffset)
        let rightBits = self.right.littleEndian(UInt64.self, at: self.rightOffset)
        self.leftOffset += 8
        self.rightOffset += 8
        return Value.compareNumbers(
            Value(a == ValueCodec.Mark.integer ? .integer : .float, bits: leftBits),
            Value(b == ValueCodec.Mark.integer ? .integer : .float, bits: rightBits)
        )
    }

    private mutating func compareTexts() -> Int? {
        guard let a = Self.text(of: self.left, at: &self.leftOffset) else { return nil }
        guard let b = Self.text(of: self.right, at: &self.rightOffset) else { return nil }
        return Bytes.compare(a, b)
    }

    private static func text(of bytes: Bytes, at offset: inout Int) -> Bytes? {
        guard let count = Self.count(of: bytes, at: &offset), offset + count <= bytes.count else { return nil }
        defer { offset += count }
        return bytes.slice(offset, offset + count)
    }

    private static func count(of bytes: Bytes, at offset: inout Int) -> Int? {
        guard offset + 4 <= bytes.count else { return nil }
        defer { offset += 4 }
        return Int(bytes.littleEndian(UInt32.self, at: offset))
    }

    private mutating func compareElements(perEntry: Int, depth: Int) -> Int? {
        guard let leftCount = Self.count(of: self.left, at: &self.leftOffset) else { return nil }
        guard let rightCount = Self.count(of: self.right, at: &self.rightOffset) else { return nil }
        for _ in 0..<(min(leftCount, rightCount) * perEntry) {
            guard let order = self.compare(depth: depth + 1) else { return nil }
            if order != 0 { return order }
        }
        return leftCount - rightCount
    }
}

extension Bytes {
    /// The number at an offset that the caller has checked.
    @inline(__always)
    func littleEndian<Number: FixedWidthInteger & BitwiseCopyable>(_ type: Number.Type, at offset: Int) -> Number {
        Number(littleEndian: unsafe UnsafeRawPointer(self.start + offset).loadUnaligned(as: Number.self))
    }
}
