internal import FluentSyntax

/// Lambdas, calls and builtins.
extension ProgramCompiler {
    /// Arguments of one call or elements of one literal that are passed in registers.
    static let registersPerCallLimit = 250

    /// Evaluates expressions into registers in a row; the first of them.
    mutating func compileArguments(
        _ arguments: [Expression],
        in builder: inout FunctionBuilder
    ) throws(CompilationError) -> Int {
        let first = builder.allocate(arguments.count)
        for (offset, argument) in arguments.enumerated() {
            try self.compile(argument, to: first + offset, in: &builder)
        }
        return first
    }

    /// The constants of a lambda's captured variables, if all are constant.
    func constantCaptures(of lambda: Lambda, in builder: FunctionBuilder) -> [Int]? {
        var result: [Int] = []
        for variable in lambda.captured {
            guard case .constant(let index) = builder.locations[variable.id] else { return nil }
            result.append(index)
        }
        return result
    }

    /// A closure that needs no object of its own.
    mutating func constantLambda(
        _ lambda: Lambda,
        captured: [Int],
        scope: Int
    ) throws(CompilationError) -> Int {
        let number = self.declare(lambda, captured: captured, scope: scope)
        let sources = captured.map { self.constantSources[$0] }
        let isKnown = sources.allSatisfy { $0 != nil }
        let source =
            isKnown
            ? Constant.function(Closure(lambda: lambda, captured: sources.compactMap(\.self), globals: [:])) : nil
        let index = self.addConstant(try self.makeClosureValue(number), source: source)
        self.constantFunctions[index] = number
        return index
    }

    mutating func compileLambda(
        _ lambda: Lambda,
        to register: Int,
        in builder: inout FunctionBuilder
    ) throws(CompilationError) {
        if let captured = self.constantCaptures(of: lambda, in: builder) {
            let index = try self.constantLambda(lambda, captured: captured, scope: builder.scope)
            return self.load(index, to: register, in: &builder, lambda.range)
        }
        try self.makeClosure(lambda, selfVariable: nil, to: register, in: &builder)
    }

    /// Emits a closure object; captured variables that aren't bound yet are filled in later.
    private mutating func makeClosure(
        _ lambda: Lambda,
        selfVariable: Int?,
        to register: Int,
        in builder: inout FunctionBuilder
    ) throws(CompilationError) {
        let mark = builder.nextRegister
        defer { builder.nextRegister = mark }
        var constants: [Int?] = []
        var held: [Variable] = []
        for variable in lambda.captured {
            if case .constant(let index) = builder.locations[variable.id] {
                constants.append(index)
            } else {
                constants.append(nil)
                held.append(variable)
            }
        }
        guard held.count <= Self.registersPerCallLimit else {
            throw CompilationError(
                "too-many-captures",
                "this function uses more than \(Self.registersPerCallLimit) variables of those around it",
                help: "pass them in a map",
                at: lambda.range
            )
        }
        let first = builder.allocate(held.count)
        for (offset, variable) in held.enumerated() {
            self.load(variable, to: first + offset, in: &builder, lambda.range)
        }
        let number = self.declare(lambda, captured: constants, scope: builder.scope, selfVariable: selfVariable)
        guard number <= UInt16.max else {
            throw CompilationError(
                "too-many-functions",
                "this program has more than 65,536 functions",
                help: "split it into several programs",
                at: lambda.range
            )
        }
        let instruction = Instruction(.makeClosure, extra: UInt8(held.count), a: register, b: number, c: first)
        builder.emit(instruction, lambda.range)
    }

    /// Binds functions that may call each other.
    mutating func bind(
        _ bindings: [FunctionBinding],
        in builder: inout FunctionBuilder,
        at range: SourceRange
    ) throws(CompilationError) {
        let names = Set(bindings.map(\.variable.id))
        let isClosed = bindings.allSatisfy { binding in
            binding.lambda.captured.allSatisfy { variable in
                if names.contains(variable.id) { return true }
                if case .constant = builder.locations[variable.id] { return true }
                return false
            }
        }
        if isClosed { return try self.bindConstants(bindings, in: &builder) }
        for binding in bindings { builder.locations[binding.variable.id] = .register(builder.allocate()) }
        for binding in bindings {
            guard case .register(let register) = builder.locations[binding.variable.id] else { continue }
            let id = binding.variable.id
            try self.makeClosure(binding.lambda, selfVariable: id, to: register, in: &builder)
        }
        for binding in bindings {
            guard case .register(let register) = builder.locations[binding.variable.id] else { continue }
            let held = binding.lambda.captured.filter { variable in
                if case .constant = builder.locations[variable.id] { return false }
                return true
            }
            for (slot, variable) in held.enumerated() where names.contains(variable.id) {
                guard case .register(let other) = builder.locations[variable.id] else { continue }
                builder.emit(Instruction(.patchCapture, a: register, b: slot, c: other), range)
            }
        }
    }

