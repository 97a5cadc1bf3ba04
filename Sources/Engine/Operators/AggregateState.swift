/// What an aggregate has seen so far of one key: enough to merge with what another subtask saw, in any order.
///
/// One state serves every kind of aggregate. Integers are summed in 128 bits and floats in double-double, so that the
/// order in which partial states meet doesn't show in the printed digits.
///
/// Source: Dekker, "A floating-point technique for extending the available precision", 1971, for the float sum.
///
/// What every value changes lies in the first 64 bytes, a line of the cache; the extremes lie behind it.
package struct AggregateState: BitwiseCopyable, Sendable {
    private(set) var integerSum: Int128 = 0
    private(set) var floatHigh = 0.0
    private(set) var floatLow = 0.0
    /// The plain sum: what is answered where the exact one isn't finite.
    private(set) var floatPlain = 0.0
    package private(set) var count: Int64 = 0
    private(set) var floatCount: Int64 = 0

    /// The tags of values that weren't numbers, one bit each.
    private var oddTags: UInt32 = 0
    private var hasNumber = false
    private var hasNaN = false

    /// The smallest and largest value, nil until one was seen.
    private var minimum = Value.nil
    private var maximum = Value.nil

    package init() {}

    /// Bytes of all but the extremes, which come last.
    static let totalsBytes = 64

    /// What ``storeTotals(to:)`` stored, without extremes.
    @inline(__always)
    init(totalsAt address: UnsafeRawPointer) {
        self.init()
        unsafe withUnsafeMutableBytes(of: &self) { bytes in
            unsafe bytes.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Self.totalsBytes))
        }
    }

    /// Stores all but the extremes.
    @inline(__always)
    func storeTotals(to address: UnsafeMutableRawPointer) {
        unsafe withUnsafeBytes(of: self) { bytes in
            unsafe address.copyMemory(from: bytes.baseAddress.unsafelyUnwrapped, byteCount: Self.totalsBytes)
        }
    }

    /// Takes one value, whose text must outlive the state; extremes are kept where anybody will ask for them.
    @inline(__always)
    package mutating func add(_ value: Value, keepsExtremes: Bool = true) {
        self.count &+= 1
        switch value.tag {
        case .integer:
            self.integerSum &+= Int128(value.integer)
            if keepsExtremes { self.addExtremum(value) }
            self.hasNumber = true
        case .float:
            self.addFloat(high: value.float, low: 0)
            self.floatPlain += value.float
            self.hasNaN = self.hasNaN || value.float.isNaN
            self.floatCount &+= 1
            if keepsExtremes { self.addExtremum(value) }
            self.hasNumber = true
        default:
            self.oddTags |= 1 << UInt32(value.rawTag)
            if keepsExtremes, value.isTextual { self.addExtremum(value) }
        }
    }

    /// Takes `count` integers that sum up to `sum`; what nobody asks for may be unknown.
    mutating func add(sum: Int64, count: Int64, minimum: Int64?, maximum: Int64?) {
        self.count &+= count
        self.integerSum &+= Int128(sum)
        self.hasNumber = true
        if let minimum { self.addExtremum(Value(minimum)) }
        if let maximum { self.addExtremum(Value(maximum)) }
    }

    package mutating func merge(_ other: AggregateState) {
        self.count &+= other.count
        self.integerSum &+= other.integerSum
        self.addFloat(high: other.floatHigh, low: other.floatLow)
        self.floatPlain += other.floatPlain
        self.floatCount &+= other.floatCount
        self.oddTags |= other.oddTags
        self.hasNumber = self.hasNumber || other.hasNumber
        self.hasNaN = self.hasNaN || other.hasNaN
        if other.minimum.tag != .nil { self.addExtremum(other.minimum) }
        if other.maximum.tag != .nil { self.addExtremum(other.maximum) }
    }

    /// Adds a double-double without losing the rounding error of either part.
    private mutating func addFloat(high: Double, low: Double) {
        let sum = self.floatHigh + high
        let virtual = sum - self.floatHigh
        let error = (self.floatHigh - (sum - virtual)) + (high - virtual)
        let rest = error + self.floatLow + low
        self.floatHigh = sum + rest
        self.floatLow = rest - (self.floatHigh - sum)
    }

    private mutating func addExtremum(_ value: Value) {
        guard self.minimum.tag != .nil else {
            self.minimum = value
            self.maximum = value
            return
        }
        if Self.isLess(value, self.minimum) || Value.winsTie(value, against: self.minimum, asMaximum: false) {
            self.minimum = value
        }
        if Self.isLess(self.maximum, value) || Value.winsTie(value, against: self.maximum, asMaximum: true) {
            self.maximum = value
        }
    }

    /// Numbers by value with NaN outside of all, then text by bytes.
    private static func isLess(_ left: Value, _ right: Value) -> Bool {
        switch (left.isTextual, right.isTextual) {
        case (true, true): Bytes.compare(left.text, right.text) < 0
        case (false, true): true
        case (true, false): false
        case (false, false): Self.isLessNumber(left, right)
        }
    }

    private static func isLessNumber(_ left: Value, _ right: Value) -> Bool {
        switch (left.tag, right.tag) {
        case (.integer, .integer): left.integer < right.integer
        case (.integer, _): Self.compare(left.integer, right.float) < 0
        case (_, .integer): Self.compare(right.integer, left.float) > 0
        default: left.float < right.float
        }
    }

    /// An integer against a float by exact value: negative, 0, or positive; 0 too where the float is NaN.
    private static func compare(_ integer: Int64, _ float: Double) -> Int {
        if float >= 9_223_372_036_854_775_808 { return -1 }
        if float < -9_223_372_036_854_775_808 { return 1 }
        guard !float.isNaN else { return 0 }
        let whole = Int64(float.rounded(.down))
        if integer != whole { return integer < whole ? -1 : 1 }
        return float > float.rounded(.down) ? -1 : 0
    }
}

