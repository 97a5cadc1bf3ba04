internal import CKernels

/// A key in two words: text up to 15 bytes inline, anything longer by its hash.
///
/// | word | bytes | short key                             | long key                               |
/// | ---- | ----: | ------------------------------------- | -------------------------------------- |
/// | `a`  |  0…7  | the first eight bytes, zero-padded    | hash of the encoded key                |
/// | `b`  |  0…6  | the rest, zero-padded                 | bytes 0…3: length, 4…6: more hash bits |
/// | `b`  |     7 | ``KeyKind`` short, plus length        | ``KeyKind`` long                       |
///
/// No key has `b == 0`, so that a zeroed table slot is free. Equal short keys have equal words and unequal ones don't;
/// long keys with equal words are compared byte by byte.
@frozen
package struct KeyWords: BitwiseCopyable, Sendable {
    package var a: UInt64
    package var b: UInt64

    /// The longest key, in bytes, that is held inline.
    package static let inlineLimit = 15

    @inline(__always)
    package init(a: UInt64, b: UInt64) {
        self.a = a
        self.b = b
    }

    /// Where the key belongs: low bits choose the table slot, high bits the key group.
    @inline(__always)
    package var hash: UInt64 {
        Self.mix(self.a ^ 0x9E37_79B9_7F4A_7C15, self.b ^ 0xD6E8_FEB8_6659_FD93)
    }

    @inline(__always)
    package static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.low ^ product.high
    }
}

/// What the bytes of a key are, as the top byte of ``KeyWords/b`` tells.
package enum KeyKind {
    /// Text of 0 to 15 bytes: this plus the length.
    package static let shortText: UInt8 = 0x10
    /// Another value whose canonical encoding has at most 15 bytes: this plus the length.
    package static let shortEncoded: UInt8 = 0x20
    package static let longText: UInt8 = 0x80
    package static let longEncoded: UInt8 = 0x90
}

extension KeyWords {
    @inline(__always)
    package var kind: UInt8 { UInt8(truncatingIfNeeded: self.b >> 56) }

    @inline(__always)
    package var isLong: Bool { self.b >> 63 != 0 }

    @inline(__always)
    package var isText: Bool { self.kind & 0xF0 == KeyKind.shortText || self.kind == KeyKind.longText }

    /// The number of bytes of the text or encoding.
    @inline(__always)
    package var count: Int {
        self.isLong
            ? Int(UInt32(truncatingIfNeeded: self.b))
            : Int(self.kind & 0x0F)
    }

    /// The words of a short key whose 16 bytes from `address` may be read, whatever lies behind its `count` bytes.
    @inline(__always)
    package init(short address: UnsafeRawPointer, count: Int, kind: UInt8) {
        let low = unsafe address.loadUnaligned(as: UInt64.self)
        let high = unsafe (address + 8).loadUnaligned(as: UInt64.self)
        let lowMask = weir_length_mask_low(count)
        let highMask = weir_length_mask_high(count)
        self.a = low & lowMask
        self.b = (high & highMask) | UInt64(kind &+ UInt8(truncatingIfNeeded: count)) &<< 56
    }

    /// The words of a long key.
    package init(long address: UnsafeRawPointer, count: Int, kind: UInt8) {
        let hash = unsafe Self.hash(address, count: count)
        self.a = hash.first
        let rest = (hash.second & 0xFF_FFFF) << 32
        self.b = UInt64(UInt32(truncatingIfNeeded: count)) | rest | UInt64(kind) << 56
    }

    /// The words of any key; reads nothing behind its bytes that could lie on another page.
    @inline(__always)
    package init(_ address: UnsafeRawPointer, count: Int, isText: Bool) {
        if count <= Self.inlineLimit {
            let kind = isText ? KeyKind.shortText : KeyKind.shortEncoded
            if Self.canRead(UInt64(UInt(bitPattern: address))) {
                unsafe self.init(short: address, count: count, kind: kind)
            } else {
                unsafe self.init(copying: address, count: count, kind: kind)
            }
        } else {
            unsafe self.init(long: address, count: count, kind: isText ? KeyKind.longText : KeyKind.longEncoded)
        }
    }

    /// Whether the 16 bytes from an address on lie in one page, so that they can be read if the first can.
    @inline(__always)
    static func canRead(_ address: UInt64) -> Bool { address & 4_095 <= 4_096 - 16 }

    /// The words of an integer: its encoding is a tag and eight bytes.
    @inline(__always)
    package init(integer: Int64) {
        let bits = UInt64(bitPattern: integer)
        self.a = UInt64(ValueCodec.Mark.integer) | bits &<< 8
        self.b = bits &>> 56 | UInt64(KeyKind.shortEncoded &+ 9) &<< 56
    }

    @inline(never)
    private init(copying address: UnsafeRawPointer, count: Int, kind: UInt8) {
        var words: (UInt64, UInt64) = (0, 0)
        unsafe withUnsafeMutableBytes(of: &words) { bytes in
            unsafe bytes.copyMemory(from: UnsafeRawBufferPointer(start: address, count: count))
        }
        self.a = words.0
        self.b = words.1 | UInt64(kind &+ UInt8(truncatingIfNeeded: count)) &<< 56
    }

    /// 128 bits of hash over any number of bytes, a word of 16 at a time.
    ///
    /// Source: the multiply-and-fold step of wyhash (Wang Yi, 2019), own arrangement.
    private static func hash(_ address: UnsafeRawPointer, count: Int) -> (first: UInt64, second: UInt64) {
        var first = 0x2D35_8DCC_AA6C_78A5 ^ UInt64(truncatingIfNeeded: count)
        var second: UInt64 = 0x8BB8_4B93_962E_ACC9
        var offset = 0
        while offset + 16 <= count {
            let low = unsafe (address + offset).loadUnaligned(as: UInt64.self)
            let high = unsafe (address + offset + 8).loadUnaligned(as: UInt64.self)
            first = Self.mix(first ^ low, high ^ 0x4B33_A62E_D433_D4A3)
            second = Self.mix(second ^ high, low ^ 0x9E37_79B9_7F4A_7C15)
            offset += 16
        }
        if offset < count {
            // Callers hash keys longer than 16 bytes only, so the last 16 bytes exist and overlap what was hashed.
            let low = unsafe (address + count - 16).loadUnaligned(as: UInt64.self)
            let high = unsafe (address + count - 8).loadUnaligned(as: UInt64.self)
            first = Self.mix(first ^ low, high ^ 0x4B33_A62E_D433_D4A3)
            second = Self.mix(second ^ high, low ^ 0x9E37_79B9_7F4A_7C15)
        }
        return (first, second)
    }

    /// Writes a short key's bytes to `target`, which has room for 16.
    @inline(__always)
    package func store(to target: UnsafeMutableRawPointer) {
        unsafe target.storeBytes(of: self.a, as: UInt64.self)
        unsafe (target + 8).storeBytes(of: self.b & 0x00FF_FFFF_FFFF_FFFF, as: UInt64.self)
    }
}
