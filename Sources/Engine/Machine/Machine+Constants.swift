package import FluentSyntax

/// Why a value can't leave its machine.
package enum TravelError: Error, Hashable, Sendable {
    /// A value of this type belongs to the process or record that made it.
    case cannotTravel(typeName: String)
    /// Nested deeper than ``ValueWalk/depthLimit``, or a function that captured itself.
    case tooDeep
}

/// Values that leave the machine: captured by a job's lambda, options of a job, results.
extension Machine where Host: ~Copyable {
    /// A value as a constant; a closure brings the globals that it and what it calls refer to.
    package func constant(of value: Value) throws(TravelError) -> Constant {
        let constant = try self.bareConstant(of: value, depth: 0)
        guard case .function(let closure) = constant else { return constant }
        return .function(try self.addGlobals(to: closure))
    }

    private func bareConstant(of value: Value, depth: Int) throws(TravelError) -> Constant {
        guard depth <= ValueWalk.depthLimit else { throw .tooDeep }
        switch value.tag {
        case .nil: return .nil
        case .boolean: return .boolean(value.bits != 0)
        case .integer: return .integer(value.integer)
        case .float: return .float(value.float)
        case .string: return .string(value.text.array)
        case .symbol: return .symbol(value.text.string)
        case .keyword: return .keyword(value.text.string)
        case .list: return .list(try self.constants(of: value.elements, depth: depth))
        case .set: return .set(try self.constants(of: value.elements, depth: depth))
        case .map:
            let flat = try self.constants(of: value.pairs, depth: depth)
            return .map((0..<value.count).map { ConstantEntry(flat[2 * $0], flat[2 * $0 + 1]) })
        case .regex: return .regex(value.regexPattern.string)
        case .builtin: return .builtin(value.builtin)
        case .function: return .function(try self.closure(of: value, depth: depth))
        case .handle:
            guard let constant = self.host.constant(ofHandle: Int(truncatingIfNeeded: value.bits)) else {
                throw .cannotTravel(typeName: value.typeName)
            }
            return constant
        case .stream: throw .cannotTravel(typeName: "the values of a key")
        }
    }

    private func constants(of elements: Elements, depth: Int) throws(TravelError) -> [Constant] {
        var result: [Constant] = []
        for index in 0..<elements.count { result.append(try self.bareConstant(of: elements[index], depth: depth + 1)) }
        return result
    }

    private func closure(of value: Value, depth: Int) throws(TravelError) -> Closure {
        let function = self.program.functions[value.closureFunction]
        guard let lambda = function.lambda else { throw .cannotTravel(typeName: value.typeName) }
        var slot = 0
        var captured: [Constant] = []
        for (index, isHeld) in function.capturedInObject.enumerated() {
            if isHeld {
                captured.append(try self.bareConstant(of: value.closureCaptures[slot], depth: depth + 1))
                slot += 1
            } else if let known = function.capturedConstants[index] {
                captured.append(known)
            } else {
                throw .tooDeep
            }
        }
        return Closure(lambda: lambda, captured: captured, globals: [:])
    }

    /// Every global that a closure reaches; those that aren't defined yet are left out, and fail where they are used.
    private func addGlobals(to closure: Closure) throws(TravelError) -> Closure {
        var globals: [String: Constant] = [:]
        var names = Self.globalNames(in: .function(closure))
        while let name = names.popLast() {
            guard globals[name] == nil, let value = self.global(name) else { continue }
            let constant = try self.bareConstant(of: value, depth: 0)
            globals[name] = constant
            names += Self.globalNames(in: constant)
        }
        return Closure(lambda: closure.lambda, captured: closure.captured, globals: globals)
    }

    private static func globalNames(in constant: Constant) -> [String] {
        switch constant {
        case .function(let closure):
            var names: [String] = []
            closure.lambda.body.collectGlobals(into: &names)
            return names + closure.captured.flatMap { self.globalNames(in: $0) }
        case .list(let elements), .set(let elements): return elements.flatMap { self.globalNames(in: $0) }
        case .map(let entries): return entries.flatMap { self.globalNames(in: $0.key) + self.globalNames(in: $0.value) }
        case .nil, .boolean, .integer, .float, .string, .symbol, .keyword, .regex, .builtin, .connector: return []
        }
    }

    /// A value of a constant that holds data only, in the machine's arena; nil for functions, regexes and connectors, and
    /// beyond the memory limit.
    package mutating func value(of constant: Constant) -> Value? {
        constant.value(in: &self.workspace.arena)
    }
}

extension Constant {
    /// The value of plain data, built in an arena; nil for functions, regexes and connectors, and where memory ends.
    package func value(in arena: inout Arena) -> Value? {
        switch self {
        case .nil: return .nil
        case .boolean(let value): return Value(value)
        case .integer(let value): return Value(value)
        case .float(let value): return Value(value)
        case .string(let bytes): return Self.text(.string, bytes, in: &arena)
        case .symbol(let name): return Self.text(.symbol, Array(name.utf8), in: &arena)
        case .keyword(let name): return Self.text(.keyword, Array(name.utf8), in: &arena)
        case .list(let elements): return Self.elements(.list, elements, in: &arena)
        case .set(let elements): return Self.elements(.set, elements, in: &arena)
        case .map(let entries): return Self.elements(.map, entries.flatMap { [$0.key, $0.value] }, in: &arena)
        case .builtin(let builtin): return Value(.builtin, bits: UInt64(builtin.rawValue))
        case .regex, .function, .connector: return nil
        }
    }

    private static func text(_ tag: Value.Tag, _ bytes: [UInt8], in arena: inout Arena) -> Value? {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return arena.makeText(tag, utf8: "") }
            return unsafe arena.makeText(tag, copying: Bytes(start: start, count: buffer.count))
        }
    }

    private static func elements(_ tag: Value.Tag, _ constants: [Constant], in arena: inout Arena) -> Value? {
        guard let elements = arena.makeElements(constants.count) else { return nil }
        for (index, constant) in constants.enumerated() {
            guard let value = constant.value(in: &arena) else { return nil }
            elements[index] = value
        }
        return Value(tag, of: elements)
    }
}