    /// Functions that capture constants and each other only are constants themselves.
    private mutating func bindConstants(
        _ bindings: [FunctionBinding],
        in builder: inout FunctionBuilder
    ) throws(CompilationError) {
        // The closures' numbers must be known before the first is declared: each takes the next one.
        var number = self.parts.functions.count
        for binding in bindings {
            let index = self.addConstant(try self.makeClosureValue(number), source: nil)
            self.constantFunctions[index] = number
            builder.locations[binding.variable.id] = .constant(index)
            number += 1
        }
        for binding in bindings {
            let captured = binding.lambda.captured.map { variable -> Int? in
                if case .constant(let index) = builder.locations[variable.id] { index } else { nil }
            }
            _ = self.declare(
                binding.lambda,
                captured: captured,
                scope: builder.scope,
                selfVariable: binding.variable.id
            )
        }
    }

    /// Whether a call in tail position is the running function calling itself.
    func callsItself(_ function: Expression, _ argumentCount: Int, in builder: FunctionBuilder) -> Bool {
        guard argumentCount == builder.parameterCount, builder.attemptDepth == 0 else { return false }
        switch function.kind {
        case .variable(let variable): return variable.id == builder.selfVariable
        case .global(let name): return name == builder.selfGlobal
        default: return false
        }
    }

    mutating func compileSelfCall(
        _ arguments: [Expression],
        in builder: inout FunctionBuilder,
        at range: SourceRange
    ) throws(CompilationError) {
        let first = try self.compileArguments(arguments, in: &builder)
        for offset in 0..<arguments.count { builder.move(first + offset, to: offset, range) }
        builder.jumpBack(to: 0, range)
    }

    mutating func compileCall(
        _ function: Expression,
        _ arguments: [Expression],
        to destination: Int?,
        in builder: inout FunctionBuilder,
        at range: SourceRange
    ) throws(CompilationError) {
        let register = destination ?? builder.allocate()
        if case .lambda(let lambda) = function.kind, lambda.parameters.count == arguments.count {
            for (parameter, argument) in zip(lambda.parameters, arguments) {
                try self.bind(Binding(parameter, argument), in: &builder)
            }
            return try self.compile(lambda.body, to: destination, in: &builder)
        }
        guard arguments.count <= Self.registersPerCallLimit else {
            return try self.compileLongCall(function, arguments, to: register, in: &builder, at: range)
        }
        if let number = try self.knownFunction(function, in: builder) {
            let known = self.parts.functions[number]
            if known.parameterCount == arguments.count, number <= UInt16.max {
                // A callee's registers begin behind the one that would hold its closure.
                _ = builder.allocate()
                let first = try self.compileArguments(arguments, in: &builder)
                builder.emit(Instruction(.call, a: register, b: first, c: number), range)
                return
            }
        }
        let callee = builder.allocate()
        try self.compile(function, to: callee, in: &builder)
        _ = try self.compileArguments(arguments, in: &builder)
        builder.emit(Instruction(.callValue, extra: UInt8(arguments.count), a: register, b: callee), range)
    }

    /// The compiled function of an expression that is a constant closure.
    func constantFunction(_ location: FunctionBuilder.Location?) -> Int? {
        guard case .constant(let index) = location else { return nil }
        return self.constantFunctions[index]
    }

    private mutating func knownFunction(
        _ function: Expression,
        in builder: FunctionBuilder
    ) throws(CompilationError) -> Int? {
        switch function.kind {
        case .variable(let variable):
            return self.constantFunction(builder.locations[variable.id])
        case .global(let name):
            let index = try self.global(name, scope: builder.scope, at: function.range)
            return index.flatMap { self.constantFunctions[$0] }
        default:
            return nil
        }
    }

    /// More arguments than a call passes in registers: they are passed as a list.
    private mutating func compileLongCall(
        _ function: Expression,
        _ arguments: [Expression],
        to register: Int,
        in builder: inout FunctionBuilder,
        at range: SourceRange
    ) throws(CompilationError) {
        let callee = builder.allocate(2)
        try self.compile(function, to: callee, in: &builder)
        try self.compile(Expression(.list(arguments), range: range), to: callee + 1, in: &builder)
        builder.emit(
            Instruction(.applyValue, extra: OperationCode.call, a: register, b: callee),
            range
        )
    }
}

/// Which operation an instruction reports in an error: a builtin's number, or one of these.
enum OperationCode {
    static let call: UInt8 = 254
    static let `for`: UInt8 = 255

    static func name(_ code: UInt8) -> String {
        switch code {
        case Self.call: "call"
        case Self.for: "for"
        default: Builtin(rawValue: UInt16(code))?.name ?? ""
        }
    }
}

extension Builtin {
    /// Small enough for an instruction: there are fewer than 250 builtins.
    var code: UInt8 { UInt8(self.rawValue) }
}
