internal import FluentSyntax

/// Loops: `for`, and the builtins that call a function for each element.
extension ProgramCompiler {
    /// A function that a loop calls.
    enum Callee {
        /// Its body becomes part of the loop.
        case inline(Lambda)
        case builtin(Builtin)
        case known(Int)
        case value(register: Int)
    }

    typealias LoopBody = (inout ProgramCompiler, inout FunctionBuilder, Int) throws(CompilationError) -> Void

    mutating func compileFor(
        _ variable: Variable,
        _ sequence: Expression,
        _ body: Expression,
        _ isNested: Bool,
        to destination: Int?,
        in builder: inout FunctionBuilder,
        at range: SourceRange
    ) throws(CompilationError) {
        guard let destination else {
            return try self.compileFor(variable, sequence, body, isNested, into: nil, in: &builder, at: range)
        }
        let list = builder.allocate()
        builder.emit(Instruction(.builderBegin, a: list), range)
        try self.compileFor(variable, sequence, body, isNested, into: list, in: &builder, at: range)
        builder.emit(Instruction(.builderFinish, a: list), range)
        builder.move(list, to: destination, range)
    }

    /// Appends the body's values to the list under construction, if there is one.
    private mutating func compileFor(
        _ variable: Variable,
        _ sequence: Expression,
        _ body: Expression,
        _ isNested: Bool,
        into list: Int?,
        in builder: inout FunctionBuilder,
        at range: SourceRange
    ) throws(CompilationError) {
        try self.compileLoop(over: sequence, operation: OperationCode.for, in: &builder, at: range) {
            (compiler, builder, element) throws(CompilationError) in
            builder.locations[variable.id] = .register(element)
            if isNested, case .forEach(let next, let inner, let innerBody, let nests) = body.kind {
                return try compiler.compileFor(
                    next,
                    inner,
                    innerBody,
                    nests,
                    into: list,
                    in: &builder,
                    at: body.range
                )
            }
            guard let list else { return try compiler.compile(body, to: nil, in: &builder) }
            let value = try compiler.operand(body, in: &builder)
            builder.emit(Instruction(.builderAppend, a: list, b: value), range)
        }
    }

    /// Compiles a loop; `body` is given the register of the element.
    mutating func compileLoop(
        over sequence: Expression,
        operation: UInt8,
        in builder: inout FunctionBuilder,
        at range: SourceRange,
        _ body: LoopBody
    ) throws(CompilationError) {
        let mark = builder.nextRegister
        defer { builder.nextRegister = mark }
        let state = builder.allocate(4)
        let next = try self.compileSource(sequence, operation, state: state, in: &builder, at: range)
        try self.compileRounds(next, state: state, in: &builder, at: range, body)
    }

    private mutating func compileRounds(
        _ next: Opcode,
        state: Int,
        in builder: inout FunctionBuilder,
        at range: SourceRange,
        _ body: LoopBody
    ) throws(CompilationError) {
        let element = builder.allocate()
        let start = builder.position
        let exit = builder.emit(Instruction(next, a: state, b: element), range)
        let mark = builder.nextRegister
        try body(&self, &builder, element)
        builder.nextRegister = mark
        if next == .splitNext {
            builder.splitAgain(state: state, element: element, to: exit + 1, range)
        } else {
            builder.jumpBack(to: start, range)
        }
        builder.land(exit)
    }

    /// Emits the beginning of an iteration; what takes its next element.
    private mutating func compileSource(
        _ sequence: Expression,
        _ operation: UInt8,
        state: Int,
        in builder: inout FunctionBuilder,
        at range: SourceRange
    ) throws(CompilationError) -> Opcode {
        if case .builtin(.split, let arguments) = sequence.kind, arguments.count == 2 {
            let text = try self.operand(arguments[0], in: &builder)
            let separator = try self.operand(arguments[1], in: &builder)
            builder.emit(Instruction(.splitBegin, a: state, b: text, c: separator), sequence.range)
            return .splitNext
        }
        if case .builtin(.range, let arguments) = sequence.kind, (1...3).contains(arguments.count) {
            let first = builder.allocate(3)
            for (offset, argument) in arguments.enumerated() {
                try self.compile(argument, to: first + offset, in: &builder)
            }
            let count = UInt8(arguments.count)
            builder.emit(Instruction(.rangeBegin, extra: count, a: state, b: first), sequence.range)
            return .rangeNext
        }
        let register = try self.operand(sequence, in: &builder)
        builder.emit(Instruction(.iterateBegin, extra: operation, a: state, b: register), range)
        return .iterateNext
    }

