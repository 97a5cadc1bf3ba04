internal import CKernels

/// `str` whose texts are all short: keys are put together in words, without laying their text down first.
///
/// A short key begins with its text, so that these are texts as well for whoever asks for them.
extension KernelRunner {
    /// Builds texts of which none has more than `longest` bytes, which is no more than a short key takes.
    mutating func concatenateAsKeys(_ parts: [Part], _ selection: Selection, longest: Int) -> TextReference {
        let room = unsafe self.rooms.take(Self.batchCount * MemoryLayout<KeyWords>.stride)
        let keys = unsafe UnsafeMutableRawPointer(room).assumingMemoryBound(to: KeyWords.self)
        let lengths = unsafe self.pool.takeOffsets()
        let target = unsafe KeyTarget(keys: keys, lengths: lengths, decimals: self.decimals.entries)
        if longest <= MemoryLayout<UInt64>.size {
            target.append(parts, selection, as: UInt64.self)
        } else {
            target.append(parts, selection, as: UInt128.self)
        }
        return unsafe TextReference(
            base: UnsafePointer(room),
            starts: self.keyStarts,
            lengths: lengths,
            isInBlock: false,
            keys: keys
        )
    }
}

/// Keys that are being built, and how many bytes each has.
@safe
private struct KeyTarget {
    let keys: UnsafeMutablePointer<KeyWords>
    let lengths: UnsafeMutablePointer<UInt32>
    let decimals: UnsafeMutablePointer<UInt32>

    /// Gives each row all parts, in loops that know what they append: a part, and the constants behind it.
    func append<Text: KeyText>(_ parts: [KernelRunner.Part], _ selection: Selection, as: Text.Type) {
        var rest = parts[...]
        var isFirst = true
        repeat {
            var part: KernelRunner.Part?
            if let first = rest.first {
                if case .bytes = first { part = nil } else { part = rest.removeFirst() }
            }
            var constant = KernelRunner.ConstantPart()
            while case .bytes(let bytes)? = rest.first {
                constant.append(bytes)
                rest.removeFirst()
            }
            self.append(part, Text(low: constant.low, high: constant.high), constant.count, selection, isFirst: isFirst)
            isFirst = false
        } while !rest.isEmpty
    }

    private func append<Text: KeyText>(
        _ part: KernelRunner.Part?,
        _ constant: Text,
        _ count: Int,
        _ selection: Selection,
        isFirst: Bool
    ) {
        switch part {
        case .text(let text)?:
            self.append(constant, count, selection, isFirst: isFirst) { row in
                let slice = text.slice(row)
                return unsafe (Text(bytes: slice.start, count: slice.count), slice.count)
            }
        case .integer(let integer)?:
            self.append(constant, count, selection, isFirst: isFirst) { row in
                let value = unsafe integer.values[row]
                guard UInt64(bitPattern: value) < UInt64(ShortDecimals.count) else { return Self.decimal(value) }
                let entry = unsafe self.decimals[Int(truncatingIfNeeded: value)]
                return (Text(truncatingIfNeeded: entry & 0xFF_FFFF), Int(entry >> 24))
            }
        case .bytes?, nil:
            self.append(constant, count, selection, isFirst: isFirst) { _ in (0, 0) }
        }
    }

    /// One loop each for rows that are empty yet or not, and for constants that are or aren't.
    @inline(__always)
    private func append<Text: KeyText>(
        _ constant: Text,
        _ count: Int,
        _ selection: Selection,
        isFirst: Bool,
        part: (Int) -> (text: Text, count: Int)
    ) {
        switch (isFirst, count > 0) {
        case (true, true): self.appendRows(constant, count, selection, isFirst: true, part)
        case (true, false): self.appendRows(0, 0, selection, isFirst: true, part)
        case (false, true): self.appendRows(constant, count, selection, isFirst: false, part)
        case (false, false): self.appendRows(0, 0, selection, isFirst: false, part)
        }
    }

    @inline(__always)
    private func appendRows<Text: KeyText>(
        _ constant: Text,
        _ count: Int,
        _ selection: Selection,
        isFirst: Bool,
        _ part: (Int) -> (text: Text, count: Int)
    ) {
        for position in 0..<selection.count {
            let row = selection[position]
            let added = part(row)
            var text = added.text
            var end = added.count
            if !isFirst {
                let before = unsafe Int(self.lengths[row])
                text = unsafe Text(self.keys[row]) | text &<< Text(truncatingIfNeeded: 8 &* before)
                end &+= before
            }
            text |= constant &<< Text(truncatingIfNeeded: 8 &* end)
            end &+= count
            unsafe self.keys[row] = text.key(count: end)
            unsafe self.lengths[row] = UInt32(truncatingIfNeeded: end)
        }
    }

