/// A value of the language in 16 bytes, without ownership: what registers, columns and collections hold.
///
/// | word   | bits   | holds                                                                              |
/// | ------ | -----: | ---------------------------------------------------------------------------------- |
/// | `bits` | 0…63   | the integer, the float's bit pattern, 0/1 for a boolean, or an address             |
/// | `meta` | 0…7    | ``Tag``                                                                            |
/// |        | 8…15   | flags of the tag; 0 where there are none                                           |
/// |        | 16…63  | length in bytes of text, number of elements of a collection, otherwise 0           |
///
/// Text (strings, symbols, keywords) points at UTF-8 bytes that may lie in an input block, in a program's constants or
/// in an ``Arena``; whoever holds the value keeps those alive. Bytes of an input that aren't UTF-8 stay as they are.
///
/// Source: design.md §4, rule 3.
@frozen
package struct Value: BitwiseCopyable, Sendable {
    package enum Tag: UInt8, Sendable {
        case `nil` = 0
        case boolean
        case integer
        case float
        case string
        case symbol
        case keyword
        /// `bits`: address of `count` values.
        case list
        /// `bits`: address of `count` pairs of values, key then value, in insertion order.
        case map
        /// `bits`: address of `count` values, in insertion order.
        case set
        /// `bits`: address of a closure object of the machine.
        case function
        /// `bits`: address of a ``RegexRecord`` of the program.
        case regex
        /// `bits`: ``Builtin`` raw value.
        case builtin
        /// `bits`: number of a stream that the host feeds: the values of one key in a reduce.
        case stream
        /// `bits`: index in the host's table: jobs, connectors, promises.
        case handle
    }

    package var bits: UInt64
    package var meta: UInt64

    @inline(__always)
    package init(bits: UInt64, meta: UInt64) {
        self.bits = bits
        self.meta = meta
    }

    @inline(__always)
    package init(_ tag: Tag, bits: UInt64, count: Int = 0) {
        self.bits = bits
        self.meta = UInt64(tag.rawValue) | UInt64(truncatingIfNeeded: count) << 16
    }

    package static let `nil` = Value(bits: 0, meta: 0)
    package static let `true` = Value(.boolean, bits: 1)
    package static let `false` = Value(.boolean, bits: 0)

    @inline(__always)
    package init(_ integer: Int64) {
        self.init(.integer, bits: UInt64(bitPattern: integer))
    }

    @inline(__always)
    package init(_ float: Double) {
        self.init(.float, bits: float.bitPattern)
    }

    @inline(__always)
    package init(_ boolean: Bool) {
        self.init(.boolean, bits: boolean ? 1 : 0)
    }

    /// Text that lies at `address`.
    @inline(__always)
    package init(_ tag: Tag, text address: UnsafeRawPointer, count: Int) {
        self.init(tag, bits: UInt64(UInt(bitPattern: address)), count: count)
    }

    @inline(__always)
    package var rawTag: UInt8 { UInt8(truncatingIfNeeded: self.meta) }

    @inline(__always)
    package var tag: Tag {
        // Only this type's initialisers write tags, so the raw value is always one of the cases.
        unsafe unsafeBitCast(self.rawTag, to: Tag.self)
    }

    @inline(__always)
    package var count: Int { Int(truncatingIfNeeded: self.meta >> 16) }

    @inline(__always)
    package var integer: Int64 { Int64(bitPattern: self.bits) }

    @inline(__always)
    package var float: Double { Double(bitPattern: self.bits) }

    /// Only `nil` and `false` are false.
    @inline(__always)
    package var isTruthy: Bool {
        !(self.rawTag == Tag.nil.rawValue || (self.rawTag == Tag.boolean.rawValue && self.bits == 0))
    }

    /// Where text or elements begin.
    ///
    /// Only for tags that hold an address; never null where `count > 0`.
    @inline(__always)
    package var address: UnsafeRawPointer {
        unsafe UnsafeRawPointer(bitPattern: UInt(self.bits)).unsafelyUnwrapped
    }
}
