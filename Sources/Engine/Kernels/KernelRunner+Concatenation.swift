/// `str` of several parts: text built for each row.
extension KernelRunner {
    private enum Part {
        case bytes(Bytes)
        case text(TextReference)
        case integer(IntegerReference)
    }

    mutating func concatenate(_ scalars: [KernelScalar], _ selection: Selection) -> TextReference {
        let parts = scalars.map { self.part($0, selection) }
        let text = RoomForText(capacity: Self.bytesNeeded(parts, selection))
        self.texts.append(text)
        let starts = unsafe self.pool.takeOffsets()
        let lengths = unsafe self.pool.takeOffsets()
        var end = unsafe text.start
        for position in 0..<selection.count {
            let row = selection[position]
            let start = unsafe end
            for part in parts { unsafe end = Self.append(part, row, at: end) }
            unsafe starts[row] = UInt32(truncatingIfNeeded: start - text.start)
            unsafe lengths[row] = UInt32(truncatingIfNeeded: end - start)
        }
        return unsafe TextReference(
            base: UnsafePointer(text.start),
            starts: starts,
            lengths: lengths,
            isInBlock: false
        )
    }

    private mutating func part(_ scalar: KernelScalar, _ selection: Selection) -> Part {
        switch scalar {
        case .text(.constant(let bytes)):
            let text = RoomForText(capacity: bytes.count)
            for (index, byte) in bytes.enumerated() { unsafe text.start[index] = byte }
            self.texts.append(text)
            return .bytes(unsafe Bytes(start: UnsafePointer(text.start), count: bytes.count))
        case .text(let text): return .text(self.text(text, selection))
        case .integer(let integer): return .integer(self.integer(integer, selection))
        }
    }

    /// At most so many digits and a sign has a 64-bit integer.
    private static let integerBytes = 20

    private static func bytesNeeded(_ parts: [Part], _ selection: Selection) -> Int {
        var bytes = 0
        for part in parts {
            switch part {
            case .bytes(let constant): bytes += constant.count * selection.count
            case .integer: bytes += Self.integerBytes * selection.count
            case .text(let text):
                for position in 0..<selection.count { bytes += unsafe Int(text.lengths[selection[position]]) }
            }
        }
        return bytes
    }

    /// Writes a part and returns where the next one begins.
    @inline(__always)
    private static func append(
        _ part: Part,
        _ row: Int,
        at target: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        switch part {
        case .bytes(let bytes): return unsafe Self.copy(bytes, to: target)
        case .text(let text): return unsafe Self.copy(text.slice(row), to: target)
        case .integer(let integer): return unsafe Self.append(integer.values[row], at: target)
        }
    }

    /// Short text is moved in one wide step: both sides have room behind them.
    @inline(__always)
    private static func copy(_ bytes: Bytes, to target: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        if bytes.count <= 16 {
            let source = unsafe UnsafeRawPointer(bytes.start)
            let low = unsafe source.loadUnaligned(as: UInt64.self)
            let high = unsafe source.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            let raw = UnsafeMutableRawPointer(target)
            unsafe raw.storeBytes(of: low, as: UInt64.self)
            unsafe raw.storeBytes(of: high, toByteOffset: 8, as: UInt64.self)
        } else {
            unsafe target.update(from: bytes.start, count: bytes.count)
        }
        return unsafe target + bytes.count
    }

    @inline(__always)
    private static func append(
        _ value: Int64,
        at target: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        if value >= 0, value < 10 {
            unsafe target[0] = UInt8(ascii: "0") + UInt8(value)
            return unsafe target + 1
        }
        if value >= 10, value < 100 {
            unsafe target[0] = UInt8(ascii: "0") + UInt8(value / 10)
            unsafe target[1] = UInt8(ascii: "0") + UInt8(value % 10)
            return unsafe target + 2
        }
        var digits = ByteBuffer(capacity: 32)
        NumberText.append(value, to: &digits)
        digits.reserve(16)
        return unsafe Self.copy(digits.bytes, to: target)
    }
}

/// Memory for text of one batch, with room to read and write behind it.
@safe
final class RoomForText {
    let start: UnsafeMutablePointer<UInt8>

    private static let slackBytes = 64

    init(capacity: Int) {
        unsafe self.start = .allocate(capacity: capacity + Self.slackBytes)
        unsafe self.start.initialize(repeating: 0, count: capacity + Self.slackBytes)
    }

    deinit {
        unsafe self.start.deallocate()
    }
}