/// What an aggregate over the values of a key comes to.
package enum AggregateResult {
    case value(Value)
    /// The sum doesn't fit 64 bits.
    case overflow
    /// A value of the wrong type was among them.
    case wrongType(expected: String, found: Value.Tag)
}

extension AggregateState {
    /// The total of all numbers, or why there is none.
    package func sum() -> AggregateResult {
        if let wrong = self.wrongType { return wrong }
        if self.floatCount > 0 { return .value(Value(self.floatTotal)) }
        guard let sum = Int64(exactly: self.integerSum) else { return .overflow }
        return .value(Value(sum))
    }

    /// The total as a float, divided by the number of values; nil for none.
    package func mean() -> AggregateResult {
        if let wrong = self.wrongType { return wrong }
        guard self.count > 0 else { return .value(.nil) }
        let total = self.floatCount > 0 ? self.floatTotal : Double(self.integerSum)
        return .value(Value(total / Double(self.count)))
    }

    package func minimumValue() -> AggregateResult { self.extremum(self.minimum) }

    package func maximumValue() -> AggregateResult { self.extremum(self.maximum) }

    private func extremum(_ value: Value) -> AggregateResult {
        let onlyText = !self.hasNumber && self.oddTags == 1 << UInt32(Value.Tag.string.rawValue)
        if !onlyText, let wrong = self.wrongType { return wrong }
        if !onlyText, self.hasNaN { return .value(Value(Double.nan)) }
        return .value(value)
    }

    private var wrongType: AggregateResult? {
        guard self.oddTags != 0 else { return nil }
        // Of several wrong types the highest is named, so that the message doesn't depend on the order of values.
        let highest = UInt8(31 - self.oddTags.leadingZeroBitCount)
        guard let tag = Value.Tag(rawValue: highest) else { return nil }
        return .wrongType(expected: "a number", found: tag)
    }

    private var floatTotal: Double {
        guard self.floatHigh.isFinite else { return self.floatPlain }
        var total = self
        let word = Int64(truncatingIfNeeded: self.integerSum)
        if Int128(word) == self.integerSum, word.magnitude < 1 << 53 {
            total.addFloat(high: Double(word), low: 0)
            return total.floatHigh + total.floatLow
        }
        let whole = Double(self.integerSum)
        let rest = Double(self.integerSum - (Int128(exactly: whole) ?? self.integerSum))
        total.addFloat(high: whole, low: rest)
        return total.floatHigh + total.floatLow
    }
}

/// The binary form of a state: 60 bytes, then the extremes.
///
/// | offset | bytes | field                                                                         |
/// | -----: | ----: | ----------------------------------------------------------------------------- |
/// |      0 |    16 | sum of the integers, LE                                                       |
/// |     16 |    24 | sum of the floats: high and low part, then the plain sum; IEEE bit patterns   |
/// |     40 |     8 | number of values, LE                                                          |
/// |     48 |     8 | number of floats among them, LE                                               |
/// |     56 |     4 | tags of what wasn't a number, a bit each; bit 30: a NaN; bit 31: a number      |
/// |     60 |     – | the smallest, then the largest value: u32 LE length, then the encoded value   |
extension AggregateState {
    package func encode(into buffer: inout ByteBuffer) {
        buffer.append(littleEndian: self.integerSum)
        for bits in [self.floatHigh.bitPattern, self.floatLow.bitPattern, self.floatPlain.bitPattern] {
            buffer.append(littleEndian: bits)
        }
        buffer.append(littleEndian: self.count)
        buffer.append(littleEndian: self.floatCount)
        buffer.append(
            littleEndian: self.oddTags | (self.hasNumber ? Self.numberFlag : 0) | (self.hasNaN ? Self.nanFlag : 0)
        )
        for extremum in [self.minimum, self.maximum] {
            let start = buffer.count
            buffer.append(littleEndian: UInt32(0))
            // Extremes are nil, numbers or text: the encoder refuses none of them.
            try? ValueCodec.encode(extremum, into: &buffer)
            buffer.replace(at: start, littleEndian: UInt32(buffer.count - start - 4))
        }
    }

