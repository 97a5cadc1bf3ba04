internal import CKernels
internal import FluentSyntax
internal import JobPlan
internal import RegularExpressions

/// Constants of a program, in its permanent memory.
extension ProgramCompiler {
    static let memoryExhausted = CompilationError(
        "constants-too-large",
        "the constants of this program need more than 1 GiB",
        help: "read them from a file instead",
        at: FunctionBuilder.nowhere
    )

    /// The number of a constant.
    mutating func constant(_ constant: Constant, scope: Int, at range: SourceRange) throws(CompilationError) -> Int {
        if let known = self.constantIndexes[constant] { return known }
        var function: Int? = nil
        let value: Value
        if case .function(let closure) = constant {
            let number = try self.declare(closure, scope: scope, selfGlobal: nil, at: range)
            function = number
            value = try self.makeClosureValue(number)
        } else {
            value = try self.makeValue(constant, scope: scope, at: range)
        }
        let index = self.addConstant(value, source: constant)
        if let function { self.constantFunctions[index] = function }
        if Self.isShareable(constant) { self.constantIndexes[constant] = index }
        return index
    }

    mutating func addConstant(_ value: Value, source: Constant?) -> Int {
        self.parts.constants.append(value)
        self.constantSources.append(source)
        return self.parts.constants.count - 1
    }

    /// Zero and minus zero are equal, closures of different scopes may be: they can't share a number.
    private static func isShareable(_ constant: Constant) -> Bool {
        switch constant {
        case .nil, .boolean, .integer, .string, .symbol, .keyword, .regex, .builtin: true
        case .float, .list, .map, .set, .function, .connector: false
        }
    }

    private mutating func declare(
        _ closure: Closure,
        scope: Int,
        selfGlobal: String?,
        at range: SourceRange
    ) throws(CompilationError) -> Int {
        let inner = closure.globals.isEmpty ? scope : self.makeScope(closure.globals, parent: scope)
        var captured: [Int?] = []
        for value in closure.captured {
            captured.append(try self.constant(value, scope: inner, at: range))
        }
        precondition(
            captured.count == closure.lambda.captured.count,
            "a closure has a value for each captured variable"
        )
        return self.declare(closure.lambda, captured: captured, scope: inner, selfGlobal: selfGlobal)
    }

    /// A closure object without captured values.
    mutating func makeClosureValue(_ function: Int) throws(CompilationError) -> Value {
        let made = self.parts.memory.withArena { arena -> Value? in
            guard let room = unsafe arena.allocate(Value.closureHeaderBytes) else { return nil }
            unsafe room.storeBytes(of: UInt32(function), as: UInt32.self)
            return Value(.function, bits: UInt64(UInt(bitPattern: room)), count: 0)
        }
        guard let made else { throw Self.memoryExhausted }
        return made
    }

    /// The number of the constant that a global stands for, or nil where no `define` is known.
    mutating func global(_ name: String, scope: Int, at range: SourceRange) throws(CompilationError) -> Int? {
        var current: Int? = scope
        while let index = current {
            if let known = self.scopes[index].compiled[name] { return known }
            if let constant = self.scopes[index].constants?[name] {
                return try self.compileGlobal(name, constant, scope: index, at: range)
            }
            current = self.scopes[index].parent
        }
        return nil
    }

    private mutating func compileGlobal(
        _ name: String,
        _ constant: Constant,
        scope: Int,
        at range: SourceRange
    ) throws(CompilationError) -> Int {
        guard case .function(let closure) = constant else {
            let index = try self.constant(constant, scope: scope, at: range)
            self.scopes[scope].compiled[name] = index
            return index
        }
        let number = try self.declare(closure, scope: scope, selfGlobal: name, at: range)
        let index = self.addConstant(try self.makeClosureValue(number), source: constant)
        self.constantFunctions[index] = number
        self.scopes[scope].compiled[name] = index
        return index
    }

    /// Whether names are in slots: at the top level of a program.
    func hasSlots(_ scope: Int) -> Bool { self.scopes[scope].constants == nil }

    mutating func slot(of name: String) -> Int {
        if let known = self.globalSlots[name] { return known }
        let slot = self.globalSlots.count
        self.globalSlots[name] = slot
        return slot
    }

