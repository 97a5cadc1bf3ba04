/// Bytes that grow at the end: encoded values, rendered text.
@safe
package struct ByteBuffer: ~Copyable {
    package private(set) var count = 0
    private var capacity: Int
    private var start: UnsafeMutablePointer<UInt8>

    package init(capacity: Int = 256) {
        self.capacity = max(capacity, 16)
        unsafe self.start = .allocate(capacity: self.capacity)
    }

    deinit {
        unsafe self.start.deallocate()
    }

    /// What was appended so far: valid until the next append.
    @inline(__always)
    package var bytes: Bytes { unsafe Bytes(start: UnsafePointer(self.start), count: self.count) }

    package func slice(_ lower: Int, _ upper: Int) -> Bytes {
        precondition(lower >= 0 && lower <= upper && upper <= self.count, "no such bytes in the buffer")
        return self.bytes.slice(lower, upper)
    }

    @inline(__always)
    package mutating func removeAll() {
        self.count = 0
    }

    /// Forgets everything, and gives memory back that is more than `capacityLimit`.
    package mutating func removeAll(capacityLimit: Int) {
        self.count = 0
        guard self.capacity > capacityLimit else { return }
        unsafe self.start.deallocate()
        self.capacity = capacityLimit
        unsafe self.start = .allocate(capacity: capacityLimit)
    }

    package mutating func truncate(to count: Int) {
        precondition(count >= 0 && count <= self.count, "a buffer is only truncated to what it holds")
        self.count = count
    }

    /// Makes room for so many more bytes.
    @inline(__always)
    package mutating func reserve(_ more: Int) {
        if self.count &+ more > self.capacity { self.grow(more) }
    }

    @inline(__always)
    package mutating func append(_ byte: UInt8) {
        self.reserve(1)
        unsafe self.start[self.count] = byte
        self.count &+= 1
    }

    @inline(__always)
    package mutating func append(_ bytes: Bytes) {
        self.reserve(bytes.count)
        unsafe (self.start + self.count).update(from: bytes.start, count: bytes.count)
        self.count &+= bytes.count
    }

    package mutating func append(_ text: StaticString) {
        unsafe self.append(Bytes(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    package mutating func append(utf8 text: String) {
        var text = text
        text.withUTF8 { buffer in
            guard let start = buffer.baseAddress else { return }
            unsafe self.append(Bytes(start: start, count: buffer.count))
        }
    }

    /// Little endian, not aligned.
    @inline(__always)
    package mutating func append<Number: FixedWidthInteger>(littleEndian number: Number) {
        let size = MemoryLayout<Number>.size
        self.reserve(size)
        unsafe UnsafeMutableRawPointer(self.start + self.count)
            .storeBytes(of: number.littleEndian, as: Number.self)
        self.count &+= size
    }

    /// Appends a number, which has so many digits, the last first: two at a time.
    package mutating func append(decimal magnitude: UInt64, digitCount: Int) {
        self.reserve(digitCount)
        var end = unsafe self.start + self.count + digitCount
        var rest = magnitude
        while rest >= 10 {
            let (quotient, pair) = rest.quotientAndRemainder(dividingBy: 100)
            let tens = (pair &* 103) &>> 10
            unsafe end -= 2
            unsafe end[0] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: tens)
            unsafe end[1] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: pair &- tens &* 10)
            rest = quotient
        }
        self.count &+= digitCount
        // What is left is the only digit, or the first, unless there were as many as pairs.
        if unsafe end > self.start + (self.count - digitCount) {
            unsafe (end - 1).pointee = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest)
        }
    }

    /// Overwrites four bytes that were appended before.
    package mutating func replace(at offset: Int, littleEndian number: UInt32) {
        precondition(offset >= 0 && offset + 4 <= self.count, "only what was appended can be replaced")
        unsafe UnsafeMutableRawPointer(self.start + offset)
            .storeBytes(of: number.littleEndian, as: UInt32.self)
    }

    private mutating func grow(_ more: Int) {
        let size = max(self.capacity * 2, self.count + more)
        let grown = UnsafeMutablePointer<UInt8>.allocate(capacity: size)
        unsafe grown.update(from: self.start, count: self.count)
        unsafe self.start.deallocate()
        unsafe self.start = grown
        self.capacity = size
    }
}
