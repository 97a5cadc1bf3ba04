internal import FluentSyntax

/// Calls of builtins.
extension ProgramCompiler {
    mutating func compileBuiltin(
        _ builtin: Builtin,
        _ arguments: [Expression],
        to destination: Int?,
        in builder: inout FunctionBuilder,
        at range: SourceRange
    ) throws(CompilationError) {
        let mark = builder.nextRegister
        defer { builder.nextRegister = mark }
        switch builtin {
        case .map, .filter, .flatMap, .groupBy, .sortBy, .any, .all, .forEachCall:
            let call = HigherOrderCall(builtin: builtin, range: range, destination: destination)
            try self.compileElementwise(call, arguments[0], arguments[1], in: &builder)
        case .reduce, .fold:
            try self.compileReduce(builtin, arguments, to: destination, in: &builder, at: range)
        case .update:
            try self.compileUpdate(arguments, to: destination, in: &builder, at: range)
        case .apply:
            let register = destination ?? builder.allocate()
            let first = try self.compileArguments(arguments, in: &builder)
            let apply = Instruction(.applyValue, extra: builtin.code, a: register, b: first)
            builder.emit(apply, range)
        case .emit:
            try self.compileEmit(arguments, to: destination, in: &builder, at: range)
        case .list:
            try self.compile(Expression(.list(arguments), range: range), to: destination, in: &builder)
        case .add, .subtract, .multiply, .increment, .decrement:
            if try self.compileArithmetic(builtin, arguments, to: destination, in: &builder, at: range) { return }
            try self.compilePlain(builtin, arguments, to: destination, in: &builder, at: range)
        default:
            try self.compilePlain(builtin, arguments, to: destination, in: &builder, at: range)
        }
    }

    private mutating func compilePlain(
        _ builtin: Builtin,
        _ arguments: [Expression],
        to destination: Int?,
        in builder: inout FunctionBuilder,
        at range: SourceRange
    ) throws(CompilationError) {
        let register = destination ?? builder.allocate()
        guard arguments.count <= Self.registersPerCallLimit else {
            let first = builder.allocate(2)
            let function = try self.constant(.builtin(builtin), scope: builder.scope, at: range)
            self.load(function, to: first, in: &builder, range)
            try self.compile(Expression(.list(arguments), range: range), to: first + 1, in: &builder)
            let apply = Instruction(.applyValue, extra: OperationCode.call, a: register, b: first)
            builder.emit(apply, range)
            return
        }
        let count = UInt8(arguments.count)
        if arguments.count == 1, case .variable(let variable) = arguments[0].kind,
            case .register(let known) = builder.locations[variable.id]
        {
            let call = Instruction(.builtin, extra: count, a: register, b: known, c: Int(builtin.rawValue))
            builder.emit(call, range)
            return
        }
        let first = try self.compileArguments(arguments, in: &builder)
        builder.emit(
            Instruction(.builtin, extra: count, a: register, b: first, c: Int(builtin.rawValue)),
            range
        )
    }

    /// Two operands have instructions of their own; false where it isn't that.
    private mutating func compileArithmetic(
        _ builtin: Builtin,
        _ arguments: [Expression],
        to destination: Int?,
        in builder: inout FunctionBuilder,
        at range: SourceRange
    ) throws(CompilationError) -> Bool {
        let isStep = builtin == .increment || builtin == .decrement
        guard arguments.count == 2 || (isStep && arguments.count == 1) else { return false }
        let register = destination ?? builder.allocate()
        if let amount = Self.immediate(builtin, arguments) {
            let value = try self.operand(arguments[0], in: &builder)
            let add = Instruction(.addImmediate, extra: builtin.code, a: register, b: value, c: amount)
            builder.emit(add, range)
            return true
        }
        let opcode: Opcode
        switch builtin {
        case .add: opcode = .add
        case .subtract: opcode = .subtract
        case .multiply: opcode = .multiply
        default: return false
        }
        let left = try self.operand(arguments[0], in: &builder)
        let right = try self.operand(arguments[1], in: &builder)
        builder.emit(Instruction(opcode, a: register, b: left, c: right), range)
        return true
    }

