internal import JobPlan

/// The table of a slice, which is given from hand to hand.
final class SliceBox {
    var table: SliceTable

    init(_ layout: WindowLayout) {
        self.table = SliceTable(layout)
    }

    /// Takes the pairs that wait in a host; `times` where the layout needs them.
    func add(_ count: Int, of host: borrowing StreamMapHost, times: [Int64]) {
        // Through one access: each costs more than a key does.
        self.table.add(count, of: host, times: times)
    }
}

extension SliceTable {
    mutating func add(_ count: Int, of host: borrowing StreamMapHost, times: [Int64]) {
        let keys = unsafe host.pairs.keys
        let columns = self.layout.columns
        for index in 0..<count { unsafe self.short.prefetch(keys[index].hash) }
        for index in 0..<count {
            let (key, longKey) = unsafe host.key(index)
            let states = unsafe self.states(of: key, longKey: longKey)
            let time = times.isEmpty ? 0 : times[index]
            for column in columns {
                let (value, encoding) = host.value(index, column: column.aggregate.column ?? 0)
                unsafe self.add(value, encoding, time: time, to: states, column: column)
            }
        }
    }
}

extension StreamMapHost {
    /// The key of a pair, and its bytes where it is long.
    @inline(__always)
    func key(_ index: Int) -> (KeyWords, UnsafeRawPointer?) {
        let key = unsafe self.pairs.keys[index]
        return unsafe (key, key.isLong ? UnsafeRawPointer(self.pairs.longKey(index).start) : nil)
    }
}
