internal import FluentSyntax

/// What happens when an instruction fails.
extension Machine where Host: ~Copyable {
    /// Continues at the innermost `try`, or fails for good.
    mutating func recover(from code: Code) throws(EvaluationError) {
        let error = self.rethrownError() ?? EvaluationError(code, at: self.failingRange())
        guard code.isCatchable, let recovery = unsafe self.recoveries.popLast() else {
            unsafe self.recoveries.removeAll()
            self.pendingErrors.removeAll()
            self.depth = 0
            throw error
        }
        unsafe self.depth = recovery.depth
        unsafe self.base = recovery.base
        unsafe self.extent = recovery.extent
        unsafe self.next = recovery.target
        let register = unsafe self.base + recovery.register
        if unsafe recovery.isCleanup {
            self.pendingErrors.append(error)
            unsafe self.stack[register] = Value(Int64(self.pendingErrors.count - 1))
            return
        }
        do throws(Code) {
            let caught = try self.caughtValue(error.code)
            unsafe self.stack[register] = caught
        } catch {
            // There is no memory left for the error's map: nothing can be caught then.
            unsafe self.recoveries.removeAll()
            throw EvaluationError(error, at: self.failingRange())
        }
    }

    /// The error that a `rethrow` instruction is failing with.
    private mutating func rethrownError() -> EvaluationError? {
        let instruction = unsafe (self.next - 1).pointee
        guard instruction.opcode == .rethrow else { return nil }
        let index = Int(unsafe self.stack[self.base + Int(instruction.a)].integer)
        let error = self.pendingErrors[index]
        // Later ones were left behind by cleanups that failed themselves.
        self.pendingErrors.removeSubrange(index...)
        return error
    }

    /// Where the running instruction was written; code that no text contains fails where it was called.
    func failingRange() -> SourceRange {
        var range = unsafe self.program.range(before: self.next)
        var level = self.depth
        while range.start < 0, level > 0 {
            level -= 1
            range = unsafe self.program.range(before: self.frames[level].returnAddress)
        }
        return range
    }

    private mutating func caughtValue(_ code: Code) throws(Code) -> Value {
        if case .thrown = code { return self.thrown }
        let map = try self.workspace.makeElements(4)
        map[0] = try self.makeKeyword("error")
        map[1] = try self.workspace.makeString(code.name)
        map[2] = try self.makeKeyword("message")
        map[3] = try self.workspace.makeString(code.message)
        return Value(.map, of: map)
    }

    private mutating func makeKeyword(_ name: String) throws(Code) -> Value {
        guard let value = self.workspace.arena.makeText(.keyword, utf8: name) else {
            throw self.workspace.memoryLimit
        }
        return value
    }

    mutating func pushRecovery(_ i: Instruction, isCleanup: Bool) {
        unsafe self.recoveries.append(
            Recovery(
                target: self.next + i.wide,
                depth: self.depth,
                base: self.base,
                extent: self.extent,
                register: Int(i.a),
                isCleanup: isCleanup
            )
        )
    }
}

extension EvaluationError.Code {
    /// Limits of a record and its cancellation can't be caught: what caught them would run on.
    var isCatchable: Bool {
        switch self {
        case .stepLimit, .memoryLimit, .callDepthLimit, .cancelled: false
        case .typeMismatch, .integerOverflow, .divisionByZero, .indexOutOfRange, .invalidArgument, .argumentCount,
            .noMatch, .thrown, .undefined, .regexLimit, .unsetParameter, .host:
            true
        }
    }
}
