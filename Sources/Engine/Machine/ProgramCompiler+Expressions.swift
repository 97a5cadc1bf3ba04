internal import FluentSyntax

/// Expressions whose order of evaluation is the order of their instructions.
extension ProgramCompiler {
    /// Compiles an expression as the last of a function: its value is returned.
    mutating func compileTail(_ expression: Expression, in builder: inout FunctionBuilder) throws(CompilationError) {
        switch expression.kind {
        case .let(let bindings, let body):
            for binding in bindings { try self.bind(binding, in: &builder) }
            try self.compileTail(body, in: &builder)
        case .letrec(let bindings, let body):
            try self.bind(bindings, in: &builder, at: expression.range)
            try self.compileTail(body, in: &builder)
        case .sequence(let expressions):
            for earlier in expressions.dropLast() { try self.compile(earlier, to: nil, in: &builder) }
            if let last = expressions.last { try self.compileTail(last, in: &builder) }
        case .if(let condition, let then, let otherwise):
            let skipped = try self.compileBranch(condition, unless: true, in: &builder)
            let mark = builder.nextRegister
            try self.compileTail(then, in: &builder)
            builder.nextRegister = mark
            builder.land(skipped)
            try self.compileTail(otherwise, in: &builder)
        case .match(let subject, let clauses):
            try self.compileMatch(subject, clauses, to: .tail, in: &builder, at: expression.range)
        case .call(let function, let arguments):
            if self.callsItself(function, arguments.count, in: builder) {
                try self.compileSelfCall(arguments, in: &builder, at: expression.range)
            } else {
                try self.compileReturn(expression, in: &builder)
            }
        default:
            try self.compileReturn(expression, in: &builder)
        }
    }

    private mutating func compileReturn(
        _ expression: Expression,
        in builder: inout FunctionBuilder
    ) throws(CompilationError) {
        let register = try self.operand(expression, in: &builder)
        builder.emit(Instruction(.returnValue, a: register), expression.range)
    }

    /// Compiles an expression into a register, or for its effects only.
    mutating func compile(
        _ expression: Expression,
        to destination: Int?,
        in builder: inout FunctionBuilder
    ) throws(CompilationError) {
        let mark = builder.nextRegister
        defer { builder.nextRegister = mark }
        let range = expression.range
        switch expression.kind {
        case .constant(let constant):
            guard let destination else { return }
            self.load(
                try self.constant(constant, scope: builder.scope, at: range),
                to: destination,
                in: &builder,
                range
            )
        case .variable(let variable):
            guard let destination else { return }
            self.load(variable, to: destination, in: &builder, range)
        case .global(let name):
            try self.loadGlobal(name, to: destination ?? builder.allocate(), in: &builder, range)
        case .let(let bindings, let body):
            for binding in bindings { try self.bind(binding, in: &builder) }
            try self.compile(body, to: destination, in: &builder)
        case .letrec(let bindings, let body):
            try self.bind(bindings, in: &builder, at: range)
            try self.compile(body, to: destination, in: &builder)
        case .if(let condition, let then, let otherwise):
            try self.compileIf(condition, then, otherwise, to: destination, in: &builder, at: range)
        case .and(let expressions):
            try self.compileChain(
                expressions,
                stopsOn: .jumpIfFalse,
                ifEmpty: .true,
                to: destination,
                in: &builder,
                range
            )
        case .or(let expressions):
            try self.compileChain(
                expressions,
                stopsOn: .jumpIfTrue,
                ifEmpty: .nil,
                to: destination,
                in: &builder,
                range
            )
        case .sequence(let expressions):
            for earlier in expressions.dropLast() { try self.compile(earlier, to: nil, in: &builder) }
            if let last = expressions.last { try self.compile(last, to: destination, in: &builder) }
        case .lambda(let lambda):
            guard let destination else { return }
            try self.compileLambda(lambda, to: destination, in: &builder)
        case .call(let function, let arguments):
            try self.compileCall(function, arguments, to: destination, in: &builder, at: range)
        case .builtin(let builtin, let arguments):
            try self.compileBuiltin(builtin, arguments, to: destination, in: &builder, at: range)
        case .list(let elements):
            try self.compileList(elements, to: destination, in: &builder, at: range)
        case .map(let entries):
            try self.compileMap(entries, to: destination, in: &builder, at: range)
        case .forEach(let variable, let sequence, let body, let isNested):
            try self.compileFor(variable, sequence, body, isNested, to: destination, in: &builder, at: range)
        case .match(let subject, let clauses):
            let target = destination.map { MatchTarget.register($0) } ?? .effect
            try self.compileMatch(subject, clauses, to: target, in: &builder, at: range)
        case .attempt(let body, let handler, let cleanup):
            let target = destination ?? builder.allocate()
            try self.compileAttempt(body, handler, cleanup, to: target, in: &builder, at: range)
        case .connector(let name, let arguments, let options):
            let target = destination ?? builder.allocate()
            try self.compileConnector(name, arguments, options, to: target, in: &builder, at: range)
        case .define(let name, let value):
            try self.compileDefine(name, value, to: destination, in: &builder, at: range)
        case .defineJob:
            throw CompilationError(
                "nested-job",
                "a job can only be defined at the top level of a program",
                help: "move it out of the expression that surrounds it",
                at: range
            )
        }
    }