    /// The small constant that is added.
    private static func immediate(_ builtin: Builtin, _ arguments: [Expression]) -> Int? {
        let isStep = builtin == .increment || builtin == .decrement
        let isNegative = builtin == .subtract || builtin == .decrement
        if isStep, arguments.count == 1 { return isNegative ? -1 : 1 }
        guard builtin != .multiply, arguments.count == 2, case .constant(.integer(let amount)) = arguments[1].kind,
            amount > -30_000, amount < 30_000
        else { return nil }
        return Int(isNegative ? -amount : amount)
    }

    private mutating func compileEmit(
        _ arguments: [Expression],
        to destination: Int?,
        in builder: inout FunctionBuilder,
        at range: SourceRange
    ) throws(CompilationError) {
        let key = try self.operand(arguments[0], in: &builder)
        if case .constant(let constant) = arguments[1].kind {
            let value = try self.constant(constant, scope: builder.scope, at: range)
            builder.emit(Instruction(.emitConstant, a: key, wide: value), range)
        } else {
            let value = try self.operand(arguments[1], in: &builder)
            builder.emit(Instruction(.emit, a: key, b: value), range)
        }
        guard let destination else { return }
        self.load(try self.constant(.nil, scope: builder.scope, at: range), to: destination, in: &builder, range)
    }

    struct HigherOrderCall {
        let builtin: Builtin
        let range: SourceRange
        let destination: Int?
    }

    private mutating func compileElementwise(
        _ call: HigherOrderCall,
        _ function: Expression,
        _ sequence: Expression,
        in builder: inout FunctionBuilder
    ) throws(CompilationError) {
        let range = call.range
        let callee = try self.compileCallee(function, argumentCount: 1, in: &builder)
        var source = sequence
        if case .value = callee {
            // Arguments are evaluated before the types of any are checked.
            source = try self.evaluated(sequence, in: &builder)
        }
        self.check(callee, for: call.builtin, in: &builder, at: range)
        switch call.builtin {
        case .any, .all:
            try self.compileTest(call, callee, source, in: &builder)
        case .sortBy, .groupBy:
            let lists = builder.allocate(2)
            builder.emit(Instruction(.builderBegin, a: lists), range)
            builder.emit(Instruction(.builderBegin, a: lists + 1), range)
            try self.compileLoop(over: source, operation: call.builtin.code, in: &builder, at: range) {
                (compiler, builder, element) throws(CompilationError) in
                let key = builder.allocate()
                try compiler.compileCall(of: callee, with: [element], to: key, in: &builder, at: range)
                builder.emit(Instruction(.builderAppend, a: lists, b: key), range)
                builder.emit(Instruction(.builderAppend, a: lists + 1, b: element), range)
            }
            builder.emit(Instruction(.builderFinish, a: lists), range)
            builder.emit(Instruction(.builderFinish, a: lists + 1), range)
            let register = call.destination ?? builder.allocate()
            let finish = Instruction(.builtin, extra: 2, a: register, b: lists, c: Int(call.builtin.rawValue))
            builder.emit(finish, range)
        case .forEachCall:
            try self.compileLoop(over: source, operation: call.builtin.code, in: &builder, at: range) {
                (compiler, builder, element) throws(CompilationError) in
                try compiler.compileCall(of: callee, with: [element], to: nil, in: &builder, at: range)
            }
            guard let destination = call.destination else { return }
            self.load(try self.constant(.nil, scope: builder.scope, at: range), to: destination, in: &builder, range)
        default:
            try self.compileCollecting(call, callee, source, in: &builder)
        }
    }