    /// A function argument of a builtin, evaluated where it must be.
    mutating func compileCallee(
        _ function: Expression,
        argumentCount: Int,
        in builder: inout FunctionBuilder
    ) throws(CompilationError) -> Callee {
        switch function.kind {
        case .lambda(let lambda) where lambda.parameters.count == argumentCount:
            return .inline(lambda)
        case .constant(.builtin(let builtin)) where builtin.signature.accepts(argumentCount):
            return .builtin(builtin)
        case .variable, .global, .constant:
            if let number = try self.functionNumber(function, in: builder),
                self.parts.functions[number].parameterCount == argumentCount, number <= UInt16.max
            {
                return .known(number)
            }
        default: break
        }
        return .value(register: try self.operand(function, in: &builder))
    }

    private mutating func functionNumber(
        _ function: Expression,
        in builder: FunctionBuilder
    ) throws(CompilationError) -> Int? {
        switch function.kind {
        case .variable(let variable): return self.constantFunction(builder.locations[variable.id])
        case .global(let name):
            let index = try self.global(name, scope: builder.scope, at: function.range)
            return index.flatMap { self.constantFunctions[$0] }
        case .constant(let constant):
            guard case .function = constant else { return nil }
            return self.constantFunctions[try self.constant(constant, scope: builder.scope, at: function.range)]
        default: return nil
        }
    }

    /// Checks a function argument that is only known when running.
    func check(_ callee: Callee, for builtin: Builtin, in builder: inout FunctionBuilder, at range: SourceRange) {
        guard case .value(let register) = callee else { return }
        builder.emit(Instruction(.checkFunction, extra: builtin.code, a: register), range)
    }

    /// Calls a function with the values of these registers.
    mutating func compileCall(
        of callee: Callee,
        with arguments: [Int],
        to destination: Int?,
        in builder: inout FunctionBuilder,
        at range: SourceRange
    ) throws(CompilationError) {
        let mark = builder.nextRegister
        defer { builder.nextRegister = mark }
        let register = destination ?? builder.allocate()
        switch callee {
        case .inline(let lambda):
            for (parameter, argument) in zip(lambda.parameters, arguments) {
                builder.locations[parameter.id] = .register(argument)
            }
            try self.compile(lambda.body, to: destination, in: &builder)
        case .builtin(let builtin):
            let variables = arguments.enumerated().map { Variable(id: Int.min + $0.offset, name: "argument") }
            for (variable, argument) in zip(variables, arguments) {
                builder.locations[variable.id] = .register(argument)
            }
            let expressions = variables.map { Expression(.variable($0), range: range) }
            try self.compileBuiltin(builtin, expressions, to: destination, in: &builder, at: range)
        case .known(let number):
            _ = builder.allocate()
            let first = builder.allocate(arguments.count)
            for (offset, argument) in arguments.enumerated() { builder.move(argument, to: first + offset, range) }
            builder.emit(Instruction(.call, a: register, b: first, c: number), range)
        case .value(let function):
            let first = builder.allocate(arguments.count + 1)
            builder.move(function, to: first, range)
            for (offset, argument) in arguments.enumerated() { builder.move(argument, to: first + 1 + offset, range) }
            let count = UInt8(arguments.count)
            builder.emit(Instruction(.callValue, extra: count, a: register, b: first), range)
        }
    }
}

extension Builtin.Signature {
    func accepts(_ count: Int) -> Bool {
        count >= self.minimumCount && count <= self.maximumCount ?? .max
    }
}
