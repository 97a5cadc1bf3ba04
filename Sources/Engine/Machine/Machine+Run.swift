internal import FluentSyntax

/// The loop over instructions.
extension Machine where Host: ~Copyable {
    /// Runs until the first call returns; errors go to the innermost `try`.
    mutating func runToEnd() throws(EvaluationError) -> Value {
        while true {
            do throws(Code) {
                return try self.run()
            } catch {
                try self.recover(from: error)
            }
        }
    }

    /// Runs from `next` until the first call returns.
    ///
    /// Instructions that can't fail are written here, with pointers in local variables; all others note where they are
    /// in `next`, which is how errors find their place, and call a method.
    private mutating func run() throws(Code) -> Value {
        var pc = unsafe self.next
        var registers = unsafe Registers(self.stack + self.base)
        let constants = unsafe UnsafePointer(self.program.constants)
        while true {
            let i = unsafe pc.pointee
            unsafe pc += 1
            switch i.opcode {
            case .loadConstant: registers[i.a] = unsafe constants[i.wide]
            case .move: registers[i.a] = registers[i.b]
            case .loadCaptured: registers[i.a] = registers.closure.closureCaptures[Int(i.b)]
            case .jump: unsafe pc += i.wide
            case .jumpBack:
                unsafe try self.countRound(pc)
                unsafe pc += i.wide
            case .jumpIfFalse: if !registers[i.a].isTruthy { unsafe pc += i.wide }
            case .jumpIfTrue: if registers[i.a].isTruthy { unsafe pc += i.wide }
            case .jumpUnlessLess, .jumpUnlessLessOrEqual, .jumpUnlessGreater, .jumpUnlessGreaterOrEqual:
                let left = registers[i.a]
                let right = registers[i.b]
                if left.has(.integer), right.has(.integer) {
                    if !Self.compare(i.opcode, left.integer, right.integer) { unsafe pc += i.jump }
                } else {
                    unsafe self.next = pc
                    if try !self.workspace.compareSlowly(i, registers) { unsafe pc += i.jump }
                }
            case .jumpUnlessEqual:
                let left = registers[i.a]
                let right = registers[i.b]
                if left.has(.integer), right.has(.integer) {
                    if left.bits != right.bits { unsafe pc += i.jump }
                } else {
                    unsafe self.next = pc
                    if try !self.areEqual(left, right) { unsafe pc += i.jump }
                }
            case .add:
                let left = registers[i.b]
                let right = registers[i.c]
                let (sum, overflowed) = left.integer.addingReportingOverflow(right.integer)
                if left.has(.integer), right.has(.integer), !overflowed {
                    registers[i.a] = Value(sum)
                } else {
                    unsafe self.next = pc
                    registers[i.a] = try self.workspace.arithmetic(.add, left, right)
                }
            case .subtract:
                let left = registers[i.b]
                let right = registers[i.c]
                let (difference, overflowed) = left.integer.subtractingReportingOverflow(right.integer)
                if left.has(.integer), right.has(.integer), !overflowed {
                    registers[i.a] = Value(difference)
                } else {
                    unsafe self.next = pc
                    registers[i.a] = try self.workspace.arithmetic(.subtract, left, right)
                }
            case .multiply:
                let left = registers[i.b]
                let right = registers[i.c]
                let (product, overflowed) = left.integer.multipliedReportingOverflow(by: right.integer)
                if left.has(.integer), right.has(.integer), !overflowed {
                    registers[i.a] = Value(product)
                } else {
                    unsafe self.next = pc
                    registers[i.a] = try self.workspace.arithmetic(.multiply, left, right)
                }
            case .addImmediate:
                let left = registers[i.b]
                let (sum, overflowed) = left.integer.addingReportingOverflow(Int64(i.jump))
                if left.has(.integer), !overflowed {
                    registers[i.a] = Value(sum)
                } else {
                    unsafe self.next = pc
                    registers[i.a] = try self.workspace.addImmediate(i, left)
                }
            case .emit: unsafe try self.emit(registers[i.a], registers[i.b], &pc, registers)
            case .emitConstant: unsafe try self.emitRounds(registers, i.a, constants[i.wide], &pc)
            case .iterateNext:
                if !self.nextElement(i, registers) {
                    unsafe self.next = pc
                    if try !self.nextElementSlowly(i, registers) { unsafe pc += i.jump }
                }
            case .splitBegin:
                unsafe self.next = pc
                try self.workspace.beginSplit(i, registers)
            case .splitNext: if unsafe try !self.nextPiece(i, registers, pc) { unsafe pc += i.jump }
            case .splitAgain:
                unsafe try self.countRound(pc)
                if unsafe try self.nextPiece(i, registers, pc) { unsafe pc += i.jump }
            case .rangeNext:
                if !Self.nextNumber(i, registers) { unsafe pc += i.jump }
            case .builderAppend:
                unsafe self.next = pc
                try self.workspace.append(self.settled(registers[i.b]), to: i.a, registers)
            case .jumpUnlessList:
                if unsafe try !self.isList(i, registers, pc) { unsafe pc += i.jump }
            case .jumpUnlessHead:
                let head = registers[i.a]
                let isHead =
                    (head.has(.symbol) || head.has(.keyword))
                    && Bytes.areEqual(head.text, registers[i.b].text)
                if !isHead { unsafe pc += i.jump }
            case .loadElement: registers[i.a] = registers[i.b].elements[Int(i.c)]
            case .jumpUnlessMap: if !registers[i.a].has(.map) { unsafe pc += i.wide }
            case .matchKey:
                unsafe self.next = pc
                if try !self.workspace.matchKey(i, registers) { unsafe pc += i.jump }
            case .call, .callValue, .applyValue:
                unsafe self.next = pc
                try self.enter(i, registers)
                unsafe pc = self.next
                unsafe registers = Registers(self.stack + self.base)
            case .returnValue:
                let value = registers[i.a]
                if self.depth == 0 { return value }
                unsafe pc = self.leave()
                unsafe registers = Registers(self.stack + self.base)
                registers[self.returned] = value
            case .builtin:
                unsafe self.next = pc
                registers[i.a] = try self.perform(i, registers)
            case .loadGlobal, .storeGlobal, .makeClosure, .patchCapture, .makeList, .makeMap, .builderBegin,
                .builderAppendAll, .builderFinish, .iterateBegin, .rangeBegin, .checkFunction, .noMatch, .pushHandler,
                .pushCleanup, .popHandler, .rethrow, .connector:
                unsafe self.next = pc
                try self.performRarely(i, registers)
            }
        }
    }

