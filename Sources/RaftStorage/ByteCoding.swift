/// Appends numbers, lowest byte first.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    mutating func append<Number: FixedWidthInteger>(_ number: Number) {
        unsafe withUnsafeBytes(of: number.littleEndian) { unsafe self.bytes.append(contentsOf: $0) }
    }

    mutating func append(_ bytes: some Collection<UInt8>) { self.bytes += bytes }

    /// Zeros up to a multiple of `unit`.
    mutating func pad(to unit: Int) {
        let surplus = self.bytes.count % unit
        if surplus > 0 { self.bytes += [UInt8](repeating: 0, count: unit - surplus) }
    }

    mutating func replace(_ number: UInt32, at offset: Int) {
        for place in 0..<4 { self.bytes[offset + place] = UInt8(truncatingIfNeeded: number >> UInt32(8 * place)) }
    }
}

/// Reads what a ``ByteWriter`` wrote; nil where the bytes end before that.
struct ByteReader {
    private let bytes: ArraySlice<UInt8>
    private var offset: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        self.offset = bytes.startIndex
    }

    var count: Int { self.bytes.endIndex - self.offset }

    mutating func read<Number: FixedWidthInteger & BitwiseCopyable>(_ type: Number.Type = Number.self) -> Number? {
        let width = Number.bitWidth / 8
        guard self.count >= width else { return nil }
        let place = self.offset - self.bytes.startIndex
        self.offset += width
        let number = unsafe self.bytes.withUnsafeBytes { bytes in
            unsafe bytes.loadUnaligned(fromByteOffset: place, as: Number.self)
        }
        return Number(littleEndian: number)
    }

    mutating func read(count: Int) -> ArraySlice<UInt8>? {
        guard count >= 0, self.count >= count else { return nil }
        defer { self.offset += count }
        return self.bytes[self.offset..<(self.offset + count)]
    }
}
