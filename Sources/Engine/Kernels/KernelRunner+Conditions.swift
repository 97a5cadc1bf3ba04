/// Conditions: a byte for each selected row, 1 where it holds.
extension KernelRunner {
    mutating func flags(_ condition: KernelCondition, _ selection: Selection) -> UnsafeMutablePointer<UInt8> {
        switch condition {
        case .compare(let left, let order, let right): return unsafe self.compare(left, order, right, selection)
        case .equal(let left, let right):
            let left = self.text(left, selection)
            let right = self.text(right, selection)
            return unsafe self.flags(selection) { Bytes.areEqual(left.slice($0), right.slice($0)) }
        case .contains(let text, let needle):
            return unsafe self.flags(text, needle, selection) { $0.firstIndex(of: $1, from: 0) != nil }
        case .starts(let text, let needle):
            return unsafe self.flags(text, needle, selection) { text, needle in
                text.count >= needle.count && Bytes.areEqual(text.slice(0, needle.count), needle)
            }
        case .ends(let text, let needle):
            return unsafe self.flags(text, needle, selection) { text, needle in
                text.count >= needle.count
                    && Bytes.areEqual(text.slice(text.count - needle.count, text.count), needle)
            }
        case .isEmpty(let text):
            let text = self.text(text, selection)
            return unsafe self.flags(selection) { unsafe text.lengths[$0] == 0 }
        case .not(let inner):
            let inner = unsafe self.flags(inner, selection)
            return unsafe self.flags(selection) { unsafe inner[$0] == 0 }
        case .all(let parts): return unsafe self.combine(parts, selection, stopsAt: 0)
        case .any(let parts): return unsafe self.combine(parts, selection, stopsAt: 1)
        }
    }

    @inline(__always)
    private mutating func flags(_ selection: Selection, _ holds: (Int) -> Bool) -> UnsafeMutablePointer<UInt8> {
        let flags = unsafe self.pool.takeFlags()
        selection.forEach { unsafe flags[$0] = holds($0) ? 1 : 0 }
        return unsafe flags
    }

    @inline(__always)
    private mutating func flags(
        _ text: KernelText,
        _ needle: [UInt8],
        _ selection: Selection,
        _ holds: (Bytes, Bytes) -> Bool
    ) -> UnsafeMutablePointer<UInt8> {
        let text = self.text(text, selection)
        let flags = unsafe self.pool.takeFlags()
        // One more byte, so that an empty needle has an address.
        unsafe (needle + [0]).withUnsafeBufferPointer { bytes in
            let needle = unsafe Bytes(start: bytes.baseAddress.unsafelyUnwrapped, count: needle.count)
            for position in 0..<selection.count {
                let row = selection[position]
                unsafe flags[row] = holds(text.slice(row), needle) ? 1 : 0
            }
        }
        return unsafe flags
    }

    private mutating func compare(
        _ left: KernelInteger,
        _ order: KernelCondition.Order,
        _ right: KernelInteger,
        _ selection: Selection
    ) -> UnsafeMutablePointer<UInt8> {
        let left = self.integer(left, selection)
        let right = self.integer(right, selection)
        switch order {
        case .less: return unsafe self.flags(selection) { unsafe left.values[$0] < right.values[$0] }
        case .lessOrEqual: return unsafe self.flags(selection) { unsafe left.values[$0] <= right.values[$0] }
        case .equal: return unsafe self.flags(selection) { unsafe left.values[$0] == right.values[$0] }
        case .notEqual: return unsafe self.flags(selection) { unsafe left.values[$0] != right.values[$0] }
        }
    }

    /// Evaluates the parts in turn, each only for the rows that the ones before left open.
    private mutating func combine(
        _ parts: [KernelCondition],
        _ selection: Selection,
        stopsAt stop: UInt8
    ) -> UnsafeMutablePointer<UInt8> {
        let result = unsafe self.pool.takeFlags()
        for position in 0..<selection.count { unsafe result[selection[position]] = 1 - stop }
        var open = selection
        for part in parts where open.count > 0 {
            let flags = unsafe self.flags(part, open)
            let kept = unsafe self.pool.takeOffsets()
            var count = 0
            for position in 0..<open.count {
                let row = open[position]
                if unsafe flags[row] == stop {
                    unsafe result[row] = stop
                } else {
                    unsafe kept[count] = UInt32(truncatingIfNeeded: row)
                    count += 1
                }
            }
            unsafe open = Selection(rows: kept, count: count)
        }
        return unsafe result
    }
}
