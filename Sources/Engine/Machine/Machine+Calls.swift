internal import FluentSyntax

/// Entering and leaving functions.
extension Machine where Host: ~Copyable {
    /// Performs a call instruction: afterwards `next` and `base` are those of what runs now.
    @inline(never)
    mutating func enter(_ i: Instruction, _ registers: Registers) throws(Code) {
        try self.workspace.count(1)
        switch i.opcode {
        case .call:
            let entry = unsafe self.program.entries[Int(i.c)]
            unsafe try self.push(unsafe entry, base: self.base &+ Int(i.b), destination: Int(i.a))
        case .callValue:
            try self.callValue(registers[i.b], at: self.base &+ Int(i.b) &+ 1, Int(i.extra), destination: Int(i.a))
        default:
            try self.applyValue(i, registers)
        }
    }

    /// Goes back to the caller; its next instruction.
    @inline(__always)
    mutating func leave() -> UnsafePointer<Instruction> {
        self.depth &-= 1
        let frame = unsafe self.frames[self.depth]
        unsafe self.base = frame.base
        unsafe self.extent = frame.extent
        return unsafe frame.returnAddress
    }

    /// The register of the caller that the function which just returned was called for.
    @inline(__always)
    var returned: UInt16 { UInt16(truncatingIfNeeded: unsafe self.frames[self.depth].destination) }

    /// Makes a function run whose arguments are in the stack from `base` on.
    @inline(__always)
    private mutating func push(
        _ entry: CompiledProgram.Entry,
        base: Int,
        destination: Int
    ) throws(Code) {
        guard self.depth < self.workspace.limits.callDepth else {
            throw .callDepthLimit(Int64(self.workspace.limits.callDepth))
        }
        let extent = unsafe base &+ entry.registerCount
        if extent > self.stackCapacity { self.growStack(to: extent) }
        if self.depth == self.frameCapacity { self.growFrames() }
        unsafe self.frames[self.depth] = Frame(
            returnAddress: self.next,
            base: self.base,
            extent: self.extent,
            destination: destination
        )
        self.depth &+= 1
        var index = unsafe base &+ entry.parameterCount
        while index < extent {
            unsafe self.stack[index] = .nil
            index &+= 1
        }
        self.base = base
        self.extent = extent
        unsafe self.next = entry.code
    }

    /// Calls a value whose arguments are in the stack from `first` on, with the value itself before them.
    private mutating func callValue(
        _ function: Value,
        at first: Int,
        _ count: Int,
        destination: Int
    ) throws(Code) {
        switch function.tag {
        case .function:
            let number = function.closureFunction
            let entry = unsafe self.program.entries[number]
            guard unsafe entry.parameterCount == count else {
                let called = self.program.functions[number]
                throw .argumentCount(function: called.name, expected: called.parameterCount, found: count)
            }
            unsafe try self.push(unsafe entry, base: first, destination: destination)
        case .builtin:
            try self.callBuiltin(function.builtin, at: first, count, destination: destination)
        case .keyword:
            try self.callKeyword(function, at: first, count, destination: destination)
        default:
            throw .typeMismatch(operation: "call", expected: TypeName.function, found: function.typeName)
        }
    }

    private mutating func callBuiltin(
        _ builtin: Builtin,
        at first: Int,
        _ count: Int,
        destination: Int
    ) throws(Code) {
        let signature = builtin.signature
        guard signature.accepts(count) else {
            let expected = count < signature.minimumCount ? signature.minimumCount : signature.maximumCount ?? count
            throw .argumentCount(function: signature.name, expected: expected, found: count)
        }
        guard builtin.callsFunctions else {
            let arguments = unsafe Elements(start: self.stack + first, count: count)
            let value = try self.perform(builtin, arguments)
            unsafe self.stack[self.base &+ destination] = value
            return
        }
        if builtin == .update {
            let extras = try self.workspace.makeElements(count - 3)
            unsafe extras.copy(Elements(start: self.stack + first + 3, count: count - 3))
            self.growStack(to: first + 4)
            unsafe self.stack[first + 3] = Value(.list, of: extras)
        }
        let name = builtin == .reduce && count == 3 ? .fold : builtin
        guard let stub = self.program.stubs[name] else {
            preconditionFailure("every builtin that calls functions has a compiled form")
        }
        unsafe try self.push(unsafe self.program.entries[stub.rawValue], base: first, destination: destination)
    }

    /// `(:key map default)`
    private mutating func callKeyword(
        _ keyword: Value,
        at first: Int,
        _ count: Int,
        destination: Int
    ) throws(Code) {
        guard count == 1 || count == 2 else {
            throw .argumentCount(function: ":" + keyword.text.string, expected: count < 1 ? 1 : 2, found: count)
        }
        let arguments = try self.workspace.makeElements(count + 1)
        arguments[0] = unsafe self.stack[first]
        arguments[1] = keyword
        if count == 2 { arguments[2] = unsafe self.stack[first + 1] }
        let value = try self.perform(.get, arguments)
        unsafe self.stack[self.base &+ destination] = value
    }

    /// Calls a function with the elements of a list as arguments.
    private mutating func applyValue(_ i: Instruction, _ registers: Registers) throws(Code) {
        let function = registers[i.b]
        let isCallable = function.isFunction || function.has(.keyword)
        if !isCallable {
            throw .typeMismatch(
                operation: OperationCode.name(i.extra),
                expected: TypeName.function,
                found: function.typeName
            )
        }
        var list = registers[i.b, 1]
        if list.has(.stream) { list = try self.materialise(list) }
        let elements = try self.workspace.elements(list, .apply)
        // Behind the caller's registers nothing is in use.
        let first = self.extent &+ 1
        let limit = self.workspace.limits.memoryBytes / MemoryLayout<Value>.stride
        guard elements.count < limit else { throw self.workspace.memoryLimit }
        self.growStack(to: first + elements.count + 1)
        unsafe self.stack[first - 1] = function
        for index in 0..<elements.count { unsafe self.stack[first + index] = elements[index] }
        // The window that is scanned for garbage begins before these and ends behind them.
        try self.callValue(function, at: first, elements.count, destination: Int(i.a))
    }
}

extension Value {
    /// The builtin that a value stands for.
    var builtin: Builtin {
        guard let builtin = Builtin(rawValue: UInt16(truncatingIfNeeded: self.bits)) else {
            preconditionFailure("only builtins are stored under their tag")
        }
        return builtin
    }
}
