/// A key of a table or run, where it lies, with what belongs to it.
@safe
package struct KeyedRow {
    package let key: KeyWords
    /// The key's bytes where it is long.
    package let longKey: UnsafeRawPointer?
    package let payload: UnsafeRawPointer
    /// Where a short key's two words lie in a table, if they do: its bytes needn't be copied to be looked at.
    private let words: UnsafeRawPointer?

    init(
        key: KeyWords,
        longKey: UnsafeRawPointer?,
        payload: UnsafeRawPointer,
        words: UnsafeRawPointer? = nil
    ) {
        self.key = key
        unsafe self.longKey = longKey
        unsafe self.payload = payload
        unsafe self.words = words
    }

    /// The key as the language sees it: text points into this row or the table, other values are built in `arena`.
    ///
    /// - Throws: The bytes aren't a value, or the arena is full.
    package func value(in arena: inout Arena) throws(ValueDecodingError) -> Value {
        let bytes = try self.bytes(in: &arena)
        return self.key.isText
            ? Value(.string, text: bytes) : try ValueCodec.decode(bytes, in: &arena, text: .borrowed)
    }

    /// The key's text or encoding; short ones that lie in no table are copied into `arena`.
    func bytes(in arena: inout Arena) throws(ValueDecodingError) -> Bytes {
        if let longKey = unsafe self.longKey {
            return unsafe Bytes(start: longKey.assumingMemoryBound(to: UInt8.self), count: self.key.count)
        }
        if let words = unsafe self.words {
            return unsafe Bytes(start: words.assumingMemoryBound(to: UInt8.self), count: self.key.count)
        }
        guard let copy = unsafe arena.allocate(16) else { throw .outOfMemory }
        unsafe self.key.store(to: copy)
        return unsafe Bytes(start: UnsafePointer(copy.assumingMemoryBound(to: UInt8.self)), count: self.key.count)
    }
}

/// The order of keys in spilled runs and sorted output: that of `sort` on their values.
package enum KeyOrder {
    /// What decides most comparisons: where prefixes differ, the keys are in the same order.
    ///
    /// The first eight bytes of text, most significant first; 0 for what comes before all text, all ones for what comes
    /// after it.
    static func prefix(of row: KeyedRow) -> UInt64 {
        let first = unsafe row.longKey.map { unsafe $0.loadUnaligned(as: UInt64.self) } ?? row.key.a
        if row.key.isText { return first.byteSwapped }
        return UInt8(truncatingIfNeeded: first) < ValueCodec.Mark.string ? 0 : .max
    }

    /// Negative, zero or positive.
    static func compare(_ left: KeyedRow, _ right: KeyedRow) -> Int {
        if left.key.isText, right.key.isText {
            if !left.key.isLong, !right.key.isLong { return Self.compareShortText(left.key, right.key) }
            return Self.withBytes(left) { mine in
                Self.withBytes(right) { other in Bytes.compare(mine, other) }
            }
        }
        return Self.compareEncoded(left, right)
    }

    @inline(__always)
    static func compareShortText(_ left: KeyWords, _ right: KeyWords) -> Int {
        if left.a != right.a { return left.a.byteSwapped < right.a.byteSwapped ? -1 : 1 }
        // The top byte, which becomes the lowest, is the length: it decides between padding and a real zero byte.
        if left.b != right.b { return left.b.byteSwapped < right.b.byteSwapped ? -1 : 1 }
        return 0
    }

    private static func withBytes(_ row: KeyedRow, _ body: (Bytes) -> Int) -> Int {
        if let longKey = unsafe row.longKey {
            return unsafe body(Bytes(start: longKey.assumingMemoryBound(to: UInt8.self), count: row.key.count))
        }
        var words = (row.key.a, row.key.b)
        return unsafe withUnsafeBytes(of: &words) { buffer in
            let start = unsafe buffer.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)
            return unsafe body(Bytes(start: start, count: row.key.count))
        }
    }

    private static func compareEncoded(_ left: KeyedRow, _ right: KeyedRow) -> Int {
        var mine = ByteBuffer(capacity: 64)
        var other = ByteBuffer(capacity: 64)
        Self.appendEncoding(of: left, to: &mine)
        Self.appendEncoding(of: right, to: &other)
        return ValueCodec.compareEncodedKeys(mine.bytes, other.bytes)
    }

    private static func appendEncoding(of row: KeyedRow, to buffer: inout ByteBuffer) {
        if row.key.isText { buffer.append(ValueCodec.Mark.string) }
        _ = Self.withBytes(row) { bytes in
            buffer.append(bytes)
            return 0
        }
    }
}
