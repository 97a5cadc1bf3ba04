extension Value {
    /// Negative, zero or positive: the total order of `sort`.
    ///
    /// nil < booleans < numbers (NaN last) < strings and keywords < symbols < lists < maps < sets < the rest, which ties.
    package static func compare(
        _ left: Value,
        _ right: Value,
        walk: inout ValueWalk,
        depth: Int = 0
    ) throws(ValueWalkError) -> Int {
        let rank = left.orderRank &- right.orderRank
        if rank != 0 { return rank }
        switch left.tag {
        case .string, .keyword, .symbol: return Bytes.compare(left.text, right.text)
        case .integer, .float: return self.compareNumbers(left, right)
        case .boolean: return Int(left.bits) &- Int(right.bits)
        case .list: return try self.compareLists(left, right, walk: &walk, depth: depth + 1)
        case .map, .set: return try self.compareUnordered(left, right, walk: &walk)
        case .nil, .function, .regex, .builtin, .stream, .handle: return 0
        }
    }

    /// Numbers by exact value, NaN after all others and equal to itself.
    package static func compareNumbers(_ left: Value, _ right: Value) -> Int {
        if left.has(.integer), right.has(.integer) {
            return left.integer < right.integer ? -1 : (left.integer > right.integer ? 1 : 0)
        }
        let leftIsNaN = left.has(.float) && left.float.isNaN
        let rightIsNaN = right.has(.float) && right.float.isNaN
        if leftIsNaN || rightIsNaN { return (leftIsNaN ? 1 : 0) &- (rightIsNaN ? 1 : 0) }
        if left.has(.integer) { return self.compare(left.integer, right.float) }
        if right.has(.integer) { return -self.compare(right.integer, left.float) }
        return left.float < right.float ? -1 : (left.float > right.float ? 1 : 0)
    }

    /// Whether `min` and `max` answer `value` and not `kept` where the two are equal numbers: an integer before a float,
    /// of zeros the negative one as the smaller, so that the answer doesn't depend on which came first.
    static func winsTie(_ value: Value, against kept: Value, asMaximum: Bool) -> Bool {
        let isOther = value.bits != kept.bits || value.rawTag != kept.rawTag
        guard isOther, value.isNumber, kept.isNumber else { return false }
        guard !value.isNaN, !kept.isNaN, self.compareNumbers(value, kept) == 0 else { return false }
        if value.has(.integer) || kept.has(.integer) { return value.has(.integer) }
        return value.float.sign == (asMaximum ? .plus : .minus)
    }

    /// An integer with a float that isn't NaN, without rounding.
    private static func compare(_ integer: Int64, _ float: Double) -> Int {
        if float >= 0x1p63 { return -1 }
        if float < -0x1p63 { return 1 }
        let truncated = Int64(float)
        if integer != truncated { return integer < truncated ? -1 : 1 }
        let fraction = float - Double(truncated)
        return fraction > 0 ? -1 : (fraction < 0 ? 1 : 0)
    }

    private var orderRank: Int {
        switch self.tag {
        case .nil: 0
        case .boolean: 1
        case .integer, .float: 2
        case .string, .keyword: 3
        case .symbol: 4
        case .list: 5
        case .map: 6
        case .set: 7
        case .function, .regex, .builtin, .stream, .handle: 8
        }
    }

    private static func compareLists(
        _ left: Value,
        _ right: Value,
        walk: inout ValueWalk,
        depth: Int
    ) throws(ValueWalkError) -> Int {
        let shared = min(left.count, right.count)
        try walk.visit(shared, depth: depth)
        let a = left.elements
        let b = right.elements
        for index in 0..<shared {
            let order = try self.compare(a[index], b[index], walk: &walk, depth: depth)
            if order != 0 { return order }
        }
        return left.count &- right.count
    }

    /// Maps and sets are compared in their canonical form, which is sorted.
    private static func compareUnordered(
        _ left: Value,
        _ right: Value,
        walk: inout ValueWalk
    ) throws(ValueWalkError) -> Int {
        var a = ByteBuffer()
        var b = ByteBuffer()
        try ValueCodec.encodeKey(left, into: &a, walk: &walk)
        try ValueCodec.encodeKey(right, into: &b, walk: &walk)
        return ValueCodec.compareEncodedKeys(a.bytes, b.bytes)
    }
}
