internal import CKernels

/// Finds where the parts of a JSON text end, and whether they are JSON, without building anything.
///
/// Offsets are into a text behind which ``readAhead`` more bytes can be read, whatever they are; `limit` is where the
/// text ends. What is found may reach beyond the limit by what lies there: who scans the whole text compares its last
/// offset with the limit. A negative offset says: not JSON, or nothing that these functions decide.
enum JSONScan {
    /// Bytes behind a text that wide loads may touch.
    static let readAhead = 128

    static let failure = -1

    @inline(__always)
    static func skipSpace(_ text: Bytes, _ start: Int, limit: Int) -> Int {
        var offset = start
        while offset < limit {
            let byte = text[offset]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return offset }
            offset &+= 1
        }
        return offset
    }

    /// The first quote, backslash or control character.
    @inline(__always)
    static func stringStop(_ text: Bytes, _ start: Int, limit: Int) -> Int {
        var offset = start
        while true {
            let stops = unsafe weir_string_stops(text.start + offset)
            if stops != 0 { return offset &+ stops.trailingZeroBitCount }
            offset &+= 32
            if offset >= limit { return offset }
        }
    }

    /// Behind the closing quote of a string whose text begins at `start`.
    @inline(__always)
    static func stringEnd(_ text: Bytes, _ start: Int, limit: Int) -> Int {
        let stop = self.stringStop(text, start, limit: limit)
        if text[stop] == UInt8(ascii: "\""), stop < limit { return stop &+ 1 }
        return self.escapedStringEnd(text, stop, limit: limit)
    }

    /// Goes on from a stop that isn't a closing quote.
    static func escapedStringEnd(_ text: Bytes, _ firstStop: Int, limit: Int) -> Int {
        var stop = firstStop
        while stop < limit {
            if text[stop] == UInt8(ascii: "\"") { return stop &+ 1 }
            guard text[stop] == UInt8(ascii: "\\") else { return self.failure }
            let length = self.escapeLength(text, stop &+ 1)
            guard length > 0 else { return self.failure }
            stop = self.stringStop(text, stop &+ 1 &+ length, limit: limit)
        }
        return self.failure
    }

    /// Bytes of the escape behind a backslash, or 0 where it is none.
    private static func escapeLength(_ text: Bytes, _ offset: Int) -> Int {
        switch text[offset] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return 1
        case UInt8(ascii: "u"):
            for index in 1...4 where JSONText.hexadecimal(text[offset &+ index]) == nil { return 0 }
            return 5
        default: return 0
        }
    }

    @inline(__always)
    static func digitCount(_ text: Bytes, _ start: Int, limit: Int) -> Int {
        var offset = start
        while true {
            let count = unsafe weir_digit_stops(text.start + offset).trailingZeroBitCount
            offset &+= count
            if count < 16 || offset >= limit { return offset &- start }
        }
    }

    @inline(__always)
    static func numberEnd(_ text: Bytes, _ start: Int, limit: Int) -> Int {
        let first = text[start] == UInt8(ascii: "-") ? start &+ 1 : start
        let count = self.digitCount(text, first, limit: limit)
        guard count == 1 || (count > 1 && text[first] != UInt8(ascii: "0")) else { return self.failure }
        let end = first &+ count
        if text[end] == UInt8(ascii: ".") || text[end] | 0x20 == UInt8(ascii: "e") {
            return self.fractionEnd(text, end, of: start, integerCount: count, limit: limit)
        }
        return count > self.finiteDigitCount ? self.finiteEnd(text, start, end, limit: limit) : end
    }

    /// So many digits before the point, with an exponent of up to two, are within the range of floats.
    private static let finiteDigitCount = 200

    /// The end of a number that may be beyond the range of floats, which is no number then.
    @inline(never)
    private static func finiteEnd(_ text: Bytes, _ start: Int, _ end: Int, limit: Int) -> Int {
        // What runs over the end is refused there.
        guard end <= limit else { return end }
        return Double(text.slice(start, end).string)?.isFinite == true ? end : self.failure
    }

    private static func fractionEnd(
        _ text: Bytes,
        _ start: Int,
        of number: Int,
        integerCount: Int,
        limit: Int
    ) -> Int {
        var offset = start
        let isLong = integerCount > self.finiteDigitCount
        if text[offset] == UInt8(ascii: ".") {
            let count = self.digitCount(text, offset &+ 1, limit: limit)
            guard count > 0 else { return self.failure }
            offset &+= 1 &+ count
        }
        guard text[offset] | 0x20 == UInt8(ascii: "e"), offset < limit else {
            return isLong ? self.finiteEnd(text, number, offset, limit: limit) : offset
        }
        offset &+= 1
        if text[offset] == UInt8(ascii: "-") || text[offset] == UInt8(ascii: "+") { offset &+= 1 }
        let count = self.digitCount(text, offset, limit: limit)
        guard count > 0 else { return self.failure }
        let end = offset &+ count
        return isLong || count > 2 ? self.finiteEnd(text, number, end, limit: limit) : end
    }

    @inline(__always)
    private static func word(_ text: Bytes, _ start: Int) -> UInt32 {
        unsafe UInt32(littleEndian: UnsafeRawPointer(text.start + start).loadUnaligned(as: UInt32.self))
    }

    /// Behind `true`, `false` or `null`.
    @inline(__always)
    static func wordEnd(_ text: Bytes, _ start: Int) -> Int {
        switch self.word(text, start) {
        case 0x6575_7274, 0x6C6C_756E: start &+ 4
        case 0x736C_6166 where text[start &+ 4] == UInt8(ascii: "e"): start &+ 5
        default: self.failure
        }
    }

    /// Behind the value that begins right there.
    @inline(__always)
    static func valueEnd(_ text: Bytes, _ start: Int, limit: Int, depth: Int) -> Int {
        switch text[start] {
        case UInt8(ascii: "\""): self.stringEnd(text, start &+ 1, limit: limit)
        case UInt8(ascii: "{"), UInt8(ascii: "["): self.containerEnd(text, start, limit: limit, depth: depth)
        case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"): self.wordEnd(text, start)
        default: self.numberEnd(text, start, limit: limit)
        }
    }

    /// Behind the object or array that begins right there, itself so many containers deep.
    static func containerEnd(_ text: Bytes, _ start: Int, limit: Int, depth: Int) -> Int {
        guard depth <= JSONReader.depthLimit else { return self.failure }
        let isObject = text[start] == UInt8(ascii: "{")
        // In ASCII, a closing bracket comes two after the opening one.
        let closing = text[start] &+ 2
        var offset = self.skipSpace(text, start &+ 1, limit: limit)
        if text[offset] == closing { return offset &+ 1 }
        guard depth < JSONReader.depthLimit else { return self.failure }
        while offset < limit {
            if isObject {
                offset = self.keyEnd(text, offset, limit: limit)
                guard offset >= 0 else { return self.failure }
            }
            offset = self.valueEnd(text, offset, limit: limit, depth: depth &+ 1)
            guard offset >= 0 else { return self.failure }
            offset = self.skipSpace(text, offset, limit: limit)
            if text[offset] == closing { return offset &+ 1 }
            guard text[offset] == UInt8(ascii: ",") else { return self.failure }
            offset = self.skipSpace(text, offset &+ 1, limit: limit)
        }
        return self.failure
    }

    /// Where the value of the key begins that begins right there.
    @inline(__always)
    private static func keyEnd(_ text: Bytes, _ start: Int, limit: Int) -> Int {
        guard text[start] == UInt8(ascii: "\"") else { return self.failure }
        let end = self.stringEnd(text, start &+ 1, limit: limit)
        guard end >= 0 else { return self.failure }
        let colon = self.skipSpace(text, end, limit: limit)
        guard text[colon] == UInt8(ascii: ":") else { return self.failure }
        return self.skipSpace(text, colon &+ 1, limit: limit)
    }
}
