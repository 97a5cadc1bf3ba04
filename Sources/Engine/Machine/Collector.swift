/// Copies values that are alive from one arena to another.
///
/// What is shared stays shared, cycles of closures too; what lies outside the arena isn't touched. The copies of
/// collections wait in a list until their elements are copied, so that depth costs no stack.
@safe
struct Collector: ~Copyable {
    /// A text or collection of the old arena.
    private struct Identity: Hashable {
        let bits: UInt64
        let meta: UInt64
    }

    private var target: Arena
    private var copies: [Identity: UInt64] = [:]
    private var waiting: [Elements] = []

    init(limitBytes: Int) {
        self.target = Arena(limitBytes: limitBytes)
    }

    /// Copies what a value points at, and makes the value point at the copy; false where memory doesn't suffice.
    mutating func move(_ value: inout Value, from source: borrowing Arena) -> Bool {
        let isBuilder = value.rawTag == Value.builderTag
        guard isBuilder || value.holdsAddress, value.bits != 0, source.contains(value.bits) else { return true }
        let identity = Identity(bits: value.bits, meta: value.meta)
        if let copy = self.copies[identity] {
            value.bits = copy
            return true
        }
        guard let copy = isBuilder ? self.copyBuilder(value) : self.copy(value) else { return false }
        self.copies[identity] = copy.bits
        value = copy
        return true
    }

    /// Copies all that waits; false where memory doesn't suffice.
    mutating func finish(from source: borrowing Arena) -> Bool {
        while let elements = self.waiting.popLast() {
            for index in 0..<elements.count {
                var value = elements[index]
                guard self.move(&value, from: source) else { return false }
                elements[index] = value
            }
        }
        return true
    }

    consuming func takeArena() -> Arena { self.target }

    private mutating func copy(_ value: Value) -> Value? {
        switch value.tag {
        case .string, .symbol, .keyword: return self.target.makeText(value.tag, copying: value.text)
        case .list, .set: return self.copy(value.elements).map { Value(value.tag, of: $0) }
        case .map: return self.copy(value.pairs).map { Value(value.tag, of: $0) }
        default: return self.copyClosure(value)
        }
    }

    private mutating func copy(_ elements: Elements) -> Elements? {
        guard let copy = self.target.makeElements(elements.count) else { return nil }
        copy.copy(elements)
        if copy.count > 0 { self.waiting.append(copy) }
        return copy
    }

    private mutating func copyClosure(_ closure: Value) -> Value? {
        let size = Value.closureHeaderBytes + closure.count * MemoryLayout<Value>.stride
        guard let room = unsafe self.target.allocate(size) else { return nil }
        unsafe room.copyMemory(from: closure.address, byteCount: size)
        let copy = Value(bits: UInt64(UInt(bitPattern: room)), meta: closure.meta)
        if copy.count > 0 { self.waiting.append(copy.closureCaptures) }
        return copy
    }

    /// The copy has as much room as the original: were it to grow with the next element, it would be garbage again.
    private mutating func copyBuilder(_ list: Value) -> Value? {
        let capacity = list.builderCapacity
        let size = Value.builderHeaderBytes + capacity * MemoryLayout<Value>.stride
        guard let room = unsafe self.target.allocate(size) else { return nil }
        unsafe room.storeBytes(of: UInt64(capacity), as: UInt64.self)
        let start = unsafe room + Value.builderHeaderBytes
        let copy = Value(bits: UInt64(UInt(bitPattern: start)), meta: list.meta)
        copy.elements.copy(list.elements)
        if copy.count > 0 { self.waiting.append(copy.elements) }
        return copy
    }
}

extension Value {
    /// Whether `bits` is the address of memory that may lie in an arena.
    var holdsAddress: Bool {
        self.rawTag >= Tag.string.rawValue && self.rawTag <= Tag.function.rawValue
    }
}
