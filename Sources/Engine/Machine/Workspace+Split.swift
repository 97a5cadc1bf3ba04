internal import CKernels
internal import FluentSyntax
internal import RegularExpressions

/// Splitting text piece by piece.
///
/// The state is four registers: the text, the offset of the next piece (beyond the text when there is none), the
/// separator, and what is known of the bytes ahead. The separator is a string, a regex, or the address of the record of
/// a regex that is one byte class, as an integer whose count tells that the class is repeated. Only a byte class looks
/// ahead: the last register's bits are the separators that haven't been used in a window of 64 bytes, its count is the
/// offset where that window begins. The end of the text counts as a separator.
extension Workspace {
    mutating func beginSplit(_ i: Instruction, _ registers: Registers) throws(Code) {
        let text = try self.countedText(registers[i.b], .split)
        let separator = registers[i.c]
        guard separator.has(.string) || separator.has(.regex) else {
            throw self.mismatch(.split, TypeName.string, separator)
        }
        registers[i.a] = registers[i.b]
        if separator.has(.regex), Self.isByteClass(separator.regexRecord, for: text) {
            return Self.beginSplit(text, byClassOf: separator, i, registers)
        }
        registers[i.a, 1] = Value(Int64(0))
        registers[i.a, 2] = separator
        registers[i.a, 3] = Value(Int64(0))
    }

    @inline(__always)
    private static func beginSplit(_ text: Bytes, byClassOf separator: Value, _ i: Instruction, _ registers: Registers)
    {
        let record = separator.regexRecord
        // The first piece is empty, and dropped.
        let isDropped = !record.isRepeated && text.count > 0 && record.contains(text[0])
        let ahead = Registers.separators(of: record, in: text, at: 0)
        registers[i.a, 1] = Value(Int64(isDropped ? 1 : 0))
        registers[i.a, 2] = Value(.integer, bits: separator.bits, count: record.isRepeated ? 1 : 0)
        registers[i.a, 3] = Value(.integer, bits: ahead, count: 0)
    }

    /// Whether the regex can be matched byte by byte here: text that isn't UTF-8 has bytes that match no class.
    private static func isByteClass(_ record: RegexRecord, for text: Bytes) -> Bool {
        guard unsafe record.byteClass != nil else { return false }
        return !record.contains(0x80) || text.isASCII || text.isUTF8
    }

    /// The next piece of a split by a string or by a regex that is no byte class.
    @inline(never)
    mutating func nextPiece(_ i: Instruction, _ registers: Registers) throws(Code) -> Bool {
        let text = registers[i.a].text
        var start = Int(registers[i.a, 1].integer)
        guard start <= text.count else { return false }
        let separator = registers[i.a, 2]
        if separator.has(.string) {
            return Self.nextPiece(of: text, at: start, separator: separator.text, i, registers)
        }
        var match = try self.separator(separator, in: text, from: start)
        if start == 0, let first = match, first.lowerBound == 0 {
            start = first.upperBound
            match = try self.separator(separator, in: text, from: start)
        }
        let end = match?.lowerBound ?? text.count
        if match == nil, start == end {
            registers[i.a, 1] = Value(Int64(text.count + 1))
            return false
        }
        registers[i.b] = Value(.string, text: text.slice(start, end))
        registers[i.a, 1] = Value(Int64(match?.upperBound ?? text.count + 1))
        return true
    }

    private static func nextPiece(
        of text: Bytes,
        at start: Int,
        separator: Bytes,
        _ i: Instruction,
        _ registers: Registers
    ) -> Bool {
        var end = text.count
        var following = text.count + 1
        if separator.count == 0 {
            guard start < text.count else { return false }
            end = start + text.unitLength(at: start)
            following = end
        } else if let found = text.firstIndex(of: separator, from: start) {
            end = found
            following = found + separator.count
        }
        registers[i.b] = Value(.string, text: text.slice(start, end))
        registers[i.a, 1] = Value(Int64(following))
        return true
    }

    /// The next match that separates; an empty one doesn't at the start of a piece and at the end of the text.
    private mutating func separator(
        _ regex: Value,
        in text: Bytes,
        from start: Int
    ) throws(Code) -> Range<Int>? {
        guard let match = try self.find(regex, in: text, from: start) else { return nil }
        guard match.isEmpty, match.lowerBound == start else {
            return match.isEmpty && match.lowerBound == text.count ? nil : match
        }
        guard start < text.count else { return nil }
        let later = try self.find(regex, in: text, from: start + text.unitLength(at: start))
        return later.flatMap { $0.isEmpty && $0.lowerBound == text.count ? nil : $0 }
    }