    /// `map`, `filter`, `flat-map`.
    private mutating func compileCollecting(
        _ call: HigherOrderCall,
        _ callee: Callee,
        _ source: Expression,
        in builder: inout FunctionBuilder
    ) throws(CompilationError) {
        let range = call.range
        let list = builder.allocate()
        let isUsed = call.destination != nil || call.builtin == .flatMap
        if isUsed { builder.emit(Instruction(.builderBegin, a: list), range) }
        try self.compileLoop(over: source, operation: call.builtin.code, in: &builder, at: range) {
            (compiler, builder, element) throws(CompilationError) in
            guard isUsed else {
                return try compiler.compileCall(of: callee, with: [element], to: nil, in: &builder, at: range)
            }
            let result = builder.allocate()
            try compiler.compileCall(of: callee, with: [element], to: result, in: &builder, at: range)
            switch call.builtin {
            case .filter:
                let skip = builder.emit(Instruction(.jumpIfFalse, a: result), range)
                builder.emit(Instruction(.builderAppend, a: list, b: element), range)
                builder.land(skip)
            case .flatMap:
                let append = Instruction(.builderAppendAll, extra: call.builtin.code, a: list, b: result)
                builder.emit(append, range)
            default:
                builder.emit(Instruction(.builderAppend, a: list, b: result), range)
            }
        }
        guard isUsed else { return }
        builder.emit(Instruction(.builderFinish, a: list), range)
        if let destination = call.destination { builder.move(list, to: destination, range) }
    }

    /// `any?`, `all?`: the loop ends with the first element that decides.
    private mutating func compileTest(
        _ call: HigherOrderCall,
        _ callee: Callee,
        _ source: Expression,
        in builder: inout FunctionBuilder
    ) throws(CompilationError) {
        let range = call.range
        let register = call.destination ?? builder.allocate()
        let isAny = call.builtin == .any
        let decided = try self.constant(.boolean(isAny), scope: builder.scope, at: range)
        let undecided = try self.constant(.boolean(!isAny), scope: builder.scope, at: range)
        var found: [Int] = []
        try self.compileLoop(over: source, operation: call.builtin.code, in: &builder, at: range) {
            (compiler, builder, element) throws(CompilationError) in
            let result = builder.allocate()
            try compiler.compileCall(of: callee, with: [element], to: result, in: &builder, at: range)
            found.append(builder.emit(Instruction(isAny ? .jumpIfTrue : .jumpIfFalse, a: result), range))
        }
        self.load(undecided, to: register, in: &builder, range)
        let end = builder.emit(Instruction(.jump), range)
        builder.land(found)
        self.load(decided, to: register, in: &builder, range)
        builder.land(end)
    }

    private mutating func compileReduce(
        _ builtin: Builtin,
        _ arguments: [Expression],
        to destination: Int?,
        in builder: inout FunctionBuilder,
        at range: SourceRange
    ) throws(CompilationError) {
        let callee = try self.compileCallee(arguments[0], argumentCount: 2, in: &builder)
        let result = builder.allocate()
        let seen = builder.allocate()
        let isSeeded = arguments.count == 3
        if isSeeded {
            try self.compile(arguments[1], to: result, in: &builder)
        } else {
            self.load(try self.constant(.nil, scope: builder.scope, at: range), to: result, in: &builder, range)
            let no = try self.constant(.boolean(false), scope: builder.scope, at: range)
            self.load(no, to: seen, in: &builder, range)
        }
        var source = arguments[arguments.count - 1]
        if case .value = callee { source = try self.evaluated(source, in: &builder) }
        self.check(callee, for: builtin, in: &builder, at: range)
        try self.compileLoop(over: source, operation: builtin.code, in: &builder, at: range) {
            (compiler, builder, element) throws(CompilationError) in
            var isFirst: Int? = nil
            if !isSeeded {
                let isLater = builder.emit(Instruction(.jumpIfTrue, a: seen), range)
                let yes = try compiler.constant(.boolean(true), scope: builder.scope, at: range)
                compiler.load(yes, to: seen, in: &builder, range)
                builder.move(element, to: result, range)
                isFirst = builder.emit(Instruction(.jump), range)
                builder.land(isLater)
            }
            let next = builder.allocate()
            try compiler.compileCall(of: callee, with: [result, element], to: next, in: &builder, at: range)
            builder.move(next, to: result, range)
            if let isFirst { builder.land(isFirst) }
        }
        if let destination { builder.move(result, to: destination, range) }
    }

