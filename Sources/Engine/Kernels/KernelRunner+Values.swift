/// Texts and integers: a column with a value for each selected row.
extension KernelRunner {
    mutating func text(_ text: KernelText, _ selection: Selection) -> TextReference {
        switch text {
        case .element:
            return unsafe TextReference(
                base: self.block,
                starts: self.element.starts,
                lengths: self.element.lengths,
                isInBlock: true
            )
        case .bound(let number):
            guard case .text(let reference) = self.bindings[number] else { preconditionFailure("bound as text") }
            return reference
        case .constant(let bytes): return self.constant(bytes, selection)
        case .lower(let inner): return self.changeCase(self.text(inner, selection), selection, isUpper: false)
        case .upper(let inner): return self.changeCase(self.text(inner, selection), selection, isUpper: true)
        case .trim(let inner): return self.trim(self.text(inner, selection), selection)
        case .substring(let inner, let start, let end):
            return self.substring(self.text(inner, selection), start, end, selection)
        case .concatenation(let parts): return self.concatenate(parts, selection)
        }
    }

    mutating func integer(_ integer: KernelInteger, _ selection: Selection) -> IntegerReference {
        switch integer {
        case .constant(let value): return self.integers(selection) { _ in value }
        case .bound(let number):
            guard case .integer(let reference) = self.bindings[number] else { preconditionFailure("bound as integer") }
            return reference
        case .count(let text):
            let text = self.text(text, selection)
            if self.blockIsASCII, text.isInBlock {
                return self.integers(selection) { unsafe Int64(text.lengths[$0]) }
            }
            return self.integers(selection) { Int64(text.slice($0).unitCount) }
        case .sum(let left, let right): return self.checked(left, right, selection) { $0.addingReportingOverflow($1) }
        case .difference(let left, let right):
            return self.checked(left, right, selection) { $0.subtractingReportingOverflow($1) }
        case .product(let left, let right):
            return self.checked(left, right, selection) { $0.multipliedReportingOverflow(by: $1) }
        }
    }

    @inline(__always)
    private mutating func integers(_ selection: Selection, _ value: (Int) -> Int64) -> IntegerReference {
        let values = unsafe self.pool.takeIntegers()
        selection.forEach { unsafe values[$0] = value($0) }
        return unsafe IntegerReference(values: values)
    }

    @inline(__always)
    private mutating func checked(
        _ left: KernelInteger,
        _ right: KernelInteger,
        _ selection: Selection,
        _ combine: (Int64, Int64) -> (partialValue: Int64, overflow: Bool)
    ) -> IntegerReference {
        let left = self.integer(left, selection)
        let right = self.integer(right, selection)
        let values = unsafe self.pool.takeIntegers()
        selection.forEach { row in
            let result = unsafe combine(left.values[row], right.values[row])
            unsafe values[row] = result.partialValue
            if result.overflow { self.bail(row) }
        }
        return unsafe IntegerReference(values: values)
    }

    // MARK: Texts

    /// Columns of slices that are yet to be filled.
    private mutating func makeSlices(
        base: UnsafePointer<UInt8>,
        isInBlock: Bool
    ) -> TextReference {
        let starts = unsafe self.pool.takeOffsets()
        let lengths = unsafe self.pool.takeOffsets()
        return unsafe TextReference(base: base, starts: starts, lengths: lengths, isInBlock: isInBlock)
    }

    private mutating func constant(_ bytes: [UInt8], _ selection: Selection) -> TextReference {
        self.build(selection) { _, buffer in
            for byte in bytes { buffer.append(byte) }
        }
    }

    /// Letters of the block are changed once for all its slices; other texts slice by slice.
    private mutating func changeCase(
        _ text: TextReference,
        _ selection: Selection,
        isUpper: Bool
    ) -> TextReference {
        if !(self.blockIsASCII && text.isInBlock) {
            for position in 0..<selection.count where !text.slice(selection[position]).isASCII {
                self.bail(selection[position])
            }
        }
        if unsafe text.base == self.block {
            let base =
                isUpper
                ? unsafe self.raised.base(of: text.base, count: self.blockCount, isUpper: true)
                : unsafe self.lowered.base(of: text.base, count: self.blockCount, isUpper: false)
            return unsafe TextReference(
                base: base,
                starts: text.starts,
                lengths: text.lengths,
                isInBlock: true,
                commonLength: text.commonLength
            )
        }
        let first = isUpper ? UInt8(ascii: "a") : UInt8(ascii: "A")
        return self.build(selection) { row, buffer in
            let slice = text.slice(row)
            for index in 0..<slice.count {
                let byte = slice[index]
                buffer.append(byte &- first < 26 ? byte ^ 0x20 : byte)
            }
        }
    }

