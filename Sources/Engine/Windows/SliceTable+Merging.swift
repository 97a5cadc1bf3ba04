internal import JobPlan

extension SliceTable {
    /// Takes everything that another table of the same layout holds.
    mutating func merge(_ other: borrowing SliceTable) {
        other.forEachRow { row in
            let states = unsafe self.states(of: row.key, longKey: row.longKey)
            let others = unsafe row.payload.assumingMemoryBound(to: UInt64.self)
            unsafe self.merge(others, of: other, into: states)
        }
    }

    /// Takes the states that a key has in another table of the same layout.
    mutating func merge(
        _ others: UnsafePointer<UInt64>,
        of table: borrowing SliceTable,
        into states: UnsafeMutablePointer<UInt64>
    ) {
        unsafe self.merge(others, of: table, into: states, columns: self.layout.columns)
    }

    /// Takes the states that a key has in some columns of another table of the same layout.
    mutating func merge(
        _ others: UnsafePointer<UInt64>,
        of table: borrowing SliceTable,
        into states: UnsafeMutablePointer<UInt64>,
        columns: [WindowLayout.Column]
    ) {
        for column in columns {
            let theirs = unsafe others + column.offset
            let words = unsafe states + column.offset
            switch column.storage {
            case .counter: unsafe words[0] &+= theirs[0]
            case .number: unsafe self.mergeNumber(theirs, into: words, column)
            case .ordered(let takesLast): unsafe self.mergeOrdered(theirs, into: words, takesLast: takesLast)
            case .chain:
                var chain = unsafe ValueChain(address: UInt(theirs[0]))
                while let value = chain.next() { unsafe self.append(value, to: words) }
            case .distinct(let number):
                guard unsafe theirs[2] > 0 else { continue }
                unsafe self.numberKey(of: words)
                let set = self.distincts[number]
                unsafe table.distincts[number].forEachValue(from: theirs[2]) { key, bytes in
                    if unsafe set.insert(key, bytes, key: words[1], newest: &words[2]) { unsafe words[0] &+= 1 }
                }
            case .sketch:
                guard let registers = unsafe UnsafePointer<UInt8>(bitPattern: UInt(theirs[0])) else { continue }
                unsafe ValueSketch.merge(registers, into: self.sketch(words))
            }
        }
    }

    private mutating func mergeNumber(
        _ others: UnsafePointer<UInt64>,
        into words: UnsafeMutablePointer<UInt64>,
        _ column: WindowLayout.Column
    ) {
        guard unsafe others[1] > 0 || others[2] != 0 else { return }
        let isNarrow = unsafe others[2] == 0 && words[2] == 0
        if isNarrow, unsafe Self.mergeIntegers(others, into: words, column) { return }
        unsafe self.mergeWide(Self.numberState(others, column), into: words, column)
    }

    /// - Returns: False, and nothing is done, where the sum doesn't fit.
    static func mergeIntegers(
        _ others: UnsafePointer<UInt64>,
        into words: UnsafeMutablePointer<UInt64>,
        _ column: WindowLayout.Column
    ) -> Bool {
        let held = unsafe Int64(bitPattern: words[0])
        let other = unsafe Int64(bitPattern: others[0])
        switch column.aggregate.function {
        case .min:
            if unsafe words[1] == 0 || other < held { unsafe words[0] = others[0] }
        case .max:
            if unsafe words[1] == 0 || other > held { unsafe words[0] = others[0] }
        default:
            let (sum, overflows) = held.addingReportingOverflow(other)
            if overflows { return false }
            unsafe words[0] = UInt64(bitPattern: sum)
        }
        unsafe words[1] &+= others[1]
        return true
    }

    private mutating func mergeOrdered(
        _ others: UnsafePointer<UInt64>,
        into words: UnsafeMutablePointer<UInt64>,
        takesLast: Bool
    ) {
        guard let node = unsafe UnsafeRawPointer(bitPattern: UInt(others[1])) else { return }
        unsafe self.keep(Self.value(at: node), time: Int64(bitPattern: others[0]), in: words, takesLast: takesLast)
    }

    /// Keeps an encoded value where its time makes it the first or the last.
    mutating func keep(_ value: Bytes, time: Int64, in words: UnsafeMutablePointer<UInt64>, takesLast: Bool) {
        let held = unsafe Int64(bitPattern: words[0])
        if unsafe words[1] != 0 {
            guard takesLast ? time >= held : time < held else { return }
        }
        unsafe words[0] = UInt64(bitPattern: time)
        unsafe self.keep(value, in: words)
    }

    /// The encoding that ``keep(_:in:)`` kept.
    static func value(at node: UnsafeRawPointer) -> Bytes {
        let count = unsafe Int(node.load(as: UInt32.self))
        return unsafe Bytes(start: (node + 8).assumingMemoryBound(to: UInt8.self), count: count)
    }
}
