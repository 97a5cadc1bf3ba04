internal import CKernels

/// Where the fields of a record seem to begin: found for all at once, so that looking for one doesn't wait for the end of
/// the one before.
///
/// Only plain texts have an index: in a text without backslashes and control characters every quote begins or ends a
/// string, or it is no JSON.
@safe
struct JSONFieldIndex: ~Copyable {
    private let positions: UnsafeMutablePointer<UInt32>

    /// How many fields there seem to be.
    private(set) var count = 0

    /// How many quotes the text has.
    private(set) var quoteCount = 0

    init() {
        unsafe self.positions = .allocate(capacity: Int(WEIR_FIELD_ROOM))
        unsafe self.positions.initialize(repeating: 0, count: Int(WEIR_FIELD_ROOM))
    }

    deinit {
        unsafe self.positions.deallocate()
    }

    /// Where the first quote of a field is.
    @inline(__always)
    subscript(index: Int) -> Int { unsafe Int(self.positions[index]) }

    /// Looks at a text, behind which ``JSONScan/readAhead`` bytes can be read.
    ///
    /// - Returns: Whether it is plain.
    @inline(__always)
    mutating func read(_ text: Bytes) -> Bool {
        let found = unsafe weir_index_fields(text.start, text.count, self.positions)
        self.count = found.fields
        self.quoteCount = found.quotes
        return found.is_complete != 0 && found.stop == text.count
    }

    /// Looks at the line at the beginning of a text, behind which ``JSONScan/readAhead`` bytes can be read.
    @inline(__always)
    mutating func readLine(of text: Bytes) -> JSONLine {
        let found = unsafe weir_index_fields(text.start, text.count, self.positions)
        self.count = found.fields
        self.quoteCount = found.quotes
        let stop = found.stop
        if found.is_complete != 0, stop == text.count || text[stop] == UInt8(ascii: "\n") {
            return JSONLine(length: stop, isPlain: true)
        }
        let length = unsafe stop &+ weir_find_byte(text.start + stop, 0x0A, text.count &- stop)
        let isReturn = text[stop] == UInt8(ascii: "\r") && stop &+ 1 == length && length < text.count
        return JSONLine(length: length, isPlain: isReturn && found.is_complete != 0)
    }
}

/// A line of JSON that was looked at once.
package struct JSONLine {
    /// Bytes of the line, without the newline.
    package let length: Int

    /// Whether it has neither backslashes nor control characters, but for a carriage return at its end.
    package let isPlain: Bool
}
