/// `str` of several parts: text built for each row.
extension KernelRunner {
    enum Part {
        case bytes(Bytes)
        case text(TextReference)
        case integer(IntegerReference)
    }

    /// Rows whose texts may be longer are built one behind the other, so that a few long ones don't make all large.
    private static let strideBytesLimit = 256

    /// Rows that get all their parts before the next ones do: their room stays in the nearest cache meanwhile.
    private static let rowsAtOnce = 256

    /// Bytes that are moved in one step, whatever of them is wanted.
    private static let stepBytes = 16

    mutating func concatenate(_ scalars: [KernelScalar], _ selection: Selection) -> TextReference {
        let parts = scalars.map { self.part($0, selection) }
        let longest = parts.reduce(0) { $0 + Self.longest($1, selection) }
        if longest <= KeyWords.inlineLimit { return self.concatenateAsKeys(parts, selection, longest: longest) }
        let strideBytes = (longest + 2 * Self.stepBytes - 1) & ~(Self.stepBytes - 1)
        return strideBytes <= Self.strideBytesLimit
            ? self.concatenateByPart(parts, selection, strideBytes: strideBytes)
            : self.concatenateByRow(parts, selection)
    }

    private mutating func part(_ scalar: KernelScalar, _ selection: Selection) -> Part {
        switch scalar {
        case .text(.constant(let bytes)):
            let room = unsafe self.rooms.take(bytes.count)
            for (index, byte) in bytes.enumerated() { unsafe room[index] = byte }
            return .bytes(unsafe Bytes(start: UnsafePointer(room), count: bytes.count))
        case .text(let text): return .text(self.text(text, selection))
        case .integer(let integer): return .integer(self.integer(integer, selection))
        }
    }

    /// The most bytes that a part can have in any row.
    private static func longest(_ part: Part, _ selection: Selection) -> Int {
        switch part {
        case .bytes(let constant): return constant.count
        case .integer(let integer): return integer.longest(selection)
        case .text(let text):
            if let length = text.commonLength { return length }
            var longest: UInt32 = 0
            selection.forEach { unsafe longest = max(longest, text.lengths[$0]) }
            return Int(longest)
        }
    }

    // MARK: Part by part

    /// Every row has the same room: a part is appended to all rows in one loop that knows what it appends.
    private mutating func concatenateByPart(
        _ parts: [Part],
        _ selection: Selection,
        strideBytes: Int
    ) -> TextReference {
        let room = unsafe self.rooms.take(strideBytes * selection.count)
        let starts = unsafe self.pool.takeOffsets()
        let lengths = unsafe self.pool.takeOffsets()
        for position in 0..<selection.count {
            unsafe starts[selection[position]] = UInt32(truncatingIfNeeded: position &* strideBytes)
            unsafe lengths[selection[position]] = 0
        }
        for first in stride(from: 0, to: selection.count, by: Self.rowsAtOnce) {
            let some = unsafe Selection(
                rows: selection.rows + first,
                count: min(Self.rowsAtOnce, selection.count - first)
            )
            let target = unsafe PartTarget(room: room + first * strideBytes, strideBytes: strideBytes, lengths: lengths)
            Self.append(parts, some, to: target)
        }
        return unsafe TextReference(base: UnsafePointer(room), starts: starts, lengths: lengths, isInBlock: false)
    }

    private static func append(_ parts: [Part], _ selection: Selection, to target: PartTarget) {
        var index = 0
        while index < parts.count {
            // A short constant goes with the part before it: its bytes are written whatever else is.
            var constant = ConstantPart()
            if index + 1 < parts.count, case .bytes(let bytes) = parts[index + 1], bytes.count <= Self.stepBytes {
                constant.append(bytes)
            }
            Self.append(parts[index], and: constant, selection, to: target)
            index += constant.count > 0 ? 2 : 1
        }
    }

    private static func append(
        _ part: Part,
        and constant: ConstantPart,
        _ selection: Selection,
        to target: PartTarget
    ) {
        switch part {
        case .bytes(let bytes):
            unsafe target.append(selection, and: constant) { _, end in unsafe Self.copy(bytes, to: end) }
        case .text(let text):
            unsafe target.append(selection, and: constant) { row, end in unsafe Self.copy(text.slice(row), to: end) }
        case .integer(let integer):
            unsafe target.append(selection, and: constant) { row, end in unsafe Self.write(integer.values[row], to: end)
            }
        }
    }

    /// Up to 16 bytes that every row gets, in two words.
    struct ConstantPart {
        var low: UInt64 = 0
        var high: UInt64 = 0
        var count = 0

        mutating func append(_ bytes: Bytes) {
            for index in 0..<bytes.count {
                let shifted = UInt64(bytes[index]) << UInt64(8 * (self.count & 7))
                if self.count < 8 { self.low |= shifted } else { self.high |= shifted }
                self.count += 1
            }
        }
    }

    /// The room of some rows, each with so many bytes of it.
    @safe
    private struct PartTarget {
        let room: UnsafeMutablePointer<UInt8>
        let strideBytes: Int
        let lengths: UnsafeMutablePointer<UInt32>