    /// An expression whose value is in a register already.
    private mutating func evaluated(
        _ expression: Expression,
        in builder: inout FunctionBuilder
    ) throws(CompilationError) -> Expression {
        if case .variable = expression.kind { return expression }
        let register = builder.allocate()
        try self.compile(expression, to: register, in: &builder)
        let variable = Variable(id: Int.min + 1_000 + register, name: "sequence")
        builder.locations[variable.id] = .register(register)
        return Expression(.variable(variable), range: expression.range)
    }

    /// `(update m k f extra…)`: look up, call, store.
    private mutating func compileUpdate(
        _ arguments: [Expression],
        to destination: Int?,
        in builder: inout FunctionBuilder,
        at range: SourceRange
    ) throws(CompilationError) {
        let entry = builder.allocate(3)
        try self.compile(arguments[0], to: entry, in: &builder)
        try self.compile(arguments[1], to: entry + 1, in: &builder)
        let count = arguments.count - 2
        let callee = try self.compileCallee(arguments[2], argumentCount: count, in: &builder)
        var registers = [builder.allocate()]
        for extra in arguments.dropFirst(3) {
            let register = builder.allocate()
            try self.compile(extra, to: register, in: &builder)
            registers.append(register)
        }
        let raw = Int(Builtin.update.rawValue)
        builder.emit(Instruction(.builtin, extra: 2, a: registers[0], b: entry, c: raw), range)
        self.check(callee, for: .update, in: &builder, at: range)
        try self.compileCall(of: callee, with: registers, to: entry + 2, in: &builder, at: range)
        let register = destination ?? builder.allocate()
        builder.emit(Instruction(.builtin, extra: 3, a: register, b: entry, c: raw), range)
    }

    /// Functions that stand for the builtins that call functions, where these are values themselves.
    mutating func addStubs() {
        let scope = self.makeScope([:])
        for builtin in Builtin.allCases where builtin.callsFunctions {
            switch builtin {
            case .update: self.addStub(builtin, as: builtin, parameterCount: 4, scope: scope, Self.updateBody)
            case .reduce:
                // Three arguments of `reduce` are a `fold`.
                self.addStub(builtin, as: .reduce, parameterCount: 2, scope: scope)
                self.addStub(builtin, as: .fold, parameterCount: 3, scope: scope)
            case .fold: break
            default: self.addStub(builtin, as: builtin, parameterCount: 2, scope: scope)
            }
        }
    }

    private mutating func addStub(
        _ builtin: Builtin,
        as name: Builtin,
        parameterCount: Int,
        scope: Int,
        _ body: (([Expression]) -> Expression)? = nil
    ) {
        let range = FunctionBuilder.nowhere
        let parameters = (0..<parameterCount).map { Variable(id: -1 - $0, name: "argument\($0)") }
        let arguments = parameters.map { Expression(.variable($0), range: range) }
        let lambda = Lambda(
            name: builtin.name,
            parameters: parameters,
            body: body?(arguments) ?? Expression(.builtin(builtin, arguments: arguments), range: range),
            captured: [],
            range: range
        )
        self.parts.stubs[name] = FunctionIndex(rawValue: self.declare(lambda, captured: [], scope: scope))
    }

    /// `update` of a map, a key, a function and the list of its other arguments.
    private static func updateBody(_ arguments: [Expression]) -> Expression {
        let range = FunctionBuilder.nowhere
        let old = Variable(id: -10, name: "old")
        let first = Expression(.list([Expression(.variable(old), range: range)]), range: range)
        let all = Expression(.builtin(.concat, arguments: [first, arguments[3]]), range: range)
        let call = Expression(.builtin(.apply, arguments: [arguments[2], all]), range: range)
        let lambda = Lambda(name: "", parameters: [old], body: call, captured: [], range: range)
        let function = Expression(.lambda(lambda), range: range)
        return Expression(.builtin(.update, arguments: [arguments[0], arguments[1], function]), range: range)
    }
}

extension Builtin {
    /// Whether machines run it as code that calls a function, not as a function of their own.
    var callsFunctions: Bool {
        switch self {
        case .map, .filter, .flatMap, .groupBy, .sortBy, .any, .all, .forEachCall, .reduce, .fold, .update, .apply: true
        default: false
        }
    }
}
