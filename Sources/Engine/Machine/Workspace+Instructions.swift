internal import FluentSyntax

/// What instructions do where it takes more than a line.
extension Workspace {
    @inline(never)
    mutating func compareSlowly(_ i: Instruction, _ registers: Registers) throws(Code) -> Bool {
        guard let builtin = Builtin(rawValue: UInt16(i.extra)) else {
            preconditionFailure("a comparison is a builtin")
        }
        let left = registers[i.a]
        let right = registers[i.b]
        try self.checkComparable(left, right, builtin)
        try self.countComparison(left)
        return Self.holds(builtin, left, right)
    }

    @inline(__always)
    mutating func areEqual(_ left: Value, _ right: Value, _ builtin: Builtin) throws(Code) -> Bool {
        if left.rawTag < Value.Tag.list.rawValue {
            try self.countComparison(left)
            return Value.areEqualScalars(left, right, asKeys: false)
        }
        return try self.walk(builtin) { (walk) throws(ValueWalkError) in
            try Value.areEqual(left, right, asKeys: false, walk: &walk)
        }
    }

    /// Text is compared for free as long as it is short.
    @inline(__always)
    mutating func countComparison(_ left: Value) throws(Code) {
        if left.count >= Self.countedComparisonBytes, left.isText { try self.count(bytes: left.count) }
    }

    private static var countedComparisonBytes: Int { 1_024 }

    @inline(never)
    mutating func addImmediate(_ i: Instruction, _ value: Value) throws(Code) -> Value {
        guard let builtin = Builtin(rawValue: UInt16(i.extra)) else {
            preconditionFailure("an addition is a builtin")
        }
        let isNegative = builtin == .subtract || builtin == .decrement
        return try self.arithmetic(builtin, value, Value(Int64(isNegative ? -i.jump : i.jump)))
    }

    mutating func makeClosure(_ i: Instruction, _ registers: Registers) throws(Code) -> Value {
        let count = Int(i.extra)
        let size = Value.closureHeaderBytes + count * MemoryLayout<Value>.stride
        guard let room = unsafe self.arena.allocate(size) else { throw self.memoryLimit }
        unsafe room.storeBytes(of: UInt32(i.b), as: UInt32.self)
        let closure = Value(.function, bits: UInt64(UInt(bitPattern: room)), count: count)
        closure.closureCaptures.copy(registers.slice(i.c, count))
        return closure
    }

    /// Replaces the key in register a by its value; false where the map doesn't have it.
    mutating func matchKey(_ i: Instruction, _ registers: Registers) throws(Code) -> Bool {
        let map = registers[i.b]
        let key = registers[i.a]
        let index = try self.walk(.get) { (walk) throws(ValueWalkError) in
            try map.entryIndex(of: key, walk: &walk)
        }
        guard let index else { return false }
        registers[i.a] = map.pairs[2 * index + 1]
        return true
    }

    /// A map of pairs in a row: of equal keys the last value counts, at the first one's place.
    mutating func makeMap(_ pairs: Elements, _ builtin: Builtin) throws(Code) -> Value {
        let elements = try self.makeElements(pairs.count)
        var map = Value(.map, of: elements.slice(0, 0))
        for index in 0..<(pairs.count / 2) {
            let key = try self.key(pairs[2 * index], builtin)
            let known = try self.walk(builtin) { (walk) throws(ValueWalkError) in
                try map.entryIndex(of: key, walk: &walk)
            }
            if let known {
                elements[2 * known + 1] = pairs[2 * index + 1]
            } else {
                elements[2 * map.count] = key
                elements[2 * map.count + 1] = pairs[2 * index + 1]
                map = Value(.map, of: elements.slice(0, 2 * (map.count + 1)))
            }
        }
        return map
    }

    // MARK: Lists under construction

    @inline(__always)
    mutating func append(_ value: Value, to register: UInt16, _ registers: Registers) throws(Code) {
        registers[register] = try self.appending(value, to: registers[register])
    }

    @inline(__always)
    mutating func appending(_ value: Value, to list: Value) throws(Code) -> Value {
        var list = list
        if list.count == list.builderCapacity { list = try self.growing(list) }
        unsafe list.elements.start[list.count] = value
        list.meta &+= 1 &<< 16
        return list
    }

    @inline(never)
    private mutating func growing(_ list: Value) throws(Code) -> Value {
        let capacity = max(4, list.count * 2)
        let bytes = Value.builderHeaderBytes + capacity * MemoryLayout<Value>.stride
        guard let room = unsafe self.arena.allocate(bytes) else { throw self.memoryLimit }
        unsafe room.storeBytes(of: UInt64(capacity), as: UInt64.self)
        let grown = unsafe Value(
            bits: UInt64(UInt(bitPattern: room + Value.builderHeaderBytes)),
            meta: list.meta
        )
        grown.elements.copy(list.elements)
        return grown
    }

    // MARK: Ranges

    /// Registers a … a + 2 become the next number, the end and the step.
    mutating func beginRange(_ i: Instruction, _ registers: Registers) throws(Code) {
        let range = try self.range(registers.slice(i.b, Int(i.extra)))
        registers[i.a] = Value(range.start)
        registers[i.a, 1] = Value(range.end)
        registers[i.a, 2] = Value(range.step)
    }
}

extension Machine where Host: ~Copyable {
    @inline(__always)
    static func nextNumber(_ i: Instruction, _ registers: Registers) -> Bool {
        let current = registers[i.a].integer
        let end = registers[i.a, 1].integer
        let step = registers[i.a, 2].integer
        guard step > 0 ? current < end : current > end else { return false }
        registers[i.b] = Value(current)
        let (following, overflowed) = current.addingReportingOverflow(step)
        registers[i.a] = Value(overflowed ? end : following)
        return true
    }
}

/// A list under construction: its elements lie behind a header that holds how many there is room for.
extension Value {
    static let builderTag: UInt8 = 15
    static let builderHeaderBytes = 16

    static var emptyBuilder: Value { Value(bits: 0, meta: UInt64(Self.builderTag)) }

    @inline(__always)
    var builderCapacity: Int {
        if self.bits == 0 { return 0 }
        return Int(unsafe (self.address - Self.builderHeaderBytes).load(as: UInt64.self))
    }

    @inline(__always)
    var finishedBuilder: Value { Value(.list, bits: self.bits, count: self.count) }
}
