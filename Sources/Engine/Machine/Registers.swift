/// The registers of the running function: a window of the machine's stack.
@safe
struct Registers {
    let start: UnsafeMutablePointer<Value>

    @inline(__always)
    init(_ start: UnsafeMutablePointer<Value>) {
        unsafe self.start = start
    }

    @inline(__always)
    subscript(index: UInt16) -> Value {
        get { unsafe self.start[Int(index)] }
        nonmutating set { unsafe self.start[Int(index)] = newValue }
    }

    @inline(__always)
    subscript(index: UInt16, offset: Int) -> Value {
        get { unsafe self.start[Int(index) &+ offset] }
        nonmutating set { unsafe self.start[Int(index) &+ offset] = newValue }
    }

    /// Replaces the bits of a register and keeps its tag.
    @inline(__always)
    func setBits(_ index: UInt16, _ offset: Int, _ bits: UInt64) {
        unsafe self.start[Int(index) &+ offset].bits = bits
    }

    /// So many registers from one on.
    @inline(__always)
    func slice(_ first: UInt16, _ count: Int) -> Elements {
        unsafe Elements(start: self.start + Int(first), count: count)
    }

    /// The closure that runs: it lies before its registers.
    @inline(__always)
    var closure: Value { unsafe self.start[-1] }
}