    /// The register of an expression's value: that of the variable itself where it is one.
    mutating func operand(
        _ expression: Expression,
        in builder: inout FunctionBuilder
    ) throws(CompilationError) -> Int {
        if case .variable(let variable) = expression.kind, case .register(let known) = builder.locations[variable.id] {
            return known
        }
        let register = builder.allocate()
        try self.compile(expression, to: register, in: &builder)
        return register
    }

    func load(_ constant: Int, to register: Int, in builder: inout FunctionBuilder, _ range: SourceRange) {
        builder.emit(Instruction(.loadConstant, a: register, wide: constant), range)
    }

    func load(_ variable: Variable, to register: Int, in builder: inout FunctionBuilder, _ range: SourceRange) {
        switch builder.locations[variable.id] {
        case .register(let known): builder.move(known, to: register, range)
        case .captured(let slot): builder.emit(Instruction(.loadCaptured, a: register, b: slot), range)
        case .constant(let index): self.load(index, to: register, in: &builder, range)
        case nil: preconditionFailure("\(variable.name) is bound or captured before it is used")
        }
    }

    private mutating func loadGlobal(
        _ name: String,
        to register: Int,
        in builder: inout FunctionBuilder,
        _ range: SourceRange
    ) throws(CompilationError) {
        if let constant = try self.global(name, scope: builder.scope, at: range) {
            self.load(constant, to: register, in: &builder, range)
        } else {
            builder.emit(Instruction(.loadGlobal, a: register, wide: self.slot(of: name)), range)
        }
    }

    private mutating func compileDefine(
        _ name: String,
        _ value: Expression,
        to destination: Int?,
        in builder: inout FunctionBuilder,
        at range: SourceRange
    ) throws(CompilationError) {
        let register = destination ?? builder.allocate()
        if case .lambda(let lambda) = value.kind, lambda.captured.isEmpty {
            let number = self.declare(lambda, captured: [], scope: builder.scope, selfGlobal: name)
            let constant = self.addConstant(
                try self.makeClosureValue(number),
                source: .function(Closure(lambda: lambda, captured: [], globals: [:]))
            )
            self.constantFunctions[constant] = number
            self.load(constant, to: register, in: &builder, range)
        } else {
            try self.compile(value, to: register, in: &builder)
        }
        builder.emit(Instruction(.storeGlobal, a: register, wide: self.slot(of: name)), range)
    }

    private mutating func compileIf(
        _ condition: Expression,
        _ then: Expression,
        _ otherwise: Expression,
        to destination: Int?,
        in builder: inout FunctionBuilder,
        at range: SourceRange
    ) throws(CompilationError) {
        let skipped = try self.compileBranch(condition, unless: true, in: &builder)
        try self.compile(then, to: destination, in: &builder)
        if destination == nil, case .constant = otherwise.kind {
            builder.land(skipped)
            return
        }
        let end = builder.emit(Instruction(.jump), range)
        builder.land(skipped)
        try self.compile(otherwise, to: destination, in: &builder)
        builder.land(end)
    }