        /// Calls `write` with each row and where its text ends; it answers how many bytes it has written there.
        @inline(__always)
        func append(
            _ selection: Selection,
            and constant: ConstantPart,
            _ write: (Int, UnsafeMutablePointer<UInt8>) -> Int
        ) {
            var start = unsafe self.room
            for position in 0..<selection.count {
                let row = selection[position]
                let end = unsafe start + Int(self.lengths[row])
                let written = unsafe write(row, end)
                let behind = unsafe UnsafeMutableRawPointer(end + written)
                unsafe behind.storeBytes(of: constant.low, as: UInt64.self)
                unsafe behind.storeBytes(of: constant.high, toByteOffset: 8, as: UInt64.self)
                unsafe self.lengths[row] &+= UInt32(truncatingIfNeeded: written &+ constant.count)
                unsafe start += self.strideBytes
            }
        }
    }

    // MARK: Row by row

    private mutating func concatenateByRow(_ parts: [Part], _ selection: Selection) -> TextReference {
        let room = unsafe self.rooms.take(Self.bytesNeeded(parts, selection))
        let starts = unsafe self.pool.takeOffsets()
        let lengths = unsafe self.pool.takeOffsets()
        var end = 0
        for position in 0..<selection.count {
            let row = selection[position]
            let start = end
            for part in parts {
                switch part {
                case .bytes(let bytes): unsafe end += Self.copy(bytes, to: room + end)
                case .text(let text): unsafe end += Self.copy(text.slice(row), to: room + end)
                case .integer(let integer): unsafe end += Self.write(integer.values[row], to: room + end)
                }
            }
            unsafe starts[row] = UInt32(truncatingIfNeeded: start)
            unsafe lengths[row] = UInt32(truncatingIfNeeded: end - start)
        }
        return unsafe TextReference(base: UnsafePointer(room), starts: starts, lengths: lengths, isInBlock: false)
    }

    private static func bytesNeeded(_ parts: [Part], _ selection: Selection) -> Int {
        var bytes = 0
        for part in parts {
            switch part {
            case .bytes(let constant): bytes += constant.count * selection.count
            case .integer: bytes += IntegerReference.bytesMaximum * selection.count
            case .text(let text):
                for position in 0..<selection.count { bytes += unsafe Int(text.lengths[selection[position]]) }
            }
        }
        return bytes
    }

    // MARK: One part of one row

    /// Short text is moved in one wide step: both sides have room behind them.
    @inline(__always)
    private static func copy(_ bytes: Bytes, to target: UnsafeMutablePointer<UInt8>) -> Int {
        if bytes.count <= Self.stepBytes {
            let source = unsafe UnsafeRawPointer(bytes.start)
            let low = unsafe source.loadUnaligned(as: UInt64.self)
            let high = unsafe source.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            let raw = UnsafeMutableRawPointer(target)
            unsafe raw.storeBytes(of: low, as: UInt64.self)
            unsafe raw.storeBytes(of: high, toByteOffset: 8, as: UInt64.self)
        } else {
            unsafe target.update(from: bytes.start, count: bytes.count)
        }
        return bytes.count
    }

    @inline(__always)
    private static func write(_ value: Int64, to target: UnsafeMutablePointer<UInt8>) -> Int {
        let magnitude = UInt64(bitPattern: value)
        guard magnitude < 100 else { return unsafe Self.writeLong(value, to: target) }
        // One digit or two without a branch, which would be mispredicted for every fifth length of a word.
        let tens = (magnitude &* 205) &>> 11
        let hasTwo = (9 &- magnitude) &>> 63
        let digits = 0x3030 &+ tens &+ (magnitude &- tens &* 10) &<< 8
        let shown = UInt16(truncatingIfNeeded: digits &>> (8 &- 8 &* hasTwo))
        unsafe UnsafeMutableRawPointer(target).storeBytes(of: shown.littleEndian, as: UInt16.self)
        return 1 &+ Int(truncatingIfNeeded: hasTwo)
    }

    static func writeLong(_ value: Int64, to target: UnsafeMutablePointer<UInt8>) -> Int {
        var count = 0
        var rest = value.magnitude
        repeat {
            rest /= 10
            count += 1
        } while rest > 0
        if value < 0 {
            unsafe target[0] = UInt8(ascii: "-")
            count += 1
        }
        rest = value.magnitude
        var end = count
        repeat {
            end -= 1
            unsafe target[end] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        return count
    }
}

/// Memory for text that is built for one batch, used again for the next.
@safe
struct TextRooms: ~Copyable {
    @unsafe
    private struct Room {
        var start: UnsafeMutablePointer<UInt8>
        var capacity: Int
    }

    private var rooms: [Room] = unsafe []
    private var taken = 0

    /// What may be read and written behind a room.
    private static let slackBytes = 64

    deinit {
        for index in 0..<(unsafe self.rooms.count) { unsafe self.rooms[index].start.deallocate() }
    }

    mutating func beginBatch() {
        self.taken = 0
    }

    /// Room for so many bytes, whatever is in them, until the next batch begins.
    mutating func take(_ bytes: Int) -> UnsafeMutablePointer<UInt8> {
        if unsafe self.taken == self.rooms.count {
            unsafe self.rooms.append(Self.makeRoom(bytes))
        } else if unsafe self.rooms[self.taken].capacity < bytes {
            unsafe self.rooms[self.taken].start.deallocate()
            unsafe self.rooms[self.taken] = Self.makeRoom(bytes + bytes / 4)
        }
        defer { self.taken += 1 }
        return unsafe self.rooms[self.taken].start
    }

    private static func makeRoom(_ bytes: Int) -> Room {
        let start = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes + Self.slackBytes)
        unsafe start.initialize(repeating: 0, count: bytes + Self.slackBytes)
        return unsafe Room(start: start, capacity: bytes)
    }
}