    @inline(__always)
    private static func compare(_ opcode: Opcode, _ left: Int64, _ right: Int64) -> Bool {
        switch opcode {
        case .jumpUnlessLess: left < right
        case .jumpUnlessLessOrEqual: left <= right
        case .jumpUnlessGreater: left > right
        default: left >= right
        }
    }

    @inline(__always)
    private mutating func emit(
        _ key: Value,
        _ value: Value,
        _ pc: inout UnsafePointer<Instruction>,
        _ registers: Registers
    ) throws(Code) {
        if unsafe self.pairCursor.append(key: key, value: value) {
            _ = unsafe self.splitAgain(&pc, registers)
        } else {
            unsafe self.next = pc
            try self.emitToHost(key, value)
        }
    }

    /// Emits; and where the loop that ends here only emits the pieces of a split, goes on with its next rounds.
    ///
    /// Where the pair doesn't fit, the host takes it.
    @inline(__always)
    private mutating func emitRounds(
        _ registers: Registers,
        _ key: UInt16,
        _ value: Value,
        _ pc: inout UnsafePointer<Instruction>
    ) throws(Code) {
        guard unsafe self.pairCursor.append(key: registers[key], value: value) else {
            unsafe self.next = pc
            return try self.emitToHost(registers[key], value)
        }
        let again = unsafe pc.pointee
        guard again.opcode == .splitAgain else { return }
        // Back over itself and the emit.
        if again.b == key, again.jump == -2 { self.emitPieces(again, value, registers) }
        _ = unsafe self.splitAgain(&pc, registers)
    }

    /// Whether register a holds a list of b elements.
    @inline(__always)
    private mutating func isList(
        _ i: Instruction,
        _ registers: Registers,
        _ pc: UnsafePointer<Instruction>
    ) throws(Code) -> Bool {
        if registers[i.a].has(.stream) {
            unsafe self.next = pc
            registers[i.a] = try self.materialise(registers[i.a])
        }
        return registers[i.a].has(.list) && registers[i.a].count == Int(i.b)
    }

    @inline(never)
    private mutating func areEqual(_ left: Value, _ right: Value) throws(Code) -> Bool {
        let (first, second) = (try self.settled(left), try self.settled(right))
        return try self.workspace.areEqual(first, second, .equal)
    }

    @inline(never)
    private mutating func emitToHost(_ key: Value, _ value: Value) throws(Code) {
        let (key, value) = (try self.settled(key), try self.settled(value))
        do throws(EvaluationError) {
            try self.host.emit(key: key, value: value)
        } catch {
            throw error.code
        }
    }

    /// Performs the `splitAgain` that comes next, if one does and its piece is at hand: many loops end with an `emit`, and
    /// going through the switch costs as much as finding the piece.
    ///
    /// - Returns: Whether `pc` is now at the beginning of the loop.
    @inline(__always)
    private mutating func splitAgain(_ pc: inout UnsafePointer<Instruction>, _ registers: Registers) -> Bool {
        let i = unsafe pc.pointee
        guard i.opcode == .splitAgain, self.workspace.stepsLeft > 0,
            self.workspace.arena.usedBytes <= self.collectionThreshold, Registers.takePiece(i, registers)
        else { return false }
        self.workspace.countUnchecked()
        unsafe pc += 1 &+ i.jump
        return true
    }

    /// Counts the round of a loop that ends before `pc`, and collects garbage if there is much.
    @inline(__always)
    private mutating func countRound(_ pc: UnsafePointer<Instruction>) throws(Code) {
        self.workspace.countUnchecked()
        if self.workspace.stepsLeft < 0 || self.workspace.arena.usedBytes > self.collectionThreshold {
            unsafe self.next = pc
            try self.finishRound()
        }
    }

    /// The next piece of a split; false when there is none.
    @inline(__always)
    private mutating func nextPiece(
        _ i: Instruction,
        _ registers: Registers,
        _ pc: UnsafePointer<Instruction>
    ) throws(Code) -> Bool {
        if Registers.takePiece(i, registers) { return true }
        if registers[i.a, 2].has(.integer) { return Registers.nextPieceByClass(i, registers) }
        unsafe self.next = pc
        return try self.workspace.nextPiece(i, registers)
    }

    /// The next element of a list or set; false where it is another sequence, or at its end.
    @inline(__always)
    private func nextElement(_ i: Instruction, _ registers: Registers) -> Bool {
        let sequence = registers[i.a]
        let index = registers[i.a, 1].bits
        guard sequence.has(.list), index < UInt64(sequence.count) else { return false }
        registers[i.b] = sequence.elements[Int(index)]
        registers[i.a, 1].bits = index &+ 1
        return true
    }
}