    /// The next match of a regex; its groups can be asked of the matcher until the next search.
    mutating func find(_ regex: Value, in text: Bytes, from start: Int) throws(Code) -> Range<Int>? {
        let expression = self.regexes[regex.regexRecord.index]
        switch unsafe self.matcher.findNext(expression, in: text.buffer, from: start) {
        case .matched: return self.matcher.group(0)
        case .unmatched: return nil
        case .tooMuchWork: throw .regexLimit
        }
    }

    /// All pieces at once.
    mutating func split(_ arguments: Elements) throws(Code) -> Value {
        let state = try self.makeElements(7)
        state[5] = arguments[0]
        state[6] = arguments[1]
        let registers = unsafe Registers(state.start)
        try self.beginSplit(Instruction(.splitBegin, a: 0, b: 5, c: 6), registers)
        let next = Instruction(.splitNext, a: 0, b: 4)
        let isByClass = state[2].has(.integer)
        var list = Value.emptyBuilder
        while isByClass ? Registers.nextPieceByClass(next, registers) : try self.nextPiece(next, registers) {
            try self.count(1)
            list = try self.appending(state[4], to: list)
        }
        return list.finishedBuilder
    }
}

extension Registers {
    /// The next piece of a split at bytes of a class where it isn't empty and its end is known.
    ///
    /// - Returns: False, and nothing changes, where the next piece must be looked for.
    @inline(__always)
    static func takePiece(_ i: Instruction, _ registers: Registers) -> Bool {
        // Nothing but a byte class knows separators ahead.
        let ahead = registers[i.a, 3]
        guard ahead.bits != 0 else { return false }
        let start = Int(registers[i.a, 1].integer)
        let end = ahead.count &+ ahead.bits.trailingZeroBitCount
        guard end > start else { return false }
        registers[i.b] = unsafe Value(.string, text: registers[i.a].address + start, count: end &- start)
        registers.setBits(i.a, 1, UInt64(bitPattern: Int64(end &+ 1)))
        registers.setBits(i.a, 3, ahead.bits & (ahead.bits &- 1))
        return true
    }

    /// The next piece of a split at bytes of a class.
    @inline(never)
    static func nextPieceByClass(_ i: Instruction, _ registers: Registers) -> Bool {
        let text = registers[i.a].text
        let separator = registers[i.a, 2]
        var start = Int(registers[i.a, 1].integer)
        var separators = registers[i.a, 3].bits
        var window = registers[i.a, 3].count
        while true {
            while separators == 0 {
                window &+= Self.windowBytes
                guard window <= text.count else { return false }
                separators = Self.separators(of: separator.regexRecord, in: text, at: window)
            }
            let end = window &+ separators.trailingZeroBitCount
            separators &= separators &- 1
            // Of empty pieces a repeated class leaves none, and no split the one at the end of the text.
            if end > start || (end == start && end < text.count && separator.count == 0) {
                registers[i.b] = Value(.string, text: text.slice(start, end))
                registers[i.a, 1] = Value(Int64(end &+ 1))
                registers[i.a, 3] = Value(.integer, bits: separators, count: window)
                return true
            }
            // A separator before the start is that of a first piece which was dropped.
            if end >= start { start = end &+ 1 }
        }
    }

    /// The bytes of the class among the 64 from `offset` on, and the end of the text if it lies there.
    @inline(__always)
    static func separators(of record: RegexRecord, in text: Bytes, at offset: Int) -> UInt64 {
        let left = text.count &- offset
        let mask = unsafe weir_class_mask(text.start + offset, left, record.byteClass.unsafelyUnwrapped)
        return left < 64 ? mask | 1 << UInt64(left) : mask
    }

    static var windowBytes: Int { 64 }
}

extension RegexRecord {
    /// Whether a byte is in the class; only where there is one.
    @inline(__always)
    func contains(_ byte: UInt8) -> Bool {
        // The members are the first thing that the class holds.
        unsafe UnsafeRawPointer(self.byteClass.unsafelyUnwrapped).load(fromByteOffset: Int(byte), as: UInt8.self) != 0
    }
}

extension Bytes {
    /// Whether all bytes are part of well-formed scalars.
    var isUTF8: Bool {
        var offset = 0
        while offset < self.count {
            let length = self.unitLength(at: offset)
            if length == 1, self[offset] >= 0x80 { return false }
            offset &+= length
        }
        return true
    }
}