    /// `and`, `or`: the deciding value.
    private mutating func compileChain(
        _ expressions: [Expression],
        stopsOn opcode: Opcode,
        ifEmpty: Value,
        to destination: Int?,
        in builder: inout FunctionBuilder,
        _ range: SourceRange
    ) throws(CompilationError) {
        let register = destination ?? builder.allocate()
        guard let last = expressions.last else {
            let constant = self.addConstant(ifEmpty, source: nil)
            return self.load(constant, to: register, in: &builder, range)
        }
        var exits: [Int] = []
        for expression in expressions.dropLast() {
            try self.compile(expression, to: register, in: &builder)
            exits.append(builder.emit(Instruction(opcode, a: register), expression.range))
        }
        try self.compile(last, to: destination == nil ? nil : register, in: &builder)
        builder.land(exits)
    }

    /// Binds one name of a `let`.
    mutating func bind(_ binding: Binding, in builder: inout FunctionBuilder) throws(CompilationError) {
        switch binding.value.kind {
        case .constant(let constant):
            let index = try self.constant(constant, scope: builder.scope, at: binding.value.range)
            builder.locations[binding.variable.id] = .constant(index)
        case .variable(let other):
            builder.locations[binding.variable.id] = builder.locations[other.id]
        case .lambda(let lambda):
            if let captured = self.constantCaptures(of: lambda, in: builder) {
                let index = try self.constantLambda(lambda, captured: captured, scope: builder.scope)
                builder.locations[binding.variable.id] = .constant(index)
                return
            }
            fallthrough
        default:
            let register = builder.allocate()
            try self.compile(binding.value, to: register, in: &builder)
            builder.locations[binding.variable.id] = .register(register)
        }
    }

    private mutating func compileList(
        _ elements: [Expression],
        to destination: Int?,
        in builder: inout FunctionBuilder,
        at range: SourceRange
    ) throws(CompilationError) {
        let register = destination ?? builder.allocate()
        let isLong = elements.count > Self.registersPerCallLimit
        if isLong {
            let list = builder.allocate()
            builder.emit(Instruction(.builderBegin, a: list), range)
            for element in elements {
                let mark = builder.nextRegister
                let value = try self.operand(element, in: &builder)
                builder.emit(Instruction(.builderAppend, a: list, b: value), range)
                builder.nextRegister = mark
            }
            builder.emit(Instruction(.builderFinish, a: list), range)
            return builder.move(list, to: register, range)
        }
        let first = try self.compileArguments(elements, in: &builder)
        builder.emit(Instruction(.makeList, a: register, b: first, c: elements.count), range)
    }

    private mutating func compileMap(
        _ entries: [MapEntry],
        to destination: Int?,
        in builder: inout FunctionBuilder,
        at range: SourceRange
    ) throws(CompilationError) {
        let register = destination ?? builder.allocate()
        guard entries.count * 2 <= Self.registersPerCallLimit else {
            throw CompilationError(
                "map-too-large",
                "a map is written with at most \(Self.registersPerCallLimit / 2) entries",
                help: "build it with merge or assoc",
                at: range
            )
        }
        let first = try self.compileArguments(entries.flatMap { [$0.key, $0.value] }, in: &builder)
        builder.emit(Instruction(.makeMap, a: register, b: first, c: entries.count), range)
    }

    private mutating func compileConnector(
        _ name: String,
        _ arguments: [Expression],
        _ options: [JobForm.Option],
        to register: Int,
        in builder: inout FunctionBuilder,
        at range: SourceRange
    ) throws(CompilationError) {
        let first = try self.compileArguments(arguments + options.map(\.value), in: &builder)
        let shape = CompiledProgram.ConnectorShape(
            name: name,
            argumentCount: arguments.count,
            optionNames: options.map(\.name)
        )
        self.parts.connectors.append(shape)
        builder.emit(Instruction(.connector, a: register, b: first, c: self.parts.connectors.count - 1), range)
    }
}
