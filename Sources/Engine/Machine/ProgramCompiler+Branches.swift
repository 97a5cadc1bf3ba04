internal import FluentSyntax

/// Conditions, `match` and `try`.
extension ProgramCompiler {
    /// Where the value of a `match` goes.
    enum MatchTarget {
        case register(Int)
        case effect
        case tail
    }

    /// Compiles a condition; the jumps taken unless (or where) it holds, which the caller lands.
    mutating func compileBranch(
        _ condition: Expression,
        unless: Bool,
        in builder: inout FunctionBuilder
    ) throws(CompilationError) -> [Int] {
        let mark = builder.nextRegister
        defer { builder.nextRegister = mark }
        switch condition.kind {
        case .builtin(.not, let arguments) where arguments.count == 1:
            return try self.compileBranch(arguments[0], unless: !unless, in: &builder)
        case .and(let parts) where unless && !parts.isEmpty, .or(let parts) where !unless && !parts.isEmpty:
            var jumps: [Int] = []
            for part in parts { jumps += try self.compileBranch(part, unless: unless, in: &builder) }
            return jumps
        case .and(let parts) where !parts.isEmpty, .or(let parts) where !parts.isEmpty:
            var decided: [Int] = []
            for part in parts.dropLast() {
                decided += try self.compileBranch(part, unless: !unless, in: &builder)
            }
            let jumps = try self.compileBranch(parts[parts.count - 1], unless: unless, in: &builder)
            builder.land(decided)
            return jumps
        case .builtin(let builtin, let arguments) where unless && arguments.count == 2:
            if let opcode = Self.comparison(builtin) {
                let left = try self.operand(arguments[0], in: &builder)
                let right = try self.operand(arguments[1], in: &builder)
                let jump = Instruction(opcode, extra: builtin.code, a: left, b: right)
                return [builder.emit(jump, condition.range)]
            }
        default: break
        }
        let register = try self.operand(condition, in: &builder)
        let opcode: Opcode = unless ? .jumpIfFalse : .jumpIfTrue
        return [builder.emit(Instruction(opcode, a: register), condition.range)]
    }

    private static func comparison(_ builtin: Builtin) -> Opcode? {
        switch builtin {
        case .less: .jumpUnlessLess
        case .lessOrEqual: .jumpUnlessLessOrEqual
        case .greater: .jumpUnlessGreater
        case .greaterOrEqual: .jumpUnlessGreaterOrEqual
        case .equal: .jumpUnlessEqual
        default: nil
        }
    }

    mutating func compileMatch(
        _ subject: Expression,
        _ clauses: [MatchClause],
        to target: MatchTarget,
        in builder: inout FunctionBuilder,
        at range: SourceRange
    ) throws(CompilationError) {
        let value = try self.operand(subject, in: &builder)
        var ends: [Int] = []
        for clause in clauses {
            let mark = builder.nextRegister
            let misses = try self.compilePattern(clause.pattern, of: value, in: &builder, at: range)
            switch target {
            case .register(let register): try self.compile(clause.body, to: register, in: &builder)
            case .effect: try self.compile(clause.body, to: nil, in: &builder)
            case .tail: try self.compileTail(clause.body, in: &builder)
            }
            if case .tail = target {} else { ends.append(builder.emit(Instruction(.jump), clause.body.range)) }
            builder.land(misses)
            builder.nextRegister = mark
        }
        builder.emit(Instruction(.noMatch), range)
        builder.land(ends)
    }

    /// Compiles a test of a register; the jumps taken where it fails.
    private mutating func compilePattern(
        _ pattern: Pattern,
        of value: Int,
        in builder: inout FunctionBuilder,
        at range: SourceRange
    ) throws(CompilationError) -> [Int] {
        switch pattern {
        case .any:
            return []
        case .binding(let variable):
            builder.locations[variable.id] = .register(value)
            return []
        case .constant(let constant):
            let register = builder.allocate()
            self.load(try self.constant(constant, scope: builder.scope, at: range), to: register, in: &builder, range)
            let jump = Instruction(.jumpUnlessEqual, extra: Builtin.equal.code, a: value, b: register)
            return [builder.emit(jump, range)]
        case .list(let parts):
            let jump = builder.emit(Instruction(.jumpUnlessList, a: value, b: parts.count), range)
            return try [jump] + self.compileElements(parts, from: 0, of: value, in: &builder, at: range)
        case .message(let head, let parts):
            let jump = builder.emit(Instruction(.jumpUnlessList, a: value, b: parts.count + 1), range)
            let first = builder.allocate(2)
            builder.emit(Instruction(.loadElement, a: first, b: value, c: 0), range)
            let symbol = try self.constant(.symbol(head), scope: builder.scope, at: range)
            self.load(symbol, to: first + 1, in: &builder, range)
            let other = builder.emit(Instruction(.jumpUnlessHead, a: first, b: first + 1), range)
            return try [jump, other] + self.compileElements(parts, from: 1, of: value, in: &builder, at: range)
        case .map(let entries):
            var jumps = [builder.emit(Instruction(.jumpUnlessMap, a: value), range)]
            for entry in entries {
                let register = builder.allocate()
                let key = try self.constant(entry.key, scope: builder.scope, at: range)
                self.load(key, to: register, in: &builder, range)
                jumps.append(builder.emit(Instruction(.matchKey, a: register, b: value), range))
                jumps += try self.compilePattern(entry.pattern, of: register, in: &builder, at: range)
            }
            return jumps
        case .guarded(let inner, let condition):
            let jumps = try self.compilePattern(inner, of: value, in: &builder, at: range)
            return try jumps + self.compileBranch(condition, unless: true, in: &builder)
        }
    }

    private mutating func compileElements(
        _ parts: [Pattern],
        from start: Int,
        of value: Int,
        in builder: inout FunctionBuilder,
        at range: SourceRange
    ) throws(CompilationError) -> [Int] {
        var jumps: [Int] = []
        for (offset, part) in parts.enumerated() {
            if case .any = part { continue }
            let register = builder.allocate()
            builder.emit(Instruction(.loadElement, a: register, b: value, c: start + offset), range)
            jumps += try self.compilePattern(part, of: register, in: &builder, at: range)
        }
        return jumps
    }

    mutating func compileAttempt(
        _ body: Expression,
        _ handler: CatchClause?,
        _ cleanup: Expression?,
        to register: Int,
        in builder: inout FunctionBuilder,
        at range: SourceRange
    ) throws(CompilationError) {
        let pending = builder.allocate()
        let guarded = cleanup.map { _ in builder.emit(Instruction(.pushCleanup, a: pending), range) }
        // The body's value isn't put in place before all of it has succeeded.
        let result = builder.allocate()
        if let handler {
            let thrown = builder.allocate()
            let handled = builder.emit(Instruction(.pushHandler, a: thrown), range)
            try self.compile(body, to: result, in: &builder)
            builder.emit(Instruction(.popHandler), range)
            let end = builder.emit(Instruction(.jump), range)
            builder.land(handled)
            builder.locations[handler.variable.id] = .register(thrown)
            try self.compile(handler.body, to: result, in: &builder)
            builder.land(end)
        } else {
            try self.compile(body, to: result, in: &builder)
        }
        if let cleanup, let guarded {
            builder.emit(Instruction(.popHandler), range)
            try self.compile(cleanup, to: nil, in: &builder)
            let end = builder.emit(Instruction(.jump), range)
            builder.land(guarded)
            try self.compile(cleanup, to: nil, in: &builder)
            builder.emit(Instruction(.rethrow, a: pending), range)
            builder.land(end)
        }
        builder.move(result, to: register, range)
    }
}
