internal import JobPlan

/// Some encoded values, one behind the other.
struct EncodedValues: ~Copyable {
    private var buffer = ByteBuffer()
    private var ends: [Int] = []

    var count: Int { self.ends.count }

    /// Valid until the next change.
    subscript(index: Int) -> Bytes {
        self.buffer.slice(index == 0 ? 0 : self.ends[index - 1], self.ends[index])
    }

    mutating func append(_ encoding: Bytes) {
        self.buffer.append(encoding)
        self.ends.append(self.buffer.count)
    }

    /// Appends a number or text: the encoder refuses none of them.
    mutating func append(simple value: Value) {
        try? ValueCodec.encode(value, into: &self.buffer)
        self.ends.append(self.buffer.count)
    }

    mutating func removeAll() {
        self.buffer.removeAll()
        self.ends.removeAll(keepingCapacity: true)
    }
}

extension AggregateState {
    /// Appends values over which the aggregate comes to what it comes to over all values that the state has seen.
    ///
    /// One as a rule. A sum beyond 64 bits takes several integers, never more than were added; one of floats takes a
    /// second float where rounding to one would lose digits, and a third value for the integers among them.
    ///
    /// - Precondition: The kind is sum, min or max, and it takes all values that were added.
    func appendStandIns(for kind: AggregateKind, to values: inout EncodedValues) {
        switch kind {
        case .sum: self.appendSums(to: &values)
        case .min, .max:
            guard case .value(let extremum) = self.result(of: kind) else {
                preconditionFailure("only values that have an order are combined")
            }
            values.append(simple: extremum)
        case .count, .mean, .countDistinct:
            preconditionFailure("what it comes to can't stand for the values")
        }
    }

    private func appendSums(to values: inout EncodedValues) {
        guard self.floatCount > 0 else { return Self.append(self.integerSum, to: &values) }
        guard self.floatHigh.isFinite else { return values.append(simple: Value(self.floatPlain)) }
        values.append(simple: Value(self.floatHigh))
        if self.floatLow != 0 { values.append(simple: Value(self.floatLow)) }
        if self.integerSum != 0 { Self.append(self.integerSum, to: &values) }
    }

    private static func append(_ sum: Int128, to values: inout EncodedValues) {
        var rest = sum
        repeat {
            let part = Int64(clamping: rest)
            values.append(simple: Value(part))
            rest -= Int128(part)
        } while rest != 0
    }
}
