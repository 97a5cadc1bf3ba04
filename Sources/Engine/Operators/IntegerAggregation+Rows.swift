internal import JobPlan

extension IntegerAggregation {
    /// Adds one value to every column of a key.
    ///
    /// - Returns: False, with nothing changed, where a sum would overflow.
    @inline(__always)
    mutating func add(_ value: Int64, to key: KeyWords, hash: UInt64, longKey: UnsafeRawPointer?) -> Bool {
        let payload = unsafe self.payload(of: key, hash: hash, longKey: longKey)
        if self.columns.count == 1, self.columns[0] == .sum {
            let sum = unsafe Int64(bitPattern: payload[0]).addingReportingOverflow(value)
            if sum.overflow { return false }
            unsafe payload[0] = UInt64(bitPattern: sum.partialValue)
            return true
        }
        return unsafe self.merge(count: 1, value: { _ in value }, into: payload)
    }

    /// Adds the columns that another subtask aggregated.
    ///
    /// - Returns: False, with nothing changed, where a sum would overflow.
    @inline(__always)
    mutating func merge(
        _ columns: UnsafePointer<UInt64>,
        into key: KeyWords,
        hash: UInt64,
        longKey: UnsafeRawPointer?
    ) -> Bool {
        let payload = unsafe self.payload(of: key, hash: hash, longKey: longKey)
        let count = self.columns[0] == .count ? unsafe Int64(bitPattern: columns[0]) : 0
        return unsafe self.merge(count: count, value: { unsafe Int64(bitPattern: columns[$0]) }, into: payload)
    }

    /// A column of extremes is preceded by a count, whose 0 tells that there is no extreme yet.
    @inline(__always)
    private func merge(
        count: Int64,
        value: (Int) -> Int64,
        into payload: UnsafeMutablePointer<UInt64>
    ) -> Bool {
        for index in 0..<self.columns.count where self.columns[index] == .sum {
            if unsafe Int64(bitPattern: payload[index]).addingReportingOverflow(value(index)).overflow { return false }
        }
        let isFirst = unsafe payload[0] == 0
        for index in 0..<self.columns.count {
            let old = unsafe Int64(bitPattern: payload[index])
            let new =
                switch self.columns[index] {
                case .count: old &+ count
                case .sum: old &+ value(index)
                case .minimum: isFirst ? value(index) : min(old, value(index))
                case .maximum: isFirst ? value(index) : max(old, value(index))
                }
            unsafe payload[index] = UInt64(bitPattern: new)
        }
        return true
    }

    @inline(__always)
    mutating func payload(
        of key: KeyWords,
        hash: UInt64,
        longKey: UnsafeRawPointer?
    ) -> UnsafeMutablePointer<UInt64> {
        guard let longKey = unsafe longKey else { return unsafe self.short.payload(of: key, hash: hash) }
        let words = unsafe self.long.longSlot(of: key, bytes: longKey, hash: hash)
        if unsafe words[2] == 0 {
            unsafe words[2] = UInt64(UInt(bitPattern: self.longKeys.store(longKey, count: key.count)))
        }
        return unsafe words + 3
    }

    /// What an aggregate comes to where a column holds it; nil where it must be computed.
    func result(of kind: AggregateKind, in payload: UnsafePointer<UInt64>) -> Int64? {
        let column: IntegerColumn
        switch kind {
        case .count: column = .count
        case .sum: column = .sum
        case .min: column = .minimum
        case .max: column = .maximum
        case .mean, .countDistinct: return nil
        }
        return self.columns.firstIndex(of: column).map { unsafe Int64(bitPattern: payload[$0]) }
    }

    /// What a row's columns say, as a state that takes any value from then on.
    func state(of payload: UnsafePointer<UInt64>) -> AggregateState {
        var state = AggregateState()
        var sum: Int64 = 0
        var count: Int64 = 1
        var minimum: Int64?
        var maximum: Int64?
        for index in 0..<self.columns.count {
            let value = unsafe Int64(bitPattern: payload[index])
            switch self.columns[index] {
            case .count: count = value
            case .sum: sum = value
            case .minimum: minimum = value
            case .maximum: maximum = value
            }
        }
        state.add(sum: sum, count: count, minimum: minimum, maximum: maximum)
        return state
    }
}
