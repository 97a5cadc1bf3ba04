/// One step of a compiled function: 8 bytes.
///
/// `a`, `b` and `c` are registers unless the opcode says otherwise. Jumps are relative to the next instruction: in `c`
/// where an instruction has two registers, in `b` and `c` together (`wide`) where it has at most one.
@frozen
package struct Instruction: BitwiseCopyable, Sendable {
    /// From the lowest byte on: opcode, `extra`, `a`, `b`, `c`.
    ///
    /// One word, of which each instruction takes what it needs: with fields of their own, all of them are loaded before it
    /// is known which instruction it is, and put together again for a call.
    private var bits: UInt64

    init(_ opcode: Opcode, extra: UInt8 = 0, a: Int = 0, b: Int = 0, c: Int = 0) {
        self.bits =
            UInt64(opcode.rawValue) | UInt64(extra) << 8 | UInt64(UInt16(truncatingIfNeeded: a)) << 16
            | UInt64(UInt16(truncatingIfNeeded: b)) << 32 | UInt64(UInt16(truncatingIfNeeded: c)) << 48
    }

    init(_ opcode: Opcode, a: Int = 0, wide: Int) {
        self.init(opcode, a: a, b: wide, c: wide >> 16)
    }

    @inline(__always)
    package var opcode: Opcode {
        // Only the initialiser writes it, so the raw value is always one of the cases.
        unsafe unsafeBitCast(UInt8(truncatingIfNeeded: self.bits), to: Opcode.self)
    }

    /// A small number: how many arguments, or which builtin reports an error.
    @inline(__always)
    package var extra: UInt8 { UInt8(truncatingIfNeeded: self.bits >> 8) }

    @inline(__always)
    package var a: UInt16 { UInt16(truncatingIfNeeded: self.bits >> 16) }

    @inline(__always)
    package var b: UInt16 { UInt16(truncatingIfNeeded: self.bits >> 32) }

    @inline(__always)
    package var c: UInt16 { UInt16(truncatingIfNeeded: self.bits >> 48) }

    @inline(__always)
    var wide: Int { Int(Int32(truncatingIfNeeded: self.bits >> 32)) }

    @inline(__always)
    var jump: Int { Int(truncatingIfNeeded: Int64(bitPattern: self.bits) >> 48) }

    /// The same instruction with another distance in `wide`.
    func jumping(wide distance: Int) -> Instruction { Instruction(self.opcode, a: Int(self.a), wide: distance) }

    /// The same instruction with another distance in `c`.
    func jumping(_ distance: Int) -> Instruction {
        Instruction(self.opcode, extra: self.extra, a: Int(self.a), b: Int(self.b), c: distance)
    }
}

/// What an instruction does.
@frozen
package enum Opcode: UInt8, Sendable {
    /// a ← constant number `wide`
    case loadConstant = 0
    /// a ← b
    case move
    /// a ← captured value number b of the running closure
    case loadCaptured
    /// a ← global slot `wide`
    case loadGlobal
    /// global slot `wide` ← a
    case storeGlobal
    case jump
    /// Counts a step, and may collect garbage, before it jumps.
    case jumpBack
    case jumpIfFalse
    case jumpIfTrue
    /// To `c` unless a < b.
    case jumpUnlessLess
    case jumpUnlessLessOrEqual
    case jumpUnlessGreater
    case jumpUnlessGreaterOrEqual
    case jumpUnlessEqual
    /// a ← b + c
    case add
    case subtract
    case multiply
    /// a ← b plus the signed number c; `extra` is the builtin that was written.
    case addImmediate
    /// a ← builtin number c of `extra` arguments from b on
    case builtin
    /// Emits key a, value b.
    case emit
    /// Emits key a, value constant number `wide`.
    case emitConstant
    /// a ← function number c of arguments from b on; the callee's registers begin at b.
    case call
    /// a ← function value b of `extra` arguments from b + 1 on
    case callValue
    /// a ← function value b of the elements of list b + 1; `extra` is the builtin that applies.
    case applyValue
    case returnValue
    /// a ← closure of function number b over `extra` values from c on
    case makeClosure
    /// captured value number b of closure a ← c
    case patchCapture
    /// a ← list of c values from b on
    case makeList
    /// a ← map of c pairs from b on
    case makeMap
    /// a ← empty list under construction
    case builderBegin
    /// Appends b to the list under construction a.
    case builderAppend
    /// Appends all elements of list b.
    case builderAppendAll
    /// The list under construction a becomes a list.
    case builderFinish
    /// Registers a, a + 1 ← state of an iteration over b; `extra` is the operation that reports an error.
    case iterateBegin
    /// b ← next element of iteration a, or to c.
    case iterateNext
    /// Registers a … a + 3 ← state of splitting text b at separator c.
    case splitBegin
    /// b ← next piece of split a, or to c.
    case splitNext
    /// The end of a round of such a loop: counts a step as ``jumpBack`` does; b ← next piece of split a, and to c, or on.
    case splitAgain
    /// Registers a … a + 2 ← state of a range whose start, end and step are in b … b + 2.
    case rangeBegin
    case rangeNext
    /// Fails unless a is a function; `extra` is the builtin that wants one.
    case checkFunction
    /// To c unless a is a list of b elements.
    case jumpUnlessList
    /// To c unless a is a symbol or keyword with the text of b.
    case jumpUnlessHead
    /// a ← element number c of list b
    case loadElement
    /// To `wide` unless a is a map.
    case jumpUnlessMap
    /// a ← value of key a in map b, or to c.
    case matchKey
    case noMatch
    /// Errors from here on go to `wide` with the thrown value in a.
    case pushHandler
    /// The same for cleanup: a is the number of the pending error.
    case pushCleanup
    case popHandler
    /// Fails again with the pending error number a.
    case rethrow
    /// a ← connector number c of the program, made of arguments and options from b on
    case connector
}