    private static let fixedBytes = 60
    private static let numberFlag: UInt32 = 1 << 31
    private static let nanFlag: UInt32 = 1 << 30

    /// Far beyond the sum of any number of integers that a job could read, and far within 128 bits.
    private static let integerSumLimit = Int128(1) << 126

    /// Every tag but those of numbers.
    private static let oddTagsMask: UInt32 =
        (1 << (UInt32(Value.Tag.handle.rawValue) + 1) - 1)
        & ~(1 << UInt32(Value.Tag.integer.rawValue) | 1 << UInt32(Value.Tag.float.rawValue))

    /// Reads a state whose text stays in `bytes`.
    ///
    /// - Throws: The bytes aren't exactly a state, or one that no values add up to.
    package init(decoding bytes: Bytes, in arena: inout Arena) throws(ValueDecodingError) {
        guard bytes.count >= Self.fixedBytes else { throw .truncated(offset: bytes.count) }
        self.integerSum = bytes.littleEndian(Int128.self, at: 0)
        self.floatHigh = Double(bitPattern: bytes.littleEndian(UInt64.self, at: 16))
        self.floatLow = Double(bitPattern: bytes.littleEndian(UInt64.self, at: 24))
        self.floatPlain = Double(bitPattern: bytes.littleEndian(UInt64.self, at: 32))
        self.count = bytes.littleEndian(Int64.self, at: 40)
        self.floatCount = bytes.littleEndian(Int64.self, at: 48)
        let flags = bytes.littleEndian(UInt32.self, at: 56)
        self.oddTags = flags & ~(Self.numberFlag | Self.nanFlag)
        self.hasNaN = flags & Self.nanFlag != 0
        self.hasNumber = flags & Self.numberFlag != 0
        var offset = Self.fixedBytes
        self.minimum = try Self.extremum(of: bytes, at: &offset, in: &arena)
        self.maximum = try Self.extremum(of: bytes, at: &offset, in: &arena)
        guard offset == bytes.count else { throw .trailingBytes(offset: offset) }
        try self.checkFigures()
        try self.checkExtremes()
    }

    private static func extremum(
        of bytes: Bytes,
        at offset: inout Int,
        in arena: inout Arena
    ) throws(ValueDecodingError) -> Value {
        guard bytes.count - offset >= 4 else { throw .truncated(offset: offset) }
        let count = Int(bytes.littleEndian(UInt32.self, at: offset))
        offset += 4
        guard count <= bytes.count - offset else { throw .truncated(offset: offset) }
        defer { offset += count }
        return try ValueCodec.decode(bytes.slice(offset, offset + count), in: &arena, text: .borrowed)
    }

    private func checkFigures() throws(ValueDecodingError) {
        guard (-Self.integerSumLimit...Self.integerSumLimit).contains(self.integerSum) else {
            throw .impossible(offset: 0)
        }
        guard self.count >= 0, (0...self.count).contains(self.floatCount) else { throw .impossible(offset: 40) }
        let isPossible =
            self.oddTags & ~Self.oddTagsMask == 0
            && (self.count > 0 || self.oddTags == 0 && !self.hasNumber)
            && (self.floatCount == 0 || self.hasNumber)
            && (self.floatCount > 0 || !self.hasNaN)
        guard isPossible else { throw .impossible(offset: 56) }
    }

    /// Extremes come in twos, and only of what the state has seen.
    private func checkExtremes() throws(ValueDecodingError) {
        guard (self.minimum.tag == .nil) == (self.maximum.tag == .nil) else {
            throw .impossible(offset: Self.fixedBytes)
        }
        let hasText = self.oddTags & 1 << UInt32(Value.Tag.string.rawValue) != 0
        for extremum in [self.minimum, self.maximum] {
            let isSeen =
                switch extremum.tag {
                case .nil: true
                case .integer: self.hasNumber
                case .float: self.floatCount > 0
                case .string: hasText
                case .boolean, .symbol, .keyword, .list, .map, .set, .function, .regex, .builtin, .stream, .handle:
                    false
                }
            guard isSeen else { throw .impossible(offset: Self.fixedBytes) }
        }
    }
}

extension AggregateState {
    /// Text among the extremes, which lies outside the state: to be copied when the state moves.
    var minimumText: Bytes? { self.minimum.isTextual ? self.minimum.text : nil }
    var maximumText: Bytes? { self.maximum.isTextual ? self.maximum.text : nil }

    mutating func moveTexts(minimum: Bytes?, maximum: Bytes?) {
        if let minimum { self.minimum = Value(.string, text: minimum) }
        if let maximum { self.maximum = Value(.string, text: maximum) }
    }
}

extension Value {
    /// Ordered as text: a string.
    var isTextual: Bool { self.rawTag == Tag.string.rawValue }
}