    private mutating func makeValue(
        _ constant: Constant,
        scope: Int,
        at range: SourceRange
    ) throws(CompilationError) -> Value {
        switch constant {
        case .nil: return .nil
        case .boolean(let value): return Value(value)
        case .integer(let value): return Value(value)
        case .float(let value): return Value(value)
        case .string(let bytes): return try self.makeText(.string, bytes)
        case .symbol(let name): return try self.makeText(.symbol, Array(name.utf8))
        case .keyword(let name): return try self.makeText(.keyword, Array(name.utf8))
        case .regex(let pattern): return try self.makeRegex(pattern, at: range)
        case .list(let elements): return try self.makeElements(.list, elements, scope: scope, at: range)
        case .set(let elements): return try self.makeElements(.set, elements, scope: scope, at: range)
        case .map(let entries):
            let flat = entries.flatMap { [$0.key, $0.value] }
            return try self.makeElements(.map, flat, scope: scope, at: range)
        case .builtin(let builtin): return Value(.builtin, bits: UInt64(builtin.rawValue))
        case .function:
            let index = try self.constant(constant, scope: scope, at: range)
            return self.parts.constants[index]
        case .connector(let call) where call.name == TableDefinition.constructor:
            return Value(.handle, bits: UInt64(self.table(call)))
        case .connector(let call):
            throw CompilationError(
                "connector-in-function",
                "\(call.name) can't be used inside a function",
                help: "give it to a job as :input or :output",
                at: range
            )
        }
    }

    /// The number of a table, the same for equal ones.
    private mutating func table(_ call: ConnectorCall) -> Int {
        if let known = self.parts.tables.firstIndex(of: call) { return known }
        self.parts.tables.append(call)
        return self.parts.tables.count - 1
    }

    private func makeText(_ tag: Value.Tag, _ text: [UInt8]) throws(CompilationError) -> Value {
        let made = self.parts.memory.withArena { arena in
            unsafe text.withUnsafeBufferPointer { buffer -> Value? in
                guard let start = buffer.baseAddress else { return arena.makeText(tag, utf8: "") }
                return unsafe arena.makeText(tag, copying: Bytes(start: start, count: buffer.count))
            }
        }
        guard let made else { throw Self.memoryExhausted }
        return made
    }

    private mutating func makeElements(
        _ tag: Value.Tag,
        _ constants: [Constant],
        scope: Int,
        at range: SourceRange
    ) throws(CompilationError) -> Value {
        var values: [Value] = []
        for (index, constant) in constants.enumerated() {
            let value = try self.makeValue(constant, scope: scope, at: range)
            let isKey = tag == .set || (tag == .map && index % 2 == 0)
            values.append(isKey ? self.normalised(key: value) : value)
        }
        let made = self.parts.memory.withArena { arena -> Value? in
            guard let elements = arena.makeElements(values.count) else { return nil }
            for index in 0..<values.count { elements[index] = values[index] }
            return Value(tag, of: elements)
        }
        guard let made else { throw Self.memoryExhausted }
        return made
    }

    private func normalised(key: Value) -> Value {
        self.parts.memory.withArena { arena in
            var walk = ValueWalk()
            // A key that can't be normalised is refused where it is used.
            return (try? key.normalisedKey(in: &arena, walk: &walk)) ?? key
        }
    }

    private mutating func makeRegex(_ pattern: String, at range: SourceRange) throws(CompilationError) -> Value {
        let bytes = Array(pattern.utf8)
        let expression: RegularExpression
        do throws(RegularExpressionError) {
            expression = try RegularExpression(pattern: bytes)
        } catch {
            throw CompilationError(
                "bad-regex",
                "this isn't a regular expression: \(error.message), at byte \(error.offset)",
                help: "write a literal + * ? ( ) [ . with a backslash before it",
                at: range
            )
        }
        let text = try self.makeText(.string, bytes)
        let index = self.parts.regexes.count
        self.parts.regexes.append(expression)
        let byteClass = RegexByteClass(pattern: bytes)
        let made = self.parts.memory.withArena { arena -> Value? in
            guard let room = unsafe arena.allocate(MemoryLayout<RegexRecord>.stride) else { return nil }
            var table: UnsafePointer<weir_byte_class>? = nil
            if let byteClass {
                guard let members = unsafe arena.allocate(MemoryLayout<weir_byte_class>.stride) else { return nil }
                let bound = unsafe members.bindMemory(to: weir_byte_class.self, capacity: 1)
                unsafe bound.initialize(to: byteClass.members.table)
                unsafe table = UnsafePointer(bound)
            }
            let record = unsafe RegexRecord(
                index: index,
                pattern: text.text.start,
                patternCount: bytes.count,
                byteClass: table,
                isRepeated: byteClass?.isRepeated ?? false
            )
            unsafe room.storeBytes(of: record, as: RegexRecord.self)
            return Value(.regex, bits: UInt64(UInt(bitPattern: room)))
        }
        guard let made else { throw Self.memoryExhausted }
        return made
    }
}
