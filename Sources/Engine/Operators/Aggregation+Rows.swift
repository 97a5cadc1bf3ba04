package import JobPlan
internal import WireFormat

extension Aggregation {
    /// Calls `body` with every row, in no particular order.
    ///
    /// The payload is that of ``form``.
    func forEachRow<Failure: Error>(_ body: (KeyedRow) throws(Failure) -> Void) throws(Failure) {
        if self.form == .integers {
            try Self.forEachRow(short: self.integers.short, long: self.integers.long, body)
        } else {
            try Self.forEachRow(short: self.states.short, long: self.states.long, body)
        }
    }

    static func forEachRow<Failure: Error>(
        short: borrowing KeyTable,
        long: borrowing KeyTable,
        _ body: (KeyedRow) throws(Failure) -> Void
    ) throws(Failure) {
        try unsafe short.forEachSlot { (words: UnsafeMutablePointer<UInt64>) throws(Failure) in
            let key = unsafe KeyWords(a: words[0], b: words[1])
            try body(unsafe KeyedRow(key: key, longKey: nil, payload: UnsafeRawPointer(words + 2)))
        }
        try unsafe long.forEachSlot { (words: UnsafeMutablePointer<UInt64>) throws(Failure) in
            let key = unsafe KeyWords(a: words[0], b: words[1])
            let longKey = unsafe UnsafeRawPointer(bitPattern: UInt(words[2]))
            try body(unsafe KeyedRow(key: key, longKey: longKey, payload: UnsafeRawPointer(words + 3)))
        }
    }

    /// Ships every row and forgets it.
    package mutating func drain(into output: inout RowOutput) {
        let form = self.form
        let columnBytes = 8 * self.integers.columns.count
        var buffer = ByteBuffer()
        self.forEachRow { row in
            let hash = row.key.hash
            if form == .integers {
                let target = unsafe output.append(
                    row.key,
                    hash: hash,
                    longKey: row.longKey,
                    payloadBytes: columnBytes,
                    form: form
                )
                unsafe target.copyMemory(from: row.payload, byteCount: columnBytes)
            } else {
                buffer.removeAll()
                self.state(of: row).encode(into: &buffer)
                let target = unsafe output.append(
                    row.key,
                    hash: hash,
                    longKey: row.longKey,
                    payloadBytes: buffer.count,
                    form: form
                )
                unsafe target.copyMemory(from: buffer.bytes.start, byteCount: buffer.count)
            }
        }
        self.removeAll()
    }

    /// The state that a row of the form `.states` points at.
    func state(of row: KeyedRow) -> AggregateState {
        let address = unsafe row.payload.load(as: UInt64.self)
        return unsafe self.states.load(UnsafeRawPointer(bitPattern: UInt(address)).unsafelyUnwrapped)
    }

    /// What the aggregates of a row come to.
    func state(of row: KeyedRow, form: RecordBatch.Form) -> AggregateState {
        form == .integers
            ? unsafe self.integers.state(of: row.payload.assumingMemoryBound(to: UInt64.self)) : self.state(of: row)
    }
}

extension AggregateState {
    package func result(of kind: AggregateKind) -> AggregateResult {
        switch kind {
        case .count: .value(Value(self.count))
        case .sum: self.sum()
        case .mean: self.mean()
        case .min: self.minimumValue()
        case .max: self.maximumValue()
        case .countDistinct: preconditionFailure("distinct values are counted from the values themselves")
        }
    }
}