    private mutating func trim(_ text: TextReference, _ selection: Selection) -> TextReference {
        let trimmed = unsafe self.makeSlices(base: text.base, isInBlock: text.isInBlock)
        for position in 0..<selection.count {
            let row = selection[position]
            let slice = text.slice(row)
            var start = 0
            var end = slice.count
            while start < end, Bytes.isSpace(slice[start]) { start += 1 }
            while end > start, Bytes.isSpace(slice[end - 1]) { end -= 1 }
            unsafe trimmed.starts[row] = text.starts[row] + UInt32(start)
            unsafe trimmed.lengths[row] = UInt32(end - start)
        }
        return trimmed
    }

    private mutating func substring(
        _ text: TextReference,
        _ start: Int,
        _ end: Int?,
        _ selection: Selection
    ) -> TextReference {
        let isASCII = self.blockIsASCII && text.isInBlock
        if isASCII, let end, self.haveLength(end, text, selection) {
            return self.slices(of: text, from: start, count: end - start, selection)
        }
        let part = unsafe self.makeSlices(base: text.base, isInBlock: text.isInBlock)
        for position in 0..<selection.count {
            let row = selection[position]
            let count = unsafe Int(text.lengths[row])
            let last = end ?? count
            let fits = start <= count && last <= count && (isASCII || text.slice(row).isASCII)
            unsafe part.starts[row] = fits ? text.starts[row] + UInt32(start) : text.starts[row]
            unsafe part.lengths[row] = fits ? UInt32(last - start) : 0
            if !fits { self.bail(row) }
        }
        return part
    }

    /// Whether all texts have so many bytes or more.
    private func haveLength(_ count: Int, _ text: TextReference, _ selection: Selection) -> Bool {
        if let length = text.commonLength { return length >= count }
        let count = UInt32(truncatingIfNeeded: count)
        var isShorter = false
        selection.forEach { unsafe isShorter = text.lengths[$0] < count || isShorter }
        return !isShorter
    }

    /// Slices of texts that all have these bytes.
    private mutating func slices(
        of text: TextReference,
        from start: Int,
        count: Int,
        _ selection: Selection
    ) -> TextReference {
        let starts = start == 0 ? unsafe text.starts : unsafe self.pool.takeOffsets()
        let lengths = unsafe self.pool.takeOffsets()
        let offset = UInt32(truncatingIfNeeded: start)
        if start > 0 { selection.forEach { unsafe starts[$0] = text.starts[$0] &+ offset } }
        selection.forEach { unsafe lengths[$0] = UInt32(truncatingIfNeeded: count) }
        return unsafe TextReference(
            base: text.base,
            starts: starts,
            lengths: lengths,
            isInBlock: text.isInBlock,
            commonLength: count
        )
    }

    /// Text of its own for each row.
    ///
    /// The buffer may move while it grows: slices get their base at the end.
    @inline(__always)
    private mutating func build(
        _ selection: Selection,
        _ append: (Int, inout ByteBuffer) -> Void
    ) -> TextReference {
        var buffer = ByteBuffer(capacity: 16 * selection.count + 64)
        let starts = unsafe self.pool.takeOffsets()
        let lengths = unsafe self.pool.takeOffsets()
        for position in 0..<selection.count {
            let row = selection[position]
            let start = buffer.count
            append(row, &buffer)
            unsafe starts[row] = UInt32(truncatingIfNeeded: start)
            unsafe lengths[row] = UInt32(truncatingIfNeeded: buffer.count - start)
        }
        // Keys are loaded 16 bytes at a time.
        buffer.reserve(64)
        let base = unsafe buffer.bytes.start
        self.texts.append(BuiltText(buffer))
        return unsafe TextReference(base: base, starts: starts, lengths: lengths, isInBlock: false)
    }
}