    /// The digits of an integer that is in no table.
    @inline(never)
    private static func decimal<Text: KeyText>(_ value: Int64) -> (text: Text, count: Int) {
        var bytes: (UInt64, UInt64, UInt64) = (0, 0, 0)
        return unsafe withUnsafeMutableBytes(of: &bytes) { bytes in
            let start = unsafe bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)
            let count = unsafe KernelRunner.writeLong(value, to: start)
            return unsafe (Text(bytes: start, count: count), count)
        }
    }
}

/// The text of a key in a word: eight bytes or sixteen, of which the last one stays free.
private protocol KeyText: FixedWidthInteger, UnsignedInteger {
    init(low: UInt64, high: UInt64)

    /// The first `count` of the bytes that may be read from there on.
    init(bytes: UnsafePointer<UInt8>, count: Int)

    init(_ key: KeyWords)

    func key(count: Int) -> KeyWords
}

extension KeyText {
    /// What tells a key that it is short text, and how long.
    @inline(__always)
    fileprivate static func tag(_ count: Int) -> UInt64 {
        UInt64(truncatingIfNeeded: Int(KeyKind.shortText) &+ count) &<< 56
    }
}

extension UInt64: KeyText {
    @inline(__always)
    fileprivate init(low: UInt64, high: UInt64) { self = low }

    @inline(__always)
    fileprivate init(bytes: UnsafePointer<UInt8>, count: Int) {
        self = unsafe UnsafeRawPointer(bytes).loadUnaligned(as: UInt64.self) & weir_length_mask_low(count)
    }

    @inline(__always)
    fileprivate init(_ key: KeyWords) { self = key.a }

    @inline(__always)
    fileprivate func key(count: Int) -> KeyWords { KeyWords(a: self, b: Self.tag(count)) }
}

extension UInt128: KeyText {
    @inline(__always)
    fileprivate init(low: UInt64, high: UInt64) { self = UInt128(low) | UInt128(high) &<< 64 }

    @inline(__always)
    fileprivate init(bytes: UnsafePointer<UInt8>, count: Int) {
        let low = unsafe UnsafeRawPointer(bytes).loadUnaligned(as: UInt64.self)
        let high = unsafe UnsafeRawPointer(bytes + 8).loadUnaligned(as: UInt64.self)
        self.init(low: low & weir_length_mask_low(count), high: high & weir_length_mask_high(count))
    }

    @inline(__always)
    fileprivate init(_ key: KeyWords) { self.init(low: key.a, high: key.b & 0x00FF_FFFF_FFFF_FFFF) }

    @inline(__always)
    fileprivate func key(count: Int) -> KeyWords {
        KeyWords(
            a: UInt64(truncatingIfNeeded: self),
            b: UInt64(truncatingIfNeeded: self &>> 64) | UInt64.tag(count)
        )
    }
}

/// The decimal digits of small numbers, which are most numbers that are counted: looked up rather than divided out.
@safe
struct ShortDecimals: ~Copyable {
    /// For each number up to ``count``: its digits in the lower three bytes, how many in the upper one.
    let entries: UnsafeMutablePointer<UInt32>

    static let count = 1_000

    init() {
        unsafe self.entries = .allocate(capacity: Self.count)
        for number in 0..<Self.count {
            var entry: UInt32 = 0
            var count: UInt32 = 0
            var rest = UInt32(number)
            repeat {
                entry = entry << 8 | UInt32(UInt8(ascii: "0")) + rest % 10
                rest /= 10
                count += 1
            } while rest > 0
            unsafe (self.entries + number).initialize(to: entry | count << 24)
        }
    }

    deinit { unsafe self.entries.deallocate() }
}

extension IntegerReference {
    /// At most so many digits and a sign has a 64-bit integer.
    static let bytesMaximum = 20

    /// At least as many bytes as any of the integers has in decimal.
    func longest(_ selection: Selection) -> Int {
        var bits: UInt64 = 0
        selection.forEach { unsafe bits |= UInt64(bitPattern: self.values[$0]) }
        if bits > UInt64(Int64.max) { return Self.bytesMaximum }
        var count = 1
        while bits >= 10 {
            bits /= 10
            count += 1
        }
        return count
    }
}
