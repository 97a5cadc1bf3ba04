internal import CKernels

/// A view of bytes that somebody else keeps alive: text of a value, an encoded key, a slice of an input block.
@safe
package struct Bytes: Sendable {
    // SAFETY: a view is only read, and used while the owner of the bytes keeps them alive and unchanged.
    package nonisolated(unsafe) let start: UnsafePointer<UInt8>
    package let count: Int

    @inline(__always)
    package init(start: UnsafePointer<UInt8>, count: Int) {
        unsafe self.start = start
        self.count = count
    }

    @inline(__always)
    package subscript(index: Int) -> UInt8 {
        unsafe self.start[index]
    }

    /// The bytes from `lower` up to and without `upper`.
    @inline(__always)
    package func slice(_ lower: Int, _ upper: Int) -> Bytes {
        unsafe Bytes(start: self.start + lower, count: upper &- lower)
    }

    @inline(__always)
    package var buffer: UnsafeBufferPointer<UInt8> {
        unsafe UnsafeBufferPointer(start: self.start, count: self.count)
    }

    package var array: [UInt8] { unsafe Array(self.buffer) }

    /// The text, each run of bytes that isn't UTF-8 replaced.
    package var string: String { unsafe String(decoding: self.buffer, as: UTF8.self) }

    package var isASCII: Bool {
        var position = 0
        while position &+ 8 <= self.count {
            let word = unsafe UnsafeRawPointer(self.start + position).loadUnaligned(as: UInt64.self)
            if word & 0x8080_8080_8080_8080 != 0 { return false }
            position &+= 8
        }
        while position < self.count {
            if self[position] >= 0x80 { return false }
            position &+= 1
        }
        return true
    }

    @inline(__always)
    package static func areEqual(_ left: Bytes, _ right: Bytes) -> Bool {
        guard left.count == right.count else { return false }
        var position = 0
        while position &+ 8 <= left.count {
            let a = unsafe UnsafeRawPointer(left.start + position).loadUnaligned(as: UInt64.self)
            let b = unsafe UnsafeRawPointer(right.start + position).loadUnaligned(as: UInt64.self)
            if a != b { return false }
            position &+= 8
        }
        while position < left.count {
            if left[position] != right[position] { return false }
            position &+= 1
        }
        return true
    }

    /// Negative, zero or positive: the order of unsigned bytes, which for UTF-8 is that of code points.
    package static func compare(_ left: Bytes, _ right: Bytes) -> Int {
        let shared = Swift.min(left.count, right.count)
        var position = 0
        while position &+ 8 <= shared {
            let a = unsafe UnsafeRawPointer(left.start + position).loadUnaligned(as: UInt64.self)
            let b = unsafe UnsafeRawPointer(right.start + position).loadUnaligned(as: UInt64.self)
            if a != b { return UInt64(bigEndian: a) < UInt64(bigEndian: b) ? -1 : 1 }
            position &+= 8
        }
        while position < shared {
            if left[position] != right[position] { return Int(left[position]) &- Int(right[position]) }
            position &+= 1
        }
        return left.count &- right.count
    }

    /// Where `needle` first occurs at `offset` or later.
    package func firstIndex(of needle: Bytes, from offset: Int) -> Int? {
        guard needle.count > 0 else { return offset <= self.count ? offset : nil }
        let first = needle[0]
        let last = self.count &- needle.count
        var position = offset
        if needle.count == 1 {
            guard position <= last else { return nil }
            let found = unsafe weir_find_byte(self.start + position, first, self.count &- position)
            return found < self.count &- position ? position &+ found : nil
        }
        while position <= last {
            if self[position] == first, Self.areEqual(self.slice(position, position &+ needle.count), needle) {
                return position
            }
            position &+= 1
        }
        return nil
    }
}

/// A view of values that somebody else keeps alive: the elements of a list or set, the pairs of a map.
@safe
package struct Elements {
    package let start: UnsafeMutablePointer<Value>
    package let count: Int

    @inline(__always)
    package init(start: UnsafeMutablePointer<Value>, count: Int) {
        unsafe self.start = start
        self.count = count
    }

    @inline(__always)
    package subscript(index: Int) -> Value {
        get { unsafe self.start[index] }
        nonmutating set { unsafe self.start[index] = newValue }
    }

    /// Copies all of `other` to `index` and after.
    @inline(__always)
    func copy(_ other: Elements, to index: Int = 0) {
        unsafe (self.start + index).update(from: other.start, count: other.count)
    }

    @inline(__always)
    func slice(_ lower: Int, _ upper: Int) -> Elements {
        unsafe Elements(start: self.start + lower, count: upper &- lower)
    }
}

extension Value {
    /// An address that may be formed and compared, and is never read: where nothing has elements.
    @inline(__always)
    private var nonnullAddress: UInt { self.bits == 0 ? 16 : UInt(self.bits) }

    /// The bytes of a string, symbol or keyword.
    @inline(__always)
    package var text: Bytes {
        unsafe Bytes(
            start: UnsafePointer<UInt8>(bitPattern: self.nonnullAddress).unsafelyUnwrapped,
            count: self.count
        )
    }

    /// The elements of a list or set.
    @inline(__always)
    package var elements: Elements {
        unsafe Elements(
            start: UnsafeMutablePointer<Value>(bitPattern: self.nonnullAddress).unsafelyUnwrapped,
            count: self.count
        )
    }

    /// The keys and values of a map in turn: twice as many as its count.
    @inline(__always)
    package var pairs: Elements {
        unsafe Elements(
            start: UnsafeMutablePointer<Value>(bitPattern: self.nonnullAddress).unsafelyUnwrapped,
            count: self.count &* 2
        )
    }

    @inline(__always)
    package init(_ tag: Tag, text bytes: Bytes) {
        unsafe self.init(tag, text: UnsafeRawPointer(bytes.start), count: bytes.count)
    }

    /// A list or set of all of these, or a map of these pairs.
    @inline(__always)
    package init(_ tag: Tag, of elements: Elements) {
        let count = tag == .map ? elements.count / 2 : elements.count
        unsafe self.init(tag, bits: UInt64(UInt(bitPattern: elements.start)), count: count)
    }

    @inline(__always)
    package func has(_ tag: Tag) -> Bool { self.rawTag == tag.rawValue }

    /// A string, keyword or symbol.
    @inline(__always)
    package var isText: Bool { self.rawTag >= Tag.string.rawValue && self.rawTag <= Tag.keyword.rawValue }

    /// A string or a keyword, which are equal when their texts are.
    @inline(__always)
    package var isTextKey: Bool { self.has(.string) || self.has(.keyword) }

    @inline(__always)
    package var isNumber: Bool { self.has(.integer) || self.has(.float) }

    /// A lambda or a builtin.
    @inline(__always)
    package var isFunction: Bool { self.has(.function) || self.has(.builtin) }
}
