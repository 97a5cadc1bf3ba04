internal import FluentSyntax

/// Sequences in loops, and streams that the host feeds.
extension Machine where Host: ~Copyable {
    /// Registers a and a + 1 become the sequence and the index of its next element.
    mutating func beginIteration(_ i: Instruction, _ registers: Registers) throws(Code) {
        let sequence = registers[i.b]
        guard Workspace.isSequence(sequence) else {
            throw .typeMismatch(
                operation: OperationCode.name(i.extra),
                expected: TypeName.sequence,
                found: sequence.typeName
            )
        }
        // A set's elements lie in memory as a list's do.
        registers[i.a] = sequence.has(.set) ? Value(.list, of: sequence.elements) : sequence
        registers[i.a, 1] = Value(Int64(0))
    }

    /// The next element of what isn't a list; false at the end of any sequence.
    @inline(never)
    mutating func nextElementSlowly(_ i: Instruction, _ registers: Registers) throws(Code) -> Bool {
        let sequence = registers[i.a]
        let index = Int(registers[i.a, 1].integer)
        if sequence.has(.map) {
            guard index < sequence.count else { return false }
            let entry = try self.workspace.makeElements(2)
            entry.copy(sequence.pairs.slice(2 * index, 2 * index + 2))
            registers[i.b] = Value(.list, of: entry)
        } else if sequence.has(.stream) {
            guard let value = try self.pull(Int(sequence.bits), index) else { return false }
            registers[i.b] = value
        } else {
            return false
        }
        registers[i.a, 1] = Value(Int64(index + 1))
        return true
    }

    /// The value number `index` of a stream, or nil when it has no more.
    mutating func pull(_ stream: Int, _ index: Int) throws(Code) -> Value? {
        while self.streamPositions.count <= stream { self.streamPositions.append(0) }
        if self.streamPositions[stream] != index {
            // Another loop over the same stream was in between.
            do throws(EvaluationError) {
                try self.host.rewind(stream)
            } catch {
                throw error.code
            }
            self.streamPositions[stream] = 0
            while self.streamPositions[stream] < index {
                try self.workspace.count(1)
                guard try self.pullNext(stream) != nil else { return nil }
            }
        }
        return try self.pullNext(stream)
    }

    @inline(__always)
    private mutating func pullNext(_ stream: Int) throws(Code) -> Value? {
        do throws(EvaluationError) {
            // The end counts as a position too: a stream that has ended is rewound before it is read again.
            self.streamPositions[stream] &+= 1
            return try self.host.next(of: stream, in: &self.workspace.arena)
        } catch {
            throw error.code
        }
    }

    /// All values of a stream as a list.
    mutating func materialise(_ stream: Value) throws(Code) -> Value {
        var list = Value.emptyBuilder
        var index = 0
        while let value = try self.pull(Int(stream.bits), index) {
            try self.workspace.count(1)
            list = try self.workspace.appending(value, to: list)
            index += 1
        }
        return list.finishedBuilder
    }

    /// A value as it may be kept, compared and handed on: a stream becomes the list of its values.
    @inline(__always)
    mutating func settled(_ value: Value) throws(Code) -> Value {
        value.has(.stream) ? try self.materialise(value) : value
    }

    /// The same for some registers, in place.
    mutating func settle(_ registers: Elements) throws(Code) -> Elements {
        for index in 0..<registers.count where registers[index].has(.stream) {
            registers[index] = try self.materialise(registers[index])
        }
        return registers
    }

    /// Appends all elements of a sequence to the list under construction.
    mutating func appendAll(_ i: Instruction, _ registers: Registers) throws(Code) {
        let sequence = try self.settled(registers[i.b])
        let elements = try self.workspace.elements(sequence, .flatMap)
        for index in 0..<elements.count {
            registers[i.a] = try self.workspace.appending(elements[index], to: registers[i.a])
        }
    }

    /// Builtins that needn't hold all values of a stream at once; nil where it must become a list.
    mutating func performOnStream(
        _ builtin: Builtin,
        _ arguments: Elements,
        streamIndex: Int
    ) throws(Code) -> Value? {
        switch builtin {
        case .isNil, .isString, .isNumber, .isInteger, .isFloat, .isBoolean, .isMap, .isSet, .isKeyword, .isSymbol,
            .isFunction, .not:
            return .false
        case .isList: return .true
        case .sum, .mean, .count, .min, .max, .countDistinct:
            guard arguments.count == 1 else { return nil }
            return try self.aggregate(builtin, arguments)
        case .first: return try self.pull(Int(arguments[0].bits), 0) ?? .nil
        case .isEmpty: return Value(try self.pull(Int(arguments[0].bits), 0) == nil)
        case .take where streamIndex == 1: return try self.take(arguments[0], of: Int(arguments[1].bits))
        default: return nil
        }
    }

    private mutating func take(_ count: Value, of stream: Int) throws(Code) -> Value {
        let limit = try self.workspace.integer(count, .take)
        var list = Value.emptyBuilder
        var index = 0
        while Int64(index) < limit, let value = try self.pull(stream, index) {
            try self.workspace.count(1)
            list = try self.workspace.appending(value, to: list)
            index += 1
        }
        return list.finishedBuilder
    }

    /// The stream stays in the first argument, and what must survive a collection in the stack behind all registers.
    private mutating func aggregate(_ builtin: Builtin, _ arguments: Elements) throws(Code) -> Value {
        let stream = Int(arguments[0].bits)
        var aggregate = Aggregate(builtin)
        let slot = self.extent
        precondition(slot < self.stackCapacity, "there is always room behind the registers")
        unsafe self.stack[slot] = .nil
        self.extent += 1
        defer { self.extent -= 1 }
        var index = 0
        while let value = try self.pull(stream, index) {
            index += 1
            try self.workspace.count(1)
            aggregate.kept = unsafe self.stack[slot]
            try self.workspace.add(value, to: &aggregate)
            if aggregate.distinct.byteCount > self.distinctBytesLimit { try self.spillKeys(of: &aggregate) }
            unsafe self.stack[slot] = aggregate.kept
            if self.workspace.arena.usedBytes > self.collectionThreshold { try self.collectGarbage() }
        }
        aggregate.kept = unsafe self.stack[slot]
        guard aggregate.hasSpilled == true else { return try self.workspace.result(of: aggregate) }
        try self.spillKeys(of: &aggregate)
        do throws(EvaluationError) {
            return Value(try self.host.countSpilledKeys())
        } catch {
            throw error.code
        }
    }

    /// Bytes of distinct keys that are held before the host is asked to take them.
    private var distinctBytesLimit: Int { Swift.min(4 << 20, self.workspace.limits.memoryBytes / 2) }

    @inline(never)
    private mutating func spillKeys(of aggregate: inout Aggregate) throws(Code) {
        guard let hasSpilled = aggregate.hasSpilled else { return }
        do throws(EvaluationError) {
            guard try self.host.spill(distinct: aggregate.distinct, isFirst: !hasSpilled) else {
                aggregate.hasSpilled = nil
                return
            }
        } catch {
            throw error.code
        }
        aggregate.hasSpilled = true
        aggregate.distinct = EncodedKeySet()
    }
}
