internal import CKernels

/// A set of byte values, in the form that wide comparisons use.
@safe
package struct ByteClass: Sendable, Hashable {
    /// Bit `b % 64` of word `b / 64`.
    package private(set) var words: [UInt64]

    package init() {
        self.words = [0, 0, 0, 0]
    }

    package init(_ bytes: some Sequence<UInt8>) {
        self.init()
        for byte in bytes { self.insert(byte) }
    }

    /// `\s` as the language defines it: space, tab, newline, vertical tab, form feed, carriage return.
    package static let whitespace = ByteClass([9, 10, 11, 12, 13, 32])

    package mutating func insert(_ byte: UInt8) {
        self.words[Int(byte >> 6)] |= 1 << UInt64(byte & 63)
    }

    package func contains(_ byte: UInt8) -> Bool {
        self.words[Int(byte >> 6)] >> UInt64(byte & 63) & 1 != 0
    }

    package func inserting(_ byte: UInt8) -> ByteClass {
        var copy = self
        copy.insert(byte)
        return copy
    }

    package var isEmpty: Bool { self.words.allSatisfy { $0 == 0 } }

    /// What the C kernels look up.
    var table: weir_byte_class {
        var table = weir_byte_class()
        unsafe withUnsafeMutableBytes(of: &table.member) { bytes in
            for byte in 0..<256 where self.contains(UInt8(byte)) { unsafe bytes[byte] = 0xFF }
        }
        unsafe weir_byte_class_prepare(&table)
        return table
    }
}
